"""Git packs: many objects in one stream, compressed, some of them as changes to others.

Invariants: bytes, objects, inflated bytes and passes over changes are bounded; nothing is
written to a disk; an object's id is computed from its bytes and never taken from the pack; a
pack whose checksum is wrong gives no object at all.

Source: Git, `gitformat-pack`, "pack-*.pack files have the following format" and "Deltified
representation".
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from modelscan.errors import BudgetError
from modelscan.fetcher.git_objects import AlteredError, object_id
from modelscan.vocabulary.snapshot import GitObject

_HEADER: Final = 12
_CHECKSUM: Final = 20
_KINDS: Final = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFFSET_DELTA, _ID_DELTA = 6, 7


class PackLimits(NamedTuple):
    """How much a pack may cost."""

    objects: int = 200_000
    object_bytes: int = 32 << 20
    """Of one object: a folder of 400,000 files."""
    total_bytes: int = 128 << 20
    """Of all objects, inflated and with changes applied."""
    passes: int = 64
    """Passes over changes whose base comes later in the pack, which git itself seldom writes."""


class _Delta(NamedTuple):
    """An object as a change to another."""

    base: int | str
    """Offset in the pack, or id."""
    data: bytes


_DEFAULTS: Final = PackLimits()


def read_pack(data: bytes, limits: PackLimits = _DEFAULTS) -> dict[str, GitObject]:
    """All objects of a pack, by the ids that their bytes hash to.

    Raises:
        AlteredError: it is damaged, or a change is to something that is not in it.
        BudgetError: it costs more than is allowed.
    """
    count = _count(data, limits)
    spent = _Spending(limits)
    raw: dict[int, GitObject | _Delta] = {}
    at = _HEADER
    for _ in range(count):
        found, end = _entry(data, at, spent)
        raw[at] = found
        at = end
    if at != len(data) - _CHECKSUM:
        raise AlteredError("a pack with bytes behind its last object")
    return _resolved(raw, spent)


def _count(data: bytes, limits: PackLimits) -> int:
    """How many objects a pack has, once its checksum is right."""
    if len(data) < _HEADER + _CHECKSUM or data[:4] != b"PACK" or data[4:8] != b"\0\0\0\2":
        raise AlteredError("not a pack of version 2")
    checksum = hashlib.sha1(memoryview(data)[:-_CHECKSUM], usedforsecurity=False).digest()
    if checksum != data[-_CHECKSUM:]:
        raise AlteredError("a pack whose checksum is wrong")
    count = int.from_bytes(data[8:12], "big")
    if count > limits.objects:
        raise BudgetError(f"a pack of {count:,} objects")
    return count


class _Spending:
    """What has been spent of the limits."""

    def __init__(self, limits: PackLimits) -> None:
        self.limits = limits
        self._left = limits.total_bytes

    def take(self, size: int) -> None:
        """Account for so many bytes about to be made."""
        self._left -= size
        if size > self.limits.object_bytes or self._left < 0:
            raise BudgetError("a pack with more bytes in it than a listing of files needs")


def _entry(data: bytes, at: int, spent: _Spending) -> tuple[GitObject | _Delta, int]:
    """The object at an offset, and where the next one begins."""
    start = at
    byte, at = _byte(data, at)
    kind, size, shift = (byte >> 4) & 7, byte & 15, 4
    while byte & 0x80:
        byte, at = _byte(data, at)
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:  # noqa: PLR2004  # no object is that long
            raise AlteredError("an object of absurd length")
    base: int | str = 0
    if kind == _OFFSET_DELTA:
        byte, at = _byte(data, at)
        back = byte & 0x7F
        while byte & 0x80:
            byte, at = _byte(data, at)
            back = ((back + 1) << 7) | (byte & 0x7F)
            if back > len(data):
                break
        base = start - back
        if not 0 < back <= start:
            raise AlteredError("a change to something before the pack")
    elif kind == _ID_DELTA:
        base = data[at : at + _CHECKSUM].hex()
        at += _CHECKSUM
    elif kind not in _KINDS:
        raise AlteredError(f"an object of kind {kind}")
    spent.take(size)
    inflated, at = _inflate(data, at, size)
    if kind in _KINDS:
        return GitObject(_KINDS[kind], inflated), at
    return _Delta(base, inflated), at


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data) - _CHECKSUM:
        raise AlteredError("a pack that is cut short")
    return data[at], at + 1


def _inflate(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Exactly `size` bytes from a compressed stream: one more would already be a lie."""
    inflater = zlib.decompressobj()
    room = memoryview(data)[at:-_CHECKSUM]
    try:
        # A little at a time: the rest of the pack would be copied for every object.
        pieces, used, step = [], 0, size + 64
        left = size + 1
        while not inflater.eof and left > 0 and used < len(room):
            piece = inflater.decompress(room[used : used + step], left)
            used += min(step, len(room) - used) - len(inflater.unconsumed_tail)
            pieces.append(piece)
            left -= len(piece)
    except zlib.error as error:
        raise AlteredError(f"an object that cannot be inflated: {error}") from None
    found = b"".join(pieces)
    if not inflater.eof or len(found) != size:
        raise AlteredError("an object of another length than the pack says")
    return found, at + used - len(inflater.unused_data)


