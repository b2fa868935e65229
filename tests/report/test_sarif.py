from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import msgspec
import pytest

from modelscan.report.sarif.notifications import MOST_GAPS
from modelscan.report.sarif.rules import MOST_TAGS, escape
from modelscan.report.sarif.writer import MOST_RESULTS, Sarif
from modelscan.report.writer import Output
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import ModelFacts, Report
from modelscan.vocabulary.rule import Maps
from tests.forge import reports, schemas
from tests.forge.schemas import needs_schemas

VALID = reports.every_report()


def run(report: Report) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(Sarif().write(report, Output()))
    assert log["version"] == "2.1.0"
    (only,) = log["runs"]
    assert isinstance(only, dict)
    return only


def notifications(one: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one["invocations"][0]["toolExecutionNotifications"]
    return found


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft4Validator:
    return schemas.sarif()


@needs_schemas
@pytest.mark.parametrize("name", VALID)
def test_logs_follow_the_official_schema(
    name: str, validator: jsonschema_rs.Draft4Validator
) -> None:
    validator.validate(json.loads(Sarif().write(VALID[name], Output())))


@needs_schemas
def test_the_validator_sees_formats(validator: jsonschema_rs.Draft4Validator) -> None:
    log = json.loads(Sarif().write(reports.bad_report(), Output()))
    log["runs"][0]["invocations"][0]["endTimeUtc"] = "yesterday"
    assert not validator.is_valid(log)


@pytest.mark.parametrize("name", VALID)
def test_indexes_lead_to_what_they_name(name: str) -> None:
    found = run(VALID[name])
    driver = found["tool"]["driver"]
    for one in found["results"]:
        assert driver["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    for one in notifications(found):
        descriptor = one["descriptor"]
        assert driver["notifications"][descriptor["index"]]["id"] == descriptor["id"]
    for rule in driver["rules"]:
        for related in rule.get("relationships", []):
            target = related["target"]
            taxonomy = found["taxonomies"][target["toolComponent"]["index"]]
            assert taxonomy["name"] == target["toolComponent"]["name"]
            assert taxonomy["taxa"][target["index"]]["id"] == target["id"]
    supported = [one["name"] for one in driver["supportedTaxonomies"]]
    assert supported == [one["name"] for one in found["taxonomies"]]


def test_nothing_found_is_a_run_with_no_results_which_closes_old_alerts() -> None:
    found = run(VALID["clean"])
    assert found["results"] == []
    assert found["invocations"][0]["executionSuccessful"] is True


def test_a_rule_carries_what_code_scanning_shows() -> None:
    rules = {one["id"]: one for one in run(reports.bad_report())["tool"]["driver"]["rules"]}
    rule = rules["pickle-dangerous-call"]
    assert rule["name"] == "PickleDangerousCall"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"] == {
        "tags": ["security", "external/cwe/cwe-502", "AML.T0010.003", "AML.T0011.000",
                 "LLM04:2026"],
        "precision": "high",
        "security-severity": "9.5",
        "problem.severity": "error",
    }  # fmt: skip
    assert "## Fix" in rule["help"]["markdown"]
    note = rules["pickle-present"]["properties"]
    assert "security" not in note["tags"]
    assert "security-severity" not in note
    assert note["problem.severity"] == "recommendation"


def test_tags_stay_within_github_s_limit() -> None:
    entry = msgspec.structs.replace(
        reports.rule(), maps=Maps(cwe=tuple(f"CWE-{number}" for number in range(100, 150)))
    )
    one = msgspec.structs.replace(
        reports.report(reports.model(findings=(reports.finding(),))),
        rules={"pickle-dangerous-call": entry},
    )
    (rule,) = run(one)["tool"]["driver"]["rules"]
    assert len(rule["properties"]["tags"]) == MOST_TAGS
    assert len(rule["relationships"]) == 50


def test_a_rule_of_few_words_has_no_empty_sections() -> None:
    entry = msgspec.structs.replace(reports.rule(), maps=Maps(), references=())
    one = reports.report(
        reports.model(findings=(reports.finding(),)), rules={"pickle-dangerous-call": entry}
    )
    (rule,) = run(one)["tool"]["driver"]["rules"]
    assert "References" not in rule["help"]["markdown"]
    assert "Related" not in rule["help"]["markdown"]
    assert "relationships" not in rule
    assert run(one)["taxonomies"] == []


def test_markdown_of_a_rule_is_inert() -> None:
    assert escape("[x](javascript:y) <b>`*_") == r"\[x\](javascript:y) \<b\>\`\*\_"


def test_a_finding_is_at_its_file_and_logically_inside_it() -> None:
    where = Location("weights/a b#.zip", "archive/data.pkl", 412)
    (found,) = run(
        reports.report(reports.model(findings=(reports.finding(location=where),)))
    )["results"]  # fmt: skip
    (place,) = found["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {
            "uri": "minilm-copy/weights/a%20b%23.zip", "uriBaseId": "%SRCROOT%",
        },
        "region": {"startLine": 1},
    }  # fmt: skip
    (logical,) = place["logicalLocations"]
    assert logical == {
        "name": "archive/data.pkl",
        "fullyQualifiedName": "minilm-copy!weights/a b#.zip!archive/data.pkl @412",
        "kind": "member",
    }
    assert found["properties"]["offset"] == 412


