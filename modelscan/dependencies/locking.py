"""Writes a lock: what the code wants, as it is now or as it was agreed to.

Invariants: one writer at a time; a lock is replaced whole or not at all; what was agreed to stays
as it is until somebody updates it, except for local models, which are what lies there; consent to
run a model's Python ends with that Python.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from modelscan.dependencies import lockfile, merging
from modelscan.dependencies.referenced import registered_later
from modelscan.dependencies.resolving import Resolved
from modelscan.dependencies.wanted import Want
from modelscan.errors import SourceError, UsageError
from modelscan.report.files import write_file
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.lock import Lock, LockedModel


class Resolve(Protocol):
    """Looks at one model."""

    def __call__(self, ref: str, asked: str, *, deep: bool = False) -> Resolved:
        """What it is now; with `deep`, with its tensors."""
        ...


Since = Callable[[Want], str]
"""Tells since when code names what it wants, as a day; empty when nobody knows."""


class Written(NamedTuple):
    """What became of a lock."""

    path: Path
    old: Lock
    new: Lock
    troubles: tuple[Resolved, ...]
    """What could not be resolved; what the lock had of it before is still there."""
    refused: tuple[Resolved, ...]
    """What the policy does not allow; with one of them, the lock stays as it was."""

    notes: tuple[Coverage, ...] = ()
    """What else was not looked at, and does not matter as much."""

    @property
    def gaps(self) -> tuple[Coverage, ...]:
        """What could not be resolved, as coverage: it is not locked, and that matters."""
        troubles = tuple(
            Coverage(
                file=f"{each.ref}@{each.asked}" if each.asked else each.ref,
                status="unreadable",
                needed=True,
                reason=each.trouble,
            )
            for each in self.troubles
        )
        return (*troubles, *self.notes)

    @property
    def changed(self) -> bool:
        """True when the lock says something else now."""
        return not self.refused and self.old != self.new


def write(
    path: Path,
    wants: Iterable[Want],
    resolve: Resolve,
    *,
    added: Collection[str] = (),
    consent: Collection[str] = (),
    force: bool = False,
    since: Since | None = None,
) -> Written:
    """Lock what the code wants and the lock does not have; drop what nobody wants any more.

    Args:
        path: the lock; it need not exist.
        wants: what the code wants.
        resolve: looks at one model.
        added: references to lock besides.
        consent: references whose Python may run.
        force: also lock what the policy does not allow.
        since: tells since when the code names a model; `None` when there is nobody to ask.
    """

    def plan(old: Lock) -> Iterator[LockedModel | Resolved]:
        known = {model.key: model for model in old.model}
        names = {(want.ref, want.asked): want for want in wants}
        named: set[tuple[str, str]] = set()
        for ref in added:
            key = _split(ref)
            names.setdefault(key, Want(*key, ()))
            named.add(key)
        for model in old.model:
            if model.manual:
                names.setdefault(model.key, Want(*model.key, ()))
                named.add(model.key)
        for key, want in sorted(names.items()):
            before = known.get(key)
            if before is not None and not before.local:
                manual = key in named and not want.places
                yield msgspec.structs.replace(before, used_in=want.places, manual=manual)
                continue
            # another revision of the same model: what was agreed to about equal code still holds
            before = before or next((model for model in old.model if model.ref == key[0]), None)
            found = _placed(_looked(resolve, key, before), before, want, manual=key in named)
            yield found if before or since is None else _aged(found, want, since)

    return _rewrite(path, plan, consent, force=force, merge=True)


def update(
    path: Path,
    refs: Collection[str],
    resolve: Resolve,
    *,
    consent: Collection[str] = (),
    force: bool = False,
) -> Written:
    """Look at locked models again, and lock what they are now.

    Args:
        path: the lock.
        refs: which ones; none means all.
        resolve: looks at one model.
        consent: references whose Python may run.
        force: also lock what the policy does not allow.

    Raises:
        UsageError: the lock does not have one of them.
    """

    def plan(old: Lock) -> Iterator[LockedModel | Resolved]:
        chosen = {_split(ref) for ref in refs}
        for ref, asked in sorted(chosen):
            if not any(_means(model, ref, asked) for model in old.model):
                raise UsageError(
                    f"{path.name} does not have {ref}",
                    f"lock it first: modelassay lock write --add {ref}",
                )
        for model in old.model:
            if chosen and not any(_means(model, *key) for key in chosen):
                yield model
                continue
            want = Want(model.ref, model.asked, model.used_in)
            found = _looked(resolve, model.key, model)
            yield _placed(found, model, want, manual=model.manual)

    if not path.is_file():
        raise SourceError(f"{path} is not there", "make it: modelassay lock write")
    return _rewrite(path, plan, consent, force=force)


def put(path: Path, found: Collection[Resolved]) -> Written:
    """Lock models that were looked at already; whatever else the lock has stays as it is.

    Args:
        path: the lock; it need not exist.
        found: the models, each at its own reference.
    """
    keys = {(each.ref, each.asked) for each in found}

    def plan(old: Lock) -> Iterator[LockedModel | Resolved]:
        known = {model.key: model for model in old.model}
        yield from (model for model in old.model if model.key not in keys)
        for each in found:
            before = known.get((each.ref, each.asked))
            want = Want(each.ref, each.asked, before.used_in if before else ())
            yield _placed(each, before, want, manual=True)

    return _rewrite(path, plan, (), force=False)


def _means(model: LockedModel, ref: str, asked: str) -> bool:
    return model.ref == ref and asked in ("", model.asked)


def _split(ref: str) -> tuple[str, str]:
    """`hf:org/name@revision` as reference and revision; anything else has no revision."""
    name, sign, asked = ref.partition("@")
    return (name, asked) if sign and ref.startswith("hf:") else (ref, "")


def _looked(resolve: Resolve, key: tuple[str, str], before: LockedModel | None) -> Resolved:
    """What a model is now; with its tensors if the lock has them: read again if files changed."""
    found = resolve(*key)
    model = found.model
    if before is None or model is None or not before.tensors or model.tensors:
        return found
    if model.files == before.files:
        same = msgspec.structs.replace(
            model, tensors=before.tensors, weights_root=before.weights_root
        )
        return found._replace(model=same)
    return resolve(*key, deep=True)


def _placed(found: Resolved, before: LockedModel | None, want: Want, *, manual: bool) -> Resolved:
    """What was found, with what the lock alone knows."""
    if found.model is None:
        return found
    model = msgspec.structs.replace(
        found.model, used_in=want.places, manual=manual and not want.places
    )
    if before is not None:
        same = before.files == model.files and before.revision == model.revision
        model = msgspec.structs.replace(
            model,
            since=before.since if same else model.since,
            allow_remote_code=(
                before.allow_remote_code and before.remote_code == model.remote_code != ""
            ),
        )
    return found._replace(model=model)


def _aged(found: Resolved, want: Want, since: Since) -> Resolved:
    """What was found, with what the history of the code says of a name that is new to the lock."""
    if found.model is None or not found.model.created:
        return found
    day = since(want)
    return found._replace(older=day) if registered_later(found.model.created, day) else found


def _rewrite(
    path: Path,
    plan: Callable[[Lock], Iterator[LockedModel | Resolved]],
    consent: Collection[str],
    *,
    force: bool,
    merge: bool = False,
) -> Written:
    with exclusive(path.parent):
        before = path.read_bytes() if path.is_file() else b""
        old, contested = _before(path, before, merge=merge)
        kept: list[LockedModel] = []
        troubles: list[Resolved] = []
        refused: list[Resolved] = []
        notes: list[Coverage] = []
        known = {model.key: model for model in (*old.model, *contested)}
        for each in plan(old):
            if isinstance(each, LockedModel):
                kept.append(each)
            elif each.model is None:
                troubles.append(each)
                if (each.ref, each.asked) in known:
                    kept.append(known[each.ref, each.asked])
            else:
                kept.append(each.model)
                if each.note:
                    notes.append(Coverage(file=each.ref, status="skipped", reason=each.note))
                if each.refused and not force:
                    refused.append(each)
        new = lockfile.ordered(_consenting(kept, consent))
        data = lockfile.encode(new)
        lockfile.parse(data, path.name)  # never write what could not be read again
        if not refused and data != before and (new.model or before):
            write_file(path, data)
    return Written(path, old, new, tuple(troubles), tuple(refused), tuple(notes))


def _before(path: Path, data: bytes, *, merge: bool) -> tuple[Lock, tuple[LockedModel, ...]]:
    """The lock as it was, and the models of it that a merge left in dispute."""
    if not data:
        return Lock(), ()
    if merge and lockfile.CONFLICT.search(data.decode("utf-8", "replace").replace("\r\n", "\n")):
        found = merging.merged(data, path.name)
        return found.lock, found.contested
    return lockfile.read(path), ()


def _consenting(models: Iterable[LockedModel], refs: Collection[str]) -> Iterator[LockedModel]:
    """The models, with consent where it was given.

    Raises:
        UsageError: consent to what is not there, or to a model without Python.
    """
    pending = set(refs)
    for model in models:
        if model.ref in refs:
            if not model.remote_code:
                raise UsageError(
                    f"{model.ref} holds no Python, or not all of it was read",
                    "there is nothing to agree to",
                )
            pending.discard(model.ref)
            yield msgspec.structs.replace(model, allow_remote_code=True)
        else:
            yield model
    if pending:
        raise UsageError(f"{min(pending)} is not in the lock", "name a model as the lock does")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder for ourselves while a lock in it is read and written.

    The operating system's lock on the folder itself leaves nothing behind, whatever ends us.

    Raises:
        SourceError: the folder cannot be opened.
        UsageError: somebody else is writing there.
    """
    try:
        import fcntl  # lazy: Windows has none
    except ImportError:  # pragma: no cover  # Windows: see `_exclusive_file`
        with _exclusive_file(folder):
            yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"{folder}: {why}", "check the path") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _busy(folder) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive_file(folder: Path) -> Iterator[None]:
    """The same by a file that only one can create."""
    mark = folder / f".{lockfile.NAME}.writing"
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise _busy(folder, f"; if nobody is, remove {mark.name}") from None
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _busy(folder: Path, more: str = "") -> UsageError:
    return UsageError(
        f"somebody else is writing {lockfile.NAME} in {folder.name or folder}",
        f"wait until they are done{more}",
    )
