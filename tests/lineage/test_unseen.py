"""Transformations that were met after the rules had been written, and what is now said of them.

Most come from really trained models (adapters of many kinds, short and narrow fine-tunes) and from
tools for merging; here they are made by numpy, so that no training is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelscan.budget import Limits
from modelscan.lineage.answer import measure
from modelscan.lineage.asked import Base
from modelscan.lineage.claims import Claims
from modelscan.lineage.compare import compare
from modelscan.lineage.descent import weigh
from modelscan.lineage.evidence import Verdict
from modelscan.lineage.judgement import judge
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from modelscan.vocabulary.fact import LineageComparison
from tests.forge import kinship, kinship_edits, safetensors, weights_files
from tests.forge.kinship_prints import SHAPE, HeldFile, base, base_print, files, print_of
from tests.forge.weights import Array, Tensors, rounded

Change = Callable[[Tensors], Tensors]
NO_CLAIMS = Claims((), "", unguarded=False)


def verdicts(tensors: Tensors, dtype: str = "BF16") -> tuple[Verdict, ...]:
    return judge(compare(print_of(tensors, dtype), base_print()))


def stored(tensors: Tensors) -> Tensors:
    return rounded(tensors, "BF16")


REWRITTEN: dict[str, Change] = {
    "values mixed within heads": lambda t: kinship_edits.remixed_values(t, SHAPE),
    "heads in another order": lambda t: kinship_edits.reversed_heads(t, SHAPE),
    "signs and sizes of neurons": kinship_edits.signed_neurons,
    "all of it, after a fine-tune": lambda t: kinship.rotated(
        kinship_edits.remixed_values(
            kinship_edits.signed_neurons(kinship.finetuned(t, 0.03)), SHAPE
        )
    ),
}


@pytest.mark.parametrize("change", REWRITTEN.values(), ids=REWRITTEN)
def test_rewritten_copies(change: Change) -> None:
    found = verdicts(change(base()))[0]
    assert (found.relation, found.tier) == ("reparametrised", "measured")


NO_DISGUISE: dict[str, tuple[Change, str]] = {
    "an adapter of Kronecker products": (kinship_edits.kroneckered, "low-rank"),
    "heads cut off": (lambda t: kinship_edits.masked(t, SHAPE), "derived"),
    "a wider stream": (kinship_edits.padded, "derived"),
    "a layer that does nothing": (lambda t: kinship_edits.inserted(t, 1, SHAPE.layers), "derived"),
    "another model's embedding": (
        lambda t: kinship_edits.taken_over(t, base(1), "embed_tokens"),
        "derived",
    ),
    "another model's attention": (
        lambda t: kinship_edits.taken_over(t, base(1), "self_attn"),
        "derived",
    ),
    "a few small values cut off": (lambda t: kinship.pruned(t, 0.05), "derived"),
}


@pytest.mark.parametrize(("change", "relation"), NO_DISGUISE.values(), ids=NO_DISGUISE)
def test_what_is_no_disguise(change: Change, relation: str) -> None:
    assert verdicts(change(base()))[0].relation == relation


@pytest.mark.parametrize(
    ("part", "said"), [("embed_tokens", "1 matrix (embedding)"), ("self_attn", "16 matrices")]
)
def test_matrices_from_elsewhere_are_no_training(part: str, said: str) -> None:
    found = verdicts(kinship_edits.taken_over(base(), base(1), part))[0]
    assert said in found.text
    assert "another model's" in found.text


def test_a_replaced_matrix_beside_a_fine_tune_is_named() -> None:
    tuned = kinship.finetuned(base(), 0.02)
    found = verdicts(kinship_edits.taken_over(tuned, base(1), "layers.2.mlp.down"))[0]
    assert found.relation == "finetune"
    assert "mlp.down resemble nothing" in found.text


def test_a_layer_from_elsewhere_that_does_nothing() -> None:
    longer = kinship_edits.inserted(base(), 1, SHAPE.layers)
    strange = {
        name: base(1)[name.replace("layers.2.", "layers.0.")]
        if "layers.2." in name and not name.endswith(kinship.WRITERS)
        else values
        for name, values in longer.items()
    }
    found = verdicts(strange)[0]
    assert found.relation == "derived"
    assert "layers 2 resemble none" in found.text


def test_renamed_copies_are_found_by_their_values() -> None:
    found = verdicts(kinship_edits.renamed(base()))[0]
    assert (found.relation, found.tier) == ("identical", "proved")
    assert "found under other names" in found.text
    cast = verdicts(kinship_edits.renamed(base()), "F16")[0]
    assert (cast.relation, cast.tier) == ("cast", "proved")
    tuned = verdicts(kinship_edits.renamed(kinship.finetuned(base(), 0.05)))[0]
    assert (tuned.relation, tuned.tier) == ("finetune", "measured")


def test_renamed_strangers_stay_unknown() -> None:
    for seed in (1, 2, 3):
        found = verdicts(kinship_edits.renamed(base(seed)))[0]
        assert found.relation in {"unknown", "unrelated"}


@pytest.mark.parametrize(("count", "layers"), [(3, None), (2, (0, 1, 2)), (1, (2,))])
def test_projections_of_several_directions_or_in_one_layer(
    count: int, layers: tuple[int, ...] | None
) -> None:
    found = verdicts(kinship_edits.projected(base(), count, layers=layers))[0]
    assert (found.relation, found.tier) == ("abliteration-like", "measured")


def test_an_adapter_of_one_layer_is_no_projection() -> None:
    roles = tuple(f"layers.2.{ending}" for ending in kinship.WRITERS)
    for rank in (1, 2, 3):
        found = verdicts(kinship.adapted(base(), rank, roles=roles))
        assert [each.relation for each in found] == ["low-rank"]


def test_a_narrow_training_is_told_from_a_projection() -> None:
    candidate = print_of(kinship_edits.narrowed(base(), SHAPE.vocabulary))
    known = Base("base", "acme/base", base_print())
    found = measure(candidate, [known], NO_CLAIMS)
    assert found.lineage.status == "finetune"
    fact = next(each for each in found.facts if isinstance(each, LineageComparison))
    assert (fact.one_direction, fact.direction_among_others) == (False, True)
    besides = found.best.verdicts[1]
    assert (besides.relation, besides.tier) == ("abliteration-like", "measured")
    assert "--deep" in besides.limits


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_an_adapter_that_was_merged_in_bfloat16_and_widened(dtype: str) -> None:
    found = verdicts(stored(kinship.adapted(base(), 4, 0.2)), dtype)[0]
    assert (found.relation, found.tier) == ("low-rank", "measured")


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_what_the_base_was_rounded_from(dtype: str) -> None:
    """A publisher's own finer copy differs from the base by the base's rounding alone."""
    rng = np.random.default_rng(0)

    def before(_name: str, values: Array) -> NDArray[Any]:
        step = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(values), 1e-30))) - 7)
        return np.asarray(values + 0.49 * step * rng.uniform(-1, 1, values.shape))

    found = verdicts(kinship.each(base(), before), dtype)[0]
    assert (found.relation, found.tier) == ("cast", "measured")


def test_a_layer_is_no_kin_by_one_matrix() -> None:
    one = "model.layers.1.self_attn.q_proj.weight"
    small = {
        n: v
        for n, v in base(1).items()
        if "q_proj" in n or "embed" in n or n.endswith("norm.weight")
    }
    known = {n: v for n, v in base().items() if n in small}
    made = {**small, one: base()[one]}
    config = files(base())[0]

    def weighed(tensors: Tensors) -> Fingerprint:
        held = HeldFile("model.safetensors", weights_files.safetensors_bytes(tensors, "F32"))
        return weigh([config, held], "", Limits(), None)

    mixed = {**made, one: (made[one] + base(1)[one]).astype(np.float32)}
    assert judge(compare(weighed(mixed), weighed(known)))[0].relation == "unknown"


def bases(**models: Tensors) -> list[Base]:
    return [Base(name, "", print_of(tensors)) for name, tensors in models.items()]


def test_a_model_put_together_from_others_is_proved() -> None:
    one, other = (
        stored(kinship.finetuned(base(), 0.05)),
        stored(kinship.finetuned(base(), 0.1, seed=9)),
    )
    known = bases(base=base(), one=one, other=other)
    crossed = kinship_edits.taken_over(one, other, "self_attn")
    found = measure(print_of(crossed), known, NO_CLAIMS)
    assert (found.lineage.status, found.lineage.tier) == ("merge", "proved")
    assert {part["base"] for part in found.picture["merge"]} == {"one", "other"}
    stacked = kinship.relayered(one, [0, 1, 2])
    stacked |= {
        name.replace("layers.2.", "layers.3."): values
        for name, values in other.items()
        if "layers.2." in name
    }
    stacked_on = measure(print_of(stacked), known, NO_CLAIMS)
    assert (stacked_on.lineage.status, stacked_on.lineage.tier) == ("merge", "proved")


def test_one_strange_matrix_is_no_mosaic() -> None:
    one = stored(kinship.finetuned(base(), 0.05))
    odd = kinship_edits.taken_over(one, base(), "self_attn")
    odd = kinship_edits.taken_over(odd, base(2), "layers.1.mlp.up")
    found = measure(print_of(odd), bases(base=base(), one=one), NO_CLAIMS)
    assert found.lineage.tier != "proved"


def test_a_merge_by_role() -> None:
    one, other = kinship.finetuned(base(), 0.1), kinship.finetuned(base(), 0.2, seed=9)
    known = bases(base=base(), one=stored(one), other=stored(other))
    found = measure(print_of(kinship_edits.filtered(one, other)), known, NO_CLAIMS)
    assert (found.lineage.status, found.lineage.tier) == ("merge", "measured")
    assert "in each tensor" in found.lineage.reason
    assert {part["base"] for part in found.picture["merge"]} == {"one", "other"}


def test_a_sparse_difference_is_nearest_to_what_it_was_added_to() -> None:
    one, other = kinship.finetuned(base(), 0.2), kinship.finetuned(base(), 0.4, seed=9)
    known = bases(other=stored(other), one=stored(one), base=base())
    sparse = kinship.dropped(base(), one)
    found = measure(print_of(sparse), known, NO_CLAIMS)
    assert found.best.base.label == "base"


def test_whole_numbers_with_scales_are_no_disguise() -> None:
    """Their scales stand in tensors that no known format calls so: they are not applied."""
    table: dict[str, tuple[str, list[int]]] = {}
    payload = b""
    for name, values in base().items():
        if "_proj" not in name:
            table[name] = ("F32", list(values.shape))
            payload += values.astype("<f4").tobytes()
            continue
        scale = np.abs(values).max(axis=1, keepdims=True) / 127
        table[name] = ("I8", list(values.shape))
        table[f"{name}_row_scales"] = ("F32", list(scale.shape))
        payload += np.round(values / scale).astype(np.int8).tobytes()
        payload += scale.astype("<f4").tobytes()
    data = safetensors.assemble(safetensors.header(table), payload)
    held = [files(base())[0], HeldFile("model.safetensors", data)]
    found = judge(compare(weigh(held, "", Limits(), None), base_print()))[0]
    assert (found.relation, found.tier) == ("quantized", "measured")
    assert "whole numbers" in found.text


def test_a_wide_matrix_comes_in_blocks_of_many_rows() -> None:
    """Each block of a sketch costs as much as some rows: few rows made wide matrices slow."""
    wide = np.zeros((40, 1 << 16), np.float32)
    data = weights_files.safetensors_bytes({"wide": wide}, "BF16")
    with open_weights([HeldFile("model.safetensors", data)]) as opened:
        found = [len(block) for block in opened.tensors["wide"].native_blocks()]
    assert found == [32, 8]
