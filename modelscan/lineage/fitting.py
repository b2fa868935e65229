"""Makes a fingerprint fit: at most a megabyte, whatever the model.

Of a model with thousands of tensors there is no room for everything. What goes first is what the
comparison needs least: large sketches (which hold the small ones), samples beyond the first runs,
sketches of the smallest matrices, then all samples. Digests and sums stay: they are the proof.

Invariant: what is left is what a fingerprint made with less would have held, so that it can be
compared with any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from modelscan.lineage.fingerprint_layout import BUDGET
from modelscan.lineage.fingerprint_writing import encode
from modelscan.lineage.layers import local_name
from modelscan.lineage.prints import Fingerprint, TensorPrint

_SKETCHES: Final = (16, 8)
_SAMPLES: Final = (64, 32)
_LAST: Final = (16, 8, 0)
_SHARES: Final = (0.5, 0.25, 0.1, 0.0)
"""Of the matrices of a layer, the largest ones that keep their sketch, in all layers."""


def fitted(fingerprint: Fingerprint) -> Fingerprint:
    """The most of a fingerprint that fits.

    Args:
        fingerprint: as it was measured.

    Raises:
        SourceError: it would be larger than one that is read again.
    """
    if len(encode(fingerprint)) <= BUDGET:
        return fingerprint
    for smaller in _smaller(fingerprint):
        fingerprint = smaller
        if len(encode(fingerprint)) <= BUDGET:
            break
    return fingerprint


def _smaller(fingerprint: Fingerprint) -> Iterator[Fingerprint]:
    """Ever smaller ones."""
    for k in _SKETCHES:
        if k < fingerprint.k:
            fingerprint = _cut_sketches(fingerprint, k)
            yield fingerprint
    for count in _SAMPLES:
        fingerprint = _changed(
            fingerprint, [tensor.first(count) for tensor in _tensors(fingerprint)]
        )
        yield fingerprint
    roles: dict[str, int] = {}
    for tensor in _tensors(fingerprint):
        if tensor.sketch:
            roles[local_name(tensor)] = max(roles.get(local_name(tensor), 0), tensor.size)
    largest = sorted(roles, key=lambda role: (-roles[role], role))
    for share in _SHARES:
        kept = set(largest[: int(len(largest) * share)])
        tensors = [
            tensor if local_name(tensor) in kept else msgspec.structs.replace(tensor, sketch=b"")
            for tensor in _tensors(fingerprint)
        ]
        fingerprint = _changed(fingerprint, tensors)
        yield fingerprint
    for count in _LAST:
        yield _changed(fingerprint, [tensor.first(count) for tensor in _tensors(fingerprint)])


def _tensors(fingerprint: Fingerprint) -> list[TensorPrint]:
    return list(fingerprint.tensors.values())


def _changed(fingerprint: Fingerprint, tensors: list[TensorPrint]) -> Fingerprint:
    by_name = {tensor.name: tensor for tensor in tensors}
    return msgspec.structs.replace(fingerprint, tensors=by_name)


def _cut_sketches(fingerprint: Fingerprint, k: int) -> Fingerprint:
    tensors = []
    for tensor in _tensors(fingerprint):
        sketch = _corner(tensor.sketch, fingerprint.k, k) if tensor.sketch else b""
        tensors.append(msgspec.structs.replace(tensor, sketch=sketch))
    return msgspec.structs.replace(_changed(fingerprint, tensors), k=k)


def _corner(sketch: bytes, side: int, k: int) -> bytes:
    """The first k rows and columns."""
    return b"".join(sketch[4 * side * row : 4 * side * row + 4 * k] for row in range(k))
