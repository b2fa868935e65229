"""Bundles as bytes: a folder, or a tar. Reading is strict, since the writer is ours.

Invariants: plain members alone, no links, no names but the three kinds that a bundle has, nothing
behind the end; a member is handed out with the size that its head states, and reading it never
takes more; memory is bounded by one piece.

Source: POSIX.1-2017, "pax", ustar interchange format; GNU tar's base-256 sizes, which files from
8 GiB on need.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from modelscan.dependencies.transfer import BLOBS, RECEIPT, SIGNATURE, broken
from modelscan.errors import SourceError
from modelscan.vocabulary.artifact import CHUNK

_BLOCK: Final = 512
_PADDING: Final = 1 << 20
"""Bytes of zeros behind the end, which writers round up."""
_NAME: Final = re.compile(rf"{RECEIPT}|{SIGNATURE}|{BLOBS}[0-9a-f]{{64}}")
_OCTAL: Final = re.compile(rb"([0-7]{1,12})[ \0]?")
_MAGICS: Final = (b"ustar\x0000", b"ustar  \x00")
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


class Member(NamedTuple):
    """One file of a bundle. It must be read before the next one is asked for."""

    name: str
    size: int
    pieces: Iterator[bytes]


def members(path: Path) -> Generator[Member]:
    """The files of a bundle, the receipt first and its signature second.

    Raises:
        SourceError: it cannot be read, or is no bundle.
    """
    try:
        if path.is_dir():
            yield from _folder(path)
        else:
            with _open(path) as file:
                yield from _tar(file)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"{path.name} cannot be read: {why}", "check the path") from None


def header(name: str, size: int) -> bytes:
    """The head of a member, the same on every machine."""
    import tarfile  # lazy: only whoever writes a bundle

    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """What follows a member's bytes, up to the next block."""
    return bytes(-size % _BLOCK)


END: Final = bytes(2 * _BLOCK)
"""How an archive ends."""


def _folder(path: Path) -> Iterator[Member]:
    found: list[str] = []
    for place, prefix in ((path, ""), (path / BLOBS, BLOBS)):
        with os.scandir(place) as entries:
            for entry in entries:
                name = prefix + entry.name
                if name == BLOBS.rstrip("/") and entry.is_dir(follow_symlinks=False):
                    continue
                if not _NAME.fullmatch(name) or not entry.is_file(follow_symlinks=False):
                    raise broken(f"it holds {name!r}, which no bundle has")
                found.append(name)
    first = {RECEIPT: 0, SIGNATURE: 1}
    for name in sorted(found, key=lambda name: (first.get(name, 2), name)):
        with _open(path / name) as file:
            size = os.fstat(file.fileno()).st_size
            yield Member(name, size, _pieces(file, size))


def _open(path: Path) -> BinaryIO:
    """A plain file, and neither a link nor anything that could make us wait."""
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise broken(f"{path.name} is no plain file")
    return file


def _tar(file: BinaryIO) -> Iterator[Member]:
    while True:
        head = file.read(_BLOCK)
        if head == bytes(_BLOCK):
            break
        name, size = _head(head)
        pieces = _pieces(file, size)
        yield Member(name, size, pieces)
        for _ in pieces:  # whatever was not read
            pass
        if any(file.read(-size % _BLOCK)):
            raise broken("there is something between two of its files")
    rest = file.read(_PADDING + 1)
    if len(rest) < _BLOCK or len(rest) > _PADDING or any(rest):
        raise broken("it does not end where it says")


def _head(head: bytes) -> tuple[str, int]:
    """Name and size of a member.

    Raises:
        SourceError: it is not one that a bundle has.
    """
    if len(head) != _BLOCK:
        raise broken("it ends early")
    stated = _OCTAL.fullmatch(head[148:156].strip(b" \0"))
    if stated is None or int(stated[1], 8) != sum(head) - sum(head[148:156]) + 8 * ord(" "):
        raise broken("it is no tar archive, or a damaged one")
    name, _, rest = head[:100].partition(b"\0")
    text = name.decode("ascii", "replace")
    plain = head[156:157] == b"0" and not any(head[157:257]) and head[257:265] in _MAGICS
    if not plain or any(rest) or any(head[345:]) or not _NAME.fullmatch(text):
        raise broken(f"it holds {text!r}, which no bundle has")
    field = head[124:136]
    octal = _OCTAL.fullmatch(field)
    if octal is not None:
        return text, int(octal[1], 8)
    if field[0] == 0x80:  # noqa: PLR2004  # GNU's mark of a number in base 256
        return text, int.from_bytes(field[1:], "big")
    raise broken(f"it does not say how long {text!r} is")


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(CHUNK, left))
        if not piece:
            raise broken("it ends early")
        left -= len(piece)
        yield piece
