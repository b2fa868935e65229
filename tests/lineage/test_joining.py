"""Models of very many tensors: joined, so that what is kept and held stays small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from modelscan.lineage import fitting, joining
from modelscan.lineage.compare import compare
from modelscan.lineage.evidence import Verdict
from modelscan.lineage.fingerprint import fingerprint, samples_only
from modelscan.lineage.fingerprint_layout import BUDGET
from modelscan.lineage.fingerprint_reading import decode
from modelscan.lineage.fingerprint_writing import encode
from modelscan.lineage.fitting import fitted
from modelscan.lineage.joining import CHUNK
from modelscan.lineage.judgement import judge
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from tests.forge.kinship_prints import HeldFile
from tests.forge.weights import Tensors
from tests.forge.weights_files import safetensors_bytes

COUNT = 600


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few tensors are already many."""
    monkeypatch.setattr(joining, "MOST", 40)


def numbered(count: int = COUNT, seed: int = 1, shape: tuple[int, ...] = (16, 16)) -> Tensors:
    random = np.random.default_rng(seed)
    return {f"t.{n}": random.standard_normal(shape, np.float32) for n in range(count)}


def print_of(tensors: Tensors, k: int | None = 8) -> Fingerprint:
    with open_weights([HeldFile("model.safetensors", safetensors_bytes(tensors, "F32"))]) as held:
        return fingerprint(held, k=k)


def verdict(candidate: Tensors, base: Tensors) -> Verdict:
    return judge(compare(print_of(candidate), print_of(base)))[0]


def test_numbered_tensors_are_read_together() -> None:
    made = print_of(numbered())
    assert list(made.tensors) == ["t.*[0-255]", "t.*[256-511]", "t.*[512-599]"]
    assert made.count == COUNT
    assert [each.shape for each in made.tensors.values()] == [
        (256, 16, 16),
        (256, 16, 16),
        (88, 16, 16),
    ]


def test_values_keep_their_order() -> None:
    tensors = numbered(shape=(2, 80))
    with open_weights([HeldFile("model.safetensors", safetensors_bytes(tensors, "F32"))]) as held:
        first = held.tensors["t.*[0-255]"]
        read = np.concatenate(list(first.blocks()))
        some = first.values_at([0, 161, 2 * 80 * 200 + 7])
    expected = np.concatenate([tensors[f"t.{n}"] for n in range(CHUNK)])
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(some, expected.reshape(-1)[[0, 161, 2 * 80 * 200 + 7]])


def test_equal_models_are_proved_equal() -> None:
    found = verdict(numbered(), numbered())
    assert (found.relation, found.tier) == ("identical", "proved")
    assert "all 600 tensors" in found.text
    assert "in groups of up to 256" in found.text


def changed(tensors: Tensors) -> Tensors:
    again = dict(tensors)
    again["t.300"] = again["t.300"] + np.float32(1)
    return again


def renumbered(tensors: Tensors) -> Tensors:
    return {f"t.{int(name[2:]) * 2}": values for name, values in tensors.items()}


def mixed(tensors: Tensors) -> Tensors:
    return dict(zip(tensors, reversed(tensors.values()), strict=True))


def reshaped(tensors: Tensors) -> Tensors:
    return {name: values.reshape(8, 32) for name, values in tensors.items()}


def test_other_numbers_are_other_names() -> None:
    found = verdict(renumbered(numbered()), numbered())
    assert "3 tensors found under other names" in found.text


@pytest.mark.parametrize("change", [changed, mixed, reshaped])
def test_other_values_places_and_shapes_are_no_proof_of_equality(
    change: Callable[[Tensors], Tensors],
) -> None:
    assert verdict(change(numbered()), numbered()).relation != "identical"


def test_a_changed_group_is_named() -> None:
    states = {
        change.name: change.state
        for change in compare(print_of(changed(numbered())), print_of(numbered())).changes
    }
    assert states == {"t.*[0-255]": "exact", "t.*[256-511]": "changed", "t.*[512-599]": "exact"}


def test_strangers_are_unrelated() -> None:
    found = verdict(numbered(2000, seed=2), numbered(2000))
    assert (found.relation, found.tier) == ("unrelated", "measured")


def test_the_model_itself_is_not_joined_when_much_is_added_to_it() -> None:
    model = {f"model.layers.{n}.mlp.up_proj.weight": v for n, v in enumerate(numbered(30).values())}
    alone, more = print_of(model), print_of(model | numbered())
    assert set(alone.tensors) < set(more.tensors)


