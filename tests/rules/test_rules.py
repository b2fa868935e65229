"""What holds for all shipped rules together."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.engine import catalogue, loader, mappings
from modelscan.engine.evaluate import Engine
from modelscan.engine.examples import build
from modelscan.vocabulary.fact import Fact, HashCheck, ModelClaim, SignatureCheck, TensorHeader
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.rule import Rule

ROOT = Path(__file__).parents[2] / "rules"
LOADED, ERRORS = loader.inspect(ROOT, mappings.load_mappings(ROOT / mappings.FOLDER))
RULES = list(LOADED.rules.values())
LINE = 104
"""Columns of prose in a rule file."""


def test_every_rule_is_sound_and_does_what_its_examples_say() -> None:
    assert [error.message for error in ERRORS] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_written_for_people(rule: Rule) -> None:
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 80
    for prose in (rule.why, rule.fix, rule.false_positives):
        assert prose.strip().endswith((".", ".`", ")"))
        assert max(len(line) for line in prose.splitlines()) <= LINE
    assert rule.maps.owasp_llm


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_message_says_what_or_where(rule: Rule) -> None:
    for example in rule.examples.match:
        (found,) = Engine([rule], "auditor").evaluate([build(example)])
        assert found.message.strip()
        assert "{" not in found.message


def test_the_compiled_form_holds_the_same_rules() -> None:
    assert catalogue.load().rules == LOADED.rules


def test_an_ordinary_model_has_nothing_above_info() -> None:
    facts: list[Fact] = [
        TensorHeader(
            location=Location("model.safetensors"),
            format="safetensors",
            tensors=24,
            parameters=1,
            payload=2,
            dtypes=("F16",),
            digest="sha256:00",
            metadata=("format",),
        ),
        ModelClaim(location=Location("config.json"), claim="base", value="acme/base"),
        SignatureCheck(status="absent", outcome="unsigned"),
        HashCheck(
            location=Location("config.json"),
            outcome="differs",
            release="acme/base@1",
            assurance="publisher-stated",
            algorithm="sha256",
            expected="00",
            found="01",
        ),
    ]
    found = Engine(RULES).evaluate(facts)
    assert {each.severity for each in found} <= {"info"}


def gate(rule: str) -> bool:
    """Whether the default policy fails on it."""
    found = LOADED.rules[rule]
    return found.severity in ("high", "critical") and found.confidence != "low"


@pytest.mark.parametrize(
    "rule",
    [
        "disguised-executable-format",
        "kernel-from-other-repository",
        "release-denied",
        "release-file-modified",
        "safetensors-hidden-data",
        "safetensors-structure-contradicts",
        "signature-invalid",
        "special-file-in-model",
    ],
)
def test_what_the_default_policy_fails(rule: str) -> None:
    assert gate(rule)


@pytest.mark.parametrize(
    "rule",
    [
        "base-model-only-claimed",
        "config-not-standard",
        "content-not-as-named",
        "model-unsigned",
        "release-file-differs",
        "remote-code-requested",
        "signer-not-trusted",
        "weak-hash-hint",
    ],
)
def test_what_the_default_policy_passes(rule: str) -> None:
    assert not gate(rule)
