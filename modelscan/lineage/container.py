"""Writes safetensors containers: for fingerprints, and for directions. No numpy is needed.

Equal contents give equal bytes, which the reference library does not promise for more than one text
of metadata. It reads what was written, though, before anybody else has to.

Source: Hugging Face, safetensors, "Format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

_LENGTH: Final = 8
"""Bytes that say how long the header is, and what tensors are aligned to."""


class Column(NamedTuple):
    """One tensor of a container."""

    name: str
    dtype: str
    """As in the header: `F32`."""
    shape: tuple[int, ...]
    pieces: Sequence[bytes]
    """Its bytes, low byte first, row by row."""


def container(metadata: Mapping[str, str], columns: Sequence[Column]) -> bytes:
    """The bytes of a container.

    Args:
        metadata: texts for its header.
        columns: in the order in which they shall lie; wide elements first, so that each lies on a
            multiple of its width.

    Raises:
        safetensors.SafetensorError: the reference library would not read them.
    """
    from safetensors import deserialize  # lazy: only for who writes a container

    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for column in columns:
        end = offset + sum(map(len, column.pieces))
        header[column.name] = {
            "dtype": column.dtype,
            "shape": list(column.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % _LENGTH)
    payload = (piece for column in columns for piece in column.pieces)
    written = len(raw).to_bytes(_LENGTH, "little") + raw + b"".join(payload)
    deserialize(written)  # type: ignore[no-untyped-call]  # the library has no types
    return written