def test_names_without_numbers_are_joined_by_shape() -> None:
    names = [f"t{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(COUNT)]
    made = print_of(dict(zip(names, numbered().values(), strict=True)))
    shapes = sorted(each.shape for each in made.tensors.values())
    assert shapes == [(88, 16, 16), (256, 16, 16), (256, 16, 16)]
    assert all(name.startswith("other tensors[") for name in made.tensors)


def test_whatever_is_left_is_one_row_of_values() -> None:
    names = [f"t{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(COUNT)]
    odd = {name: np.ones((n + 1, 2), np.float32) for n, name in enumerate(names)}
    made = print_of(odd)
    assert [len(each.shape) for each in made.tensors.values()] == [1, 1, 1]
    assert sum(each.size for each in made.tensors.values()) == sum(v.size for v in odd.values())


def test_a_tensor_that_is_called_like_joined_ones_is_not_hidden() -> None:
    made = print_of(numbered() | {"t.*[0-255]": np.ones((3, 3), np.float32)})
    assert {"t.*[0-255]", "t.*[0-255]'"} <= set(made.tensors)
    assert made.count == COUNT + 1


def test_what_cannot_be_joined_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "LEFT", 2)
    made = print_of(numbered())
    assert len(made.tensors) == 2
    assert [gap.needed for gap in made.skipped] == [True]


def test_layers_of_equal_count_are_joined_alike() -> None:
    roles = ("self_attn.q_proj", "self_attn.k_proj", "mlp.up_proj")
    values = iter(numbered(90, shape=(80, 80)).values())
    model = {f"model.layers.{n}.{role}.weight": next(values) for n in range(30) for role in roles}
    made = print_of(model)
    assert len(made.tensors) == len(roles)
    assert {each.layer for each in made.tensors.values()} == {None}


@pytest.mark.parametrize("count", [300, 2500, 3900])
def test_a_fingerprint_fits_whatever_the_model(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST", 4000)
    layers = 60
    tensors = {
        f"model.layers.{n % layers}.block_{n // layers}.weight": values
        for n, values in enumerate(numbered(count, shape=(20, 20)).values())
    }
    whole = print_of(tensors, None)
    made = fitted(whole)
    data = encode(made)
    assert len(data) <= BUDGET
    assert decode(data) == made
    assert made.root == whole.root
    assert (made == whole) == (count < 1000)
    found = judge(compare(whole, made))[0]
    assert (found.relation, found.tier) == ("identical", "proved")


def test_sketches_are_cut_and_then_left_out_by_role(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = print_of(numbered(9, shape=(90, 80)) | {"big": numbered(1, 5, (200, 90))["t.0"]}, 32)
    size = len(encode(whole))
    for budget, k, sketches in (
        (size - 1, 16, 10),
        (size // 4, 8, 10),
        (6_000, 8, 5),
        (5_000, 8, 2),
    ):
        monkeypatch.setattr(fitting, "BUDGET", budget)
        made = fitted(whole)
        assert (made.k, sum(bool(tensor.sketch) for tensor in made.tensors.values())) == (
            k,
            sketches,
        )
        assert len(encode(made)) <= budget
        assert made.tensors["big"].matrix(8).tolist() == whole.tensors["big"].matrix(8).tolist()
    monkeypatch.setattr(fitting, "BUDGET", 1)
    least = fitted(whole)
    assert not any(tensor.samples or tensor.sketch for tensor in least.tensors.values())
    assert all(tensor.digest for tensor in least.tensors.values())


def test_a_model_is_recognised_by_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST", 4000)
    random = np.random.default_rng(7)

    def model(seed: int) -> Tensors:
        values = numbered(3900, seed, (20, 20)).values()
        return {f"model.layers.{n % 60}.b_{n // 60}.weight": v for n, v in enumerate(values)}

    tuned = {
        name: values + random.standard_normal(values.shape, np.float32) * np.float32(0.05)
        for name, values in model(1).items()
    }
    base = fitted(print_of(model(1), None))
    assert judge(compare(print_of(tuned, base.k), base))[0].relation == "derived"
    assert judge(compare(print_of(model(2), base.k), base))[0].relation == "unrelated"
    with open_weights([HeldFile("model.safetensors", safetensors_bytes(tuned, "F32"))]) as held:
        glimpse = judge(compare(samples_only(held), base))[0]
    assert (glimpse.relation, glimpse.tier) == ("derived", "hint")
