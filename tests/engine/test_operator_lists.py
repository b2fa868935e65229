from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.engine.lists import extend, load_lists
from modelscan.errors import RuleError
from modelscan.vocabulary.lists import GraphOperators, NameLists

BASE = NameLists(
    graph_operators=GraphOperators(
        tensorflow={"compute": ("Add",), "reads-file": ("ReadFile",)}, onnx_domains=("ai.onnx",)
    )
)


def _load(folder: Path, content: str) -> NameLists:
    (folder / "lists").mkdir()
    (folder / "lists" / "graph-operators.yaml").write_text(content)
    return load_lists(folder / "lists")


def test_an_extension_adds_and_tightens(tmp_path: Path) -> None:
    more = _load(
        tmp_path,
        "tensorflow: {compute: [Mine], network: [Add]}\nonnx-domains: [com.acme, ai.onnx]",
    )
    both = extend(BASE, more, "rules").graph_operators
    assert both.classes("tensorflow") == {
        "Add": "network", "ReadFile": "reads-file", "Mine": "compute"
    }  # fmt: skip
    assert both.onnx_domains == ("ai.onnx", "com.acme")


def test_what_does_more_than_compute_stays_so(tmp_path: Path) -> None:
    more = _load(tmp_path, "tensorflow: {compute: [ReadFile]}")
    with pytest.raises(RuleError, match="listed as reads-file"):
        extend(BASE, more, "rules")


@pytest.mark.parametrize("content", ["{compute: [A], network: [A]}", "{compute: [A, A]}"])
def test_an_operator_does_one_thing(tmp_path: Path, content: str) -> None:
    with pytest.raises(RuleError, match="stands twice"):
        _load(tmp_path, f"onnx: {content}")
