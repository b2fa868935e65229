"""What is otherwise about the files of a model: code, pickles, weights, tensors, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from modelscan.dependencies.local import PICKLES, RISKY
from modelscan.dependencies.words import listed
from modelscan.discovery import weights
from modelscan.vocabulary.digest import is_module
from modelscan.vocabulary.fact import ModelChange
from modelscan.vocabulary.fact.dependencies import ChangeKind
from modelscan.vocabulary.lock import LockedFile, LockedModel

_CODE: Final = ("code-added", "code-changed", "code-removed")


class _Files(NamedTuple):
    added: tuple[LockedFile, ...]
    """Neither this path nor these bytes were there before."""
    changed: tuple[LockedFile, ...]
    """The path was there, with other bytes."""
    removed: tuple[LockedFile, ...]

    def of(self, kind: str) -> tuple[tuple[LockedFile, ...], ...]:
        return tuple(tuple(file for file in part if _kind(file) == kind) for part in self)


def changes(old: LockedModel, new: LockedModel) -> Iterator[ModelChange]:
    """Everything that differs between the files of two states of a model."""
    if not old.files or not new.files:
        if bool(old.files) != bool(new.files):
            phrase = "its files are known now" if new.files else "its files are not known any more"
            yield _change("files", new.ref, len(new.files or old.files), phrase)
        return
    files = _compare(old.files, new.files)
    if old.revision and old.revision == new.revision and files.changed:
        names = _names(files.changed)
        phrase = f"other bytes under the same commit: {names}"
        yield _change("bytes-replaced", new.ref, len(files.changed), phrase, names)
    for kind, part in zip(_CODE, files.of("code"), strict=True):
        yield from _code(kind, new.ref, part)
    added, changed, removed = files.of("pickle")
    if added:
        names = _names(added)
        what = "a pickle" if len(added) == 1 else f"{len(added)} pickles"
        yield _change("pickle-added", new.ref, len(added), f"{what} appeared: {names}", names)
    yield from _weights(old, new, files.of("weights"), (changed, removed))
    yield from _tensors(old, new)
    yield from _others(new.ref, files.of("other"))


def _compare(old: Sequence[LockedFile], new: Sequence[LockedFile]) -> _Files:
    before = {file.path: file for file in old}
    after = {file.path: file for file in new}
    bytes_before = {file.sha256 for file in old}
    bytes_after = {file.sha256 for file in new}
    return _Files(
        tuple(
            file for file in new if file.path not in before and file.sha256 not in bytes_before
        ),
        tuple(
            file for file in new
            if file.path in before and before[file.path].sha256 != file.sha256
        ),
        tuple(file for file in old if file.path not in after and file.sha256 not in bytes_after),
    )  # fmt: skip


def _kind(file: LockedFile) -> str:
    if is_module(file.path):
        return "code"
    if file.format in PICKLES or (not file.format and file.path.lower().endswith(RISKY)):
        return "pickle"
    return "weights" if weights.extension(file.path) in weights.ANY else "other"


def _code(kind: str, ref: str, files: Sequence[LockedFile]) -> Iterator[ModelChange]:
    if not files:
        return
    names = _names(files)
    plural = "" if len(files) == 1 else "s"
    words: dict[str, tuple[ChangeKind, str]] = {
        "code-added": ("code-added", f"new file{plural} {names}"),
        "code-changed": ("code-changed", f"code changed: {names}"),
        "code-removed": ("code-removed", f"code removed: {names}"),
    }
    change, phrase = words[kind]
    yield _change(change, ref, len(files), phrase, names)


def _weights(
    old: LockedModel,
    new: LockedModel,
    weight_files: Sequence[Sequence[LockedFile]],
    pickles: Sequence[Sequence[LockedFile]],
) -> Iterator[ModelChange]:
    added, changed, removed = weight_files
    changed_all = [*changed, *pickles[0]]
    removed_all = [*removed, *pickles[1]]
    parts = [
        f"{word} {_names(files)}"
        for word, files in (
            ("other weights in", changed_all), ("new weights", added), ("without", removed_all)
        )
        if files
    ]  # fmt: skip
    if not parts:
        return
    count = len(changed_all) + len(added) + len(removed_all)
    phrase = ", ".join(parts)
    if old.weights_root and old.weights_root == new.weights_root:
        phrase += " (the same tensors)"
    names = _names([*changed_all, *added, *removed_all])
    yield _change("weights", new.ref, count, phrase, names)


def _tensors(old: LockedModel, new: LockedModel) -> Iterator[ModelChange]:
    if not old.tensors or not new.tensors:
        return
    before = {tensor.name: tensor.sha256 for tensor in old.tensors}
    after = {tensor.name: tensor.sha256 for tensor in new.tensors}
    differ = [name for name in after if name in before and before[name] != after[name]]
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    parts = [
        f"{len(names):,} of {len(after):,} tensors {word} ({listed(sorted(names))})"
        for word, names in (("differ", differ), ("are new", added))
        if names
    ]
    if removed:
        plural = "tensor is" if len(removed) == 1 else "tensors are"
        parts.append(f"{len(removed):,} {plural} gone ({listed(sorted(removed))})")
    if parts:
        count = len(differ) + len(added) + len(removed)
        yield _change("tensors", new.ref, count, ", ".join(parts))


def _others(ref: str, files: Sequence[Sequence[LockedFile]]) -> Iterator[ModelChange]:
    count = sum(map(len, files))
    if count:
        names = _names([file for part in files for file in part])
        plural = "other file differs" if count == 1 else "other files differ"
        yield _change("files", ref, count, f"{count} {plural}: {names}", names)


def _names(files: Iterable[LockedFile]) -> str:
    return listed([file.path for file in files])


def _change(kind: ChangeKind, ref: str, count: int, phrase: str, after: str = "") -> ModelChange:
    return ModelChange(change=kind, ref=ref, after=after, count=count, phrase=phrase)
