"""Arrow, Feather and Parquet tables: a column type that is stored as a pickle.

Invariants: only schemas are looked at, which stand at the beginning and the end; columns are data.
Reading a table with `arrow.py_extension_type` unpickled the type's metadata (CVE-2023-47248).

Sources: Arrow Columnar Format, "IPC File Format" and "Extension Types"; Parquet format, "File
Metadata" (the Arrow schema is kept there in base64).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_PARQUET, _ARROW, _FEATHER, _ENCRYPTED = b"PAR1", b"ARROW1", b"FEA1", b"PARE"
_CONTINUATION: Final = b"\xff\xff\xff\xff"
_STREAM_EXTENSIONS: Final = frozenset({".arrows", ".arrow", ".feather", ".ipc"})
_PICKLED: Final = b"arrow.py_extension_type"
_SCHEMA: Final = re.compile(rb"ARROW:schema[^A-Za-z0-9+/]{1,16}([A-Za-z0-9+/]{16,})")
_LOOKED_AT: Final = 4 << 20
"""Bytes of schema at either end; a table with thousands of columns has some hundred kilobytes."""
_MAX_FOOTER: Final = 64 << 20
_SHORTEST: Final = 64
"""Bytes of the smallest schema, as a message."""
_NEAR: Final = 1 << 10
"""Writers put the first table at the beginning."""


class ArrowReader:
    """A table in one of Arrow's formats."""

    format = "arrow"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the first bytes; a stream by its first message, older ones by extension alone."""
        if glimpse.head.startswith((_PARQUET, _ARROW, _FEATHER, _ENCRYPTED)):
            return True
        if glimpse.extension in _STREAM_EXTENSIONS:
            return glimpse.head.startswith(_CONTINUATION) or _is_message(glimpse.head, 0)
        return glimpse.head.startswith(_CONTINUATION) and _is_message(glimpse.head, 4)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State types that are stored as pickles.

        Raises:
            ReadError: the schema is encrypted, or larger than any.
        """
        head = artifact.read_at(0, 4)
        if head == _ENCRYPTED or artifact.read_at(max(0, artifact.size - 4), 4) == _ENCRYPTED:
            raise ReadError("an encrypted footer")
        pieces = [_footer(artifact)]
        if head != _PARQUET:
            pieces.append(artifact.read_at(0, _LOOKED_AT))
        if any(_pickled(piece) for piece in pieces):
            budget.fact()
            yield ActiveContent(
                location=place(artifact),
                format=self.format,
                kind="pickled-type",
                name=_PICKLED.decode(),
            )


def _is_message(head: bytes, at: int) -> bool:
    """True for the length of a message, and a FlatBuffer whose first table lies inside of it."""
    length, first = (int.from_bytes(head[place : place + 4], "little") for place in (at, at + 4))
    return _SHORTEST <= length <= _MAX_FOOTER and not length % 8 and 0 < first < min(length, _NEAR)


def _footer(artifact: Artifact) -> bytes:
    """The footer, whose length stands before the last four or six bytes."""
    tail = artifact.read_at(max(0, artifact.size - 10), 10)
    mark = 4 if tail.endswith(_PARQUET) else 6 if tail.endswith(_ARROW) else 0
    length = int.from_bytes(tail[-mark - 4 : -mark], "little") if mark else _LOOKED_AT
    if length > min(artifact.size, _MAX_FOOTER) and mark:
        raise ReadError(f"a footer of {length:,} bytes", offset=max(0, artifact.size - 10))
    return artifact.read_at(max(0, artifact.size - length - mark - 4), length)


def _pickled(data: bytes) -> bool:
    """True when a schema, as it is or in base64, names the pickled type."""
    if _PICKLED in data:
        return True
    for found in _SCHEMA.finditer(data):
        text = found[1]
        if _PICKLED in base64.b64decode(text[: len(text) // 4 * 4]):
            return True
    return False
