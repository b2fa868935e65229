"""From paths to the reports on their deployments.

    path → files → workloads → those with a model → controls → facts → findings → policy → report

Invariants: nothing is rendered, resolved or run, and there is no network; a file that has nothing
to do with models yields nothing; a required control that cannot be told is a needed gap, so that
the outcome is incomplete and never a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelscan.containment import manifests, reporting, requirements
from modelscan.containment.cluster import Cluster
from modelscan.containment.controls.table import FAULT, results
from modelscan.containment.manifests import Deployment
from modelscan.containment.model import Workload
from modelscan.containment.requirements import Needed
from modelscan.containment.view import Result, View, look
from modelscan.discovery.walking import Tree
from modelscan.errors import SourceError
from modelscan.pipeline import Scanned, Tools
from modelscan.policy.gate import Outcome
from modelscan.policy.judge import judge
from modelscan.policy.profile import Autonomy, Profile
from modelscan.verifier.hashing import digest_bytes
from modelscan.vocabulary.containment import (
    Containment,
    Control,
)
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    DeploymentControl,
    DeploymentSetting,
    DeploymentWorkload,
    Fact,
)
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.lock import LockedModel
from modelscan.vocabulary.result import (
    FileEntry,
    ModelFacts,
    ModelReport,
)
from modelscan.vocabulary.rule import CONFIDENCES, SEVERITIES
from modelscan.vocabulary.snapshot import Source

_NEIGHBOURS = 50
"""Workloads of the same file that are looked at for what they do for another one."""


class Joined(NamedTuple):
    """What is known about the models, from elsewhere."""

    models: tuple[ModelReport, ...] = ()
    """What scans said."""
    locked: tuple[LockedModel, ...] = ()
    """What the lock agrees on."""


class Examined(NamedTuple):
    """One workload, and all that was said about it."""

    view: View
    said: dict[Control, list[Result]]
    needed: Needed


def examine(
    paths: Sequence[Path],
    tools: Tools,
    joined: Joined = Joined(),  # noqa: B008  # frozen
    *,
    absolute_paths: bool = False,
) -> list[Scanned]:
    """Look at the deployments below some paths. Never raises for what they are.

    Policies, services and accounts of one path count for the workloads of all.
    """
    # 1. Files become workloads.
    read = [_read(path) for path in paths]
    cluster = Cluster.joined(each.cluster for each in read if isinstance(each, Deployment))
    found = []
    for path, deployment in zip(paths, read, strict=True):
        name = str(path.resolve()) if absolute_paths else path.resolve().name or "root"
        if isinstance(deployment, Deployment):
            deployment.cluster = cluster
            found.append(_examine(path, name, deployment, tools, joined))
        else:
            report = reporting.unreadable(path.name or str(path), tools.profile, deployment)
            found.append(Scanned(report, "incomplete"))
    return found


def _read(path: Path) -> Deployment | str:
    """What a path says, or why it could not be read."""
    try:
        return manifests.read(Tree(path))
    except SourceError as error:
        return f"{error.message} ({error.hint})" if error.hint else error.message


def _examine(
    path: Path, name: str, deployment: Deployment, tools: Tools, joined: Joined
) -> Scanned:
    # 2. Workloads with a model are looked at, control by control.
    level = requirements.autonomy(tools.profile)
    examined = [_examined(view, level, joined) for view in views(deployment)]

    # 3. What was said becomes facts, and rules judge them.
    facts = [fact for each in examined for fact in _facts(each)]
    findings = tuple(_raised(each, tools.profile) for each in tools.engine.evaluate(facts))

    # 4. The policy decides, over findings and over what nobody could tell.
    files = _files(deployment, examined)
    coverage = (*_relevant(deployment, examined), *(gap for e in examined for gap in _gaps(e)))
    situation = reporting.situation(files, findings, coverage, facts)
    judged = judge(tools.profile.without_demands(), situation, tools.engine.evaluate, ref=name)
    outcome: Outcome = judged.allowed.status
    if not examined and outcome == "pass":
        outcome = "nothing"

    # 5. All of it becomes the report.
    report = ModelReport(
        ref=name,
        source=Source(kind="directory" if path.is_dir() else "file"),
        digest=situation.digest,
        files=files,
        answers=reporting.answers(judged.allowed, nothing=outcome == "nothing"),
        findings=judged.findings,
        coverage=coverage,
        facts=ModelFacts(),
        containment=Containment(
            autonomy=level, workloads=tuple(reporting.workload_report(*each) for each in examined)
        ),
    )
    return Scanned(report, outcome)


def views(deployment: Deployment) -> list[View]:
    """The workloads that have to do with a model."""
    by_file: dict[str, list[Workload]] = {}
    for workload in deployment.workloads:
        by_file.setdefault(workload.place.file, []).append(workload)
    found = []
    for workload in deployment.workloads:
        beside = by_file[workload.place.file]
        view = look(workload, deployment.cluster.around(workload), tuple(beside[:_NEIGHBOURS]))
        if view is not None:
            found.append(view)
    return found


def _examined(view: View, level: Autonomy, joined: Joined) -> Examined:
    names = [model.ref for model in view.models]
    models = requirements.concerned(names, joined.models)
    view = view._replace(locked=joined.locked)
    return Examined(view, results(view), requirements.needed(level, models))


def _facts(each: Examined) -> list[Fact]:
    workload = each.view.workload
    serving = each.view.serving[0]
    first = Location(workload.place.file, line=workload.place.line)
    facts: list[Fact] = [
        DeploymentWorkload(
            location=first,
            workload=workload.title,
            kind=workload.kind,
            role="serves" if each.view.serves else "drives",
            server=serving.server.name,
            images=tuple(c.image for c in workload.containers if c.image),
            models=tuple(str(model.ref) for model in each.view.models),
        )
    ]
    for control, said in each.said.items():
        required = control in each.needed.controls
        facts += [_fact(each, result, required=required) for result in said]
    return facts


def _fact(each: Examined, result: Result, *, required: bool) -> Fact:
    location = Location(result.place.file, line=result.place.line)
    title, server = each.view.workload.title, each.view.serving[0].server.name
    if result.switch is not None:
        return DeploymentSetting(
            location=location,
            status="declared",
            workload=title,
            server=server,
            control=result.control,
            setting=str(result.switch.name),
            value=str(result.switch.value),
            effect=result.switch.effect,
            required=required,
        )
    return DeploymentControl(
        location=location,
        status="absent" if result.outcome == "unknown" else "declared",
        workload=title,
        server=server,
        control=result.control,
        outcome=result.outcome,
        grade="severe" if result.severe else "",
        reason=str(result.reason),
        required=required,
    )


def _raised(finding: Finding, profile: Profile) -> Finding:
    """A finding about a required control counts for the policy, whatever its own severity."""
    if finding.evidence.get("required") is not True:
        return finding
    return msgspec.structs.replace(
        finding,
        severity=max(finding.severity, profile.fail_severity, key=SEVERITIES.index),
        confidence=max(finding.confidence, profile.fail_confidence, key=CONFIDENCES.index),
    )


def _gaps(each: Examined) -> list[Coverage]:
    """Required controls that nobody can tell."""
    gaps = {}
    for control, said in each.said.items():
        open_ones = [result for result in said if result.outcome == "unknown"]
        failed = [result for result in open_ones if result.reason.startswith(FAULT)]
        if failed or (control in each.needed.controls and open_ones):
            result = (failed or open_ones)[0]
            why = "" if failed else "is required, and cannot be told: "
            gaps[control] = Coverage(
                file=result.place.file,
                status="unsupported",
                needed=True,
                reason=f"{each.view.workload.title}: {control} {why}{result.reason}",
            )
    return list(gaps.values())


def _relevant(deployment: Deployment, examined: Sequence[Examined]) -> list[Coverage]:
    """Gaps of the reading; those that matter to no model only beside one that was found."""
    return [gap for gap in deployment.coverage if gap.needed or examined]


def _files(deployment: Deployment, examined: Sequence[Examined]) -> tuple[FileEntry, ...]:
    """The files that say something about a workload with a model."""
    named = {each.view.workload.place.file for each in examined}
    named |= {result.place.file for each in examined for said in each.said.values()
              for result in said}  # fmt: skip
    return tuple(
        FileEntry(
            path=path,
            size=len(file.data),
            digests=digest_bytes(file.data, ("sha256",)),
            format=file.form,
        )
        for path, file in sorted(deployment.files.items())
        if path in named
    )
