from __future__ import annotations

import json
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
from tests.forge import reports, schemas
from tests.forge.reports import hub_model
from tests.forge.schemas import needs_schemas

VALID = reports.every_report()


def document(report: Report, specification: Specification = "1.6") -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(CycloneDx(specification).write(report, Output()))
    return parsed


def component(model: ModelReport) -> dict[str, Any]:
    built: dict[str, Any] = document(reports.report(model))["components"][0]
    return built


def values(entry: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in entry["properties"]}


@pytest.fixture(scope="module")
def validators() -> dict[Specification, jsonschema_rs.Draft7Validator]:
    return {"1.6": schemas.cyclonedx("1.6"), "1.7": schemas.cyclonedx("1.7")}


def related(**lineage: Any) -> ModelReport:
    return reports.model(answers=reports.answers(descends_from=Lineage(**lineage)))


@needs_schemas
@pytest.mark.parametrize("specification", ["1.6", "1.7"])
@pytest.mark.parametrize("name", VALID)
def test_documents_follow_the_official_schema(
    name: str,
    specification: Specification,
    validators: dict[Specification, jsonschema_rs.Draft7Validator],
) -> None:
    validators[specification].validate(document(VALID[name], specification))


@needs_schemas
def test_the_validator_sees_formats_and_companions(
    validators: dict[Specification, jsonschema_rs.Draft7Validator],
) -> None:
    validator = validators["1.6"]
    bom = document(reports.bad_report())
    bom["metadata"]["timestamp"] = "yesterday"
    assert not validator.is_valid(bom)
    bom = document(reports.bad_report())
    bom["components"][0]["licenses"][0]["license"]["id"] = "Apache-2"
    assert not validator.is_valid(bom)


@needs_schemas
def test_every_licence_identifier_is_spdx() -> None:
    assert set(SPDX_BY_LOWER.values()) <= set(schemas.load("spdx.schema.json")["enum"])


def named(value: Any, key: str) -> list[str]:
    """Every value of a key, wherever it stands."""
    if isinstance(value, dict):
        own = [value[key]] if isinstance(value.get(key), str) else []
        return own + [found for item in value.values() for found in named(item, key)]
    if isinstance(value, list):
        return [found for item in value for found in named(item, key)]
    return []


@pytest.mark.parametrize("specification", ["1.6", "1.7"])
@pytest.mark.parametrize("name", VALID)
def test_references_are_unique_and_lead_somewhere(name: str, specification: Specification) -> None:
    bom = document(VALID[name], specification)
    refs = named(bom, "bom-ref")
    assert len(refs) == len(set(refs))
    assert {key: set(named(bom, key)) - set(refs) for key in ("ref", "target", "assessor")} == {
        "ref": set(), "target": set(), "assessor": set(),
    }  # fmt: skip
    assert set(named(bom, "requirement")) <= set(refs)
    assert set(named(bom, "attributedTo")) <= set(refs)
    declared = bom.get("declarations", {})
    lists = [
        *(one.get("assemblies", []) for one in bom.get("compositions", [])),
        *(one.get("dependencies", []) for one in bom.get("compositions", [])),
        *(one.get("dependsOn", []) for one in bom["dependencies"]),
        *(one["subjects"] for one in bom.get("annotations", [])),
        *(one["evidence"] for one in declared.get("claims", [])),
        *(one["claims"] for each in declared.get("attestations", []) for one in each["map"]),
    ]
    assert {ref for one in lists for ref in one} <= set(refs)


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
            "properties": [
                {"name": "modelassay:relation", "value": "claimed"},
                {"name": "modelassay:tier", "value": "declared"},
            ],
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
    assert values(found) == {"modelassay:relation": "finetune", "modelassay:tier": "declared"}
    del found["properties"]
    assert found == {"type": "machine-learning-model", **ancestor}


def test_a_denied_descent_names_no_ancestor() -> None:
    one = related(status="unrelated", base="a/b", tier="measured", reason="other weights")
    pedigree = component(one)["pedigree"]
    assert "ancestors" not in pedigree
    assert "other weights" in pedigree["notes"]


def test_the_model_card_repeats_claims_and_licences_are_declared() -> None:
    built, data = document(reports.bad_report())["components"]
    assert built["modelCard"]["modelParameters"] == {
        "task": "sentence-similarity",
        "modelArchitecture": "BertModel",
        "datasets": [{"ref": data["bom-ref"]}],
    }
    assert data["type"] == "data"
    assert data["data"] == [{"type": "dataset", "name": "s2orc"}]
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
    compositions = document(report)["compositions"]
    found = [one["aggregate"] for one in compositions if "assemblies" in one]
    assert found == ["complete", "incomplete", "incomplete"]
    rest = {one["aggregate"] for one in compositions if "dependencies" in one}
    assert rest == {"unknown"}


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


def test_waived_findings_stay_and_only_a_justification_denies_anything() -> None:
    found = document(reports.report(reports.waived_model()))["vulnerabilities"]
    assert [one.get("analysis") for one in found] == [
        {
            "state": "not_affected",
            "justification": "code_not_reachable",
            "detail": "the loader uses weights_only=True",
        },
        {"response": ["will_not_fix"], "detail": "reviewed on 2026-11-20"},
        {"response": ["will_not_fix"], "detail": "waived"},
        None,
    ]


