from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import inflation
from modelscan.formats.inflation import Inflation, dictionary_size, lzma_filter, unpack
from modelscan.vocabulary.artifact import BytesArtifact


class _Failing:
    """A library's decompressor that fails in a way of its own."""

    eof = False
    needs_input = True
    unused_data = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del data, max_length
        raise self.error


def _library(error: Exception) -> SimpleNamespace:
    parameter = SimpleNamespace(window_log_max="window")
    return SimpleNamespace(
        LZ4FrameDecompressor=lambda: _Failing(error),
        ZstdDecompressor=lambda options: _Failing(error) if options["window"] == 26 else None,
        DecompressionParameter=parameter,
    )


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("own"), ReadError),
        (MemoryError(), BudgetError),
        (ReadError("ours"), ReadError),
    ],
)
def test_what_libraries_raise(
    codec: Any, error: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflation, "_library", lambda _: _library(error))
    inflating = Inflation(BytesArtifact("f", b"data"), 0, 4, codec, Budget())
    with pytest.raises(expected):
        list(inflating.pieces())


def test_a_library_is_found_by_any_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflation, "_LIBRARIES", {"lz4": ("no_such_module", "zlib")})
    found = inflation._library("lz4")
    assert found is not None
    assert found.__name__ == "zlib"


def test_trying_costs_as_much_as_reading() -> None:
    data = lzma.compress(bytes(1 << 20))
    budget = Budget(Limits(inflated_bytes=1000))
    with pytest.raises(BudgetError):
        Inflation(BytesArtifact("f", data), 0, len(data), "xz", budget).succeeds()


def test_dictionaries() -> None:
    assert dictionary_size(1 << 30, 5000) == 5000
    assert dictionary_size(1 << 20, None) == 1 << 20
    assert dictionary_size(9, 1) == 4096
    with pytest.raises(BudgetError):
        dictionary_size(1 << 30, None)
    with pytest.raises(ReadError):
        lzma_filter(b"\xff\0\0\0\0")
    with pytest.raises(ReadError):
        lzma_filter(b"\x5d")


def test_nothing_expected_needs_no_data() -> None:
    inflating = Inflation(BytesArtifact("f", b""), 0, 0, "lzma-zip", Budget(), 0)
    assert list(inflating.pieces()) == []
    assert inflating.finished


def test_a_long_stream_is_measured_when_nothing_is_declared() -> None:
    pieces = [b"12345"] * 3
    found = unpack(BytesArtifact("f", b""), "m", lambda: iter(pieces), keep=4)
    assert found.artifact.size == 15
    assert found.artifact.read_at(4, 3) == b"512"


DAMAGED: dict[Any, Any] = {
    "gzip": lambda data: gzip.compress(data, mtime=0)[:-8] + bytes(8),
    "zlib": lambda data: zlib.compress(data)[:-4] + bytes(4),
    "bz2": lambda data: bz2.compress(data)[:-6] + b"\xff" * 6,
    "xz": lambda data: lzma.compress(data)[:-30] + bytes(30),
}
"""Streams whose sums are wrong."""


@pytest.mark.parametrize("size", [2, 5_000, 700_000])
@pytest.mark.parametrize("codec", DAMAGED)
def test_what_stands_before_a_damage_is_inflated(codec: Any, size: int) -> None:
    data = random.Random(size).randbytes(size)  # noqa: S311  # repeatable, not secret
    damaged = DAMAGED[codec](data)
    inflating = Inflation(BytesArtifact("f", damaged), 0, len(damaged), codec, Budget())
    pieces: list[bytes] = []
    with pytest.raises(ReadError, match="damaged"):
        pieces.extend(inflating.pieces(to_the_last=True))
    out = b"".join(pieces)
    assert data.startswith(out)
    assert len(out) >= size - 1


def test_a_budget_ends_the_second_look_too() -> None:
    damaged = DAMAGED["gzip"](bytes(700_000))
    budget = Budget(Limits(inflated_bytes=1_000_000))
    inflating = Inflation(BytesArtifact("f", damaged), 0, len(damaged), "gzip", budget)
    with pytest.raises(BudgetError):
        list(inflating.pieces(to_the_last=True))
