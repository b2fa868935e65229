from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from modelscan.report.spdx.packages import UNKNOWN, UNKNOWN_TIME
from modelscan.report.spdx.writer import Spdx
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from tests.forge import reports, schemas
from tests.forge.schemas import needs_schemas

VALID = reports.every_report()
TERMS = {"expandedlicensing_NoAssertionLicense", "_:creation"}
"""Individuals that the context defines, and the blank node."""
MANDATORY = {
    "ai_AIPackage": {
        "suppliedBy", "software_downloadLocation", "software_packageVersion",
        "software_primaryPurpose", "releaseTime",
    },
    "dataset_DatasetPackage": {
        "originatedBy", "software_downloadLocation", "software_primaryPurpose", "builtTime",
        "releaseTime", "dataset_datasetType",
    },
}  # fmt: skip
"""External properties restrictions of the AI and Dataset profiles, which no schema enforces."""


def graph(report: Report) -> list[dict[str, Any]]:
    document = json.loads(Spdx().write(report, Output()))
    found: list[dict[str, Any]] = document["@graph"]
    return found


def of_type(kind: str, report: Report) -> list[dict[str, Any]]:
    return [one for one in graph(report) if one["type"] == kind]


def related(report: Report, relation: str) -> list[dict[str, Any]]:
    return [one for one in graph(report) if one.get("relationshipType") == relation]


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft202012Validator:
    return schemas.spdx()


@needs_schemas
@pytest.mark.parametrize("name", VALID)
def test_documents_follow_the_official_schema(
    name: str, validator: jsonschema_rs.Draft202012Validator
) -> None:
    validator.validate(json.loads(Spdx().write(VALID[name], Output())))


@needs_schemas
def test_the_validator_refuses_what_is_wrong(validator: jsonschema_rs.Draft202012Validator) -> None:
    document = json.loads(Spdx().write(reports.bad_report(), Output()))
    document["@graph"][-1]["type"] = "NoSuchClass"
    assert not validator.is_valid(document)


@pytest.mark.parametrize("name", VALID)
def test_identifiers_are_unique_and_lead_somewhere(name: str) -> None:
    elements = graph(VALID[name])
    known = [one.get("spdxId", one.get("@id")) for one in elements]
    assert len(known) == len(set(known))
    used = {
        reference
        for one in elements
        for key in ("creationInfo", "from", "to", "subject", "suppliedBy", "originatedBy",
                    "element", "rootElement", "createdBy", "createdUsing")
        if key in one
        for reference in (one[key] if isinstance(one[key], list) else [one[key]])
    }  # fmt: skip
    assert used <= set(known) | TERMS


@pytest.mark.parametrize("name", VALID)
def test_profiles_have_their_mandatory_properties(name: str) -> None:
    for one in graph(VALID[name]):
        assert MANDATORY.get(one["type"], set()) <= set(one)


def test_what_is_unknown_is_said_to_be() -> None:
    agents = {one["spdxId"]: one["name"] for one in of_type("Agent", reports.bad_report())}
    model, base = of_type("ai_AIPackage", reports.bad_report())
    for one in (model, base):
        assert agents[one["suppliedBy"]] == UNKNOWN
        assert one["software_downloadLocation"] == UNKNOWN
        assert one["releaseTime"] == UNKNOWN_TIME
        assert UNKNOWN in one["comment"]
    (dataset,) = of_type("dataset_DatasetPackage", reports.bad_report())
    assert dataset["dataset_datasetType"] == ["noAssertion"]


def test_what_is_known_is_stated() -> None:
    report = VALID["proven"]
    agents = {one["spdxId"]: one["name"] for one in of_type("Agent", report)}
    model = of_type("ai_AIPackage", report)[0]
    assert model["name"] == "org/name"
    assert model["software_packageVersion"] == reports.COMMIT
    assert model["software_packageUrl"] == "pkg:huggingface/org/name@" + reports.COMMIT
    assert model["releaseTime"] == "2026-01-02T03:04:05Z"
    assert "comment" not in model
    assert agents[model["suppliedBy"]] == "release@org"
    assert model["ai_domain"] == ["text-generation"]
    assert "abliterated" in model["ai_limitation"]
    assert model["ai_informationAboutApplication"] == (
        "task: text-generation; library: transformers; language: en"
    )
    hub = of_type("ai_AIPackage", VALID["hub"])[0]
    names = {one["spdxId"]: one["name"] for one in of_type("Agent", VALID["hub"])}
    assert names[hub["suppliedBy"]] == "org"


