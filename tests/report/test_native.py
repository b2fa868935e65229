from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from modelscan.report.native import Native
from modelscan.report.writer import Output
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import Report
from tests.forge import reports

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report-1.json"


def written(report: Report) -> bytes:
    return Native().write(report, Output())


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@pytest.mark.parametrize(
    "report",
    [
        reports.report(exit_code=4),
        reports.report(reports.model(), reports.unreadable_model(), exit_code=3),
        reports.bad_report(),
        reports.hostile_report(),
        reports.large_report(),
    ],
    ids=["empty", "unreadable", "bad", "hostile", "large"],
)
def test_reports_follow_the_published_schema(
    report: Report, validator: jsonschema_rs.Draft202012Validator
) -> None:
    validator.validate(json.loads(written(report)))


def test_the_schema_refuses_another_version(validator: jsonschema_rs.Draft202012Validator) -> None:
    document = json.loads(written(reports.bad_report()))
    assert not validator.is_valid(document | {"schema": "modelassay-report/2"})
    assert not validator.is_valid({key: document[key] for key in document if key != "schema"})


def test_a_report_can_be_read_back() -> None:
    report = reports.bad_report()
    assert msgspec.json.decode(written(report), type=Report) == report


def test_the_shape_is_the_documented_one() -> None:
    text = written(reports.bad_report()).decode()
    document: dict[str, Any] = json.loads(text)
    assert text.startswith('{\n  "schema": "modelassay-report/1",\n  "created"')
    assert text.endswith("}\n")
    assert list(document) == [
        "schema", "created", "tool", "policy", "rules", "models", "decision",
    ]  # fmt: skip
    assert document["models"][0]["findings"][0]["location"] == {
        "file": "pytorch_model.bin", "member": None, "offset": 2, "line": None,
    }  # fmt: skip
    assert document["models"][0]["source"] == {
        "kind": "directory", "endpoint": None, "revision": None, "asked_revision": None,
    }  # fmt: skip


def test_the_order_of_dictionaries_does_not_matter() -> None:
    one = reports.finding(evidence={"a": 1, "b": 2})
    other = reports.finding(evidence={"b": 2, "a": 1})
    assert written(reports.report(reports.model(findings=(one,)))) == written(
        reports.report(reports.model(findings=(other,)))
    )


@pytest.mark.parametrize("text", reports.HOSTILE)
def test_hostile_text_is_inert_and_survives(text: str) -> None:
    data = written(reports.report(reports.hostile_model(text), exit_code=1))
    raw = data.decode()
    controls = [c for c in raw if c != "\n" and (c < " " or "\x7f" <= c <= "\x9f")]
    assert not controls
    assert not set(raw) & set("\u202a\u202e\u2066\u200b\u200e\u061c\ufeff\u2028\u2029\U000e0041")
    survives = text.encode(errors="backslashreplace").decode()
    assert json.loads(raw)["models"][0]["ref"] == survives


def test_surrogates_become_visible_escapes() -> None:
    one = reports.finding(location=Location("a\udcff.bin"))
    document = json.loads(written(reports.report(reports.model(findings=(one,)))))
    assert document["models"][0]["findings"][0]["location"]["file"] == r"a\udcff.bin"


def test_endless_integers_become_text() -> None:
    findings = (reports.finding(evidence={"parameters": 1 << 100_000, "count": 1 << 70}),)
    document = json.loads(written(reports.report(reports.model(findings=findings))))
    evidence = document["models"][0]["findings"][0]["evidence"]
    assert evidence == {"count": 1 << 70, "parameters": hex(1 << 100_000)}
