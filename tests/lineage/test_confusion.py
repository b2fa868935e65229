"""Every transformation against what is said of it: no false lineage, `proved` exact.

The same table as in the measurements on really trained models (docs, "Lineage"), on weights made by
numpy. Each row is a descendant, how it is stored, and what must be answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelscan.lineage.compare import compare
from modelscan.lineage.evidence import Verdict
from modelscan.lineage.judgement import judge
from modelscan.lineage.prints import Fingerprint, TensorPrint
from tests.forge import kinship, weights
from tests.forge.kinship_prints import SHAPE, base, base_print, print_of
from tests.forge.weights import Tensors

Change = Callable[[Tensors], Tensors]


def tuned(tensors: Tensors) -> Tensors:
    return kinship.finetuned(tensors, 0.05)


_SEEN: list[Verdict] = []
"""Every verdict that these tests have drawn."""


def verdicts(tensors: Tensors, dtype: str = "BF16", k: int | None = None) -> tuple[Verdict, ...]:
    known = base_print(k=k)
    found = judge(compare(print_of(tensors, dtype, k=known.k), known))
    _SEEN.extend(found)
    return found


def first(change: Change, dtype: str = "BF16", k: int | None = None) -> tuple[str, str]:
    found = verdicts(change(base()), dtype, k)[0]
    return found.relation, found.tier


KEEP = dict
"""The base itself."""


def named(change: Callable[..., Tensors], *arguments: object, **options: object) -> Change:
    return lambda tensors: change(tensors, *arguments, **options)


PROVED: list[tuple[str, Change, str, str]] = [
    ("the same file", KEEP, "BF16", "identical"),
    ("widened to float32", KEEP, "F32", "identical"),
    ("GGUF in bfloat16", KEEP, "gguf BF16", "identical"),
    ("rounded to half precision", KEEP, "F16", "cast"),
    ("GGUF in half precision", KEEP, "gguf F16", "cast"),
    ("layers repeated", named(kinship.relayered, [0, 1, 2, 1, 2, 3]), "BF16", "derived"),
    ("layers dropped", named(kinship.relayered, [0, 1, 3]), "BF16", "derived"),
    ("longer vocabulary", kinship.widened, "BF16", "derived"),
    ("layers swapped", named(kinship.relayered, [0, 2, 1, 3]), "BF16", "derived"),
]
MEASURED: list[tuple[str, Change, str, str]] = [
    ("Q8_0", KEEP, "Q8_0", "quantized"),
    ("Q5_1", KEEP, "Q5_1", "quantized"),
    ("Q4_0", KEEP, "Q4_0", "quantized"),
    ("full fine-tune", tuned, "BF16", "finetune"),
    ("small fine-tune", named(kinship.finetuned, 0.005), "BF16", "finetune"),
    ("full fine-tune in Q8_0", tuned, "Q8_0", "finetune"),
    ("last layers alone", named(kinship.finetuned, only=lambda n: kinship.layer_of(n) == 3), "BF16", "finetune"),
    ("norms alone", named(kinship.finetuned, only=lambda n: "norm" in n), "BF16", "finetune"),
    ("adapter of rank 8", kinship.adapted, "BF16", "low-rank"),
    ("adapter of rank 16 on everything", named(kinship.adapted, 16, roles=kinship.PROJECTIONS), "BF16", "low-rank"),
    ("adapter of rank 8 in Q8_0", kinship.adapted, "Q8_0", "low-rank"),
    ("adapter on the writers", named(kinship.adapted, 4, roles=kinship.WRITERS), "BF16", "low-rank"),
    ("adapter of rank 1 on the writers", named(kinship.adapted, 1, roles=kinship.WRITERS), "BF16", "low-rank"),
    ("one matrix edited", named(kinship.edited, "model.layers.2.mlp.down_proj.weight"), "BF16", "low-rank"),
    ("projection", kinship.ablated, "BF16", "abliteration-like"),
    ("weak projection", named(kinship.ablated, 0.2), "BF16", "abliteration-like"),
    ("projection in Q8_0", kinship.ablated, "Q8_0", "abliteration-like"),
    ("projection in Q4_0", kinship.ablated, "Q4_0", "abliteration-like"),
    ("projection in half the layers", named(kinship.ablated, layers=(1, 2)), "BF16", "abliteration-like"),
    ("projection layer by layer", named(kinship.ablated, per_layer=True), "BF16", "abliteration-like"),
    ("projection with row norms kept", named(kinship.ablated, keep_norms=True), "BF16", "abliteration-like"),
    ("pruned", kinship.pruned, "BF16", "derived"),
    ("noise", kinship.noisy, "BF16", "derived"),
    ("noise below the sketch", named(kinship.noisy, 3e-4), "BF16", "derived"),
    ("DARE", lambda t: kinship.dropped(t, tuned(t)), "BF16", "derived"),
    ("swapped and fine-tuned", lambda t: kinship.relayered(tuned(t), [0, 2, 1, 3]), "BF16", "derived"),
    ("neurons permuted", kinship.permuted, "BF16", "reparametrised"),
    ("norms folded", kinship.folded, "BF16", "reparametrised"),
    ("rotated", kinship.rotated, "BF16", "reparametrised"),
    ("fine-tuned and rotated", lambda t: kinship.rotated(tuned(t)), "BF16", "reparametrised"),
    ("scaled", kinship.scaled, "BF16", "reparametrised"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "dtype", "relation"), [row[1:] for row in PROVED], ids=[row[0] for row in PROVED]
)
def test_what_digests_prove(change: Change, dtype: str, relation: str) -> None:
    assert first(change, dtype) == (relation, "proved")


@pytest.mark.parametrize(
    ("change", "dtype", "relation"), [row[1:] for row in MEASURED], ids=[row[0] for row in MEASURED]
)
def test_what_is_measured(change: Change, dtype: str, relation: str) -> None:
    assert first(change, dtype) == (relation, "measured")


@pytest.mark.parametrize("name", ["projection", "adapter of rank 8", "noise", "Q4_0"])
def test_the_smaller_sketch_of_large_models_tells_the_same(name: str) -> None:
    change, dtype, relation = next(row[1:] for row in MEASURED if row[0] == name)
    assert first(change, dtype, 16) == (relation, "measured")


def test_a_rank_that_the_sketch_cannot_resolve_is_a_hint() -> None:
    change = named(kinship.adapted, 16, roles=kinship.PROJECTIONS)
    assert first(change, k=16) == ("low-rank", "hint")


@pytest.mark.parametrize("dtype", ["BF16", "Q4_0"])
def test_independent_models_are_unrelated(dtype: str) -> None:
    found = verdicts(base(1), dtype)
    assert [(v.relation, v.tier) for v in found] == [("unrelated", "measured")]


def test_no_false_lineage_between_any_two_of_many_models() -> None:
    prints = [base_print(seed) for seed in range(5)]
    for number, one in enumerate(prints):
        for other in prints[number + 1 :]:
            evidence = compare(one, other)
            assert judge(evidence)[0].relation == "unrelated"
            assert evidence.similarity is not None
            assert abs(evidence.similarity) < 0.1
            assert evidence.invariants is not None
            assert abs(evidence.invariants) < 0.25


def test_a_shared_mean_is_no_lineage() -> None:
    def shifted(tensors: Tensors) -> Tensors:
        return kinship.each(tensors, lambda _, v: v + 0.3 * v.std() if v.ndim > 1 else v)

    one, other = print_of(shifted(base(1))), print_of(shifted(base(2)))
    assert judge(compare(one, other))[0].relation == "unrelated"


def test_norms_of_ones_are_no_lineage() -> None:
    def plain(seed: int) -> Tensors:
        return kinship.each(base(seed), lambda _, v: np.ones_like(v) if v.ndim == 1 else v)

    found = judge(compare(print_of(plain(1)), print_of(plain(2))))
    assert [(v.relation, v.tier) for v in found] == [("unrelated", "measured")]


@pytest.mark.parametrize("dtype", ["Q5_0", "Q4_1"])
def test_a_changed_model_is_no_plain_quantisation(dtype: str) -> None:
    found = verdicts(kinship.adapted(base(), 8, 0.03, roles=kinship.PROJECTIONS), dtype)
    assert found[0].relation != "quantized"
    proved = [v for v in found if v.tier == "proved"]
    assert "not a plain quantisation" in proved[0].text


@pytest.mark.parametrize("kind", ["Q4_K", "Q6_K"])
def test_the_k_types_are_tested_by_half_steps(kind: str) -> None:
    shape = SHAPE._replace(layers=2, width=256)
    genuine = weights.rounded(weights.llama(0, shape), "BF16")
    known = print_of(genuine)
    pure = judge(compare(print_of(genuine, kind, k=known.k), known))
    changed = judge(compare(print_of(kinship.finetuned(genuine, 0.03), kind, k=known.k), known))
    assert [(v.relation, v.tier) for v in pure] == [("quantized", "measured")]
    assert changed[0].relation in {"finetune", "derived"}
    assert any(v.tier == "proved" and "plain quantisation" in v.text for v in changed)


def test_a_direction_is_seen_on_top_of_another_change() -> None:
    for before in (kinship.adapted, named(kinship.finetuned, 0.01)):
        found = verdicts(kinship.ablated(before(base())))
        assert found[0].relation in {"low-rank", "finetune"}
        assert "abliteration-like" in [v.relation for v in found[1:]]


def test_layers_from_elsewhere_are_told() -> None:
    mixed = {**base(), **{n: v for n, v in base(1).items() if kinship.layer_of(n) in {1, 2}}}
    found = verdicts(mixed)
    assert (found[0].relation, found[0].tier) == ("derived", "measured")
    assert "layers 1-2 resemble none" in found[0].text


def test_every_verdict_has_limits_and_promises_nothing() -> None:
    verdicts(base())
    verdicts(base(1))
    for verdict in _SEEN:
        text = f"{verdict.text} {verdict.limits}".lower()
        assert verdict.limits
        assert verdict.text
        for word in ("safe", "backdoor", "refusal", "harmless", "clean"):
            assert word not in text


def test_another_architecture_is_unknown_and_not_unrelated() -> None:
    other = weights.rounded(weights.bert(0), "BF16")
    assert judge(compare(print_of(other), base_print()))[0].relation == "unknown"


def test_a_private_seed_leaves_the_digests() -> None:
    secret = msgspec.structs.replace(base_print(), seed="private:" + "0" * 32)
    assert judge(compare(print_of(base()), secret))[0].relation == "identical"
    assert judge(compare(print_of(base(1)), secret))[0].relation == "unknown"


def unproved() -> Fingerprint:
    """The base in float32, without the digests that prove casts."""
    wide = print_of(weights.llama(0, SHAPE), "F32")
    return msgspec.structs.replace(
        wide,
        tensors={
            name: msgspec.structs.replace(tensor, bf16=b"", f16=b"")
            for name, tensor in wide.tensors.items()
        },
    )


@pytest.mark.parametrize("dtype", ["BF16", "F16", "Q8_0", "Q4_0"])
def test_pure_encodings_have_no_rank_above_their_noise(dtype: str) -> None:
    evidence = compare(print_of(weights.llama(0, SHAPE), dtype), unproved())
    ranks = [change.spectrum.rank for change in evidence.changes if change.spectrum]
    assert len(ranks) >= 30
    assert not any(ranks)
    expected = "cast" if dtype.endswith("F16") else "quantized"
    assert [(v.relation, v.tier) for v in judge(evidence)] == [(expected, "measured")]


def test_an_output_matrix_that_is_stored_twice_or_not_at_all() -> None:
    tied = weights.rounded(weights.llama(0, SHAPE._replace(tied=True)), "BF16")
    twice = {**tied, "lm_head.weight": tied["model.embed_tokens.weight"]}
    once, stored = print_of(tied), print_of(twice)
    assert [v.relation for v in judge(compare(stored, once))] == ["identical"]
    assert [v.relation for v in judge(compare(once, stored))] == ["identical"]


def test_a_part_of_the_base_and_an_addition_to_it() -> None:
    part = {name: values for name, values in base().items() if "lm_head" not in name}
    found = verdicts(part)[0]
    assert (found.relation, found.tier) == ("derived", "proved")
    assert "1 of the base's are missing" in found.text
    head = {"classifier.weight": np.ones((2, 128), np.float32)}
    found = verdicts({**base(), **head})[0]
    assert (found.relation, found.tier) == ("derived", "proved")
    assert found.text.endswith("classifier.weight added")


def test_weak_edits_below_the_rounding_of_every_matrix_are_pooled() -> None:
    shape = SHAPE._replace(layers=12)
    genuine = weights.rounded(weights.llama(0, shape), "BF16")
    known = print_of(genuine)
    for strength in (0.35, 0.45):
        made = print_of(kinship.ablated(genuine, strength), "Q4_0", k=known.k)
        found = [(v.relation, v.tier) for v in judge(compare(made, known))]
        assert ("abliteration-like", "hint") in found


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_hostile_fingerprints_end_in_a_verdict(data: st.DataObject) -> None:
    def mangled(tensor: TensorPrint) -> TensorPrint:
        length = len(tensor.sketch) // 4
        wild = data.draw(st.sampled_from([0.0, 1e38, -1e38, 1e-38]))
        return msgspec.structs.replace(
            tensor,
            sketch=np.full(length, wild, "<f4").tobytes(),
            digest=bytes(32),
            noise=data.draw(st.sampled_from([0.0, 1e300, 1e-300])),
            sum_squares=data.draw(st.sampled_from([0.0, 1e300])),
        )

    known = base_print()
    chosen = data.draw(st.sets(st.sampled_from(sorted(known.tensors)), max_size=39))
    tensors = {n: mangled(t) if n in chosen else t for n, t in known.tensors.items()}
    hostile = msgspec.structs.replace(known, tensors=tensors)
    for one, other in ((hostile, known), (known, hostile)):
        found = judge(compare(one, other))
        assert found
        if chosen:
            assert found[0].relation != "identical"


def written_out(tensors: Tensors, kind: str) -> Tensors:
    """Quantised by GGUF's simple types, and stored as plain numbers again."""
    top = {"Q8_0": 127, "Q4_0": 8}[kind]

    def change(_: str, values: weights.Array) -> NDArray[Any]:
        if values.ndim < 2:
            return values
        blocks = values.reshape(-1, 32)
        largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
        step = largest / (top if kind == "Q8_0" else -top)
        codes = np.clip(np.round(blocks / step), -top, top if kind == "Q8_0" else top - 1)
        return np.asarray((codes * step.astype(np.float16)).reshape(values.shape))

    return kinship.each(tensors, change)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("Q8_0", "F32"), ("Q8_0", "F16"), ("Q4_0", "F32"), ("Q4_0", "BF16")]
)
def test_a_quantised_copy_that_was_written_out_again(kind: str, dtype: str) -> None:
    found = verdicts(written_out(base(), kind), dtype)
    assert [(v.relation, v.tier) for v in found] == [("quantized", "measured")]
    changed = verdicts(written_out(kinship.finetuned(base(), 0.2), kind), dtype)
    assert changed[0].relation == "finetune"


