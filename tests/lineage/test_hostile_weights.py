"""Whatever bytes a file of weights has, it is read, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import ModelAssayError
from modelscan.lineage import opening
from modelscan.lineage.compare import compare
from modelscan.lineage.fingerprint import fingerprint, samples_only
from modelscan.lineage.opening import open_weights
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import safetensors
from tests.forge import weights as forge
from tests.forge import weights_files as files
from tests.forge.weights import Config

SMALL = Config(layers=1, width=32, heads=4, kv_heads=2, inner=32, vocabulary=40)
MODEL = forge.llama(1, SMALL)
FORMATS: dict[str, Callable[[], bytes]] = {
    "m.safetensors": lambda: files.safetensors_bytes(MODEL, "BF16"),
    "m.gguf": lambda: files.gguf_bytes(forge.as_gguf(MODEL, SMALL), "Q8_0", SMALL),
    "m.pt": lambda: files.torch_zip_bytes(MODEL),
    "m.bin": lambda: files.torch_legacy_bytes(MODEL),
    "m.npz": lambda: files.npz_bytes(MODEL),
}


class Held:
    """A file of a model that is in memory."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    def open(self) -> Held:
        return self

    def __enter__(self) -> BytesArtifact:
        return Open(self.name, self._data)

    def __exit__(self, *_: object) -> None:
        pass


class Open(BytesArtifact):
    def changed(self) -> bool:
        return False


def read(name: str, data: bytes) -> int:
    """Tensors that were read and tensors that were skipped."""
    with open_weights([Held(name, data)]) as weights:  # type: ignore[list-item]  # enough of a file
        made, few = fingerprint(weights), samples_only(weights)
    assert len(few.tensors) <= len(weights.tensors)
    return len(made.tensors) + len(made.skipped)


@pytest.mark.parametrize("name", FORMATS)
def test_an_honest_file_is_read_whole(name: str) -> None:
    assert read(name, FORMATS[name]()) == 12


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused(name: str, data: st.DataObject) -> None:
    raw = bytearray(FORMATS[name]())
    header = min(len(raw), 3000)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, header - 1) | st.integers(len(raw) - header, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(raw)) | st.integers(0, len(raw)))
    try:
        read(name, bytes(raw[:cut]))
    except ModelAssayError:
        return


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    try:
        read(name, data)
    except ModelAssayError:
        return


def test_the_number_of_tensors_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_MAX_TENSORS", 5)
    with open_weights([Held("m.safetensors", FORMATS["m.safetensors"]())]) as weights:  # type: ignore[list-item]
        assert len(weights.tensors) == 5
        assert "more than 5 tensors" in weights.skipped[0].reason
        assert weights.skipped[0].needed


@pytest.mark.parametrize("shape", [[1] * 9, [1] * 3000, [0, 1 << 48], [0, 1 << 62]])
def test_a_shape_that_no_matrix_has_is_said(shape: list[int]) -> None:
    table = safetensors.header({"w": ("F32", [4, 8])})
    size = 4 if all(shape) else 0
    table["odd"] = {"dtype": "F32", "shape": shape, "data_offsets": [128, 128 + size]}
    data = safetensors.assemble(table, bytes(128 + size))
    with open_weights([Held("m.safetensors", data)]) as weights:  # type: ignore[list-item]  # as above
        made = fingerprint(weights)
    assert [gap.name for gap in made.skipped if gap.needed] == ["odd"]
    assert list(made.tensors) == ["w"]


@pytest.mark.parametrize("shape", [(1, 1 << 20), (3, 1 << 17), (2, 70_000), (1, 131_073)])
def test_a_wide_matrix_is_read_whole(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).standard_normal(shape, np.float32)
    data = files.safetensors_bytes({"wide": values}, "F32")
    with open_weights([Held("m.safetensors", data)]) as weights:  # type: ignore[list-item]  # as above
        tensor = weights.tensors["wide"]
        read = np.concatenate([block.reshape(-1) for block in tensor.blocks()])
        some = tensor.values_at([0, 7, values.size - 1])
        made = fingerprint(weights, k=8).tensors["wide"]
    np.testing.assert_array_equal(read, values.reshape(-1))
    np.testing.assert_array_equal(some, values.reshape(-1)[[0, 7, values.size - 1]])
    assert made.shape == shape
    assert bool(made.sketch) == (shape[1] % 512 == 0)
    rows, columns = made.sides
    assert rows * columns == values.size


def test_a_difference_of_folded_matrices_is_the_difference() -> None:
    first = np.random.default_rng(0).standard_normal((4, 1 << 17), np.float32)
    second = first + np.float32(0.1) * np.random.default_rng(1).standard_normal(
        first.shape, np.float32
    )
    prints = []
    for values in (first, second):
        data = files.safetensors_bytes({"wide": values}, "F32")
        with open_weights([Held("m.safetensors", data)]) as weights:  # type: ignore[list-item]  # as above
            prints.append(fingerprint(weights, k=8))
    (change,) = compare(prints[1], prints[0]).changes
    assert change.relative == pytest.approx(0.1, rel=0.3)
    assert change.cosine is not None
    assert change.cosine > 0.98
