from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from modelscan.report.cyclonedx.writer import CycloneDx, Specification
from modelscan.report.licences import SPDX_BY_LOWER
from modelscan.report.writer import Output
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.result import FileEntry, ModelFacts, ModelReport, Report
from modelscan.vocabulary.snapshot import Source
from tests.forge import reports

SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "schemas"
COMPANIONS = ("spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json")

needs_schemas = pytest.mark.skipif(
    not (SCHEMAS / "bom-1.6.schema.json").is_file(), reason="the official schemas are not here"
)


def document(report: Report) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(CycloneDx().write(report, Output()))
    return parsed


def component(model: ModelReport) -> dict[str, Any]:
    built: dict[str, Any] = document(reports.report(model))["components"][0]
    return built


def values(entry: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in entry["properties"]}


def hub_model(ref: str, **source: Any) -> ModelReport:
    return reports.model(ref=ref, source=Source(kind="hub", **source))


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft7Validator:
    def load(name: str) -> Any:
        return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))

    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}", load(name)) for name in COMPANIONS]
    )
    return jsonschema_rs.Draft7Validator(
        load("bom-1.6.schema.json"), registry=registry, validate_formats=True
    )


def related(**lineage: Any) -> ModelReport:
    return reports.model(answers=reports.answers(descends_from=Lineage(**lineage)))


VALID = {
    "empty": reports.report(exit_code=4),
    "unreadable": reports.report(reports.model(), reports.unreadable_model(), exit_code=3),
    "bad": reports.bad_report(),
    "twice": reports.report(reports.bad_model(), reports.bad_model(), exit_code=1),
    "hub": reports.report(
        hub_model("hf:org/name@main", revision=reports.COMMIT, endpoint="https://mirror.example")
    ),
    "unrelated": reports.report(
        related(status="unrelated", base="a/b", tier="measured", reason="r")
    ),
    "waived": reports.report(reports.model(findings=(reports.finding(waived=""),))),
    "large": reports.large_report(2_000),
    "hostile": reports.hostile_report(),
}


@needs_schemas
@pytest.mark.parametrize("name", VALID)
def test_documents_follow_the_official_schema(
    name: str, validator: jsonschema_rs.Draft7Validator
) -> None:
    validator.validate(document(VALID[name]))


@needs_schemas
def test_the_validator_sees_formats_and_companions(
    validator: jsonschema_rs.Draft7Validator,
) -> None:
    bom = document(reports.bad_report())
    bom["metadata"]["timestamp"] = "yesterday"
    assert not validator.is_valid(bom)
    bom = document(reports.bad_report())
    bom["components"][0]["licenses"][0]["license"]["id"] = "Apache-2"
    assert not validator.is_valid(bom)


@needs_schemas
def test_every_licence_identifier_is_spdx() -> None:
    known = json.loads((SCHEMAS / "spdx.schema.json").read_text(encoding="utf-8"))["enum"]
    assert set(SPDX_BY_LOWER.values()) <= set(known)


@pytest.mark.parametrize("name", VALID)
def test_references_are_unique_and_lead_somewhere(name: str) -> None:
    bom = document(VALID[name])
    models = bom.get("components", [])
    files = [file for model in models for file in model.get("components", [])]
    findings = bom.get("vulnerabilities", [])
    refs = [one["bom-ref"] for one in [bom["metadata"]["component"], *models, *files, *findings]]
    assert len(refs) == len(set(refs))
    assert {one["ref"] for one in bom["dependencies"]} <= set(refs)
    assert {ref for one in bom.get("compositions", []) for ref in one["assemblies"]} <= set(refs)
    assert {affected["ref"] for one in findings for affected in one["affects"]} <= set(refs)


def test_a_document_is_deterministic_and_follows_its_report() -> None:
    first, second = (CycloneDx().write(reports.bad_report(), Output()) for _ in range(2))
    assert first == second
    later = msgspec.structs.replace(reports.bad_report(), created="2026-11-22T00:00:00Z")
    one, other = json.loads(first), document(later)
    assert one["serialNumber"] != other["serialNumber"]
    assert one["components"] == other["components"]


def test_the_order_of_files_does_not_matter() -> None:
    one = reports.model()
    other = msgspec.structs.replace(one, files=one.files[::-1])
    assert component(one) == component(other)


def test_the_five_answers_are_properties_of_the_model() -> None:
    found = values(component(reports.bad_model()))
    assert found["modelassay:answer:load_hazards"] == "found"
    assert found["modelassay:answer:official_bytes"] == "modified"
    assert found["modelassay:answer:signed"] == "unsigned"
    assert found["modelassay:answer:descends_from"] == "claimed"
    assert found["modelassay:answer:allowed"] == "fail"


def test_files_carry_only_hashes_that_the_schema_knows() -> None:
    digests = {"git-blob": "b" * 40, "sha256": "a" * 64, "sha384": "c" * 96, "blake2b": "d" * 64}
    one = FileEntry(path="weights/a.bin", size=5, digests=digests, format="pytorch")
    (file,) = component(reports.model(files=(one,)))["components"]
    assert file["hashes"] == [
        {"alg": "SHA-256", "content": "a" * 64},
        {"alg": "SHA-384", "content": "c" * 96},
    ]
    assert file["mime-type"] == "application/zip"
    assert values(file) == {
        "modelassay:format": "pytorch", "modelassay:size": "5", "modelassay:git-blob": "b" * 40,
    }  # fmt: skip


