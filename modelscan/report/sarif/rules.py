"""Rules as SARIF reporting descriptors: what code scanning shows beside an alert.

Source: SARIF 2.1.0 section 3.49, and GitHub's "SARIF support for code scanning": severity,
precision and tags are read from the property bag; of the tags at most 20 are kept.
"""

from __future__ import annotations

from typing import Literal

from modelscan.report.machine import Json, compact, paragraphs, prose, text
from modelscan.report.sarif.taxonomies import Taxonomies, identifiers
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import RuleEntry
from modelscan.vocabulary.rule import CONFIDENCES, Confidence, Maps, Severity

MOST_TAGS = 20

Level = Literal["error", "warning", "note"]

LEVELS: dict[Severity, Level] = {
    "critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note",
}  # fmt: skip
_SCORES: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
"""GitHub's bands: critical from 9.0, high from 7.0, medium from 4.0. A note has no score."""


def descriptor(
    name: str, rule: RuleEntry | None, findings: list[Finding], taxonomies: Taxonomies
) -> Json:
    """One rule.

    Args:
        name: its id.
        rule: the report's entry; `None` when the report lacks it.
        findings: what it found, at least one.
        taxonomies: those of the run.
    """
    severity = rule.severity if rule is not None else findings[0].severity
    maps = rule.maps if rule is not None else Maps()
    title = prose(rule.title) if rule is not None else text(name)
    why = paragraphs(rule.why) if rule is not None else ""
    return compact(
        {
            "id": text(name),
            "name": _pascal(name),
            "shortDescription": {"text": title or "-"},
            "fullDescription": {"text": why or title or "-"},
            "help": _help(rule, title, why),
            "defaultConfiguration": {"level": LEVELS[severity]},
            "relationships": taxonomies.relationships(maps),
            "properties": _properties(severity, maps, findings),
        }
    )


def _pascal(name: str) -> str:
    """`pickle-present` as `PicklePresent`: viewers print the name where an id would not read."""
    return text("".join(part.capitalize() for part in name.split("-") if part))


def _help(rule: RuleEntry | None, title: str, why: str) -> Json:
    if rule is None:
        return {"text": title or "-"}
    fix = paragraphs(rule.fix)
    references = [text(one) for one in rule.references]
    plain = [why, f"Fix: {fix}", *references]
    marked = [f"# {escape(title)}", escape(why), f"## Fix\n\n{escape(fix)}"]
    if references:
        marked.append("## References\n\n" + "\n".join(f"- {escape(one)}" for one in references))
    related = [one for found in identifiers(rule.maps).values() for one in found]
    if related:
        marked.append("## Related\n\n" + ", ".join(map(escape, related)))
    return {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)}


def escape(plain: str) -> str:
    """Text that Markdown shows as it is. Rules may be somebody's own, so theirs are not trusted."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|!&~" else one for one in plain)


def _properties(severity: Severity, maps: Maps, findings: list[Finding]) -> Json:
    related = identifiers(maps)
    weaknesses = [f"external/cwe/{one.lower()}" for one in related.pop("CWE")]
    others = [one for found in related.values() for one in found]
    tags = [*(["security"] if severity in _SCORES else []), *weaknesses, *others]
    return compact(
        {
            "tags": tags[:MOST_TAGS],
            "precision": _precision(findings),
            "security-severity": _SCORES.get(severity),
            "problem.severity": {"note": "recommendation"}.get(LEVELS[severity], LEVELS[severity]),
        }
    )


def _precision(findings: list[Finding]) -> Confidence:
    """The best confidence that the rule had: SARIF states it for a rule, we for a finding."""
    return max((finding.confidence for finding in findings), key=CONFIDENCES.index)
