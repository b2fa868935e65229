"""A signed statement held against the files of a model: every file is named, and how it differs.

Invariants: a file counts as the signed one only when a digest of its own bytes is the stated one;
what is there and not stated is named, whoever left it out. What the signer or the signing tool
leaves out by rule is kept apart from what somebody may have added: neither is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from modelscan.verifier.oms.statement import WHOLE, Listed, Statement, folded_name
from modelscan.vocabulary.result import FileEntry

_LEFT_OUT = (".git", ".gitattributes", ".github", ".gitignore", ".cache/huggingface")
"""What signing tools leave out without being told, and what the hub's client writes beside a
download."""


class Comparison(NamedTuple):
    """What became of the signed files, and what else there is."""

    same: tuple[str, ...]
    differing: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    """There, not signed, and nothing says that it was left out on purpose."""
    left_out: tuple[str, ...]
    """There and not signed: the signer, or signing tools in general, leave it out."""
    unread: tuple[str, ...]
    """Signed, and there, but its bytes could not be read."""

    @property
    def broken(self) -> bool:
        """True when the model is not what was signed."""
        return bool(self.differing or self.missing or self.added)

    @property
    def whole(self) -> bool:
        """True when everything that is there was signed, and everything signed is there."""
        return not (self.broken or self.left_out or self.unread)


Shards = Callable[[str], tuple[str, ...] | None]
"""The digests of a file's shards, by its path; `None` when they were not taken to the end."""


def compare(
    statement: Statement,
    files: Iterable[FileEntry],
    shards: Shards,
    *,
    specials: Iterable[str] = (),
    asked: Callable[[str], bool] = lambda _: True,
    lone: bool = False,
) -> Comparison:
    """Hold a statement against files.

    Args:
        statement: what was signed.
        files: what is there, by path relative to the signed folder, without the signature itself.
        shards: digests of shards, for a statement about shards.
        specials: paths of links out of the model, devices and the like: nobody signs these.
        asked: whether a path is looked at; another one cannot be missing.
        lone: the model is a single file, taken out of its folder.
    """
    present = {file.path: file for file in files}
    listed = _at_paths(statement, present, lone=lone)
    same: list[str] = []
    differing: list[str] = []
    unread: list[str] = []
    unsigned: list[str] = []
    for path, file in present.items():
        wanted = listed.get(path)
        if wanted is None:
            if not (statement.sharded and file.size == 0 and file.digests):  # shards cover none
                unsigned.append(path)
        elif not file.digests:
            unread.append(path)
        else:
            fits = _digests(statement, file, shards) == wanted.digests
            (same if fits else differing).append(path)
    unsigned += [path for path in specials if path not in listed]
    names = {folded_name(path) for path in listed}
    left_out = {path: None for path in unsigned if _is_left_out(path, statement, names)}
    return Comparison(
        same=tuple(same),
        differing=tuple(differing),
        missing=tuple(path for path in listed if path not in present and asked(path)),
        added=tuple(path for path in unsigned if path not in left_out),
        left_out=tuple(left_out),
        unread=tuple(unread),
    )


def _at_paths(
    statement: Statement, present: Mapping[str, FileEntry], *, lone: bool
) -> Mapping[str, Listed]:
    """What is listed, under the paths of the files that are there.

    A model of one file goes by any name (the reference implementation signs it as `.`). A file that
    was taken out of its folder goes by its base name, when only one listed file has that.
    """
    if len(present) != 1:
        return statement.files
    (path,) = present
    if len(statement.files) == 1 and WHOLE in statement.files:
        return {path: statement.files[WHOLE]}
    if not lone:
        return statement.files
    namesakes = [name for name in statement.files if name.rsplit("/", 1)[-1] == path]
    return {path: statement.files[namesakes[0]]} if len(namesakes) == 1 else {}


def _digests(statement: Statement, file: FileEntry, shards: Shards) -> tuple[str, ...] | None:
    if statement.sharded:
        return shards(file.path)
    return (file.digests.get(statement.algorithm, ""),)


def _is_left_out(path: str, statement: Statement, listed: set[str]) -> bool:
    """A path that falls together with a signed one was never left out on purpose."""
    if folded_name(path) in listed:
        return False
    below = any(path == left or path.startswith(left + "/") for left in _LEFT_OUT)
    return below or statement.ignores(path)
