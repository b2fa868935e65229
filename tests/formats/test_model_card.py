from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import front_matter
from modelscan.formats.model_card import ModelCardReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CardDefect, ModelClaim
from tests.forge import cards

READER = ModelCardReader()


def _read(data: bytes | str, name: str = "README.md") -> list[Any]:
    raw = cards.card(data) if isinstance(data, str) else data
    return list(READER.read(BytesArtifact(name, raw), Budget()))


def _claims(data: bytes | str) -> set[tuple[str, str, str]]:
    return {
        (fact.claim, fact.value, fact.relation)
        for fact in _read(data)
        if isinstance(fact, ModelClaim)
    }


def _defects(data: bytes | str) -> list[tuple[str, str]]:
    return [(fact.kind, fact.key) for fact in _read(data) if isinstance(fact, CardDefect)]


def _recognised(name: str, data: bytes) -> bool:
    return READER.recognises(Glimpse(BytesArtifact(name, data)))


SENTENCE_CLAIMS = {
    ("language", "en", ""),
    ("licence", "apache-2.0", ""),
    ("library", "sentence-transformers", ""),
    ("dataset", "s2orc", ""),
    ("dataset", "flax-sentence-embeddings/stackexchange_xml", ""),
    ("task", "sentence-similarity", ""),
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_an_ordinary_card(end: str, before: bytes) -> None:
    data = before + cards.card(cards.SENTENCES, end=end)
    assert _recognised("README.md", data)
    assert _claims(data) == SENTENCE_CLAIMS
    assert _defects(data) == []


def test_a_merge_with_terms_of_its_own() -> None:
    assert _claims(cards.MERGED) == {
        ("base", "acme/one-7b", "merge"),
        ("base", "acme/two-7b", "merge"),
        ("licence", "acme-community", ""),
        ("method", "mergekit", ""),
        ("name", "merged-7b", ""),
    }
    assert _defects(cards.MERGED) == []


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("base_model: a/b\n", ("a/b", "", "declared")),
        ("base_model: a/b\nbase_model_relation: quantized\n", ("a/b", "quantized", "declared")),
        ("base_model: [a/b]\nbase_model_relation: sibling\n", ("a/b", "", "declared")),
        ("base_model: a/b\nlibrary_name: peft\n", ("a/b", "adapter", "inferred")),
        ("base_model: a/b\ntags: [merge]\n", ("a/b", "", "declared")),
        ("tags: ['base_model:finetune:a/b']\n", ("a/b", "finetune", "declared")),
        ("tags: ['base_model:a/b']\n", ("a/b", "", "declared")),
        ("base_model: https://huggingface.co/a/b/tree/main\n", ("a/b", "", "declared")),
        (
            "base_model: a/b\ntags: ['base_model:a/b', 'base_model:adapter:a/b']\n",
            ("a/b", "adapter", "declared"),
        ),
    ],
)
def test_the_relation_to_the_base(metadata: str, expected: tuple[str, str, str]) -> None:
    (claim,) = [fact for fact in _read(metadata) if fact.claim == "base"]
    assert (claim.value, claim.relation, claim.status) == expected


@pytest.mark.parametrize("base", ["/home/me/model", "./out", "https://example.org/a/b", "{}", "~"])
def test_what_names_no_repository_is_no_base(base: str) -> None:
    assert _claims(f"base_model: {base}\n") == set()


@pytest.mark.parametrize(
    ("metadata", "licences"),
    [
        ("license: mit\n", {"mit"}),
        ("license: [mit, apache-2.0]\n", {"mit", "apache-2.0"}),
        ("license: other\n", {"other"}),
        ("license: other\nlicense_name: llama3\n", {"llama3"}),
        ("license:\n", set()),
        ("license: 'null'\n", {"null"}),
    ],
)
def test_licences(metadata: str, licences: set[str]) -> None:
    assert _claims(metadata) == {("licence", value, "") for value in licences}


@pytest.mark.parametrize("tag", ["abliterated", "Uncensored", "heretic-v2", "qwen_abliterated"])
def test_who_removed_the_refusals_says_so(tag: str) -> None:
    assert _claims(f"tags: [x, {tag}]\n") == {("safeguards-removed", tag, "")}


@pytest.mark.parametrize("tag", ["heretical", "censored", "safety", "not-for-all-audiences"])
def test_other_tags_say_no_such_thing(tag: str) -> None:
    assert _claims(f"tags: [{tag}]\nmodel_name: uncensored\n") == {("name", "uncensored", "")}


