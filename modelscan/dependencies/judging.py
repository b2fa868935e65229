"""Facts about dependencies become a native report, so that every report format can show them.

Invariants: the rules judge and the policy decides, as they do for models; the five questions were
not asked here and say so; what a policy requires of a model (hashes, signatures, licences) is not
required of a code base or of a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from modelscan._about import NAME, VERSION
from modelscan.engine.catalogue import Catalogue
from modelscan.engine.evaluate import Engine
from modelscan.policy.clock import now
from modelscan.policy.gate import Outcome, decide
from modelscan.policy.judge import judge
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.result import (
    Answers,
    LoadHazards,
    ModelFacts,
    ModelReport,
    PolicyEntry,
    Report,
    Tool,
)
from modelscan.vocabulary.snapshot import Source

NOT_ASKED = "not asked: this is about dependencies"


class Subject(NamedTuple):
    """One code base, or one model that changed."""

    ref: str
    """How the report names it."""
    facts: Sequence[Fact]
    coverage: Sequence[Coverage] = ()
    source: Source = Source(kind="file")
    claimed: str = ""
    """`hf:org/name@<commit>`, which waivers may be bound to."""
    digest: str | None = None
    provenance: dict[str, Any] = {}  # noqa: RUF012  # never written to
    """See `ModelFacts.provenance`."""


def report(subjects: Iterable[Subject], profile: Profile, catalogue: Catalogue) -> Report:
    """The report about these subjects, one entry for each, and one decision over all."""
    gate = profile.without_demands()
    engine = Engine(catalogue.rules.values(), gate.persona)
    models: list[ModelReport] = []
    outcomes: list[Outcome] = []
    for subject in subjects:
        model = _judged(subject, gate, engine)
        models.append(model)
        seen = subject.facts or any(gap.needed for gap in subject.coverage)
        outcomes.append(model.answers.allowed.status if seen else "nothing")
    names = sorted({finding.rule for model in models for finding in model.findings})
    return Report(
        created=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=Tool(name=NAME, version=VERSION, rules_digest=catalogue.digest),
        policy=PolicyEntry(name=profile.name, digest=profile.digest),
        rules={name: catalogue.entry(name) for name in names},
        models=tuple(models),
        decision=decide(outcomes),
    )


def passing(found: Report) -> Report:
    """The same, where nothing to look at is good news: no difference, or nothing left to lock."""
    if found.decision.status != "nothing":
        return found
    return msgspec.structs.replace(found, decision=decide(["pass"]))


def _judged(subject: Subject, gate: Profile, engine: Engine) -> ModelReport:
    official = OfficialBytes(status="unknown", reason=NOT_ASKED)
    signed = Signed(status="unsigned", reason=NOT_ASKED)
    lineage = Lineage(status="unknown", tier="none", reason=NOT_ASKED)
    gaps = sum(gap.needed for gap in subject.coverage)
    hazards = LoadHazards(status="incomplete", reason=NOT_ASKED)
    coverage = tuple(subject.coverage)
    situation = Situation(
        source=subject.source,
        claimed=subject.claimed,
        digest=subject.digest,
        files=(),
        hazards=hazards,
        official=official,
        signed=signed,
        lineage=lineage,
        findings=engine.evaluate(subject.facts),
        coverage=coverage,
        facts=subject.facts,
    )
    judged = judge(gate, situation, engine.evaluate, ref=subject.ref)
    allowed = judged.allowed
    if allowed.status == "pass" and not subject.facts and not gaps:
        allowed = msgspec.structs.replace(allowed, reason="nothing to look at")
    return ModelReport(
        ref=subject.ref,
        source=subject.source,
        digest=subject.digest,
        files=(),
        answers=Answers(
            load_hazards=hazards,
            official_bytes=official,
            signed=signed,
            descends_from=lineage,
            allowed=allowed,
        ),
        findings=judged.findings,
        coverage=coverage,
        facts=ModelFacts(provenance=subject.provenance),
    )
