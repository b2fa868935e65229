"""Format `openvex`: what waivers state about findings, as OpenVEX 0.2.0.

A waiver with a justification says that the model is not affected; a waiver without one accepts the
finding, so that the model is affected and the waiver is the action taken. A document must make a
statement, so that a report without waived findings has none: `silence` says so, `write` gives no
bytes, and no file is written.

The product is the model, by its purl or by the digest of its bytes; the file is its subcomponent.
Source: OpenVEX specification 0.2.0; the name of bytes by their digest is RFC 6920's.
"""

from __future__ import annotations

from modelscan._about import NAME
from modelscan.report.identity import content_iri, model_iri, of_model
from modelscan.report.jsontext import encode
from modelscan.report.machine import Json, compact, prose, stable_uuid, text
from modelscan.report.waivers import Waiver, waiver
from modelscan.report.writer import Output
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import FileEntry, ModelReport, Report

_CONTEXT = "https://openvex.dev/ns/v0.2.0"
_SHA256_DIGITS = 64


class OpenVex:
    """Statements about findings."""

    name = "openvex"

    def write(self, report: Report, output: Output) -> bytes:  # noqa: ARG002  # the Writer protocol
        """See `Writer.write`; no bytes when there is nothing to state."""
        found = _statements(report)
        return encode(_document(report, found), sort=False) if found else b""

    def silence(self, report: Report) -> str:
        """Why there is nothing to state; empty when there is something."""
        waived = any(
            finding.waived is not None for model in report.models for finding in model.findings
        )
        return "" if waived else "no finding is waived, so there is nothing to state"


def _document(report: Report, statements: list[Json]) -> Json:
    identity = stable_uuid("openvex", encode(statements).decode(), report.created)
    return {
        "@context": _CONTEXT,
        "@id": f"urn:uuid:{identity}",
        "author": NAME,
        "role": f"scanner that repeats the waivers of policy {text(report.policy.name)}",
        "timestamp": report.created,
        "version": 1,
        "tooling": f"{NAME} {text(report.tool.version)}",
        "statements": statements,
    }


def _statements(report: Report) -> list[Json]:
    """One for each waived finding; equal ones, which the schema forbids, once."""
    found: dict[bytes, Json] = {}
    for model in report.models:
        files = {file.path: file for file in model.files}
        for finding in model.findings:
            stated = waiver(finding.waived)
            if stated is not None:
                file = files.get(finding.location.file)
                statement = _statement(report, model, finding, stated, file)
                found.setdefault(encode(statement), statement)
    return list(found.values())


def _statement(
    report: Report, model: ModelReport, finding: Finding, stated: Waiver, file: FileEntry | None
) -> Json:
    rule = report.rules.get(finding.rule)
    vulnerability = {
        "name": text(finding.rule) or "-",
        "description": prose(rule.title) if rule is not None else None,
    }
    statement: Json = {
        "vulnerability": compact(vulnerability),
        "products": [_product(model, file)],
        "status": "not_affected" if stated.justification else "affected",
        "status_notes": f"{text(str(finding.location))}: {text(finding.message)}",
    }
    if stated.justification:
        statement["justification"] = stated.justification
        statement["impact_statement"] = stated.reason
    else:
        statement["action_statement"] = f"Accepted by a waiver: {stated.reason}"
    return statement


def _product(model: ModelReport, file: FileEntry | None) -> Json:
    where = of_model(model)
    product: Json = {"@id": model_iri(model)}
    if where.purl:
        product["identifiers"] = {"purl": where.purl}
    sha256 = file.digests.get("sha256", "") if file is not None else ""
    if content_iri(sha256):
        part = {"@id": content_iri(sha256), "hashes": {"sha-256": sha256[-_SHA256_DIGITS:]}}
        product["subcomponents"] = [part]
    return product