def test_files_are_contained_with_their_hashes() -> None:
    report = reports.bad_report()
    (contains,) = related(report, "contains")
    files = of_type("software_File", report)
    assert contains["to"] == [one["spdxId"] for one in files]
    assert contains["completeness"] == "complete"
    assert files[0]["verifiedUsing"][0]["algorithm"] == "sha256"
    assert files[0]["software_contentIdentifier"][0]["software_contentIdentifierValue"] == (
        "gitoid:blob:sha1:" + "b" * 40
    )
    assert related(VALID["gaps"], "contains")[0]["completeness"] == "incomplete"
    (single,) = of_type("ai_AIPackage", VALID["single"])
    assert single["verifiedUsing"][0]["algorithm"] == "sha256"


def test_bases_and_datasets_are_related_and_a_denied_base_is_not() -> None:
    assert len(related(reports.bad_report(), "descendantOf")) == 1
    assert len(related(reports.bad_report(), "trainedOn")) == 1
    assert related(VALID["unrelated"], "descendantOf") == []
    assert len(related(VALID["merge"], "descendantOf")[0]["to"]) == 2


def test_two_models_share_a_base_a_dataset_and_a_licence() -> None:
    report = VALID["twice"]
    assert len(of_type("ai_AIPackage", report)) == 3
    assert len(of_type("dataset_DatasetPackage", report)) == 1
    assert len(of_type("simplelicensing_LicenseExpression", report)) == 2


def test_licences_are_declared_and_without_a_text_none_is_concluded() -> None:
    report = reports.bad_report()
    expressions = {
        one["spdxId"]: one for one in of_type("simplelicensing_LicenseExpression", report)
    }
    (declared,) = related(report, "hasDeclaredLicense")
    texts = [expressions[one]["simplelicensing_licenseExpression"] for one in declared["to"]]
    assert texts[0] == "Apache-2.0"
    assert texts[1].startswith("LicenseRef-")
    (terms,) = of_type("simplelicensing_SimpleLicensingText", report)
    assert terms["simplelicensing_licenseText"] == "my own terms"
    (concluded,) = related(report, "hasConcludedLicense")
    assert concluded["to"] == ["expandedlicensing_NoAssertionLicense"]
    (nothing,) = related(VALID["clean"], "hasDeclaredLicense")
    assert nothing["to"] == ["expandedlicensing_NoAssertionLicense"]


def test_findings_are_assessments_of_one_vulnerability_for_each_rule() -> None:
    report = reports.bad_report()
    assert len(of_type("security_Vulnerability", report)) == 4
    found = of_type("security_VexAffectedVulnAssessmentRelationship", report)
    assert len(found) == 5
    assert found[0]["security_actionStatement"].startswith("Do not load it")
    denied = of_type("security_VexNotAffectedVulnAssessmentRelationship", VALID["waived"])
    assert [one["security_justificationType"] for one in denied] == [
        "vulnerableCodeNotInExecutePath"
    ]


def test_the_five_answers_and_silence_are_annotations() -> None:
    statements = [one["statement"] for one in of_type("Annotation", reports.bad_report())]
    assert len(statements) == 5
    assert statements[0] == "load_hazards: found; pytorch_model.bin @2 calls posix.system"
    gaps = [one["statement"] for one in of_type("Annotation", VALID["gaps"])]
    assert "not looked at: 1,500 parts that loading needs" in gaps
    errors = [one["statement"] for one in of_type("Annotation", VALID["unreadable"])]
    assert "error: no such file or directory: gone" in errors


def test_profiles_are_claimed_only_when_used() -> None:
    (clean,) = of_type("SpdxDocument", VALID["clean"])
    assert clean["profileConformance"] == ["core", "software", "simpleLicensing", "ai"]
    (bad,) = of_type("SpdxDocument", reports.bad_report())
    assert bad["profileConformance"][-2:] == ["dataset", "security"]


def test_a_licence_s_own_text_is_concluded() -> None:
    expressions = {
        one["spdxId"]: one["simplelicensing_licenseExpression"]
        for one in of_type("simplelicensing_LicenseExpression", VALID["told"])
    }
    (concluded,) = related(VALID["told"], "hasConcludedLicense")
    first, second = (expressions[one] for one in concluded["to"])
    assert first == "MIT"
    assert second.startswith("LicenseRef-")
    (declared,) = related(VALID["told"], "hasDeclaredLicense")
    assert [expressions[one] for one in declared["to"]] == ["Apache-2.0"]


def test_the_measured_parts_of_a_merge_are_its_ancestors() -> None:
    (descent,) = related(VALID["told"], "descendantOf")
    assert len(descent["to"]) == 2
