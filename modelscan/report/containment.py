"""The section on containment, for formats that people read: what was looked at, and what follows.

For each workload every control with its outcome, its place and its reason; then what a compromised
model could do from there, as far as the files establish it. There is no score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from modelscan.report.page import Page
from modelscan.report.text import counted
from modelscan.report.writer import Output
from modelscan.vocabulary.containment import (
    Containment,
    ControlResult,
    Outcome,
    WorkloadReport,
)
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import ModelReport

MARKS: dict[Outcome, str] = {"satisfied": "✓", "violated": "✗", "unknown": "?"}
"""One character for an outcome."""
WORDS: dict[Outcome, str] = {
    "satisfied": "satisfied",
    "violated": "violated",
    "unknown": "cannot be told",
}
"""The same in words."""
LEAD = "If this model were compromised, it"

_STYLES = {"satisfied": "green", "violated": "red", "unknown": "yellow"}
_COLUMN = 28
"""Columns of a control's name, its mark included."""
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")
_ORDER: tuple[Outcome, ...] = ("violated", "unknown", "satisfied")


def section(model: ModelReport) -> Containment | None:
    """The section of a model's report; `None` when it is about no deployment."""
    return model.containment if isinstance(model.containment, Containment) else None


def is_control(finding: Finding) -> bool:
    """True for a finding that a line of the section shows already."""
    return "control" in finding.evidence and "workload" in finding.evidence


def beside(model: ModelReport) -> ModelReport:
    """A deployment's report without the findings that its section shows; any other as it is."""
    if section(model) is None:
        return model
    return msgspec.structs.replace(
        model, findings=tuple(each for each in model.findings if not is_control(each))
    )


def heading(workload: WorkloadReport) -> str:
    """`chat: Deployment that serves hf:org/name with vllm`."""
    models = ", ".join(workload.models) or "a model"
    program = "" if workload.server in {"unknown", "client"} else f" with {workload.server}"
    return f"{workload.name}: {workload.kind} that {workload.role} {models}{program}"


def consequences(workload: WorkloadReport) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a compromised model could do, by the words that lead to it."""
    yield "could reach", workload.could_reach or ("nothing that is known",)
    yield "could read", workload.could_read or ("nothing that is known",)
    yield "could persist", workload.could_persist or ("nowhere that is known",)


def tally(containment: Containment) -> str:
    """How many workloads, and how many controls of each outcome; never a score."""
    controls = [each for workload in containment.workloads for each in workload.controls]
    parts = [counted(len(containment.workloads), "workload")]
    parts += [
        f"{sum(each.outcome == outcome for each in controls):,} {WORDS[outcome]}"
        for outcome in _ORDER
    ]
    return ", ".join(parts)


def ordered(workload: WorkloadReport) -> list[ControlResult]:
    """The controls, violated ones first, required ones before others."""
    return sorted(
        workload.controls, key=lambda each: (_ORDER.index(each.outcome), not each.required)
    )


def show(page: Page, model: ModelReport, found: Containment, output: Output) -> None:
    """Print the section on a page."""
    fixes = {
        (str(each.evidence["workload"]), str(each.evidence["control"])): each
        for each in reversed(model.findings)
        if is_control(each)
    }
    page.paragraph(tally(found) + f"; autonomy {found.autonomy}", 2, 3)
    for workload in found.workloads:
        page.line()
        page.ends(page.plain(heading(workload)), page.plain(f"{workload.file}:{workload.line}"),
                  "bold")  # fmt: skip
        for reason in workload.raised_by:
            page.paragraph(f"raised by {reason}", 4, 2, "yellow")
        if output.detail != "quiet":
            _controls(page, workload, fixes, everything=output.detail == "verbose")
        _consequences(page, workload, everything=output.detail == "verbose")


def _controls(
    page: Page,
    workload: WorkloadReport,
    fixes: dict[tuple[str, str], Finding],
    *,
    everything: bool,
) -> None:
    for each in ordered(workload):
        if each.outcome == "satisfied" and not everything:
            continue
        mark = page.symbol(MARKS[each.outcome]) if each.outcome != "unknown" else "?"
        name = f"{mark} {each.control}{'*' if each.required else ''}".ljust(_COLUMN)
        lead = "  " + page.style(name, _STYLES[each.outcome]) + " "
        text = f"{each.reason} ({each.file}:{each.line})"
        page.hanging(lead, text, _COLUMN + 3, 4)
        finding = fixes.get((workload.name, each.control))
        if finding is not None and (finding.severity != "info" or everything):
            advice = _SENTENCE.split(" ".join(finding.fix.split()), maxsplit=1)[0].rstrip(".")
            page.paragraph(f"{finding.severity}: {advice}.", _COLUMN + 3, 4, "dim")
    good = [each.control for each in workload.controls if each.outcome == "satisfied"]
    if good and not everything:
        text = f"{', '.join(good)} (-v shows why)"
        page.hanging("  " + page.style(page.symbol("✓"), "green") + " ", text, 4, 5)
    if any(each.required for each in workload.controls):
        page.paragraph("* required by the policy, or by what is known of the model", 2, 2, "dim")


def _consequences(page: Page, workload: WorkloadReport, *, everything: bool) -> None:
    page.paragraph(LEAD, 2, 1, "bold")
    for words, items in consequences(workload):
        page.hanging(f"    {words.ljust(14)} ", "; ".join(items), 19, 8)
    if workload.not_known:
        names = [item.partition(":")[0] for item in workload.not_known]
        text = "; ".join(workload.not_known if everything else dict.fromkeys(names))
        page.hanging(f"    {'not known'.ljust(14)} ", text, 19, 12 if everything else 4)
