"""Quantised blocks in pure Python give what the arrays give."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.lineage import blocks_python, quants
from modelscan.lineage.stored import Stored
from modelscan.lineage.weights import Part, WeightTensor
from modelscan.vocabulary.artifact import BytesArtifact


def test_every_type_is_there() -> None:
    assert set(blocks_python.BLOCKS) == set(quants.DECODERS)


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(quants.DECODERS)), data=st.data())
def test_values_are_the_same(kind: str, data: st.DataObject) -> None:
    width = quants.WIDTHS[kind]
    raw = data.draw(st.binary(min_size=width, max_size=width))
    expected = quants.decode(kind, raw).values().astype(float)
    found = np.array(blocks_python.BLOCKS[kind](raw))
    assert found.shape == expected.shape
    finite = np.isfinite(expected)
    room = np.abs(expected[finite]).max(initial=0.0) * 1e-5
    with np.errstate(invalid="ignore"):
        assert (np.abs(found[finite] - expected[finite]) <= room).all()


@pytest.mark.parametrize("kind", ["q4_0", "q6_k"])
def test_single_values_are_found(kind: str) -> None:
    width, block = quants.WIDTHS[kind], quants.BLOCKS[kind]
    raw = np.random.default_rng(0).integers(0, 60, 6 * width, np.uint8).tobytes()
    source = Stored("w", kind, (6, block), BytesArtifact("m", raw), 0, block, width)
    tensor = WeightTensor(name="w", role="", shape=(6, block), parts=(Part(source),))
    places = [0, 5, block + 1, 5 * block + block - 1]
    assert blocks_python.is_readable(tensor)
    found = struct.unpack("<4f", blocks_python.samples(tensor, places))
    np.testing.assert_allclose(found, tensor.values_at(places), rtol=1e-5)


def test_what_is_too_large_is_infinite() -> None:
    block = struct.pack("<e32b", -65504.0, *[127] * 32)
    raw = block[:2] + bytes([128] * 32)
    source = Stored("w", "q8_0", (1, 32), BytesArtifact("m", raw), 0, 32, 34)
    tensor = WeightTensor(name="w", role="", shape=(1, 32), parts=(Part(source),))
    assert blocks_python.values_at(tensor, [0]) == [65504.0 * 128]
    assert blocks_python._single(1e300) == struct.pack("<f", float("inf"))
    assert blocks_python._single(-1e300) == struct.pack("<f", float("-inf"))