def test_a_grid_that_bfloat16_has_blurred_is_noise_and_no_adapter() -> None:
    found = verdicts(written_out(base(), "Q8_0"), "BF16")[0]
    assert (found.relation, found.tier) == ("derived", "measured")
    assert "without any structure" in found.text
    only = {n: v for n, v in written_out(base(), "Q8_0").items() if n.endswith(kinship.PROJECTIONS)}
    assert verdicts({**base(), **only})[0].relation == "derived"


def flat(seed: int, names: int = 7) -> Tensors:
    """A model without layers, under names that no table knows."""
    make = weights.Maker(seed)
    made = {f"block_{chr(97 + n)}.kernel": make.matrix(96, 80) for n in range(names)}
    return weights.rounded(made, "BF16")


def test_models_without_layers_are_compared_by_name() -> None:
    known = print_of(flat(0))
    tuned = kinship.finetuned(flat(0))
    assert judge(compare(print_of(flat(0)), known))[0].relation == "identical"
    assert judge(compare(print_of(tuned), known))[0].relation == "finetune"
    assert judge(compare(print_of(flat(1)), known))[0].relation == "unrelated"


def test_too_few_matrices_are_no_ground_for_unrelated() -> None:
    found = judge(compare(print_of(flat(1, 3)), print_of(flat(0, 3))))[0]
    assert (found.relation, found.tier) == ("unknown", "none")
    assert found.text.startswith("only 3 matrices")


