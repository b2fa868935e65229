"""What a report knows of one model, element by element, and how it is known.

Two numbers, not one: a bill of materials that repeats a model card is complete and proves nothing.
`verified` is computed from bytes, or rests on a digest or a signature that was checked; what the
model's files or its hub say is `declared`, what was concluded from that `inferred`, and `absent` is
not known.

Invariant: a measure never counts a name as proof. What belongs to a system, and not to a model, is
`absent`, since a scan of a model cannot know it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from modelscan._about import NAME
from modelscan.report.claims import Claims, bases_of, claims_of, values
from modelscan.report.identity import Coordinates, of_model
from modelscan.report.machine import text
from modelscan.report.spdx.packages import RELEASED
from modelscan.report.text import counted
from modelscan.vocabulary.result import ModelReport, Report

Status = Literal["verified", "declared", "inferred", "absent"]

_BY_DIGEST = frozenset({"verified-official", "matches-known-release"})
_MEASURED = frozenset({"proved", "measured"})
_LONGEST = 200
"""Characters of a value; the native report has all of it."""


class Measured(NamedTuple):
    """One element."""

    status: Status
    value: str = ""
    """What the element says; inert, abbreviated, empty when it is absent."""


class Subject(NamedTuple):
    """What is measured."""

    report: Report
    model: ModelReport
    where: Coordinates
    claims: Claims

    @classmethod
    def of(cls, report: Report, model: ModelReport) -> Subject:
        """One model of a report."""
        return cls(report, model, of_model(model), claims_of(model.facts))


ABSENT = Measured("absent")


def absent(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """Nothing that a report of ours holds."""
    return ABSENT


def document_version(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """Every document is the first version: a new scan makes a new one."""
    return Measured("verified", "1")


def format_name(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """The formats of a bill of materials that the report converts to."""
    return Measured("verified", "CycloneDX, SPDX")


def format_version(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """Their versions."""
    return Measured("verified", "CycloneDX 1.6 and 1.7, SPDX 3.0.1")


def tool_name(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """This tool."""
    return Measured("verified", NAME)


def tool_version(subject: Subject) -> Measured:
    """The version that scanned."""
    return Measured("verified", _short(subject.report.tool.version))


def context(subject: Subject) -> Measured:  # noqa: ARG001  # one of the measures
    """When in its life the model was looked at: as a finished artefact."""
    return Measured("verified", "post-build, from the bytes")


def created(subject: Subject) -> Measured:
    """When the scan was made."""
    return Measured("verified", subject.report.created)


def name(subject: Subject) -> Measured:
    """The model's name: the release's when the bytes are those of a release."""
    official = subject.model.answers.official_bytes
    if official.status in _BY_DIGEST and official.release:
        return Measured("verified", _short(official.release))
    return Measured("declared", _short(subject.where.name))


def identifier(subject: Subject) -> Measured:
    """A purl points at a model, the digest of its bytes is the model."""
    if subject.model.digest is not None:
        return Measured("verified", _short(subject.model.digest))
    return _declared(subject.where.purl)


def version(subject: Subject) -> Measured:
    """The commit, as the hub states it; verified when a release's digests agree."""
    revision = subject.model.source.revision or ""
    if revision and subject.model.answers.official_bytes.status in _BY_DIGEST:
        return Measured("verified", _short(revision))
    return _declared(revision)


def released(subject: Subject) -> Measured:
    """When the model was published."""
    when = subject.model.facts.provenance.get(RELEASED)
    return _declared(when if isinstance(when, str) else "")


def producer(subject: Subject) -> Measured:
    """Who made it: a trusted signer, else the owner of its place on the hub."""
    signed = subject.model.answers.signed
    if signed.status == "signed-trusted" and signed.signer:
        return Measured("verified", _short(signed.signer))
    return _declared(subject.where.group)


def hash_value(subject: Subject) -> Measured:
    """The digest of all bytes."""
    digest = subject.model.digest
    return ABSENT if digest is None else Measured("verified", _short(digest.rpartition(":")[2]))


def hash_algorithm(subject: Subject) -> Measured:
    """The algorithm of that digest."""
    return ABSENT if subject.model.digest is None else Measured("verified", "SHA-256")


def architecture(subject: Subject) -> Measured:
    """What kind of network the configuration says it is."""
    return _claimed(subject, "architecture")


def task(subject: Subject) -> Measured:
    """What the card says it is for."""
    return _claimed(subject, "task")


def implied_by_task(subject: Subject) -> Measured:
    """Inputs, outputs and domain: a task implies them, nobody states them."""
    found = values(subject.claims, "task")
    return Measured("inferred", _short(", ".join(found))) if found else ABSENT


def datasets(subject: Subject) -> Measured:
    """What the card says it was trained on."""
    return _claimed(subject, "dataset")


def licence(subject: Subject) -> Measured:
    """The licence that the model's files declare."""
    return _declared(", ".join(subject.model.facts.licence))


def library(subject: Subject) -> Measured:
    """The software that the card says runs it."""
    return _claimed(subject, "library")


def limitations(subject: Subject) -> Measured:
    """What the author admits."""
    return _claimed(subject, "safeguards-removed")


def page(subject: Subject) -> Measured:
    """The model's page."""
    return _declared(subject.where.page)


def download(subject: Subject) -> Measured:
    """Where its files are."""
    return _declared(subject.where.files or subject.where.page)


def lineage(subject: Subject) -> Measured:
    """What it descends from: verified only where digests or weights show it."""
    answer = subject.model.answers.descends_from
    if not bases_of(answer, subject.claims, subject.model.facts.lineage):
        return ABSENT
    status: Status = "verified" if answer.tier in _MEASURED else "declared"
    return Measured(status, _short(f"{answer.status}: {answer.base}"))


def dependencies(subject: Subject) -> Measured:
    """What it depends on: base models and datasets."""
    base = lineage(subject)
    return base if base.status != "absent" else datasets(subject)


def vulnerabilities(subject: Subject) -> Measured:
    """Findings, or that there are none, when everything needed was looked at."""
    hazards = subject.model.answers.load_hazards.status
    if hazards == "incomplete":
        return ABSENT
    return Measured("verified", f"{counted(len(subject.model.findings), 'finding')}")


def _claimed(subject: Subject, kind: str) -> Measured:
    return _declared(", ".join(values(subject.claims, kind)))


def _declared(value: str) -> Measured:
    return Measured("declared", _short(value)) if value else ABSENT


def _short(value: str) -> str:
    return text(value, _LONGEST)
