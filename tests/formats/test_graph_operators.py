from __future__ import annotations

import pytest

from modelscan.budget import Budget
from modelscan.formats.graph_operators import OperatorLedger, Use, telling
from modelscan.vocabulary.artifact import BytesArtifact


@pytest.mark.parametrize(
    "name",
    ["RunShellCommand", "ExecCode", "PyCustomFunc", "os_system", "readfile", "LoadLibraryOp",
     "HttpGet", "reverse_shell"],
)  # fmt: skip
def test_names_that_speak_for_themselves(name: str) -> None:
    assert telling(name) == name


@pytest.mark.parametrize(
    "value", ["libpayload.so", "plugin.dll", "https://a.example/x", "import os", "/bin/sh -c id"]
)
def test_values_that_speak_for_themselves(value: str) -> None:
    assert telling("Blur", ["ok", value]) == value


@pytest.mark.parametrize(
    "name",
    ["Blur", "RetrievalTopK", "EfficientNMS_TRT", "IntervalPool", "SystolicMatMul", "Ecosystem",
     "DeformConv2d", "MMCVModulatedDeformConv2d", "SentencepieceTokenizeOp", "RoiAlignRotated"],
)  # fmt: skip
def test_ordinary_names_say_nothing(name: str) -> None:
    assert telling(name, ["NOTSET", "bilinear", "model.something", "a b c", "important"]) == ""


def test_equal_uses_are_one_fact_and_their_number_is_bounded() -> None:
    ledger = OperatorLedger(BytesArtifact("x", b""), Budget(), "onnx")
    for _ in range(3):
        ledger.add(Use("A", "custom", node="first"))
    (fact,) = ledger.facts()
    assert (fact.nodes, fact.node) == (3, "first")
    assert not list(ledger.coverage())
    for index in range(5_000):
        ledger.add(Use(f"A{index}", "custom"))
    ledger.add(Use("PyOp", "runs-code"))
    facts = list(ledger.facts())
    assert (len(facts), facts[-1].operator) == (1_001, "PyOp")
    (gap,) = ledger.coverage()
    assert (gap.needed, gap.reason) == (True, "4,001 more operators that do more than compute")
