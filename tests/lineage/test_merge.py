from __future__ import annotations

import msgspec
import pytest

from modelscan.lineage.merge import Recipe, recipe
from modelscan.lineage.prints import Fingerprint
from tests.forge import kinship
from tests.forge.kinship_prints import base, base_print, print_of
from tests.forge.weights import Tensors


@pytest.fixture(scope="module")
def tuned() -> Tensors:
    return kinship.finetuned(base(), 0.2)


@pytest.fixture(scope="module")
def parts(tuned: Tensors) -> list[Fingerprint]:
    adapted = kinship.adapted(base(), 8, 0.3, roles=kinship.PROJECTIONS)
    return [base_print(), print_of(tuned), print_of(adapted), base_print(1)]


def weights_of(found: Recipe | None) -> dict[int, float]:
    assert found is not None
    return {part: round(weight, 2) for part, weight in found.parts}


@pytest.mark.parametrize("dtype", ["BF16", "Q8_0", "Q4_0"])
def test_the_recipe_of_a_soup(parts: list[Fingerprint], dtype: str) -> None:
    found = recipe(print_of(kinship.mixed((0.6, base()), (0.4, base(1))), dtype), parts)
    known = weights_of(found)
    assert known.keys() == {0, 3}
    assert abs(known[0] - 0.6) < 0.02
    assert abs(known[3] - 0.4) < 0.02


def test_the_recipe_of_task_arithmetic_has_negative_terms(
    parts: list[Fingerprint], tuned: Tensors
) -> None:
    mix = kinship.mixed((1.5, base()), (-0.5, tuned))
    assert weights_of(recipe(print_of(mix), parts)) == {0: 1.5, 1: -0.5}


def test_spherical_interpolation(parts: list[Fingerprint]) -> None:
    known = weights_of(recipe(print_of(kinship.slerped(base(), base(1), 0.3)), parts))
    assert known.keys() == {0, 3}
    assert known[0] > known[3] > 0.3


def test_a_merge_with_other_proportions_in_each_layer(parts: list[Fingerprint]) -> None:
    def gradient(name: str) -> float:
        layer = kinship.layer_of(name)
        return 0.5 if layer is None else layer / 3

    other = base(1)
    mix = kinship.each(base(), lambda n, v: (1 - gradient(n)) * v + gradient(n) * other[n])
    found = recipe(print_of(mix), parts)
    assert found is not None
    assert {part for part, _ in found.parts} == {0, 3}
    assert [round(row[3], 2) for row in found.layers] == [0.0, 0.33, 0.67, 1.0]


def test_what_one_model_explains_is_no_merge(parts: list[Fingerprint], tuned: Tensors) -> None:
    assert recipe(parts[1], parts) is None
    assert recipe(print_of(kinship.finetuned(tuned, 0.05, seed=9)), parts) is None


def test_strangers_and_too_few_parts(parts: list[Fingerprint]) -> None:
    assert recipe(base_print(2), parts) is None
    assert recipe(print_of(kinship.mixed((0.5, base()), (0.5, base(1)))), parts[:1]) is None


def test_sketches_of_another_seed_are_not_mixed(parts: list[Fingerprint]) -> None:
    secret = msgspec.structs.replace(parts[3], seed="private:" + "0" * 32)
    mix = print_of(kinship.mixed((0.5, base()), (0.5, base(1))))
    assert recipe(mix, [parts[0], secret]) is None


def test_too_few_tensors_and_broken_ones_have_no_recipe(parts: list[Fingerprint]) -> None:
    mix = print_of(kinship.mixed((0.5, base()), (0.5, base(1))))
    few = {n: t for n, t in mix.tensors.items() if "layers.0.mlp" in n}
    assert recipe(msgspec.structs.replace(mix, tensors=few), parts) is None
    empty = {
        n: msgspec.structs.replace(t, sketch=bytes(len(t.sketch))) for n, t in mix.tensors.items()
    }
    assert recipe(msgspec.structs.replace(mix, tensors=empty), parts) is None


def test_a_model_without_layers_has_no_recipe_by_layer(parts: list[Fingerprint]) -> None:
    def flat(model: Fingerprint) -> Fingerprint:
        tensors = {n: msgspec.structs.replace(t, layer=None) for n, t in model.tensors.items()}
        return msgspec.structs.replace(model, tensors=tensors)

    assert recipe(flat(base_print(2)), [flat(part) for part in parts]) is None


def test_a_part_that_hardly_counts_is_no_part(parts: list[Fingerprint]) -> None:
    mix = print_of(kinship.mixed((0.98, base()), (0.02, base(1))), "F32")
    assert recipe(mix, parts) is None