def test_a_fetched_model_s_findings_are_where_it_is_referenced() -> None:
    one = msgspec.structs.replace(
        reports.hub_model(),
        findings=(reports.finding(),),
        facts=ModelFacts(provenance={"referenced_at": {"file": "app/serve.py", "line": 12}}),
    )
    (found,) = run(reports.report(one))["results"]
    physical = found["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "app/serve.py"
    assert physical["region"] == {"startLine": 12}


def test_fingerprints_survive_wording_severity_and_revision() -> None:
    def fingerprint(ref: str, **changes: Any) -> dict[str, str]:
        one = reports.hub_model(ref)
        one = msgspec.structs.replace(one, findings=(reports.finding(identity="same", **changes),))
        found: dict[str, str] = run(reports.report(one))["results"][0]["partialFingerprints"]
        return found

    first = fingerprint("hf:org/name@" + "a" * 40)
    assert first == fingerprint("hf:org/name@" + "b" * 40, message="other words")
    assert first != fingerprint("hf:org/other")
    assert first["modelassayIdentity/v1"] == "same"


def test_waived_findings_are_suppressed_and_the_others_say_that_they_are_not() -> None:
    found = run(VALID["waived"])["results"]
    by_rule = {one["ruleId"]: one["suppressions"] for one in found}
    assert by_rule["model-card-missing"] == []
    (only,) = by_rule["pickle-dangerous-call"]
    assert only == {
        "kind": "external",
        "status": "accepted",
        "justification": reports.JUSTIFIED,
    }
    assert by_rule["pickle-present"][0]["justification"] == "waived"
    assert all("suppressions" not in one for one in run(reports.bad_report())["results"])


def test_results_say_what_is_new_since_the_baseline() -> None:
    findings = (reports.finding(baseline="new"), reports.finding("b", baseline="unchanged"))
    found = run(reports.report(reports.model(findings=findings)))["results"]
    assert [one["baselineState"] for one in found] == ["new", "unchanged"]
    assert all("baselineState" not in one for one in run(reports.bad_report())["results"])


def test_gaps_are_notifications_and_many_are_counted() -> None:
    found = notifications(run(VALID["gaps"]))
    assert len(found) == MOST_GAPS + 1
    assert found[0]["descriptor"]["id"] == "not-looked-at"
    assert found[0]["message"]["text"] == "minilm-copy!a.zip!0.pkl: encrypted"
    assert found[-1]["message"]["text"].startswith("500 further parts")


def test_a_target_that_could_not_be_read_is_an_error_of_the_run() -> None:
    found = run(VALID["unreadable"])
    assert found["invocations"][0]["executionSuccessful"] is False
    (only,) = notifications(found)
    assert only["level"] == "error"
    assert "no such file" in only["message"]["text"]


def test_the_most_severe_results_are_kept_and_the_rest_is_counted() -> None:
    many = reports.large_report(MOST_RESULTS + 10)
    (model,) = many.models
    findings = [
        msgspec.structs.replace(finding, severity="high" if index == MOST_RESULTS + 5 else "low")
        for index, finding in enumerate(model.findings)
    ]
    found = run(reports.report(msgspec.structs.replace(model, findings=tuple(findings))))
    assert len(found["results"]) == MOST_RESULTS
    assert found["results"][0]["properties"]["severity"] == "high"
    (only,) = notifications(found)
    assert only["message"]["text"] == "10 findings left out, the least severe ones: 10 low"


def test_the_five_answers_are_in_the_run() -> None:
    (model,) = run(reports.bad_report())["properties"]["models"]
    assert model["answers"]["official_bytes"]["status"] == "modified"


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_hostile_text_stays_inside_the_repository(text: str) -> None:
    found = run(reports.report(reports.hostile_model(f"../../{text}"), exit_code=1))
    for one in found["results"]:
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert uri
        assert not uri.startswith("/")
        assert ".." not in unquote(uri).split("/")
