"""`--deep`, and what weights show without a base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelscan.budget import Limits
from modelscan.lineage.asked import Ancestry, Base
from modelscan.lineage.delta import decompose
from modelscan.lineage.descent import Descent, descent
from modelscan.lineage.emptied import emptied
from modelscan.lineage.nulls import empty_direction
from modelscan.lineage.opening import open_weights
from modelscan.vocabulary.fact import LineageComparison
from tests.forge import kinship, weights
from tests.forge.kinship_prints import SHAPE, base, base_print, files
from tests.forge.weights import Tensors


def deep(tensors: Tensors, dtype: str = "BF16", k: int | None = None) -> Descent:
    ours = Base("base", "acme/base", base_print(k=k), asked=True, files=tuple(files(base())))
    return descent(files(tensors, dtype), [], Ancestry((ours,), deep=True), Limits())


@pytest.mark.parametrize("rank", [1, 8, 24])
def test_the_rank_of_a_difference_is_exact(rank: int) -> None:
    changed = kinship.adapted(base(), rank, 0.3)
    name = "layers.1.attention.q.weight"
    with open_weights(files(changed, "F32")) as mine, open_weights(files(base())) as theirs:
        found = decompose(mine.tensors[name], theirs.tensors[name], 0.0)
        same = decompose(theirs.tensors[name], theirs.tensors[name], 0.0)
    delta = (
        changed["model.layers.1.self_attn.q_proj.weight"]
        - base()["model.layers.1.self_attn.q_proj.weight"]
    )
    exact = np.linalg.svd(delta.astype(np.float64), compute_uv=False)
    assert (found.rank, found.resolved) == (rank, True)
    assert np.allclose(found.values[:rank], exact[:rank], rtol=1e-3)
    assert same.rank == 0


def test_what_a_small_sketch_cannot_tell_is_told_in_depth() -> None:
    adapted = deep(kinship.adapted(base(), 20, roles=kinship.PROJECTIONS), k=16)
    assert (adapted.lineage.status, adapted.lineage.tier) == ("low-rank", "measured")
    frozen = kinship.finetuned(base(), 0.1, only=lambda name: name.endswith(kinship.PROJECTIONS))
    tuned = deep(frozen, k=16)
    assert (tuned.lineage.status, tuned.lineage.tier) == ("finetune", "measured")
    assert "full rank" in tuned.lineage.reason


@pytest.mark.parametrize("strength", [1.0, 0.7])
def test_how_much_of_a_direction_is_left(strength: float) -> None:
    found = deep(kinship.ablated(base(), strength))
    direction = found.picture["deep"]["write_direction"]
    assert direction["matrices"] == 8
    assert direction["cosine"] > 0.99
    assert abs(direction["left_of_it"] - (1 - strength)) < 0.02


def test_equal_weights_have_nothing_to_decompose() -> None:
    assert "deep" not in deep(base()).picture


def hint(tensors: Tensors, dtype: str = "BF16") -> str:
    with open_weights(files(tensors, dtype)) as opened:
        found = empty_direction(opened)
    return f"{found.relation} {found.tier}" if found else ""


def test_a_full_projection_shows_without_a_base() -> None:
    for dtype in ("BF16", "Q8_0"):
        assert hint(kinship.ablated(base()), dtype) == "abliteration-like hint"


def test_nothing_shows_in_ordinary_models() -> None:
    for tensors in (base(), base(1), kinship.finetuned(base()), kinship.ablated(base(), 0.3)):
        assert not hint(tensors)


def test_the_direction_of_all_ones_is_natural() -> None:
    def centred(name: str, values: weights.Array) -> NDArray[Any]:
        return values - values.mean(axis=0) if name.endswith(kinship.WRITERS) else values

    assert not hint(kinship.each(base(), centred))


def test_a_dead_channel_is_no_projection() -> None:
    def dead(name: str, values: weights.Array) -> NDArray[Any]:
        if not name.endswith(kinship.WRITERS):
            return values
        return np.asarray(values * (np.arange(len(values)) != 7)[:, None])

    assert not hint(kinship.each(base(), dead))


def test_too_few_or_empty_writers_say_nothing() -> None:
    few = weights.rounded(weights.llama(0, SHAPE._replace(layers=1)), "BF16")
    assert not hint(few)
    empty = kinship.each(base(), lambda n, v: v * 0 if n.endswith(kinship.WRITERS) else v)
    assert not hint(empty)


def test_the_hint_stands_beside_the_claim() -> None:
    found = descent(files(kinship.ablated(base())), [], Ancestry(alone=True), Limits())
    assert found.lineage.status == "unknown"
    assert "hint: 8 matrices" in found.lineage.reason
    assert found.picture["verdicts"][0]["tier"] == "hint"


@pytest.mark.parametrize("change", [0.14, 0.6])
@pytest.mark.parametrize("dtype", ["BF16", "Q4_0"])
def test_a_projection_on_top_of_a_strong_fine_tune(change: float, dtype: str) -> None:
    tuned = kinship.finetuned(base(), change)
    found = deep(kinship.ablated(tuned, 0.7), dtype)
    assert found.lineage.status == "finetune"
    assert "abliteration-like" in [verdict["relation"] for verdict in found.picture["verdicts"]]
    assert "along one direction, 8 matrices write" in found.lineage.reason
    (fact,) = (fact for fact in found.facts if isinstance(fact, LineageComparison))
    assert fact.one_direction


@pytest.mark.parametrize(
    "change",
    [
        lambda t: kinship.finetuned(t, 0.6),
        lambda t: kinship.adapted(t, 4, 0.5, roles=kinship.WRITERS),
        lambda t: kinship.adapted(t, 1, 0.8, roles=kinship.WRITERS),
        kinship.pruned,
        kinship.noisy,
        lambda t: kinship.mixed((0.5, t), (0.5, base(1))),
    ],
    ids=["fine-tune", "adapter", "adapter of rank 1", "pruned", "noise", "soup"],
)
def test_nothing_is_missing_from_other_changes(change: Callable[[Tensors], Tensors]) -> None:
    with open_weights(files(change(base()))) as mine, open_weights(files(base())) as theirs:
        assert emptied(mine, theirs) is None


def test_a_dead_channel_of_a_copy_is_no_projection() -> None:
    def dead(name: str, values: weights.Array) -> NDArray[Any]:
        if not name.endswith(kinship.WRITERS):
            return values
        return np.asarray(values * (np.arange(len(values)) != 7)[:, None])

    with (
        open_weights(files(kinship.each(base(), dead))) as mine,
        open_weights(files(base())) as theirs,
    ):
        assert emptied(mine, theirs) is None


def test_too_few_writers_are_not_compared() -> None:
    few = weights.rounded(weights.llama(0, SHAPE._replace(layers=1)), "BF16")
    with open_weights(files(few)) as mine, open_weights(files(base())) as theirs:
        assert emptied(mine, theirs) is None
