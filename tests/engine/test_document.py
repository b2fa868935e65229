from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.engine.document import Document, read
from modelscan.errors import RuleError


def parse(folder: Path, text: str | bytes) -> Document:
    path = folder / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, "x.yaml")


def test_values_and_their_lines(tmp_path: Path) -> None:
    parsed = parse(
        tmp_path,
        "a: 1\nb:\n  - yes\n  - true\n  - null\n  - 2024-01-01\nc: {d: '7', e: 007}\n",
    )
    assert parsed.data == {
        "a": 1,
        "b": ["yes", True, None, "2024-01-01"],
        "c": {"d": "7", "e": "007"},
    }
    assert parsed.line(("b",)) == 2
    assert parsed.line(("b", 1)) == 4
    assert parsed.line(("c", "e")) == 7
    assert parsed.line(("c", "gone", "deeper")) == 7


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' appears twice"),
        ("a:\n  b: {c: 1, c: 2}\n", 2, "'c' appears twice"),
        ("a: &x 1\nb: 2\n", 1, "anchors"),
        ("a: 1\nb: [*x]\n", 2, "anchors"),
        ("a: !!python/name:os.system x\n", 1, "tags"),
        ("a: ! b\n", 1, "tags"),
        ("? [1, 2]\n: 3\n", 1, "plain text"),
        ("a: 1\n---\nb: 2\n", 2, "one document"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: " + "[" * 20 + "]" * 20, 1, "nested"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(RuleError, match=says) as caught:
        parse(tmp_path, text)
    assert (caught.value.file, caught.value.line) == ("x.yaml", line)


@pytest.mark.parametrize("text", ["", "# only a comment\n", b"\xff\xfe\x00"])
def test_a_file_without_a_document_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(RuleError, match=r"x\.yaml"):
        parse(tmp_path, text)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        read(tmp_path / "gone.yaml", "gone.yaml")


def test_without_libyaml_the_outcome_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a: 1\nb: [yes, 'x', ~]\nc:\n  d: |\n    long\n    text\n"
    fast = parse(tmp_path, text)
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert parse(tmp_path, text) == fast
    assert fast.data["c"] == {"d": "long\ntext\n"}


YAML_LIKE = st.text("ab:-?![]{}&*'\"|>%\n #", max_size=60)


@given(data=st.binary(max_size=200) | YAML_LIKE.map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_document_or_a_rule_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    with contextlib.suppress(RuleError):
        assert parse(tmp_path_factory.getbasetemp(), data).lines
