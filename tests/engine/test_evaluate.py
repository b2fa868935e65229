from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.engine.evaluate import Engine
from modelscan.vocabulary.fact import ConfigDefect, Fact, FileFormat, TensorDefect, TensorHeader
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import Rule
from tests.forge import rulebook


def make(**changes: Any) -> Rule:
    return msgspec.convert(rulebook.rule(**changes), Rule)


def judge(*facts: Fact, **changes: Any) -> tuple[Finding, ...]:
    return Engine([make(**changes)]).evaluate(facts)


def overlap(file: str = "a", tensor: str = "t", offset: int | None = None) -> TensorDefect:
    return TensorDefect(location=Location(file, None, offset), kind="overlap", tensor=tensor)


def test_a_match_becomes_a_finding() -> None:
    fact = TensorDefect(location=Location("a", "m", 8), kind="overlap", tensor="t", detail="d")
    (found,) = judge(fact)
    assert found.rule == "test-rule"
    assert found.message == "a!m @8: t"
    assert found.location == Location("a", "m", 8)
    assert found.fix == "Mend it."
    assert found.evidence == {
        "status": "verified",
        "kind": "overlap",
        "tensor": "t",
        "detail": "d",
    }
    assert found.waived is None


def test_what_no_rule_is_about_is_no_finding() -> None:
    hole = TensorDefect(kind="hole")
    assert judge(hole, ConfigDefect(kind="not-utf8")) == ()


def test_one_cause_is_one_finding() -> None:
    found = judge(overlap(offset=1), overlap(offset=2), overlap(tensor="u"), overlap("b"))
    assert [(each.location.file, each.evidence.get("count")) for each in found] == [
        ("a", None),
        ("a", 2),
        ("b", None),
    ]
    assert found[1].location.offset == 1
    assert len({each.identity for each in found}) == 3


def test_the_identity_survives_rewording_and_another_severity() -> None:
    (one,) = judge(overlap(offset=1))
    (two,) = judge(overlap(offset=2), severity="low", message="other words", fix="Other.")
    assert one.identity == two.identity
    assert len(one.identity) == 32
    (three,) = judge(overlap(), id="other-rule")
    assert three.identity != one.identity


def test_the_worst_comes_first() -> None:
    rules = [
        make(id="rule-a", severity="low"),
        make(id="rule-b", severity="critical", confidence="low"),
        make(id="rule-c", severity="critical"),
        make(id="rule-d", severity="info"),
    ]
    found = Engine(rules).evaluate([overlap("b"), overlap("a")])
    assert [(each.rule[-1], each.location.file) for each in found] == [
        ("c", "a"),
        ("c", "b"),
        ("b", "a"),
        ("b", "b"),
        ("a", "a"),
        ("a", "b"),
        ("d", "a"),
        ("d", "b"),
    ]


def test_rules_for_a_more_demanding_person_are_left_out() -> None:
    rules = [
        make(id="rule-regular"),
        make(id="rule-pedantic", persona="pedantic"),
        make(id="rule-auditor", persona="auditor"),
    ]
    counts = [
        len(Engine(rules, persona).evaluate([overlap()]))
        for persona in ("regular", "pedantic", "auditor")
    ]
    assert counts == [1, 2, 3]


def test_text_from_the_model_is_never_a_template() -> None:
    (found,) = judge(overlap(tensor="{location} {0.__class__} %s"), message="<{tensor}>")
    assert found.message == "<{location} {0.__class__} %s>"


def test_long_values_are_cut() -> None:
    (found,) = judge(overlap(tensor="x" * 10_000))
    assert len(found.message) < 320
    assert found.message.endswith("…")
    assert len(found.evidence["tensor"]) == 4_000


def test_other_types_in_messages_and_evidence() -> None:
    header = TensorHeader(
        format="f",
        tensors=3,
        parameters=0,
        payload=0,
        dtypes=("A", "B"),
        digest="",
        metadata=(),
    )
    (found,) = judge(
        header,
        match={"fact": "tensor.header"},
        message="{tensors} {dtypes} [{location.member}]",
        identity=["dtypes", "location"],
    )
    assert found.message == "3 A, B []"
    assert found.evidence["dtypes"] == ["A", "B"]
    json.dumps(found.evidence)


def test_truth_values_in_messages() -> None:
    fact = FileFormat(declared="a", detected="b", executable=True)
    (found,) = judge(
        fact, match={"fact": "file.format"}, message="{executable}", identity=["declared"]
    )
    assert found.message == "true"


KINDS = ("overlap", "hole", "trailing-data", "unknown-dtype")


@given(
    wheres=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "kind": st.sampled_from(KINDS)
                | st.lists(st.sampled_from(KINDS), min_size=1).map(lambda each: {"in": each}),
                "tensor": st.sampled_from(["a", "b"]),
                "detail": st.just({"contains": "x"}),
            },
        ),
        min_size=1,
        max_size=6,
    ),
    facts=st.lists(
        st.builds(
            TensorDefect,
            kind=st.sampled_from(KINDS),
            tensor=st.sampled_from(["a", "b", "\udcff"]),
            detail=st.sampled_from(["", "x"]),
        ),
        max_size=6,
    ),
)
@settings(max_examples=200, deadline=None)
def test_the_index_changes_nothing(wheres: list[dict[str, Any]], facts: list[TensorDefect]) -> None:
    rules = [
        make(id=f"rule-{index}", match={"fact": "tensor.defect", "where": where})
        for index, where in enumerate(wheres)
    ]
    together = Engine(rules).evaluate(facts)
    apart = [
        finding for rule in rules for fact in facts for finding in Engine([rule]).evaluate([fact])
    ]
    assert {each.identity for each in together} == {each.identity for each in apart}


@pytest.mark.parametrize("name", ["\udcff", "a\x1b[2J", "\N{SNOWMAN}"])
def test_any_file_name_has_an_identity(name: str) -> None:
    (found,) = judge(overlap(name))
    assert int(found.identity, 16) >= 0
    assert name in found.message
