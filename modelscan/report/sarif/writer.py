"""Format `sarif`: SARIF 2.1.0 for code scanning, one run over all models.

GitHub keeps the 5,000 most severe results of a run, so no more are written, and a notification says
how many were left out. A report without findings is a valid log with an empty list of results,
which closes the alerts of earlier runs.

Sources: OASIS SARIF 2.1.0 (errata 01); GitHub, "SARIF support for code scanning".
"""

from __future__ import annotations

from modelscan._about import NAME
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, text
from modelscan.report.sarif.notifications import descriptors, notifications
from modelscan.report.sarif.results import ROOT, Found, result
from modelscan.report.sarif.rules import descriptor
from modelscan.report.sarif.taxonomies import Taxonomies
from modelscan.report.verdicts import verdicts
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import ModelReport, Report
from modelscan.vocabulary.rule import SEVERITIES

MOST_RESULTS = 5_000
_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


class Sarif:
    """A log for code scanning."""

    name = "sarif"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`."""
        return encode(log(report), sort=False)


def log(report: Report) -> Json:
    """The whole log as builtin values."""
    found = [Found(model, finding) for model in report.models for finding in model.findings]
    found.sort(key=lambda each: -SEVERITIES.index(each.finding.severity))
    kept, left_out = found[:MOST_RESULTS], found[MOST_RESULTS:]
    by_rule: dict[str, list[Finding]] = {}
    for each in kept:
        by_rule.setdefault(each.finding.rule, []).append(each.finding)
    names = sorted(by_rule)
    index = {name: position for position, name in enumerate(names)}
    taxonomies = Taxonomies(report.rules[name].maps for name in names if name in report.rules)
    waivers = any(each.finding.waived is not None for each in kept)
    driver = {
        "name": NAME,
        "version": text(report.tool.version),
        "rules": [
            descriptor(name, report.rules.get(name), by_rule[name], taxonomies) for name in names
        ],
        "notifications": descriptors(),
        "supportedTaxonomies": taxonomies.supported(),
        "properties": {"rulesDigest": text(report.tool.rules_digest)},
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{NAME}/{text(report.policy.name)}/"},
        "taxonomies": taxonomies.components(),
        "invocations": [_invocation(report, [each.finding for each in left_out])],
        "originalUriBaseIds": {
            ROOT: {"description": {"text": "The folder that was scanned from."}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [result(each, index[each.finding.rule], waivers=waivers) for each in kept],
        "properties": {
            "policy": {"name": text(report.policy.name), "digest": text(report.policy.digest)},
            "decision": report.decision.status,
            "models": [_model(model) for model in report.models],
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: Report, left_out: list[Finding]) -> Json:
    """How the run went. That something was found is no failure of the tool."""
    return {
        "executionSuccessful": all(model.error is None for model in report.models),
        "exitCode": report.decision.exit_code,
        "endTimeUtc": report.created,
        "toolExecutionNotifications": notifications(report, left_out),
    }


def _model(model: ModelReport) -> Json:
    """The five answers, which no other part of SARIF has a place for."""
    return {
        "ref": text(model.ref),
        "digest": text(model.digest) if model.digest else None,
        "answers": {
            one.key: {"status": one.status, "reason": text(one.reason)}
            for one in verdicts(model.answers)
        },
    }
