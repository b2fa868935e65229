from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from modelscan.lineage import quants
from tests.forge.weights import Maker
from tests.forge.weights_quants import QUANTISERS

FROZEN = {
    "q4_0": ((0,), "53aa61d4516c8e9882235d2ebc238a18", -0.0491943359375),
    "q4_1": ((0, 2), "b082e7b6c9c8161e00fb08be5eb368bc", 0.031978607177734375),
    "q5_0": ((0,), "4f5a68889fcc5bfed1babd7feb0588a9", 0.159881591796875),
    "q5_1": ((0, 2), "655f174220f973b477b1d2f018818555", 0.3394432067871094),
    "q8_0": ((0,), "83e2fc474caadccd3c51cf0e5f28fa34", -0.110687255859375),
    "q2_k": ((80, 82), "10261232ac44478099f448c973e02c34", 0.16233444213867188),
    "q3_k": ((108,), "d553843ecf713787537490956d3dc49a", 0.61492919921875),
    "q4_k": ((0, 2), "437d7850018af90a5491ebe5f2d41c1e", 0.039279937744140625),
    "q5_k": ((0, 2), "942c538e9c02c6a18d16c493f4d8b831", 0.9740066528320312),
    "q6_k": ((208,), "1424810b008bf89d36185bb1e29af465", 10.293914794921875),
}
"""Where the scales stand in a block, and what version 0.19.0 of the `gguf` package makes of four
blocks: a digest of the float32 values, and the first one."""
SCALES = (0.0123, -0.5, 3.1e-6, 2.0)


def frozen_blocks(kind: str) -> bytes:
    width = quants.WIDTHS[kind]
    raw = bytearray(hashlib.shake_256(kind.encode()).digest(4 * width))
    for block, scale in enumerate(SCALES):
        for number, at in enumerate(FROZEN[kind][0]):
            place = block * width + at
            raw[place : place + 2] = np.array(scale * (1 - 0.4 * number), "<f2").tobytes()
    return bytes(raw)


@pytest.mark.parametrize("kind", FROZEN)
def test_values_are_the_published_ones_bit_for_bit(kind: str) -> None:
    values = quants.decode(kind, frozen_blocks(kind)).values().astype("<f4")
    assert values[0] == np.float32(FROZEN[kind][2])
    assert hashlib.sha256(values.tobytes()).hexdigest()[:32] == FROZEN[kind][1]
    assert len(values) == 4 * quants.BLOCKS[kind]


@pytest.mark.interop
@pytest.mark.parametrize("kind", FROZEN)
def test_values_are_those_of_the_gguf_package(kind: str) -> None:
    gguf: Any = pytest.importorskip("gguf")
    blocks = frozen_blocks(kind)
    raw = np.frombuffer(blocks, np.uint8).reshape(4, -1)
    theirs = gguf.quants.dequantize(raw, getattr(gguf.GGMLQuantizationType, kind.upper()))
    assert quants.decode(kind, blocks).values().tobytes() == theirs.astype(np.float32).tobytes()


def test_every_type_has_its_sizes() -> None:
    assert set(quants.DECODERS) == set(quants.WIDTHS) == set(quants.BLOCKS) == set(FROZEN)


@pytest.mark.parametrize("kind", QUANTISERS)
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_an_original_lies_in_the_bounds_of_its_quantisation(kind: str, scale: float) -> None:
    original = Maker(1).matrix(64, 512) * np.float32(scale)
    made = QUANTISERS[kind].both(original)
    codes = quants.decode(kind.lower(), made.data)
    assert np.array_equal(codes.values(), made.values.ravel())
    low, high = codes.bounds()
    assert outside(original, low, high) == 0
    assert outside(made.values, low, high) == 0


@pytest.mark.parametrize("kind", QUANTISERS)
def test_another_original_lies_outside_of_the_bounds(kind: str) -> None:
    original = Maker(1).matrix(64, 512)
    low, high = quants.decode(kind.lower(), QUANTISERS[kind].quantise(original)).bounds()
    assert outside(original * np.float32(1.1), low, high) > 1000
    assert outside(Maker(2).matrix(64, 512), low, high) > 10_000


def outside(values: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> int:
    flat = values.ravel()
    return int(np.count_nonzero((flat < low) | (flat > high)))


def test_clipped_codes_and_empty_blocks_bound_nothing() -> None:
    blocks = np.zeros((1, 144), np.uint8)  # a step of zero: the quantiser gives up
    low, high = quants.decode("q4_k", blocks.tobytes()).bounds()
    assert np.isneginf(low).all()
    assert np.isposinf(high).all()
    original = Maker(3).matrix(1, 256)
    low, high = quants.decode("q6_k", QUANTISERS["Q6_K"].quantise(original)).bounds()
    assert np.isfinite(low).any()
    assert (low <= high).all()


@pytest.mark.parametrize("kind", QUANTISERS)
def test_the_analytic_noise_is_the_noise(kind: str) -> None:
    original = Maker(4).matrix(128, 512)
    made = QUANTISERS[kind].both(original)
    energies = quants.decode(kind.lower(), made.data).energies(128)
    assert len(energies) == 128
    error = float(np.square(made.values - original, dtype=np.float64).sum())
    assert 0.9 < energies.sum() / error < 1.15


@pytest.mark.parametrize("kind", quants.WIDTHS)
@pytest.mark.parametrize("fill", [b"\xff\x7c", b"\x00\x7c", b"\xff\xff", b"\0\0"])
def test_scales_that_are_no_numbers_are_decoded_without_a_word(kind: str, fill: bytes) -> None:
    codes = quants.decode(kind, fill * quants.WIDTHS[kind])
    assert len(codes.values()) == 2 * quants.BLOCKS[kind]
    low, high = codes.bounds()
    assert len(low) == len(high) == 2 * quants.BLOCKS[kind]
    assert len(codes.energies(1)) == 1
