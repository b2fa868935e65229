"""The tensors of a safetensors file, found by the house's own header parser."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import safetensors
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import PLAIN, Stored
from modelscan.lineage.weights import Weights
from modelscan.vocabulary.artifact import Artifact

_LENGTH: Final = 8
"""Bytes before the header that say how long it is."""
_LARGEST: Final = 100_000_000
"""Bytes of the largest header that any reader takes."""
_DTYPES: Final = {
    "BF16": "bf16", "F16": "f16", "F32": "f32", "F64": "f64", "I8": "i8", "U8": "u8", "I16": "i16",
    "U16": "u16", "I32": "i32", "U32": "u32", "I64": "i64", "U64": "u64", "BOOL": "bool",
    "F8_E4M3": "f8_e4m3", "F8_E5M2": "f8_e5m2",
}  # fmt: skip


def tensors(artifact: Artifact, budget: Budget) -> Iterator[Stored | Skipped]:
    """All tensors of the file, in the order of their bytes.

    Raises:
        ReadError: there is no header to speak of.
    """
    for entry in safetensors.listed(artifact, budget):
        if isinstance(entry, safetensors.Unlisted):
            yield Skipped(entry.name, entry.reason)
            continue
        dtype = _DTYPES.get(entry.dtype)
        if dtype is None:
            yield Skipped(entry.name, f"values of type {entry.dtype[:20]} are not read")
        elif math.prod(entry.shape) * PLAIN[dtype] != entry.length:
            yield Skipped(entry.name, "its bytes do not fit its shape")
        else:
            width = PLAIN[dtype]
            yield Stored(entry.name, dtype, entry.shape, artifact, entry.offset, width=width)


def header_digests(weights: Weights) -> tuple[str, ...]:
    """Digests of the headers of a model's files, each over its length and its text, sorted.

    Files that end early, or whose header is larger than any that is read, have none.
    """
    family = weights.family
    if family is None or family.kind != "safetensors":
        return ()
    found = []
    for file in weights.beside:
        if file.name not in family.files:
            continue
        try:
            with file.open() as artifact:
                size = int.from_bytes(artifact.read_at(0, _LENGTH), "little")
                header = artifact.read_at(0, _LENGTH + min(size, _LARGEST))
        except ReadError:
            continue
        if len(header) == _LENGTH + size:
            found.append(f"sha256:{hashlib.sha256(header).hexdigest()}")
    return tuple(sorted(found))