@pytest.mark.parametrize(
    ("data", "kind", "key"),
    [
        ("license: mit\n- a\n", "not-yaml", "line 3"),
        ("license: mit\nb: [1\n", "not-yaml", "line 4"),
        ("license: mit\nlanguage: en\nlanguage: de\n", "duplicate-key", "language"),
        (
            "license: mit\nx: !!python/object/apply:os.system [id]\n",
            "object-tag",
            "!!python/object/apply:os.system",
        ),
        ("license: mit\nx: !ruby/object:A {}\n", "object-tag", "!ruby/object:A"),
        (b"---\nlicense: mit\nx: \xff\n---\n", "not-utf8", ""),
        ("license: mit\nz: " + "[" * 60_000 + "\n", "too-deep", "z"),
        ("license: mit\nz: " + "{a: " * 100_000 + "\n", "too-deep", "z"),
        ("a: &x mit\nlicense: mit\ndatasets: *x\n", "alias", "datasets"),
    ],
)
def test_a_broken_card_is_a_fact_and_loses_nothing(data: bytes | str, kind: str, key: str) -> None:
    assert _defects(data) == [(kind, key)]
    assert ("licence", "mit", "") in _claims(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"---\nlicense: mit\n", "unclosed"),
        (b"---\nlicense: mit\n----\n", "unclosed"),
        (b"---\n- mit\n---\n", "not-a-table"),
        (b"---\nA horizontal line.\n---\n", "not-a-table"),
        (b"---\nx: " + b"a" * front_matter.LIMIT + b"\n---\n", "too-large"),
        (b"---\nx: " + b"a" * (front_matter.LIMIT + 5000) + b"\n---\n", "too-large"),
    ],
)
def test_metadata_that_says_nothing(data: bytes, kind: str) -> None:
    assert _defects(data) == [(kind, "")]
    assert _claims(data) == set()


def test_a_card_that_cannot_be_read_is_no_gap() -> None:
    assert not [item for item in _read("a: [\n") if isinstance(item, Coverage)]


def test_aliases_are_never_followed() -> None:
    assert _claims(cards.laughs()) == {("licence", "mit", "")}
    assert _defects(cards.laughs()) == [("alias", "datasets")]


def test_the_parser_in_python_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert _claims(cards.SENTENCES) == SENTENCE_CLAIMS
    assert _claims(cards.laughs()) == {("licence", "mit", "")}
    assert _defects("z: " + "[" * 60_000 + "\n") == [("too-deep", "z")]
    assert _defects("license: mit\n- a\n")[0][0] == "not-yaml"


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "# only a remark\n",
        "~\n",
        "? [a, b]\n: c\n? {d: e}\n: f\n? *x\n",
        "&a *a\n",
        "...\nlicense: mit\n",
        "- - - a\n",
        "license: {a: b}\ntags: {a: b}\nbase_model: [[a/b]]\nmodel-index: {name: x}\n",
    ],
)
def test_odd_shapes_claim_nothing(metadata: str) -> None:
    assert {claim for claim in _claims(metadata) if claim[0] != "name"} == set()


def test_a_string_of_one_megabyte_is_a_value_like_any_other() -> None:
    assert _defects("x: " + "a" * (1 << 20) + "\n") == []


def test_many_values_are_cut_and_events_are_paid_for() -> None:
    many = "datasets: [" + ", ".join(f"d{number}" for number in range(5000)) + "]\n"
    assert len(_claims(many)) == 100
    artifact = BytesArtifact("README.md", cards.card(many))
    with pytest.raises(BudgetError):
        list(READER.read(artifact, Budget(Limits(steps=1500))))


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("README.md", b"---\n", True),
        ("readme.MD", b"---\n", True),
        ("MODEL_CARD.md", b"---\n", True),
        ("README.md", b"# Prose\n---\n", False),
        ("README.md", b"", False),
        ("notes.md", b"---\n", False),
    ],
)
def test_recognition(name: str, data: bytes, expected: bool) -> None:
    assert _recognised(name, data) is expected


def test_a_card_inside_a_folder_does_not_speak_for_the_model() -> None:
    (item,) = _read("license: mit\n", "onnx/README.md")
    assert (item.status, item.needed) == ("skipped", False)


_LINES = st.sampled_from(
    ["---", "license: mit", "tags: [a, *b]", "- a", "x: &b !!python/name:a", "  y: {", "}", "\t",
     "base_model: a/b", "? a", "...", "\x00", "%YAML 9.9", "k: |", "'"]
)  # fmt: skip


@given(st.binary(max_size=200) | st.lists(_LINES, max_size=12).map(lambda x: "\n".join(x).encode()))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    for document in (data, b"---\n" + data + b"\n---\n"):
        try:
            _read(document)
        except ReadError:
            continue
