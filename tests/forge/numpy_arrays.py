"""Builds `.npy` files."""

from __future__ import annotations

import pickle


def npy(
    descr: object,
    shape: tuple[int, ...],
    data: bytes,
    *,
    version: int = 1,
    text: str | None = None,
    fortran: bool = False,
) -> bytes:
    """An array as NumPy writes it, unless the text of the header is given."""
    if text is None:
        text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    width = 2 if version == 1 else 4
    raw = text.encode("utf-8" if version == 3 else "latin-1", "replace")
    raw += b" " * (-(8 + width + len(raw) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(raw).to_bytes(width, "little") + raw + data


def objects(value: object, *, descr: object = "|O", shape: tuple[int, ...] = (1,)) -> bytes:
    """An array of objects, whose elements are the pickle of `value`."""
    return npy(descr, shape, pickle.dumps(value, protocol=4))
