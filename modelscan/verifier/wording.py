"""The one-line reasons of the official-bytes answer. The report escapes the file names in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from modelscan.verifier.comparison import Comparison, is_weights
from modelscan.verifier.release import Release
from modelscan.vocabulary.result import FileEntry

_NAMED = 3
_LISTED = 100
_COMMIT = re.compile(r"@([0-9a-f]{12})[0-9a-f]{28}\b")


def short_id(release_id: str) -> str:
    """A release's id with the first twelve digits of a commit."""
    return _COMMIT.sub(r"@\1", release_id)


def names(paths: Iterable[str]) -> str:
    """A few names and the number of the others, weights first: `a, b, c and 6 more`."""
    ordered = sorted(set(paths), key=lambda path: (not is_weights(path), path))
    shown = ", ".join(ordered[:_NAMED])
    rest = len(ordered) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def changes(*kinds: tuple[str, str, Collection[str]]) -> str:
    """Every file that is not as it should be, and how: `a, b differ; c is missing`.

    Args:
        kinds: what is said of one file, what is said of several, and which they are.
    """
    parts = []
    for one, many, paths in kinds:
        if paths:
            rest = len(paths) - _LISTED
            named = ", ".join(sorted(paths)[:_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")
            parts.append(f"{named} {one if len(paths) == 1 else many}")
    return "; ".join(parts)


def files(count: int, how: str) -> str:
    """A number of files, and what is said of them: `3 files are as signed`."""
    return f"{count:,} {'file is' if count == 1 else 'files are'} {how}"


def denied(paths: Sequence[str], note: str) -> str:
    """A file is on a deny list."""
    return f"{names(paths)}: {note}"


def modified(release_id: str, changed: Sequence[str]) -> str:
    """Files of a release were changed."""
    verb = "differs" if len(changed) == 1 else "differ"
    return f"of {short_id(release_id)}: {names(changed)} {verb}"


def published(
    release: Release, comparison: Comparison, files: Sequence[FileEntry], unhashed: Collection[str]
) -> str:
    """How much of the model is the release, and how much of the release is here."""
    own = comparison.files
    parts = [f"{_of(len(own), len(files))} the release's"]
    if others := {file.path for file in files} - own - set(unhashed):
        parts.append(f"not listed: {names(others)}")
    if unhashed:
        parts.append(f"not hashed: {names(unhashed)}")
    if release.complete:
        missing = [listed.path for listed in release.files if listed.path not in comparison.matched]
        if missing:
            parts.append(f"not here: {names(missing)}")
    return "; ".join(parts)


def mirror(release: Release, claimed: str) -> str:
    """That the bytes of one release go by another name here; nothing when they do not."""
    location = claimed.partition("@")[0]
    known = {name.casefold() for name in release.locations}
    if not location or not known or location.casefold() in known:
        return ""
    return f"; here under the name {location}"


def source(name: str) -> str:
    """Which set states it, when it is none of the shipped ones."""
    return f"; by {name}" if name else ""


def not_hashed(unhashed: Sequence[str], total: int) -> str:
    """Some files have no digest to compare."""
    return f"{_of(len(unhashed), total)} not hashed: {names(unhashed)}"


def not_quite(comparison: Comparison, *, derives: bool) -> str:
    """The model has much in common with a release and is not it."""
    release = comparison.known.release
    differing = [difference.file.path for difference in comparison.differing]
    same = comparison.files - set(differing)
    parts = [f"of {short_id(release.id)}"]
    if same:
        parts.append(f"{names(same)} {'matches' if len(same) == 1 else 'match'}")
    if differing:
        parts.append(f"{names(differing)} {'differs' if len(differing) == 1 else 'differ'}")
    if comparison.unhashed:
        parts.append(f"{names(comparison.unhashed)} could not be compared")
    if release.status == "withdrawn":
        parts.append(f"the release was withdrawn: {release.reason}")
    if comparison.known.void:
        parts.append(comparison.known.void)
    if derives:
        parts.append("the model declares that it derives from it")
    elif differing and not comparison.same_header:
        parts.append("the weights are not known to be its either")
    return parts[0] + ": " + "; ".join(parts[1:])


def hint(path: str, release_id: str) -> str:
    """A name and a shortened digest fit."""
    return (
        f"{path} has the name and the first eight digits of {short_id(release_id)}, "
        "which prove nothing"
    )


def nothing_known(comparisons: Sequence[Comparison], count: int, *, any_files: bool) -> str:
    """No release is near."""
    if not any_files:
        return "no files"
    claimed = next((c for c in comparisons if c.claimed), None)
    if claimed is not None:
        release = claimed.known.release
        if all(listed.compared() is None for listed in release.files):
            return f"{short_id(release.id)} is recorded with weak digests only, which prove nothing"
        return f"none of the files of {short_id(release.id)} is here"
    if comparisons:
        shared = {path for comparison in comparisons for path in comparison.files}
        verb = "occurs" if len(shared) == 1 else "occur"
        return f"no weights of {count:,} known releases; {names(shared)} also {verb} in some"
    return f"none of {count:,} known releases has any of these files"


def _of(part: int, whole: int) -> str:
    if part == whole:
        return "the only file is" if whole == 1 else f"all {whole} files are"
    return f"{part} of {whole} files {'is' if part == 1 else 'are'}"
