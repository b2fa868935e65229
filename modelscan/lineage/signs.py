"""The random signs and sample positions that fingerprints are made with.

They are defined here bit by bit, on SHAKE-256 (FIPS 202), and not by a library's generator, so that
a fingerprint made today can be compared on any machine with any version of numpy. `tests` freeze
vectors of both.

Signs: there is one endless matrix of 32 columns for each seed. Its rows come in chunks of 4,096.
Chunk c is the SHAKE-256 output of `"modelassay-signs/1" 0x00 key 0x00` and c as eight bytes, big
end first; row r of a chunk is its bytes 4r to 4r+3, column j is bit j % 8 of byte j // 8, a one is
+1 and a zero is -1. A dimension of n takes the first n rows, wherever it occurs and on whichever
side, so that what a matrix writes can be compared with what another one reads; a sketch of k < 32
takes the first k columns, so that a large sketch holds the small ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from modelscan.errors import UsageError
from modelscan.lineage.prints import PUBLIC_SEED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_K: Final = 32
"""Columns of the matrix of signs."""
_ROWS: Final = 4096
_ROW_BYTES: Final = MAX_K // 8
_RUN: Final = 32
"""Samples that follow each other: whole blocks of the simple quantised formats."""
_MATRIX_RUNS: Final = 4
_ANCHORS: Final = 16
"""Tokens that anchor the invariants."""
_SHORTEST_SECRET, _LONGEST_SECRET = 16, 4096
_ANCHOR_VOCABULARY: Final = 2048
"""They are among the first so many: every vocabulary has them, and extended ones keep them."""


class Seed(msgspec.Struct, frozen=True):
    """What the signs and positions are drawn from."""

    name: str
    """`public`, or `private:` and a digest that gives nothing away of the key."""
    key: bytes

    @classmethod
    def private(cls, secret: bytes) -> Seed:
        """A seed that only its owner knows: nobody can craft a change that its sketch misses."""
        key = hashlib.sha256(b"modelassay-private-seed/1\0" + secret).digest()
        return cls("private:" + hashlib.sha256(b"name\0" + key).hexdigest()[:32], key)


def read_seed(path: Path) -> Seed:
    """The private seed that a file holds.

    Raises:
        UsageError: it cannot be read, or is too short to be a secret.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(_LONGEST_SECRET)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    if len(secret.strip()) < _SHORTEST_SECRET:
        raise UsageError(
            f"{path}: a secret of less than {_SHORTEST_SECRET} bytes",
            "make one: openssl rand -hex 32",
        )
    return Seed.private(secret)


PUBLIC: Final = Seed(PUBLIC_SEED, b"public")


def signs(start: int, stop: int, k: int, seed: Seed = PUBLIC) -> NDArray[np.float32]:
    """Rows `start` to `stop` of the first `k` columns, as +1.0 and -1.0."""
    from modelscan.lineage.numerics import (
        np,  # lazy: positions are drawn in scans that import no numpy
    )

    first, last = start // _ROWS, max(stop - 1, start) // _ROWS
    chunks = [_chunk(index, k, seed.key) for index in range(first, last + 1)]
    whole = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
    return whole[start - first * _ROWS : stop - first * _ROWS]


@lru_cache(maxsize=48)
def _chunk(index: int, k: int, key: bytes) -> NDArray[np.float32]:
    from modelscan.lineage.numerics import np  # lazy: as above

    material = b"modelassay-signs/1\0" + key + b"\0" + index.to_bytes(8, "big")
    packed = hashlib.shake_256(material).digest(_ROWS * _ROW_BYTES)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    return bits.reshape(_ROWS, MAX_K)[:, :k].astype(np.float32) * 2 - 1


def positions(shape: Sequence[int], seed: Seed = PUBLIC) -> list[int]:
    """Flat indices of the samples of a tensor, rising: all of a tiny one.

    Four runs of 32 of a matrix and one of a vector, each on a multiple of 32. Run i of N elements
    begins at 32 times the eight bytes i of SHAKE-256 of `"modelassay-samples/1" 0x00 key 0x00 N`
    (decimal), big end first, modulo N // 32; a run that is taken gives way to the next free one.
    """
    size = 1
    for extent in shape:
        size *= extent
    wanted = _MATRIX_RUNS if len(shape) > 1 else 1
    places = size // _RUN
    if places <= wanted:
        return list(range(min(size, wanted * _RUN)))
    material = b"modelassay-samples/1\0" + seed.key + b"\0" + str(size).encode()
    drawn = hashlib.shake_256(material).digest(8 * wanted)
    taken: set[int] = set()
    for index in range(wanted):
        place = int.from_bytes(drawn[8 * index : 8 * index + 8], "big") % places
        while place in taken:
            place = (place + 1) % places
        taken.add(place)
    return [place * _RUN + at for place in sorted(taken) for at in range(_RUN)]


def anchors(vocabulary: int, seed: Seed = PUBLIC) -> list[int]:
    """Token numbers, rising, that anchor the invariants; none when there are too few tokens.

    Drawn as `positions` are, from `"modelassay-anchors/1"`, among the first 2,048 tokens, so that a
    larger vocabulary has the same ones.
    """
    among = min(vocabulary, _ANCHOR_VOCABULARY)
    if among < 2 * _ANCHORS:
        return []
    material = b"modelassay-anchors/1\0" + seed.key + b"\0" + str(among).encode()
    drawn = hashlib.shake_256(material).digest(8 * _ANCHORS)
    taken: set[int] = set()
    for index in range(_ANCHORS):
        token = int.from_bytes(drawn[8 * index : 8 * index + 8], "big") % among
        while token in taken:
            token = (token + 1) % among
        taken.add(token)
    return sorted(taken)
