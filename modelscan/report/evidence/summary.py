"""The page of an evidence folder that is read first: Markdown, short, the same facts in words."""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.report.markdown import literal, prose
from modelscan.report.residual import LIMITS, NOT_EVALUATED, approved, assumed, left
from modelscan.report.verdicts import by_severity, extent, verdicts
from modelscan.vocabulary.result import ModelReport, Report

CLAIM = (
    "This folder is evidence of what was examined, when, by which rules, and what was decided. It "
    "is no claim that a law, a standard or a contract is complied with."
)


def summary(report: Report, contents: list[tuple[str, str]]) -> str:
    """The page.

    Args:
        report: what the folder is about.
        contents: each other file, and what it holds.
    """
    return "\n".join(_lines(report, contents)) + "\n"


def _lines(report: Report, contents: list[tuple[str, str]]) -> Iterator[str]:
    yield "# Evidence of a model scan"
    yield ""
    yield CLAIM
    yield ""
    yield f"- Scanned: {report.created}"
    yield f"- Tool: {literal(report.tool.name)} {literal(report.tool.version)}"
    yield f"- Rules: {literal(report.tool.rules_digest)}"
    yield f"- Policy: {literal(report.policy.name)}, {literal(report.policy.digest)}"
    yield f"- Decision: **{report.decision.status}** (exit code {report.decision.exit_code})"
    yield ""
    yield "| File | Holds |"
    yield "| --- | --- |"
    for path, what in contents:
        yield f"| [{path}]({path}) | {what} |"
    yield ""
    yield "The digest of each file is in `index.json`. If there is a `model.sig`, it signs all of"
    yield "them: `modelassay verify FOLDER --key KEY` checks it."
    for model in report.models:
        yield from _model(model)
    yield ""
    yield "## What was not evaluated"
    yield ""
    for sentence in NOT_EVALUATED:
        yield f"- {sentence}"


def _model(model: ModelReport) -> Iterator[str]:
    yield ""
    yield f"## {literal(model.ref)}"
    yield ""
    if model.error is not None:
        yield f"Could not be read: {prose(model.error)}"
        return
    yield f"{' · '.join(extent(model))} · digest {literal(model.digest or 'none')}"
    yield ""
    yield "| Question | Answer | Why |"
    yield "| --- | --- | --- |"
    for one in verdicts(model.answers):
        answer = f"**{one.status}**" if one.asked else "not asked"
        subject = "" if one.named else f"{literal(one.subject)}: "
        yield f"| {one.question} | {answer} | {subject}{prose(one.reason)} |"
    yield ""
    said = list(approved(model))
    yield f"- Approved {prose(said[0])}" if said else "- Approved by nobody that the policy names."
    for sentence in said[1:]:
        yield f"- Approved {prose(sentence)}"
    yield f"- Findings: {_counts(model)}"
    for title, sentences in (("Rests on", assumed(model)), ("Left", left(model))):
        for sentence in sentences:
            yield f"- {title}: {sentence if sentence == LIMITS else prose(sentence)}"


def _counts(model: ModelReport) -> str:
    waived = sum(finding.waived is not None for finding in model.findings)
    parts = [f"{count:,} {name}" for name, count in by_severity(model.findings).items() if count]
    return f"{', '.join(parts) or 'none'}; waived: {waived:,}"