def test_another_kind_of_quantisation_is_a_resemblance_and_says_so() -> None:
    def unbounded(tensor: TensorPrint) -> TensorPrint:
        return msgspec.structs.replace(tensor, low=b"", high=b"")

    made = print_of(base(), "Q8_0")
    tensors = {name: unbounded(tensor) for name, tensor in made.tensors.items()}
    found = judge(compare(msgspec.structs.replace(made, tensors=tensors), base_print()))[0]
    assert (found.relation, found.tier) == ("quantized", "measured")
    assert "no bound is known for this quantiser" in found.text


def test_scaled_matrices_without_invariants() -> None:
    known = msgspec.structs.replace(base_print(), invariants={})
    found = judge(compare(print_of(kinship.scaled(base())), known))[0]
    assert found.relation == "reparametrised"
    assert "times a factor" in found.text


def test_a_fitted_scale_makes_the_bound_no_proof() -> None:
    """An importance matrix moves some blocks off their last code: one tensor is enough to tell."""
    made = print_of(kinship.adapted(base(), 8, 0.1, roles=("q_proj.weight",)), "Q4_0")
    chosen = made.tensors["layers.1.mlp.up.weight"]
    values = np.array(chosen.values(), "<f4") * np.float32(0.875)
    fitted = msgspec.structs.replace(chosen, samples=values.tobytes())
    tensors = {**made.tensors, fitted.name: fitted}
    found = judge(compare(msgspec.structs.replace(made, tensors=tensors), base_print()))
    assert found[0].relation != "quantized"
    assert not [verdict for verdict in found if verdict.tier == "proved"]
    plain = judge(compare(made, base_print()))
    assert [verdict for verdict in plain if verdict.tier == "proved"]


