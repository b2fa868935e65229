from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import UsageError
from modelscan.lineage.signs import PUBLIC, Seed, anchors, positions, read_seed, signs


def test_signs_are_frozen() -> None:
    assert signs(0, 3, 8).tolist() == [
        [-1, -1, -1, 1, 1, 1, -1, -1],
        [-1, 1, 1, -1, -1, 1, -1, 1],
        [1, 1, -1, 1, -1, -1, -1, -1],
    ]
    assert signs(4095, 4097, 8).tolist() == [
        [1, -1, 1, 1, 1, -1, 1, -1],
        [-1, -1, -1, -1, 1, -1, -1, -1],
    ]
    whole = signs(0, 10_000, 32).astype(np.int8).tobytes()
    expected = "abb063bf34436c03f7751512ae2bf81e5ad25bf7f641c66a5a811ae3f3f9d12b"
    assert hashlib.sha256(whole).hexdigest() == expected


def test_signs_are_what_their_definition_says() -> None:
    material = b"modelassay-signs/1\0public\0" + (1).to_bytes(8, "big")
    packed = hashlib.shake_256(material).digest(4096 * 4)
    row = packed[4 * 5 : 4 * 6]
    bits = [row[column // 8] >> column % 8 & 1 for column in range(32)]
    assert signs(4096 + 5, 4096 + 6, 32)[0].tolist() == [2 * bit - 1 for bit in bits]


def test_positions_and_anchors_are_frozen() -> None:
    assert positions((4096, 4096))[::32] == [1149696, 1431616, 7219392, 10458752]
    assert positions((4096,))[::32] == [3040]
    assert anchors(32_000)[:4] == [253, 441, 494, 628]
    assert anchors(32_000) == anchors(50_000)
    assert anchors(10) == []


@given(st.lists(st.integers(0, 300), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_positions_fit_any_shape(shape: list[int]) -> None:
    found = positions(shape)
    size = int(np.prod(shape))
    assert found == sorted(set(found))
    assert len(found) <= 128
    assert all(0 <= at < size for at in found)
    assert len(found) >= min(size, 32)


@given(st.integers(32, 5000))
@settings(max_examples=50, deadline=None)
def test_anchors_are_sixteen_different_tokens(vocabulary: int) -> None:
    found = anchors(vocabulary)
    assert len(set(found)) == 16
    assert max(found) < vocabulary


def test_a_private_seed_changes_everything_and_tells_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "seed"
    secret.write_bytes(b"sixteen bytes or more of it")
    seed = read_seed(secret)
    assert seed == Seed.private(secret.read_bytes())
    assert seed.name.startswith("private:")
    assert seed.key.hex() not in seed.name
    assert not np.array_equal(signs(0, 64, 16, seed), signs(0, 64, 16, PUBLIC))
    assert positions((999, 999), seed) != positions((999, 999))
    assert anchors(9999, seed) != anchors(9999)


def test_a_seed_that_is_none_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"abc\n")
    with pytest.raises(UsageError, match="a secret of less than"):
        read_seed(short)
    with pytest.raises(UsageError, match="No such file"):
        read_seed(tmp_path / "absent")
