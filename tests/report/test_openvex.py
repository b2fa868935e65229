from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from modelscan.report.openvex import OpenVex
from modelscan.report.waivers import JUSTIFICATIONS, Waiver, waiver
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME, silence
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import Report
from tests.forge import reports, schemas
from tests.forge.schemas import needs_schemas

VALID = reports.every_report()
SPEAKING = [name for name, report in VALID.items() if not OpenVex().silence(report)]


def document(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(OpenVex().write(report, Output()))
    return found


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft202012Validator:
    return schemas.openvex()


@needs_schemas
@pytest.mark.parametrize("name", SPEAKING)
def test_documents_follow_the_official_schema(
    name: str, validator: jsonschema_rs.Draft202012Validator
) -> None:
    validator.validate(document(VALID[name]))


@pytest.mark.parametrize("name", VALID)
def test_nothing_to_state_is_no_document_and_has_a_reason(name: str) -> None:
    writer = BY_NAME["openvex"]
    assert bool(silence(writer, VALID[name])) == (writer.write(VALID[name], Output()) == b"")
    assert SPEAKING == ["waived", "told", "hostile"]


def test_other_formats_are_never_silent() -> None:
    assert {silence(writer, VALID["clean"]) for name, writer in BY_NAME.items()} == {
        "", "no finding is waived, so there is nothing to state",
    }  # fmt: skip
    assert silence(BY_NAME["json"], VALID["clean"]) == ""


def test_only_a_justification_denies_that_the_model_is_affected() -> None:
    first, second, third = document(VALID["waived"])["statements"]
    assert first["vulnerability"]["name"] == "pickle-dangerous-call"
    assert first["status"] == "not_affected"
    assert first["justification"] == "vulnerable_code_not_in_execute_path"
    assert first["impact_statement"] == "the loader uses weights_only=True"
    assert second["status"] == third["status"] == "affected"
    assert second["action_statement"] == "Accepted by a waiver: reviewed on 2026-11-20"
    assert third["action_statement"] == "Accepted by a waiver: waived"


def test_products_are_named_by_purl_or_by_their_digest() -> None:
    (local,) = document(VALID["waived"])["statements"][0]["products"]
    assert local["@id"].startswith("ni:///sha-256;")
    (part,) = local["subcomponents"]
    assert part["@id"].startswith("ni:///sha-256;")
    assert len(part["hashes"]["sha-256"]) == 64
    one = reports.finding(location=Location(), waived="seen")
    remote = reports.hub_model()
    report = reports.report(reports.model(ref=remote.ref, source=remote.source, findings=(one,)))
    (product,) = document(report)["statements"][0]["products"]
    purl = "pkg:huggingface/org/name@" + reports.COMMIT
    assert product == {"@id": purl, "identifiers": {"purl": purl}}


def test_a_model_without_digest_has_an_iri_all_the_same() -> None:
    one = reports.model(digest=None, findings=(reports.finding(waived="seen"),))
    (product,) = document(reports.report(one))["statements"][0]["products"]
    assert product["@id"].startswith("urn:uuid:")


def test_equal_statements_are_made_once_and_ids_follow_the_content() -> None:
    one = reports.waived_model()
    once, twice = document(reports.report(one)), document(reports.report(one, one))
    assert once == twice
    assert once["@id"] != document(reports.hostile_report())["@id"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", Waiver("", "waived")),
        (" seen\nand\u202e known ", Waiver("", r"seen and\u202e known")),
        ("component_not_present", Waiver("component_not_present", "component not present")),
        ("component_not_present :  no", Waiver("component_not_present", "no")),
        ("component_not_presents: no", Waiver("", "component_not_presents: no")),
        ("we say component_not_present: no", Waiver("", "we say component_not_present: no")),
    ],
)
def test_a_waiver_may_begin_with_a_justification(text: str | None, expected: Waiver | None) -> None:
    assert waiver(text) == expected


@needs_schemas
def test_justifications_are_openvex_s() -> None:
    statement = schemas.load("openvex-0.2.0.schema.json")["properties"]["statements"]["items"]
    assert set(JUSTIFICATIONS) == set(statement["properties"]["justification"]["enum"])
