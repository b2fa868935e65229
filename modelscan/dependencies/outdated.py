"""`lock outdated`: what became of locked models since, asked of the places that they come from.

Invariants: nothing is locked and nothing is written; of a model that did not change, nothing but
its description is fetched; whoever cannot be asked is coverage, so that silence is never "up to
date".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from modelscan.dependencies import differing, lockfile
from modelscan.dependencies.differing import Pair, Side
from modelscan.dependencies.pages import shown
from modelscan.dependencies.stated import Stated, stated
from modelscan.dependencies.words import short
from modelscan.dependencies.writing import Job
from modelscan.engine.catalogue import Catalogue
from modelscan.errors import SourceError
from modelscan.policy.profile import Profile
from modelscan.vocabulary.change import Compared
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ModelChange
from modelscan.vocabulary.lock import LockedModel

_GONE: Final = ("not found or private", "disabled", "revision not found")
"""How messages about what is no longer there begin; the others are about us or the network."""
_COMMIT: Final = 40


class Outdated(NamedTuple):
    """What was found out."""

    compared: Compared
    commands: tuple[str, ...]
    """What to type to update."""


def outdated(path: Path, job: Job, profile: Profile, catalogue: Catalogue) -> Outdated:
    """Ask about every model of a lock.

    Args:
        path: the lock.
        job: how models are looked at.
        profile: the policy that decides.
        catalogue: the rules that judge.

    Raises:
        SourceError: there is no lock.
        UsageError: it is broken.
    """
    lock = lockfile.read(path)
    pairs: list[Pair] = []
    coverage: list[Coverage] = []
    newer: list[str] = []
    for model in lock.model:
        if model.local:
            continue
        for each in _asked(model, job, path.resolve().parent):
            if isinstance(each, Coverage):
                coverage.append(each)
            else:
                pairs.append(each)
                if any(fact.change == "outdated" for fact in each.more):
                    newer.append(model.ref)
    name = shown(path)
    lines = lockfile.lines(path.read_bytes())
    old, new = Side(name, name, lines), Side("their places now", name, lines)
    compared = differing.compare(old, new, pairs, profile, catalogue, coverage)
    pinned = {model.ref for model in lock.model if len(model.asked) == _COMMIT}
    commands = tuple(f"modelassay lock update {ref}" for ref in newer if ref not in pinned)
    return Outdated(compared, commands)


def _asked(model: LockedModel, job: Job, folder: Path) -> Iterator[Pair | Coverage]:
    """One model: what changed, or why nobody knows."""
    target = f"{model.ref}@{model.asked}" if model.asked else model.ref
    try:
        snapshot = job.snapshot(target)
    except SourceError as error:
        if error.message.startswith(_GONE):
            yield Pair(model, model, (_change("gone", model, f"gone: {error.message}"),))
        else:
            yield Coverage(file=target, status="unreadable", needed=True, reason=error.message)
        return
    said = stated(snapshot.facts)
    revision = snapshot.source.revision or ""
    if (revision, said.manifest) == (model.revision, model.manifest):
        yield Pair(model, _described(model, said), tuple(_behind(model, said)))
        return
    found = job.resolve(folder, model.ref, model.asked)
    if found.model is None:
        yield Coverage(file=target, status="unreadable", needed=True, reason=found.trouble)
        return
    new = msgspec.structs.replace(
        found.model,
        used_in=model.used_in,
        manual=model.manual,
        allow_remote_code=(
            model.allow_remote_code and found.model.remote_code == model.remote_code != ""
        ),
        tensors=(),
    )
    yield Pair(model, new, (_newer(model, new, job),))


def _described(model: LockedModel, said: Stated) -> LockedModel:
    """The same bytes, as they are described now; what is not said is as it was."""
    return msgspec.structs.replace(
        model,
        author=said.author or model.author,
        object_id=said.object_id or model.object_id,
        created=said.created or model.created,
        repository=said.repository,
        verdict=said.verdict,
        licence=(said.licence,) if said.licence and not model.files else model.licence,
    )


def _behind(model: LockedModel, said: Stated) -> Iterator[ModelChange]:
    """For a model that the code pins: what its default branch has besides."""
    if said.newer and len(model.asked) == _COMMIT:
        plural = "commit" if said.newer == 1 else "commits"
        where = f" in {model.used_in[0]}" if model.used_in else ""
        phrase = (
            f"{said.newer} newer {plural} up to {short(said.head)}; the code pins "
            f"{short(model.asked)}: change it{where}, then modelassay lock write"
        )
        yield _change("outdated", model, phrase, said.head)


def _newer(old: LockedModel, new: LockedModel, job: Job) -> ModelChange:
    """How much newer it is, as far as the hub counts."""
    phrase = "a newer version is there"
    if old.revision and new.revision:
        phrase = "a newer commit is there"
        try:
            count = stated(job.snapshot(f"{old.ref}@{old.revision}").facts).newer
        except SourceError as error:
            return _change("gone", new, f"the locked commit is gone: {error.message}")
        if count:
            phrase = f"{count} newer {'commit' if count == 1 else 'commits'}"
    return _change("outdated", new, phrase, new.revision or new.manifest)


def _change(
    kind: Literal["gone", "outdated"], model: LockedModel, phrase: str, after: str = ""
) -> ModelChange:
    return ModelChange(
        change=kind,
        ref=model.ref,
        before=model.revision,
        after=after,
        phrase=phrase,
        status="declared",
    )