def test_a_plain_copy_with_fitted_scales_is_not_called_modified() -> None:
    """As with an importance matrix: codes for one scale, and then the scale that fits them best."""
    made = print_of(base(), "Q4_0")
    random = np.random.default_rng(0)

    def fitted(tensor: TensorPrint) -> TensorPrint:
        if not tensor.low:
            return tensor
        blocks = np.array(base_print().tensors[tensor.name].values()).reshape(-1, 32)
        largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
        tried = random.choice([7.2, 7.6, 8.0, 8.4], (len(blocks), 1)) / -largest
        codes = np.clip(np.round(blocks * tried), -8, 7)
        scales = (blocks * codes).sum(axis=1, keepdims=True) / (codes**2).sum(axis=1, keepdims=True)
        half = np.abs(scales) * 0.501
        columns = {
            "samples": codes * scales,
            "low": codes * scales - half,
            "high": codes * scales + half,
        }
        packed = {name: values.astype("<f4").tobytes() for name, values in columns.items()}
        return msgspec.structs.replace(tensor, **packed)

    tensors = {name: fitted(tensor) for name, tensor in made.tensors.items()}
    found = judge(compare(msgspec.structs.replace(made, tensors=tensors), base_print()))
    assert [(verdict.relation, verdict.tier) for verdict in found] == [("quantized", "measured")]
    assert "which fitted scales may leave" in found[0].text


