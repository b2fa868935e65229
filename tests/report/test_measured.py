from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelscan.report.measured import measured
from modelscan.report.page import Page
from modelscan.report.writer import Output
from modelscan.vocabulary.result import ModelFacts
from tests.forge import reports

VERDICT = {
    "relation": "finetune",
    "tier": "measured",
    "text": "44 matrices changed",
    "limits": "Not why.",
}


def shown(lineage: dict[str, Any], width: int = 80) -> str:
    page = Page(Output(width=width))
    model = msgspec.structs.replace(reports.model(), facts=ModelFacts(lineage=lineage))
    measured(page, model)
    return page.bytes().decode()


def cells(role: str, changes: list[float], rank: int | None = None) -> list[dict[str, Any]]:
    return [
        {"layer": layer, "role": role, "change": change, "rank": rank}
        for layer, change in enumerate(changes)
    ]


def test_nothing_measured_is_nothing_shown() -> None:
    assert shown({}).strip() == ""
    assert shown({"verdicts": [{"relation": "finetune"}]}).strip() == ""
    assert shown({"verdicts": "text"}).strip() == ""


def test_verdicts_and_layers() -> None:
    layers = [*cells("mlp.up", [0.0, 0.0, 0.05, 2.0], 8), *cells("mlp.down", [0.0] * 4)]
    text = shown({"base": "acme/base", "verdicts": [VERDICT], "layers": layers})
    assert (
        "Lineage, compared with acme/base\n  finetune (measured): 44 matrices changed\n    Limits: Not why."
        in text
    )
    assert "    mlp.up              ..58  rank 8\n    1 role unchanged" in text


def test_many_layers_share_columns() -> None:
    text = shown({"verdicts": [VERDICT], "layers": cells("mlp.up", [0.5] * 1000)}, 80)
    row = next(line for line in text.splitlines() if "mlp.up" in line)
    assert len(row) <= 80
    assert "layers to a column" in text


def test_candidates_and_depth() -> None:
    direction = {"matrices": 8, "cosine": 0.99, "left_of_it": 0.003}
    text = shown(
        {
            "verdicts": [VERDICT],
            "candidates": [
                {"base": "b", "relation": "unrelated", "tier": "measured", "resemblance": 0.01}
            ],
            "deep": {"write_direction": direction},
        }
    )
    assert "against b: unrelated (measured), resemblance 0.010" in text
    assert "they write 0.3% of what" in " ".join(text.split())


@pytest.mark.parametrize(
    "layers",
    [
        None,
        "x",
        [1, None],
        [{"layer": "-", "role": "x", "change": 1}],
        [{"layer": 0, "change": None}],
        [{"layer": -1, "role": 1, "change": 1.0}],
    ],
)
@pytest.mark.parametrize(
    "deep", [None, {"write_direction": 1}, {"write_direction": {"matrices": "x"}}]
)
def test_entries_of_another_shape_are_left_out(layers: Any, deep: Any) -> None:
    assert "What changed" not in shown({"verdicts": [VERDICT], "layers": layers, "deep": deep})


def test_untrusted_names_are_inert() -> None:
    hostile = {**VERDICT, "text": "\x1b[31m[bold]red\x07"}
    text = shown({"base": "\x1b]0;x\x07", "verdicts": [hostile], "layers": cells("\x1b[2J", [1.0])})
    assert "\x1b" not in text
    assert "\x07" not in text
