"""`lock check`: a code base held against its lock.

Invariants: no network and no model is fetched; each reference is one fact, whatever becomes of it;
every file of a locked local model is hashed, and a file that cannot be read is needed coverage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modelscan.dependencies import wanted
from modelscan.dependencies.local import local
from modelscan.dependencies.scopes import Scope
from modelscan.dependencies.wanted import Code
from modelscan.formats.sniff import PLACEHOLDER
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import is_module
from modelscan.vocabulary.fact import Fact, LockCheck, ModelReference
from modelscan.vocabulary.fact.dependencies import LockState
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.lock import Lock, LockedModel
from modelscan.vocabulary.reference import Reference

WeightsOnly = Literal["true", "false", "unset", "not-asked"]
_PYTHON = frozenset({"python", "notebook"})
_COMMIT = 40


def check(scope: Scope, lock: Lock) -> Iterator[Fact | Coverage]:
    """Everything that there is to say about one lock and what it is in charge of.

    Args:
        scope: the code.
        lock: its lock; an empty one where there is none.
    """
    found = wanted.code(scope.inventory, scope.marked, lock)
    used: set[tuple[str, str]] = set()
    for reference in scope.inventory.references:
        ref = wanted.name(reference, found)
        model = None if ref is None else _entry(lock, ref, reference)
        if model is not None:
            used.add(model.key)
        yield _reference(reference, ref, model, lock)
    for model in lock.model:
        if model.local and (scope.whole or model.key in used):
            yield from local(scope.folder, model)
        elif scope.whole and not model.manual and model.key not in used:
            yield LockCheck(outcome="unused", ref=model.ref, status="absent")
    yield from _unlocked(found, lock)
    yield from scope.inventory.coverage


def _entry(lock: Lock, ref: str, reference: Reference) -> LockedModel | None:
    """The lock's entry for a reference: at the revision asked for, else any that may be meant."""
    entries = lock.named(ref)
    asked = "" if ref.startswith("./") else wanted.asked(reference)
    exact = next((model for model in entries if model.asked == asked), None)
    if exact is not None or not entries:
        return exact
    if wanted.unknown_revision(reference):
        return entries[0]
    # A commit in the code that is the one of another entry asks for the same bytes.
    return next((model for model in entries if model.revision == asked), None)


def _reference(
    reference: Reference, ref: str | None, model: LockedModel | None, lock: Lock
) -> ModelReference:
    options = reference.options
    state: LockState
    locked = model.revision if model else ""
    if options.get("hosted"):
        state = "hosted"
    elif reference.certainty == "unresolved":
        state = "unresolved"
    elif ref is None:
        state = "not-lockable"
    elif model is None:
        others = lock.named(ref)
        state = "other-revision" if others else "absent"
        locked = ", ".join(other.asked or "the default branch" for other in others)
    elif len(model.asked) == _COMMIT and model.revision not in {"", model.asked}:
        state = "other-revision"
    else:
        state = "locked"
    code: Literal["none", "shipped", "unknown"] = "unknown"
    if model is not None and model.files:
        code = "shipped" if any(is_module(file.path) for file in model.files) else "none"
    loader = options.get("loader")
    return ModelReference(
        location=Location(reference.where.file, reference.where.member, None, reference.where.line),
        status="inferred" if reference.certainty == "inferred" else "declared",
        ref=reference.ref,
        kind=reference.kind,
        remote=ref is not None and not ref.startswith("./"),
        revision=reference.revision or "",
        pinned=reference.pinned,
        certainty=reference.certainty,
        lock=state,
        locked=locked,
        trust_remote_code=_may_be_true(options.get("trust_remote_code")),
        remote_code=code,
        consent=model is not None and model.allow_remote_code,
        loader=loader if isinstance(loader, str) else "",
        weights_only=_weights_only(loader, options.get("weights_only")),
        fetched=options.get("fetched") is True,
        written=reference.kind in _PYTHON and reference.certainty == "declared",
    )


def _may_be_true(value: object) -> bool:
    """True unless the code says no: an expression that nobody can tell may be true."""
    return value not in (None, False, 0, "False", "false")


def _weights_only(loader: object, value: object) -> WeightsOnly:
    if loader != "torch.load":
        return "not-asked"
    if value is None:
        return "unset"
    return "true" if value is True else "false"


def _unlocked(found: Code, lock: Lock) -> Iterator[Fact]:
    """Models that lie in the code base, and that nobody locked."""
    known = {model.ref for model in lock.model}
    for folder in found.folders:
        if not any(f"./{folder}" == ref or f"./{folder}".startswith(f"{ref}/") for ref in known):
            formats = {each.format for each in found.inventory.artifacts if _is_in(each, folder)}
            yield LockCheck(
                location=Location(folder),
                outcome="model-unlocked",
                ref=f"./{folder}",
                executable=bool(formats - {"safetensors", "gguf", "ggml", PLACEHOLDER}),
                status="absent",
            )


def _is_in(each: object, folder: str) -> bool:
    path = str(getattr(each, "path", ""))
    return path == folder or path.startswith(f"{folder}/")
