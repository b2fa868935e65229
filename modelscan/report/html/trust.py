"""The policy's decision, what the answers rest on, and what risk is left.

Nothing here calls a model safe: each sentence says what was established, by whom, or that it was
not.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelscan.report.html.answers import status
from modelscan.report.html.findings import badge
from modelscan.report.html.markup import LONGEST_PROSE, code, copyable, definitions, text
from modelscan.report.terminal import LIMITS
from modelscan.report.text import counted
from modelscan.report.verdicts import by_severity, tone_of
from modelscan.vocabulary.ancestry import Tier
from modelscan.vocabulary.result import ModelReport, Report

_LINEAGE: dict[Tier, str] = {
    "proved": "The relation to the base rests on digests of the weights.",
    "measured": "The relation to the base was measured; it has the error of a measurement.",
    "hint": "The relation to the base is a hint. Treat the base as unknown.",
    "declared": "The base is what the model says about itself. Its weights were not measured.",
    "none": "Nothing is known about the weights' origin.",
}


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
        ("Rules", copyable(report.tool.rules_digest, "digest of the rules")),
    ]
    return definitions(pairs)


def assumptions(model: ModelReport) -> str:
    """What has to be true for the answers to be."""
    return _list(_assumed(model))


def residual(model: ModelReport) -> str:
    """What is left when all of this was done."""
    return _list(_left(model))


def _assumed(model: ModelReport) -> Iterable[str]:
    official, signed = model.answers.official_bytes, model.answers.signed
    if official.assurance:
        yield f"The digests of the release are as good as who states them: {official.assurance}."
    elif official.release:
        yield "The digests of the release are as good as whoever stated them."
    else:
        yield "No release was found to hold the bytes against: nobody outside vouches for them."
    if signed.signer:
        yield f"The signature means what you think of {signed.signer}, and of its key's keeping."
    elif signed.status == "unsigned":
        yield "Nobody put their name to these bytes."
    else:
        yield f"No signature could be relied upon: {signed.status}."
    yield _LINEAGE[model.answers.descends_from.tier]
    if model.source.endpoint:
        yield f"The bytes came from {model.source.endpoint}. Names, tags and dates are its claims."
    yield "The rules know the dangers that they were written for; their digest says which rules."


def _left(model: ModelReport) -> Iterable[str]:
    needed = sum(entry.needed for entry in model.coverage)
    headers = sum(entry.status == "header-only" for entry in model.coverage)
    if needed:
        verb = "was" if needed == 1 else "were"
        yield f"{counted(needed, 'part')} that loading needs {verb} not looked at."
    waived = sum(finding.waived is not None for finding in model.findings)
    if waived:
        yield f"{counted(waived, 'finding')} accepted by a waiver; the danger itself remains."
    if headers:
        yield (
            f"The numbers behind {counted(headers, 'header')} were hashed, not judged: "
            "what the weights do when they run is not known."
        )
    yield LIMITS


def _waived(model: ModelReport) -> str:
    count = sum(finding.waived is not None for finding in model.findings)
    return f"{count:,}" if count else "none"


def _list(sentences: Iterable[str]) -> str:
    return (
        '<ul class="sentences">'
        + "".join(f"<li>{text(one, LONGEST_PROSE)}</li>" for one in sentences)
        + "</ul>"
    )
