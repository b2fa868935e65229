"""What a fingerprint looks like as a file: a safetensors container with the schema in its header.

The metadata hold one JSON document (`modelassay`): what there is, by groups of tensors that differ
in their layer alone. The numbers are columns of all tensors, in the order of the groups:

    digest, bf16, f16   u8  n x 32    value digests; zeros where there is none
    rows                u8  r x 32    digests of blocks of rows
    sums                f64 n x 5     sum of squares, mean, zeros, not finite, noise
    sketch              f32 s x k x k of those tensors that have one
    samples             u8            of all tensors, one after the other
    low, high           f32           bounds of the samples of quantised tensors
    invariants          f16 i x t x t by layer and kind

Columns that would be all zeros or empty are left out.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from modelscan.lineage.prints import LONGEST, MOST_DIMENSIONS
from modelscan.lineage.signs import MAX_K

EXTENSION: Final = ".fp.safetensors"
BUDGET: Final = 1_000_000
"""Bytes that a fingerprint should not exceed."""
LARGEST: Final = 16 << 20
"""Bytes of a fingerprint that is read at all; ordinary ones have less than one million."""

DOCUMENT: Final = "modelassay"
_HOLE: Final = "{}"
_ESCAPED: Final = "{{}}"
DIGEST: Final = 32
SUMS: Final = 5
ANCHORS: Final = 16
MAX_TENSORS: Final = 50_000
WIDTHS: Final = {"U8": 1, "F16": 2, "F32": 4, "F64": 8}
MAX_SAMPLES: Final = 128
COLUMNS: Final = {
    "digest": "U8", "bf16": "U8", "f16": "U8", "rows": "U8", "sums": "F64", "sketch": "F32",
    "samples": "U8", "low": "F32", "high": "F32", "invariants": "F16",
}  # fmt: skip

Text = Annotated[str, msgspec.Meta(max_length=1024)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=LONGEST)]


class Group(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Tensors that differ in their layer alone."""

    name: Text
    """With `{}` for the layer."""
    stored: Text = ""
    """The same of the name in the file; empty where that is the name."""
    role: Text = ""
    layers: tuple[Count, ...] | None = None
    """`None` for a single tensor outside the layers."""
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=MOST_DIMENSIONS)]
    dtype: Text
    sample_dtype: Literal["bf16", "f16", "f32", "f64"]
    members: Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)] = 1
    samples: Annotated[int, msgspec.Meta(ge=0, le=MAX_SAMPLES)] = 0
    bounds: bool = False
    sketch: bool = False
    rows: Count = 0


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `prints.Skipped`."""

    name: Text
    reason: Text
    needed: bool


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The metadata; fields as in `prints.Fingerprint`."""

    schema: Literal["modelassay-fingerprint/1"]
    mode: Literal["full", "samples"]
    seed: Annotated[str, msgspec.Meta(pattern="^(?:public|private:[0-9a-f]{32})$")]
    k: Annotated[int, msgspec.Meta(ge=0, le=MAX_K)]
    architecture: Text
    layers: Count
    groups: tuple[Group, ...]
    tied: tuple[Text, ...]
    root: Annotated[str, msgspec.Meta(pattern="^(?:|sha256:[0-9a-f]{64})$")]
    invariants: tuple[tuple[Count, tuple[Text, ...]], ...]
    tokenizer: dict[Text, Text]
    templates: dict[Text, Text]
    source: Text
    skipped: tuple[Gap, ...]
    headers: tuple[Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")], ...] = ()


def pattern(name: str, layer: int | None) -> str:
    """A name with `{}` for its layer, where that stands in it exactly once."""
    if layer is None:
        return name
    part = f".{layer}."
    escaped = "." + name.replace(_HOLE, _ESCAPED)
    return (escaped.replace(part, ".{}.") if escaped.count(part) == 1 else escaped)[1:]


def filled(text: str, layer: int | None) -> str:
    """The name that a pattern stands for."""
    if layer is None:
        return text
    pieces = text.split(_ESCAPED)
    for index, piece in enumerate(pieces):
        if _HOLE in piece:
            pieces[index] = piece.replace(_HOLE, str(layer), 1)
            break
    return _HOLE.join(pieces)
