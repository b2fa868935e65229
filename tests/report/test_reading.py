from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.report import reading
from modelscan.report.evidence.folder import evidence
from modelscan.report.reading import read_report
from modelscan.report.writer import Output
from modelscan.report.writers import BY_NAME
from tests.forge import reports

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report-1.json"
SAMPLE = Path(__file__).parent / "data" / "report-1.json"
"""Written once by the first version of the format, and never again: it must always convert."""


def native(tmp_path: Path, **changes: Any) -> Path:
    """A native report with some of its members replaced."""
    document = json.loads(BY_NAME["json"].write(reports.bad_report(), Output()))
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", BY_NAME)
def test_a_report_of_the_first_version_converts_to_every_format(name: str) -> None:
    report = read_report(SAMPLE)
    written = BY_NAME[name].write(report, Output())
    assert len(written) > 400


def test_a_report_of_the_first_version_follows_the_schema_and_is_evidence() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    validator.validate(json.loads(SAMPLE.read_text(encoding="utf-8")))
    assert {one.path for one in evidence(read_report(SAMPLE))} >= {"index.json", "decision.json"}


def test_the_sample_holds_one_of_everything() -> None:
    document = json.loads(SAMPLE.read_text(encoding="utf-8"))
    models = document["models"]
    assert {len(model["findings"]) > 0 for model in models} == {True, False}
    assert any(finding["waived"] for model in models for finding in model["findings"])
    assert any(entry["needed"] for model in models for entry in model["coverage"])
    assert any(model["error"] for model in models)
    assert any(model["facts"]["claims"] for model in models)


@pytest.mark.parametrize("kind", reports.every_report())
@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "html"])
def test_a_report_that_was_read_back_writes_the_same_bytes(
    name: str, kind: str, tmp_path: Path
) -> None:
    fresh = reports.every_report()[kind]
    path = tmp_path / "report.json"
    path.write_bytes(BY_NAME["json"].write(fresh, Output()))
    first = BY_NAME[name].write(fresh, Output())
    again = BY_NAME[name].write(read_report(path), Output())
    assert again == first


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a native report"),
        (b"\x80", "not a native report"),
        (b"[]", "not a native report"),
        (b'{"bomFormat": "CycloneDX"}', "not a native report"),
        (b'{"schema": "\\ud800"}', "not a native report"),
        (b'{"schema": "modelassay-inventory/1"}', "not a native report"),
        (b'{"schema": "modelassay-report/2"}', "version '2', and this version reads 1"),
        (b'{"schema": "modelassay-report/1"}', "`created`"),
        (b"[" * 100_000, "not a native report"),
        (b'{"schema": "modelassay-report/1", "created": ' + b"[" * 100_000, "not a native report"),
    ],
)
def test_other_documents_are_refused_with_their_path(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_report(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_broken_member_is_named(tmp_path: Path) -> None:
    path = native(tmp_path, models=[{"ref": 3}])
    with pytest.raises(UsageError, match=r"\$\.models\[0\]\.ref"):
        read_report(path)


@pytest.mark.parametrize("created", ["", "now", "2026-13-01T00:00:00Z", "2026-01-01", "x\n" * 9])
def test_a_time_that_formats_cannot_hold_is_refused(created: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\$\.created"):
        read_report(native(tmp_path, created=created))


def test_a_report_of_another_tool_is_refused(tmp_path: Path) -> None:
    tool = {"name": "x", "version": "1", "rules_digest": ""}
    with pytest.raises(UsageError, match=r"\$\.tool\.name"):
        read_report(native(tmp_path, tool=tool))


def test_members_of_a_later_minor_version_are_passed_over(tmp_path: Path) -> None:
    assert read_report(native(tmp_path, later={"a": 1})) == read_report(native(tmp_path))


def test_endless_depth_inside_an_open_member_is_refused(tmp_path: Path) -> None:
    data = BY_NAME["json"].write(reports.bad_report(), Output())
    deep = data.replace(b'"provenance": {}', b'"provenance": {"a": ' + b"[" * 50_000, 1)
    path = tmp_path / "deep.json"
    path.write_bytes(deep)
    with pytest.raises(UsageError):
        read_report(path)


def test_a_missing_file_and_a_folder_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_report(tmp_path / "gone.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_report(tmp_path)


def test_reading_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST", 1 << 10)
    with pytest.raises(UsageError, match="longer than"):
        read_report(native(tmp_path))


def test_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = native(tmp_path).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read_report(Path("-")).decision.exit_code == 1


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(prefix=st.binary(max_size=100), cut=st.integers(0, 3_000), extra=st.binary(max_size=20))
def test_any_bytes_are_a_report_or_a_usage_error(
    prefix: bytes, cut: int, extra: bytes, tmp_path: Path
) -> None:
    data = SAMPLE.read_bytes()
    path = tmp_path / "any.json"
    for content in (prefix, data[:cut] + extra + data[cut:], data[:cut] + extra):
        path.write_bytes(content)
        try:
            report = read_report(path)
        except UsageError:
            continue
        assert report.schema == "modelassay-report/1"
