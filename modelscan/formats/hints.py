"""What a few bytes in fixed places say of a file: asked of every one, before any reader is.

The answers are bits of one number, since 5,000 small files ask 5,000 times. A bit only says that
some reader has to look, so it may be set too often, and must never be missing.
"""

from __future__ import annotations

import re
from typing import Final

from modelscan.formats.reader import HEAD, Glimpse

TABLE: Final = 1
"""The header of safetensors begins behind its length."""
TAR: Final = 2
"""The magic, or a small number where a sum over the header stands: octal digits, or bytes behind a
set first bit."""
HDF5: Final = 4
"""The signature, at the start or behind a user block whose length is a power of two."""
ZIP_END: Final = 8
"""The record that ends a zip stands in the last bytes."""
MODELFILE: Final = 16
"""A name that begins like that: `Modelfile.q4` has an extension of its own."""
VARIABLES: Final = 32
"""The extension of a part of a TensorFlow checkpoint: `.data-00000-of-00001`."""

_TABLE_AT, _TABLE = slice(8, 10), b'{"'
_MAGIC_AT, _MAGIC = slice(257, 262), b"ustar"
_SUM_AT, _SUM_STARTS = 148, frozenset(b" \t\n\r\v\f01234567") | frozenset(range(0x80, 0x100))
_SUM = re.compile(rb"\s*0*[0-7]{1,6}\s*(?:\0.*)?$|[\x80-\xff]\0{4}", re.DOTALL)
"""The sum of 512 bytes has no more digits."""
_HDF5, _BLOCK = b"\x89HDF", 512
_ZIP_END = 6
"""The last byte of the magic of that record."""
_MODELFILE = "modelfile"


def hints(glimpse: Glimpse, wanted: int) -> int:
    """The bits that are set for an artifact.

    Args:
        glimpse: the artifact.
        wanted: bits that somebody asks for. Of a remote file, nobody asks what stands at its end.
    """
    head, name = glimpse.head, glimpse.name
    found = 0
    if head[_TABLE_AT] == _TABLE:
        found = TABLE
    if len(head) > _SUM_AT and (
        head[_MAGIC_AT] == _MAGIC
        or (head[_SUM_AT] in _SUM_STARTS and _SUM.match(head[_SUM_AT : _SUM_AT + 8]))
    ):
        found |= TAR
    if _HDF5[0] in head[::_BLOCK] and any(
        head.startswith(_HDF5, at) for at in (0, _BLOCK, 2 * _BLOCK, 4 * _BLOCK)
    ):
        found |= HDF5
    if wanted & ZIP_END:
        ending = head if glimpse.size <= HEAD else glimpse.tail
        # text has no such byte, and one byte is looked for much faster than four
        if _ZIP_END in ending and glimpse.end_record >= 0:
            found |= ZIP_END
    extension = glimpse.extension
    if extension[:6] == ".data-":
        found |= VARIABLES
    if name[0:1] in "mM" and name[:9].lower() == _MODELFILE:
        found |= MODELFILE
    return found
