"""The policy's decision, what the answers rest on, and what risk is left."""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.html.answers import status
from modelscan.report.html.findings import badge
from modelscan.report.html.markup import LONGEST_PROSE, code, copyable, definitions, text
from modelscan.report.residual import approved, assumed, left
from modelscan.report.verdicts import by_severity, tone_of
from modelscan.vocabulary.result import ModelReport, Report


def decision(model: ModelReport, report: Report) -> str:
    """The policy, the lines of it that decided, and what it counted."""
    allowed = model.answers.allowed
    lines = "".join(
        f"<li>{text(line, LONGEST_PROSE)}</li>" for line in allowed.reason.split("; ") if line
    )
    counts = "".join(
        f"<li>{badge(severity)} {count:,}</li>"
        for severity, count in by_severity(model.findings).items()
        if count
    )
    pairs = [
        ("Decision", status(allowed.status, tone_of(allowed.status))),
        ("Decided by", f'<ul class="lines">{lines}</ul>' if lines else "no reason is given"),
        ("Policy", code(allowed.policy)),
        ("Policy digest", copyable(report.policy.digest, "policy digest")),
        ("Findings", f'<ul class="counts">{counts}</ul>' if counts else "none"),
        ("Waived", _waived(model)),
        ("Approved", _approved(model)),
        ("Rules", copyable(report.tool.rules_digest, "digest of the rules")),
    ]
    return definitions(pairs)


def assumptions(model: ModelReport) -> str:
    """What has to be true for the answers to be."""
    return _list(assumed(model))


def residual(model: ModelReport) -> str:
    """What is left when all of this was done."""
    return _list(left(model))


def _waived(model: ModelReport) -> str:
    count = sum(finding.waived is not None for finding in model.findings)
    return f"{count:,}" if count else "none"


def _approved(model: ModelReport) -> str:
    said = "".join(f"<li>{text(one, LONGEST_PROSE)}</li>" for one in approved(model))
    return f'<ul class="lines">{said}</ul>' if said else "by nobody"


def _list(sentences: Iterable[str]) -> str:
    return (
        '<ul class="sentences">'
        + "".join(f"<li>{text(one, LONGEST_PROSE)}</li>" for one in sentences)
        + "</ul>"
    )
