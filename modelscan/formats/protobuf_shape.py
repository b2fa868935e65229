"""Tells from the first bytes which kind of message a file may be: protocol buffers have no magic.

A shape says which fields a message has. The bytes fit when every field in sight is one of them, has
its wire type, and holds text where text belongs. What was seen is the evidence; the caller decides
how much of it is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias, Union

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats.protobuf import BYTES, Field, Span, Wire
from modelscan.vocabulary.artifact import BytesArtifact

Shape: TypeAlias = Mapping[int, Union[int, re.Pattern[bytes], "Shape"]]
"""By number: a wire type, what the text must be like, or the message inside."""
Path: TypeAlias = tuple[int, ...]
"""Numbers of fields, from the outermost in."""

TEXT: Final = re.compile(rb"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*")
NAME: Final = re.compile(rb"[\w.^][\w.:;/\\>^+@$\[\] -]*")
"""Names of nodes, operators and tensors."""

_CUT: Final = 20
"""An error so close to the end of the head is the end of the head."""
_QUICK: Final = Limits(steps=4096, seconds=5)


class _MisfitError(ReadError):
    """A field that the shape does not have."""


def evidence(head: bytes, size: int, shape: Shape, *, lenient: bool = False) -> frozenset[Path]:
    """The fields in sight; none when something contradicts the shape.

    Args:
        head: the first bytes.
        size: the length of the file.
        shape: what the message would look like.
        lenient: whether fields that the shape does not have are passed over, as parsers do: for
            files whose name says already what they are.
    """
    found: set[Path] = set()
    wire = Wire(BytesArtifact("", head), Budget(_QUICK))
    try:
        _fit(wire, Span(0, size), shape, (), found, lenient=lenient)
    except ReadError as error:
        cut = error.offset is not None and error.offset >= len(head) - _CUT
        if isinstance(error, _MisfitError) or not cut or size <= len(head):
            return frozenset()
    return frozenset(found)


def _fit(
    wire: Wire, span: Span, shape: Shape, path: Path, found: set[Path], *, lenient: bool
) -> None:
    """Hold the fields of one message against its shape."""
    for field in wire.fields(*span, depth=len(path)):
        wanted = shape.get(field.number)
        if wanted is None and lenient:
            continue
        kind = wanted if isinstance(wanted, int) else BYTES
        if wanted is None or field.wire != kind:
            raise _MisfitError("another message")
        here = (*path, field.number)
        if isinstance(wanted, re.Pattern):
            _read_as(wire, field, wanted)
        elif not isinstance(wanted, int) and field.at < wire.size:
            inner = Span(field.at, field.end)
            _fit(wire, inner, wanted, here, found, lenient=lenient)
        found.add(here)


def _read_as(wire: Wire, field: Field, pattern: re.Pattern[bytes]) -> None:
    raw = wire.take(field.at, min(field.value, max(wire.size - field.at, 0)))
    if pattern.fullmatch(raw) is None and raw:
        raise _MisfitError("another message")