def test_eight_bit_floats_are_a_resemblance_and_no_disguise() -> None:
    """Their scales lie beside them, so that the values differ by a factor."""
    made = print_of(kinship.scaled(base(), 40.0))
    tensors = {
        name: msgspec.structs.replace(tensor, dtype="f8_e4m3") if len(tensor.shape) > 1 else tensor
        for name, tensor in made.tensors.items()
    }
    scale = msgspec.structs.replace(
        made.tensors["norm.weight"], name="layers.0.mlp.up.weight_scale", digest=bytes(32)
    )
    eight = msgspec.structs.replace(made, tensors={**tensors, scale.name: scale})
    found = judge(compare(eight, base_print()))
    assert [(verdict.relation, verdict.tier) for verdict in found] == [("quantized", "measured")]
    assert "no bound is known" in found[0].text


def test_tables_that_everybody_computes_alike_are_no_kinship() -> None:
    angles = np.outer(np.arange(300), 0.9 ** np.arange(64))
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    common = {"model.embed_positions.weight": table, "mel_filters": table[:128]}
    found = judge(compare(print_of({**base(1), **common}), print_of({**base(2), **common})))
    assert [(verdict.relation, verdict.tier) for verdict in found] == [("unrelated", "measured")]


def test_an_embedding_that_was_taken_over_is_told() -> None:
    name = "model.embed_tokens.weight"
    found = verdicts({**base(1), name: base()[name]})[0]
    assert (found.relation, found.tier) == ("derived", "proved")
    assert found.text.startswith("1 of 39 tensors are the base's")
