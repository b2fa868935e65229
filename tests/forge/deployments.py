"""Deployments for tests: text into files, files into what `contain` says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent, indent

from modelscan import api
from modelscan.policy.layers import Policy
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.containment import Containment, ControlResult, WorkloadReport
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import OfficialBytes, OfficialStatus, Signed, SignedStatus
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import (
    Allowed,
    Answers,
    FileEntry,
    LoadHazards,
    ModelFacts,
    ModelReport,
    Report,
)
from modelscan.vocabulary.rule import Severity
from modelscan.vocabulary.snapshot import Source

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "deployments"
DIGEST = "sha256:" + "d" * 64
COMMIT = "c" * 40


def write(folder: Path, name: str, text: str) -> Path:
    """A file with dedented text; returns its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def look(*paths: Path, policy: Policy | None = None, reports: Sequence[Path] = ()) -> Report:
    """What `contain` says of some paths."""
    return api.contain(*paths, policy=policy, reports=reports)


def workloads(*paths: Path) -> dict[str, WorkloadReport]:
    """The workloads of the first path, by name."""
    found = look(*paths).models[0].containment
    assert isinstance(found, Containment)
    return {each.name: each for each in found.workloads}


def controls(*paths: Path, workload: str = "") -> dict[str, ControlResult]:
    """The controls of one workload, by name; of the only one by default."""
    found = workloads(*paths)
    one = found[workload] if workload else next(iter(found.values()))
    return {each.control: each for each in one.controls}


def violated(*paths: Path, workload: str = "") -> set[str]:
    """The violated controls of one workload."""
    said = controls(*paths, workload=workload)
    return {name for name, each in said.items() if each.outcome == "violated"}


def unknown(*paths: Path, workload: str = "") -> set[str]:
    """The controls of one workload that cannot be told."""
    said = controls(*paths, workload=workload)
    return {name for name, each in said.items() if each.outcome == "unknown"}


def service(folder: Path, more: str = "", top: str = "") -> Path:
    """A compose file with one vLLM server and some more lines about it."""
    head = "services:\n  vllm:\n    image: vllm/vllm-openai:v1\n"
    text = head + indent(dedent(more).strip("\n"), "    ") + "\n" + dedent(top)
    return write(folder, "compose.yaml", text)


def pod(
    folder: Path, spec: str = "", container: str = "", others: str = "", name: str = "pod.yaml"
) -> Path:
    """A manifest with a pod that runs vLLM, with more lines of its parts, and more documents."""
    text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: chat\n  labels: {app: chat, tier: llm}\nspec:\n"
    text += indent(dedent(spec).strip("\n"), "  ") + "\n" if spec else ""
    text += "  containers:\n    - name: vllm\n      image: vllm/vllm-openai:v1\n"
    text += indent(dedent(container).strip("\n"), "      ") + "\n" if container else ""
    text += "---\n" + dedent(others) if others else ""
    return write(folder, name, text)


def scanned(
    ref: str = "hf:acme/chat-7b",
    *,
    official: OfficialStatus = "matches-known-release",
    signed: SignedStatus = "unsigned",
    descent: str = "claimed",
    findings: Sequence[tuple[str, Severity]] = (),
    waived: str | None = None,
    error: str | None = None,
    files: Sequence[tuple[str, bytes]] = (),
) -> ModelReport:
    """What a scan could have said about a model."""
    import hashlib

    lineage = Lineage(status=descent, tier="none", reason="as the test says")  # type: ignore[arg-type]  # a table of cases
    return ModelReport(
        ref=ref,
        source=Source(kind="directory", revision=COMMIT),
        digest=DIGEST,
        files=tuple(
            FileEntry(
                path=path,
                size=len(data),
                digests={"sha256": hashlib.sha256(data).hexdigest()},
                format="unknown",
            )
            for path, data in files
        ),
        answers=Answers(
            load_hazards=LoadHazards(status="none-found", reason=""),
            official_bytes=OfficialBytes(status=official, reason=""),
            signed=Signed(status=signed, reason=""),
            descends_from=lineage,
            allowed=Allowed(status="pass", policy="default", reason=""),
        ),
        findings=tuple(
            Finding(
                rule=rule,
                severity=severity,
                confidence="high",
                answer="load_hazards",
                message="m",
                location=Location("f"),
                identity=rule,
                fix="",
                waived=waived,
            )
            for rule, severity in findings
        ),
        coverage=(Coverage(file="f", status="read"),),
        facts=ModelFacts(),
        error=error,
    )
