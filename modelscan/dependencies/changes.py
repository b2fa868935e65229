"""What is otherwise about a model, in words that a reviewer understands.

Invariants: everything that differs is said, and nothing twice; what a hub states and what was
measured are told apart; equal bytes under another name are no change of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from modelscan.dependencies import filechanges
from modelscan.dependencies.words import NOTHING, listed, short
from modelscan.vocabulary.fact import ModelChange
from modelscan.vocabulary.fact.dependencies import ChangeKind
from modelscan.vocabulary.lock import LockedModel

_COMMIT: Final = 40


def pairs(
    old: Iterable[LockedModel], new: Iterable[LockedModel]
) -> list[tuple[LockedModel | None, LockedModel | None]]:
    """Which model of one lock is which model of the other.

    The same key; else the same reference at another revision; else the same repository or the same
    bytes under another name.
    """
    before = {model.key: model for model in old}
    after = {model.key: model for model in new}
    found: list[tuple[LockedModel | None, LockedModel | None]] = [
        (before.pop(key), after.pop(key)) for key in sorted(before.keys() & after.keys())
    ]
    gone, come = list(before.values()), list(after.values())
    for attribute in ("ref", "object_id", "digest"):
        for model in list(come):
            value = getattr(model, attribute)
            other = next(
                (each for each in gone if value and getattr(each, attribute) == value), None
            )
            if other is not None:
                found.append((other, model))
                gone.remove(other)
                come.remove(model)
    found += [(model, None) for model in gone]
    found += [(None, model) for model in come]
    return sorted(found, key=lambda pair: (pair[1] or pair[0] or LockedModel(ref="-")).key)


def changes(old: LockedModel | None, new: LockedModel | None) -> tuple[ModelChange, ...]:
    """Everything that differs between two states of a model; `None` is its absence."""
    if old is None or new is None:
        return tuple(_presence(old, new))
    found = [*_identity(old, new), *_claims(old, new), *_consent(old, new)]
    found += filechanges.changes(old, new)
    return tuple(found)


def _presence(old: LockedModel | None, new: LockedModel | None) -> Iterator[ModelChange]:
    if new is not None:
        yield _change("model-added", new, after=_state(new), phrase=f"new: {_portrait(new)}")
        if new.allow_remote_code:
            yield _change("consent-given", new, phrase="its Python may run")
    elif old is not None:
        yield _change("model-removed", old, before=_state(old), phrase="no longer used")


def _portrait(model: LockedModel) -> str:
    """A new model in one breath."""
    parts = [f"at {_state(model)}"] if _state(model) else []
    if model.files:
        parts.append(f"{len(model.files):,} file{'' if len(model.files) == 1 else 's'}")
    parts.append(f"licence {listed(model.licence)}")
    if model.base:
        parts.append(f"based on {listed(model.base)}")
    parts.append(f"signed by {model.signer}" if model.signer else "unsigned")
    if model.remote_code:
        parts.append("with Python of its own")
    return ", ".join(parts)


def _state(model: LockedModel) -> str:
    return short(model.revision or model.asked or model.digest)


def _identity(old: LockedModel, new: LockedModel) -> Iterator[ModelChange]:
    if old.ref != new.ref:
        phrase = f"{old.ref} is now called {new.ref}"
        yield _change("renamed", new, old.ref, new.ref, phrase)
    elif old.repository != new.repository:
        was, now = old.repository or old.ref, new.repository or new.ref
        yield _change("renamed", new, was, now, f"its repository moved from {was} to {now}")
    if _differ(old.object_id, new.object_id) or _differ(old.created, new.created):
        detail = f" (created {new.created}, before {old.created})" if new.created else ""
        was, now = old.object_id or old.created, new.object_id or new.created
        yield _change("recreated", new, was, now, f"another repository of the same name{detail}")
    if _differ(old.author, new.author):
        yield _change("author", new, old.author, new.author, f"owner {old.author} → {new.author}")
    if old.revision != new.revision:
        yield _change("revision", new, old.revision, new.revision, _moved(old, new))
    elif old.asked != new.asked:
        was, now = old.asked or "the default branch", new.asked or "the default branch"
        yield _change("revision", new, was, now, f"asks for {short(now)} instead of {short(was)}")
    pinned = len(old.asked) == _COMMIT, len(new.asked) == _COMMIT
    if pinned == (True, False):
        phrase = f"no longer pinned: follows {new.asked or 'the default branch'}"
        yield _change("pin-lost", new, old.asked, new.asked, phrase)
    elif pinned == (False, True):
        yield _change("pin-gained", new, old.asked, new.asked, "now pinned to a commit")


def _moved(old: LockedModel, new: LockedModel) -> str:
    """`commit a → b, 12 days newer`."""
    was, now = short(old.revision) or "none", short(new.revision) or "none"
    days = _days(old.committed, new.committed)
    if days is None:
        return f"commit {was} → {now}"
    if days == 0:
        return f"commit {was} → {now}, of the same day"
    plural = "day" if abs(days) == 1 else "days"
    return f"commit {was} → {now}, {abs(days)} {plural} {'newer' if days > 0 else 'older'}"


def _days(old: str, new: str) -> int | None:
    try:
        first, last = (datetime.fromisoformat(text) for text in (old, new))
        return (last.date() - first.date()).days
    except ValueError:
        return None


def _claims(old: LockedModel, new: LockedModel) -> Iterator[ModelChange]:
    if old.licence != new.licence:
        was, now = listed(old.licence), listed(new.licence)
        yield _change("licence", new, was, now, f"licence {was} → {now}")
    if old.base != new.base:
        was, now = listed(old.base), listed(new.base)
        yield _change("base", new, was, now, f"base model {was} → {now}")
    if old.adapter_of != new.adapter_of:
        was, now = old.adapter_of or NOTHING, new.adapter_of or NOTHING
        yield _change("adapter", new, was, now, f"adapter of {now} instead of {was}")
    if old.signer != new.signer:
        kind: ChangeKind = "signer-changed"
        phrase = f"signer {old.signer} → {new.signer}"
        if not new.signer:
            kind, phrase = "signer-lost", f"signer lost ({old.signer})"
        elif not old.signer:
            kind, phrase = "signer-gained", f"now signed by {new.signer}"
        yield _change(kind, new, old.signer, new.signer, phrase)
    if old.verdict != new.verdict and new.verdict:
        was = old.verdict or NOTHING
        yield _change(
            "verdict",
            new,
            was,
            new.verdict,
            f"the hub's scanners say {new.verdict} (before: {was})",
        )


def _consent(old: LockedModel, new: LockedModel) -> Iterator[ModelChange]:
    if new.allow_remote_code and not old.allow_remote_code:
        yield _change("consent-given", new, phrase="its Python may run now")
    elif old.allow_remote_code and not new.allow_remote_code:
        yield _change("consent-withdrawn", new, phrase="its Python may no longer run")


def _change(
    kind: ChangeKind, model: LockedModel, before: str = "", after: str = "", phrase: str = ""
) -> ModelChange:
    return ModelChange(
        change=kind, ref=model.ref, before=before, after=after, phrase=phrase, status="declared"
    )


def _differ(old: str, new: str) -> bool:
    """True for two known values; one that is not known is no change."""
    return bool(old and new and old != new)