def test_only_a_single_file_gives_the_model_a_hash() -> None:
    one = reports.model(files=(reports.file("a.gguf"),), source=Source(kind="file"))
    assert component(one)["hashes"][0]["alg"] == "SHA-256"
    assert "hashes" not in component(reports.model())


@pytest.mark.parametrize(
    ("model", "purl"),
    [
        (
            hub_model("hf:Org/Name", revision="A" * 40),
            "pkg:huggingface/Org/Name@" + "a" * 40,
        ),
        (
            hub_model("hf:org/name:Q4_K_M@" + reports.COMMIT),
            "pkg:huggingface/org/name@" + reports.COMMIT,
        ),
        (hub_model("hf:org/name@main"), "pkg:huggingface/org/name"),
        (
            hub_model("hf:org/name", endpoint="https://mirror.example"),
            "pkg:huggingface/org/name?repository_url=https%3A%2F%2Fmirror.example",
        ),
        (hub_model("hf:org/name/../x"), None),
        (reports.model(), None),
    ],
)
def test_purls(model: ModelReport, purl: str | None) -> None:
    assert component(model).get("purl") == purl


def test_a_base_is_an_ancestor_with_how_well_it_is_known() -> None:
    pedigree = component(reports.bad_model())["pedigree"]
    assert pedigree["ancestors"] == [
        {
            "type": "machine-learning-model",
            "group": "nreimers",
            "name": "MiniLM-L6-H384-uncased",
        }
    ]
    assert pedigree["notes"].startswith("relation: claimed; known by: declared;")


@pytest.mark.parametrize(
    ("base", "ancestor"),
    [
        (
            "hf:org/name@" + reports.COMMIT,
            {
                "group": "org",
                "name": "name",
                "version": reports.COMMIT,
                "purl": "pkg:huggingface/org/name@" + reports.COMMIT,
            },
        ),
        ("hf:org/name", {"group": "org", "name": "name", "purl": "pkg:huggingface/org/name"}),
        ("../folder/model", {"name": "../folder/model"}),
    ],
)
def test_only_a_full_reference_to_a_base_makes_a_purl(base: str, ancestor: dict[str, str]) -> None:
    one = related(status="finetune", base=base, tier="declared", reason="r")
    (found,) = component(one)["pedigree"]["ancestors"]
    assert found == {"type": "machine-learning-model", **ancestor}


def test_a_denied_descent_names_no_ancestor() -> None:
    one = related(status="unrelated", base="a/b", tier="measured", reason="other weights")
    pedigree = component(one)["pedigree"]
    assert "ancestors" not in pedigree
    assert "other weights" in pedigree["notes"]


def test_the_model_card_repeats_claims_and_licences_are_declared() -> None:
    built = component(reports.bad_model())
    assert built["modelCard"]["modelParameters"] == {
        "task": "sentence-similarity",
        "modelArchitecture": "BertModel",
        "datasets": [{"type": "dataset", "name": "s2orc"}],
    }
    assert built["licenses"] == [
        {"license": {"id": "Apache-2.0", "acknowledgement": "declared"}},
        {"license": {"name": "my own terms", "acknowledgement": "declared"}},
    ]


def test_claims_of_another_shape_are_passed_over() -> None:
    facts = ModelFacts(claims=({"claim": "task", "value": 3}, {"claim": ["x"]}, {}))
    assert "modelCard" not in component(reports.model(facts=facts))


def test_gaps_make_a_composition_incomplete() -> None:
    gap = Coverage(file="a.zip", status="encrypted", needed=True)
    harmless = Coverage(file="a.png", status="skipped")
    report = reports.report(
        reports.model(coverage=(harmless,)),
        reports.model(coverage=(gap,)),
        reports.unreadable_model(),
    )
    found = [one["aggregate"] for one in document(report)["compositions"]]
    assert found == ["complete", "incomplete", "incomplete"]


def test_a_finding_is_a_vulnerability_of_its_file() -> None:
    bom = document(reports.bad_report())
    first = bom["vulnerabilities"][0]
    file = next(
        one for one in bom["components"][0]["components"] if one["name"] == "pytorch_model.bin"
    )
    assert first["id"] == "pickle-dangerous-call"
    assert first["ratings"] == [
        {"source": {"name": "modelassay"}, "severity": "critical", "method": "other"}
    ]
    assert first["cwes"] == [502]
    assert first["affects"] == [{"ref": file["bom-ref"]}]
    assert "analysis" not in first
    found = [(one["name"], one["value"]) for one in first["properties"]]
    assert ("modelassay:atlas", "AML.T0010.003") in found
    assert ("modelassay:atlas", "AML.T0011.000") in found
    assert ("modelassay:owasp-llm", "LLM04:2026") in found
    assert ("modelassay:location", "pytorch_model.bin @2") in found


def test_a_waived_finding_stays_with_its_reason() -> None:
    report = reports.report(reports.model(findings=(reports.finding(waived="reviewed"),)))
    (only,) = document(report)["vulnerabilities"]
    assert only["analysis"] == {"response": ["will_not_fix"], "detail": "reviewed"}


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_every_string_is_plainly_visible(text: str) -> None:
    def strings(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in strings(item)]
        if isinstance(value, list):
            return [text for item in value for text in strings(item)]
        return [value] if isinstance(value, str) else []

    found = strings(document(reports.report(reports.hostile_model(text), exit_code=1)))
    assert all(one.isprintable() for one in found)
    assert max(map(len, found)) <= 10 * 4_096
