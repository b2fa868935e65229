"""The report on one path: the native report, with a section on containment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelscan.containment.impact import impact
from modelscan.containment.requirements import Needed
from modelscan.containment.view import Result, View
from modelscan.policy.profile import Profile
from modelscan.policy.situation import Situation
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.containment import Control, ControlResult, WorkloadReport
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import (
    Allowed,
    Answers,
    FileEntry,
    LoadHazards,
    ModelFacts,
    ModelReport,
)
from modelscan.vocabulary.snapshot import Source

_NOT_ASKED = "not asked: this is about where models run"


def situation(
    files: tuple[FileEntry, ...],
    findings: tuple[Finding, ...],
    coverage: Sequence[Coverage],
    facts: Sequence[Fact],
) -> Situation:
    """A deployment as a policy sees it: findings and gaps, and nothing that a model would have."""
    digest = model_digest((f.path, f.size, f.digests["sha256"]) for f in files)
    return Situation(
        source=Source(kind="directory"),
        claimed="",
        digest=digest,
        files=files,
        hazards=LoadHazards(status="incomplete", reason=_NOT_ASKED),
        official=OfficialBytes(status="unknown", reason=_NOT_ASKED),
        signed=Signed(status="unsigned", reason=_NOT_ASKED),
        lineage=Lineage(status="unknown", tier="none", reason=_NOT_ASKED),
        findings=findings,
        coverage=coverage,
        facts=facts,
    )


def answers(allowed: Allowed, *, nothing: bool) -> Answers:
    """The answers of a deployment: four were not asked."""
    if nothing:
        reason = "nothing to look at: no workload here has to do with a model"
        allowed = Allowed(status="incomplete", policy=allowed.policy, reason=reason)
    return Answers(
        load_hazards=LoadHazards(status="incomplete", reason=_NOT_ASKED),
        official_bytes=OfficialBytes(status="unknown", reason=_NOT_ASKED),
        signed=Signed(status="unsigned", reason=_NOT_ASKED),
        descends_from=Lineage(status="unknown", tier="none", reason=_NOT_ASKED),
        allowed=allowed,
    )


def workload_report(
    view: View, said: Mapping[Control, Sequence[Result]], needed: Needed
) -> WorkloadReport:
    """One workload, its controls, and what it could do."""
    workload = view.workload
    found = impact(view, said)
    return WorkloadReport(
        name=workload.title,
        kind=workload.kind,
        role="serves" if view.serves else "drives",
        server=view.serving[0].server.name,
        file=workload.place.file,
        line=workload.place.line,
        images=tuple(str(c.image) for c in workload.containers if c.image),
        models=tuple(str(model.ref) for model in view.models),
        raised_by=needed.raised_by,
        controls=tuple(
            _control(control, results, required=control in needed.controls)
            for control, results in said.items()
        ),
        could_reach=found.reach,
        could_read=found.read,
        could_persist=found.persist,
        not_known=found.unknown,
    )


def _control(control: Control, said: Sequence[Result], *, required: bool) -> ControlResult:
    """One line of a control: a violation decides, then a gap."""
    order = ("violated", "unknown", "satisfied")
    first = min(said, key=lambda result: order.index(result.outcome))
    alike = sum(result.outcome == first.outcome for result in said) - 1
    more = f" (and {alike} more)" if alike and first.outcome == "violated" else ""
    return ControlResult(
        control=control,
        outcome=first.outcome,
        required=required,
        reason=first.reason + more,
        file=first.place.file,
        line=first.place.line,
    )


def unreadable(name: str, profile: Profile, message: str) -> ModelReport:
    """The entry of a path that could not be listed."""
    allowed = Allowed(status="incomplete", policy=profile.name, reason=message)
    return ModelReport(
        ref=name,
        source=Source(kind="directory"),
        digest=None,
        files=(),
        answers=answers(allowed, nothing=False),
        findings=(),
        coverage=(),
        facts=ModelFacts(),
        error=message,
    )