def test_a_merge_has_several_ancestors() -> None:
    (built,) = document(VALID["merge"])["components"]
    ancestors = [(one["group"], values(one)) for one in built["pedigree"]["ancestors"]]
    assert ancestors == [
        ("a", {"modelassay:relation": "merge", "modelassay:tier": "measured"}),
        ("c", {"modelassay:relation": "claimed", "modelassay:tier": "declared"}),
    ]


def test_files_have_the_names_that_git_and_archives_give_their_bytes() -> None:
    file = component(reports.model())["components"][0]
    assert file["swhid"] == ["swh:1:cnt:" + "b" * 40]
    assert file["omniborId"] == ["gitoid:blob:sha1:" + "b" * 40]
    (identity,) = file["evidence"]["identity"]
    assert identity["concludedValue"] == file["hashes"][0]["content"]
    assert file["evidence"]["occurrences"] == [{"location": "config.json"}]
    bare = FileEntry(path="a", size=1, digests={"git-blob": "short"}, format="x")
    (file,) = component(reports.model(files=(bare,)))["components"]
    assert not {"swhid", "omniborId", "hashes"} & set(file)


def test_only_digests_and_signatures_are_evidence_of_a_name() -> None:
    (identity,) = component(reports.proven_model())["evidence"]["identity"]
    assert identity["concludedValue"] == "org/name"
    techniques = [one["technique"] for one in identity["methods"]]
    assert techniques == ["hash-comparison", "attestation"]
    assert "evidence" not in component(reports.hub_model())


def test_a_hub_page_is_a_reference_and_a_strange_endpoint_is_not() -> None:
    found = component(reports.proven_model())
    assert {one["type"]: one["url"] for one in found["externalReferences"]} == {
        "distribution": "https://huggingface.co/org/name/tree/" + reports.COMMIT,
        "model-card": "https://huggingface.co/org/name",
    }
    assert found["publisher"] == "org"
    (odd,) = document(VALID["odd hub"])["components"]
    assert "externalReferences" not in odd


def test_the_five_answers_are_claims_with_evidence_and_plain_ones_are_scored() -> None:
    found = document(reports.bad_report())["declarations"]
    assert [one["predicate"] for one in found["claims"]] == [
        "load_hazards: found", "official_bytes: modified", "signed: unsigned",
        "descends_from: claimed", "allowed: fail",
    ]  # fmt: skip
    assert found["evidence"][0]["description"] == "pytorch_model.bin @2 calls posix.system"
    (attestation,) = found["attestations"]
    scores = [one.get("conformance", {}).get("score") for one in attestation["map"]]
    assert scores == [0, 0, None, None, 0]


def test_the_policy_s_verdict_is_an_annotation() -> None:
    (found,) = document(reports.report(reports.gap_model(), exit_code=3))["annotations"]
    assert found["text"].endswith("not looked at: 1 part that loading needs")


def test_1_7_cites_the_files_that_make_the_claims() -> None:
    bom = document(reports.report(reports.proven_model()), "1.7")
    (citation,) = bom["citations"]
    config = bom["components"][0]["components"][0]
    assert citation["attributedTo"] == config["bom-ref"]
    assert citation["pointers"] == [
        "/components/0/licenses",
        "/components/0/modelCard/modelParameters/datasets",
        "/components/0/modelCard/modelParameters/task",
        "/components/0/modelCard/properties",
    ]
    for pointer in citation["pointers"]:
        value: Any = bom
        for step in pointer[1:].split("/"):
            value = value[int(step)] if isinstance(value, list) else value[step]
        assert value
    assert "citations" not in document(reports.report(reports.proven_model()))


def test_each_version_has_a_name_and_a_serial_number_of_its_own() -> None:
    one, other = (document(reports.bad_report(), version) for version in ("1.6", "1.7"))
    assert (one["specVersion"], other["specVersion"]) == ("1.6", "1.7")
    assert one["serialNumber"] != other["serialNumber"]


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


def test_the_measured_parts_of_a_merge_are_its_ancestors() -> None:
    built = document(VALID["told"])["components"][0]["pedigree"]
    assert [one["name"] for one in built["ancestors"]] == ["acme-1", "acme-2"]
    assert [values(one)["modelassay:weight"] for one in built["ancestors"]] == ["0.25", "0.75"]
    assert "patches" not in built
    assert "; limits: It shows how much changed" in built["notes"]


def test_what_was_added_to_a_base_is_a_patch() -> None:
    for status, patched in (("adapter", True), ("low-rank", True), ("finetune", False)):
        model = related(status=status, base="a/b", tier="measured", reason="r")
        assert ("patches" in component(model)["pedigree"]) == patched


def test_a_licence_s_own_text_is_concluded_and_claims_are_declared() -> None:
    built = document(VALID["told"])["components"][0]
    found = [
        (one["license"].get("id") or one["license"]["name"], one["license"]["acknowledgement"])
        for one in built["licenses"]
    ]
    assert found == [
        ("Apache-2.0", "declared"), ("MIT", "concluded"), ("llama3.1", "concluded"),
    ]  # fmt: skip
    assert built["evidence"]["licenses"] == built["licenses"][1:]
