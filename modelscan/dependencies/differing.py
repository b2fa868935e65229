"""Two states of some models become a difference: paragraphs for people, findings for the gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from modelscan.dependencies import judging
from modelscan.dependencies.changes import changes, pairs
from modelscan.engine.catalogue import Catalogue
from modelscan.policy.profile import Profile
from modelscan.report.places import REFERENCED_AT
from modelscan.vocabulary.change import Change, Compared, Diff, ModelDiff
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ModelChange
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.rule import SEVERITIES
from modelscan.vocabulary.snapshot import Source


class Pair(NamedTuple):
    """One model, before and after, with whatever else is known to be otherwise."""

    old: LockedModel | None
    new: LockedModel | None
    more: tuple[ModelChange, ...] = ()


class Side(NamedTuple):
    """One side of a difference."""

    name: str
    """What it is called."""
    file: str = ""
    """The lock, as a path inside the repository; empty for a report."""
    lines: Mapping[tuple[str, str], int] = {}
    """Where each model stands in it."""


def compare(
    old: Side,
    new: Side,
    models: Sequence[Pair],
    profile: Profile,
    catalogue: Catalogue,
    coverage: Sequence[Coverage] = (),
) -> Compared:
    """The difference between two sides.

    Args:
        old: the older side.
        new: the newer one.
        models: which model is which, see `paired`.
        profile: the policy that decides.
        catalogue: the rules that judge.
        coverage: what could not be looked at.
    """
    found = [(pair, (*changes(pair.old, pair.new), *pair.more)) for pair in models]
    changed = [(pair, facts) for pair, facts in found if facts]
    subjects = [_subject(pair, facts, old, new) for pair, facts in changed]
    if coverage:
        subjects.append(judging.Subject(new.name, (), coverage))
    if not subjects:
        subjects = [judging.Subject(new.name, ())]
    report = judging.passing(judging.report(subjects, profile, catalogue))
    entries = [
        _entry(pair, facts, subject, model.findings)
        for (pair, facts), subject, model in zip(changed, subjects, report.models, strict=False)
    ]
    diff = Diff(
        old=old.name,
        new=new.name,
        models=tuple(sorted(entries, key=_weight)),
        unchanged=len(found) - len(changed),
        coverage=tuple(coverage),
        policy=report.policy,
        decision=report.decision,
    )
    return Compared(diff=diff, report=report)


def paired(old: Iterable[LockedModel], new: Iterable[LockedModel]) -> list[Pair]:
    """The models of two locks."""
    return [Pair(*pair) for pair in pairs(old, new)]


def summary(ref: str, facts: Iterable[ModelChange]) -> str:
    """All changes of a model in one paragraph."""
    return f"{ref}: {'; '.join(fact.phrase for fact in facts)}."


def _subject(pair: Pair, facts: Sequence[ModelChange], old: Side, new: Side) -> judging.Subject:
    model = pair.new or pair.old
    assert model is not None  # noqa: S101  # a pair has at least one side
    side = new if pair.new is not None else old
    hub = model.ref.startswith("hf:")
    claimed = f"{model.ref}@{model.revision}" if hub and model.revision else ""
    line = side.lines.get(model.key)
    place = {REFERENCED_AT: {"file": side.file, "line": line or 1}} if side.file else {}
    return judging.Subject(
        ref=claimed or model.ref,
        facts=facts,
        source=Source(kind="hub" if hub else "directory", revision=model.revision or None),
        claimed=claimed,
        digest=model.digest or None,
        provenance=place,
    )


def _entry(
    pair: Pair,
    facts: Sequence[ModelChange],
    subject: judging.Subject,
    findings: Sequence[Finding],
) -> ModelDiff:
    model = pair.new or pair.old
    assert model is not None  # noqa: S101  # as above
    place = subject.provenance.get(REFERENCED_AT, {})
    return ModelDiff(
        ref=model.ref,
        status="added" if pair.old is None else "removed" if pair.new is None else "changed",
        before=(pair.old.revision or pair.old.digest) if pair.old else "",
        after=(pair.new.revision or pair.new.digest) if pair.new else "",
        line=place.get("line") if pair.new is not None else None,
        summary=summary(model.ref, facts),
        changes=tuple(
            Change(
                change=fact.change,
                phrase=fact.phrase,
                before=fact.before,
                after=fact.after,
                count=fact.count,
            )
            for fact in facts
        ),
        findings=tuple(findings),
    )


def _weight(entry: ModelDiff) -> tuple[int, str]:
    """The worst first, then by name."""
    ranks = [SEVERITIES.index(finding.severity) for finding in entry.findings]
    return (-max(ranks, default=-1), entry.ref)