def _resolved(raw: Mapping[int, GitObject | _Delta], spent: _Spending) -> dict[str, GitObject]:
    """Every object with its changes applied, by id."""
    done: dict[int, GitObject] = {}
    by_id: dict[str, GitObject] = {}

    def keep(at: int, found: GitObject) -> None:
        done[at] = found
        by_id[object_id(found.kind, found.data)] = found

    for at, found in raw.items():
        if isinstance(found, GitObject):
            keep(at, found)
    waiting = [at for at, found in raw.items() if isinstance(found, _Delta)]
    for _ in range(spent.limits.passes):
        if not waiting:
            return by_id
        later = []
        for at in waiting:
            delta = raw[at]
            assert isinstance(delta, _Delta)  # noqa: S101  # only those wait
            base = done.get(delta.base) if isinstance(delta.base, int) else by_id.get(delta.base)
            if base is None:
                later.append(at)
            else:
                keep(at, GitObject(base.kind, apply_delta(base.data, delta.data, spent)))
        if len(later) == len(waiting):
            raise AlteredError("a change to an object that is not in the pack")
        waiting = later
    if waiting:
        raise BudgetError(f"a pack with more than {spent.limits.passes} changes out of order")
    return by_id


def apply_delta(base: bytes, delta: bytes, spent: _Spending) -> bytes:
    """An object from the one before it and the changes.

    Raises:
        AlteredError: the changes don't fit.
        BudgetError: the result is too long.
    """
    stream = _Bytes(delta)
    if stream.number() != len(base):
        raise AlteredError("a change to an object of another length")
    size = stream.number()
    spent.take(size)
    pieces, made = [], 0
    for piece in _pieces(base, stream):
        made += len(piece)
        if made > size:
            break
        pieces.append(piece)
    if made != size:
        raise AlteredError("a change that does not make what it says")
    return b"".join(pieces)


def _pieces(base: bytes, stream: _Bytes) -> Iterator[bytes]:
    """What each instruction yields: a part of the base, or bytes of its own."""
    while stream.more():
        instruction = stream.byte()
        if instruction & 0x80:
            offset = stream.scattered(instruction, 4)
            length = stream.scattered(instruction >> 4, 3) or 0x10000
            if offset + length > len(base):
                raise AlteredError("a change that copies from behind the end")
            yield base[offset : offset + length]
        elif instruction:
            yield stream.take(instruction)
        else:
            raise AlteredError("a change with an instruction that is reserved")


class _Bytes:
    """Reads a delta from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def more(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise AlteredError("a change that is cut short")
        self._at += count
        return found

    def number(self) -> int:
        """Seven bits a byte, the lowest first."""
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
            shift += 7
            if shift > 63:  # noqa: PLR2004  # no object is that long
                raise AlteredError("an object of absurd length")

    def scattered(self, which: int, most: int) -> int:
        """A number of which only the bytes that are not zero are written."""
        return sum(self.byte() << (8 * place) for place in range(most) if which & (1 << place))
