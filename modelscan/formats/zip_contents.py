"""The bytes of one zip member, as one view of the archive describes them.

Invariants: flags and checksums are never believed, so that data which plainly inflates is read; a
stream that goes on where its member ends, in either direction, is a defect and is read on; members
held in memory are bounded over the archive, and what all of them inflate to is bounded by the
archive's own size (members that overlap are small one by one).

Source: PKWARE APPNOTE 6.3.10, section 4.4.5 for the methods; D. Fifield, "A better zip bomb", 2019.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import archive, zip_records
from modelscan.formats.archive import Defects, Item, Window
from modelscan.formats.inflation import (
    KEEP,
    Codec,
    InflatedArtifact,
    Inflation,
    UnsupportedError,
    unpack,
)
from modelscan.formats.zip_records import Entry
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, child_name
from modelscan.vocabulary.coverage import Coverage, Status

_KEEP_TOTAL = 8 << 20
"""Inflated members held in memory at once, over one archive; the others are streamed."""
_SMALL, _CHECKED, _CHECKED_TOTAL = 32 << 10, 16 << 20, 64 << 20
"""Checksums: of every member up to the first size, of pickles up to the second, and in all."""
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib")

_STORED, _AES = 0, 99
_UNOPENED = {
    1: "shrink", 6: "implode", 9: "Deflate64, as Windows packs large members", 19: "LZ77",
    97: "WavPack", 98: "PPMd",
}  # fmt: skip
"""Methods without a decompressor in Python (see `docs/adr/0009`): the reason tells them by name."""
_CODECS: dict[int, Codec] = {8: "deflate", 12: "bz2", 14: "lzma-zip", 93: "zstd", 95: "xz"}


class _Stream:
    """The inflated bytes of a member, from the start at each call."""

    def __init__(self, start: Callable[[], Inflation], pay: Callable[[int], None]) -> None:
        self._start = start
        self._pay = pay
        self.inflation = start()
        """The latest pass over them."""

    def __call__(self) -> Iterator[bytes]:
        self.inflation = self._start()
        for piece in self.inflation.pieces():
            self._pay(len(piece))
            yield piece


class Contents:
    """Reads members of one archive."""

    def __init__(
        self, artifact: Artifact, window: Window, defects: Defects, budget: Budget
    ) -> None:
        self._zip = artifact
        self._window = window
        self._state = defects
        self._budget = budget
        self._to_check = _CHECKED_TOTAL
        self._to_keep = _KEEP_TOTAL
        self._produced = 0

    def read(self, entry: Entry, name: str, flags: int) -> Iterator[Item]:
        """The member's bytes as an artifact, and how they contradict `entry`."""
        codec = _CODECS.get(entry.method)
        sealed = bool(flags & zip_records.OPAQUE_FLAGS)
        if sealed:
            sealed = not self._is_plain(entry, codec)
            if sealed:
                yield self.gap(name, "encrypted", "encrypted")
            else:
                detail = f"flags {flags:#06x} on plain data"
                yield from self._defect("flag-mismatch", entry, detail)
        if codec is not None:
            if not sealed:
                yield from self._inflated(entry, name, codec)
            return
        if entry.method == _STORED:
            if entry.packed != entry.size and not sealed:
                detail = f"stored as {entry.packed}, declared {entry.size}"
                yield from self._defect("size-mismatch", entry, detail)
        elif not sealed:
            status: Status = "encrypted" if entry.method == _AES else "unsupported"
            known = _UNOPENED.get(entry.method)
            method = f"{entry.method} ({known})" if known else f"{entry.method}"
            yield self.gap(name, status, f"compression method {method}")
            if entry.packed != entry.size:
                return
        # also what claims to be sealed: random bytes are nothing to any reader, plain bytes are
        length = entry.packed if sealed else max(entry.packed, entry.size)
        member = SliceArtifact(self._zip, entry.data, length, name)
        limit = _CHECKED if name.lower().endswith(_PICKLES) else _SMALL
        if not sealed and member.size == entry.size <= limit:
            yield from self._check(entry, member)
        yield member

    def measured(self, local: Entry, end: int) -> Entry:
        """A member that no directory lists, with the sizes that its header leaves to a descriptor.

        Args:
            local: its local header.
            end: where it ends at the latest.
        """
        if local.packed or not local.flags & zip_records.SIZES_FOLLOW:
            return local
        codec = _CODECS.get(local.method)
        if codec is not None and codec != "lzma-zip":
            inflation = self._inflation(local, codec, end)
            if inflation.succeeds(whole=True):
                packed = inflation.position - local.data
                return msgspec.structs.replace(local, packed=packed, size=inflation.produced)
        # no other way to tell: a descriptor that states this very length, or the next header
        stop = self.find(zip_records.ANY_LOCAL, local.data, end)
        position = self.find(zip_records.ANY_DESCRIPTOR, local.data, stop)
        while position < stop:
            stated = self._window.at(position + 8, 4)
            if int.from_bytes(stated, "little") == position - local.data:
                stop = position
            else:
                position = self.find(zip_records.ANY_DESCRIPTOR, position + 1, stop)
        size = stop - local.data
        return msgspec.structs.replace(local, packed=size, size=size if codec is None else 0)

    def find(self, pattern: re.Pattern[bytes], start: int, end: int) -> int:
        """Where `pattern` next matches between `start` and `end`; `end` when it does not."""
        self._budget.step()
        return archive.find(self._zip, self._window, pattern, start, end)

    def gap(self, name: str, status: Status, reason: str) -> Coverage:
        """A member that was not read."""
        name = child_name(self._zip, name)
        return Coverage(file=self._zip.name, member=name, status=status, needed=True, reason=reason)

    def _is_plain(self, entry: Entry, codec: Codec | None) -> bool:
        """True when data whose flags call it encrypted is there for everybody to read."""
        if codec is None:
            return entry.method == _STORED and entry.packed == entry.size
        inflation = self._inflation(entry, codec)
        if not inflation.succeeds():
            return False
        # random bytes may happen to be a stream, but hardly one of just this length
        return inflation.produced >= entry.size or inflation.position == entry.data + entry.packed

    def _inflation(self, entry: Entry, codec: Codec, end: int | None = None) -> Inflation:
        end = entry.data + entry.packed if end is None else end
        return Inflation(self._zip, entry.data, end, codec, self._budget, entry.size)

    def _inflated(self, entry: Entry, name: str, codec: Codec) -> Iterator[Item]:
        stream = _Stream(lambda: self._inflation(entry, codec), self._pay)
        keep = min(KEEP, self._to_keep)
        unpacked = unpack(self._zip, name, stream, keep=keep, declared=entry.size)
        member, damage = unpacked.artifact, unpacked.damage
        if isinstance(damage, UnsupportedError):
            yield self.gap(name, "unsupported", damage.message)
            return
        kept = member.size if member.size <= keep else 0
        if damage is None and member.size != entry.size:
            detail = f"inflates to {member.size}, declared {entry.size}"
            yield from self._defect("size-mismatch", entry, detail)
        if damage is None and kept:
            yield from self._check(entry, member)
        self._to_keep -= kept
        yield member
        self._to_keep += kept
        if isinstance(damage, BudgetError):
            try:
                raise damage
            finally:  # an error that this frame holds would hold the frame, and what it inflated
                del damage, unpacked, member, stream
        try:
            if damage is None and isinstance(member, InflatedArtifact):
                yield from self._overrun(entry, member, stream)
        except BudgetError:
            raise
        except ReadError as error:
            damage = error.with_traceback(None)  # as above
        if damage is not None:
            yield self.gap(name, "unreadable", damage.message)
            return
        if codec != "lzma-zip":
            yield from self._slack(entry, stream.inflation)

    def _overrun(self, entry: Entry, member: InflatedArtifact, stream: _Stream) -> Iterator[Item]:
        """What a long stream holds beyond the size that was taken on trust.

        Raises:
            ReadError: the stream is damaged after all.
        """
        size = member.size + member.overrun()
        if not stream.inflation.finished:
            raise ReadError("could not be inflated to its end")
        if size != member.size:
            detail = f"inflates to {size}, declared {entry.size}"
            yield from self._defect("size-mismatch", entry, detail)
        if size > member.size:
            yield InflatedArtifact(self._zip, entry.text, size, stream)

    def _slack(self, entry: Entry, inflation: Inflation) -> Iterator[Item]:
        """Bytes between the end of a stream and the end of its member: some programs read on."""
        start, end = inflation.position, min(entry.data + entry.packed, self._zip.size)
        if inflation.finished and archive.after_zeros(self._zip, start, end) < end:
            detail = f"{end - start} bytes behind the compressed data"
            yield from self._defect("size-mismatch", entry, detail)
            yield archive.hidden(self._zip, start, end)

    def _pay(self, produced: int) -> None:
        self._produced += produced
        limits = self._budget.limits
        if self._produced > max(limits.ratio_floor, limits.ratio * self._zip.size):
            raise BudgetError(f"members inflate to more than {limits.ratio:,} times the archive")

    def _check(self, entry: Entry, member: Artifact) -> Iterator[Item]:
        """The checksum, unless the writer left it out: 0, as `torch.save` can be told to."""
        if not entry.crc or member.size > self._to_check:
            return
        self._to_check -= member.size
        found = 0
        for offset in range(0, member.size, CHUNK):
            found = zlib.crc32(member.read_at(offset, CHUNK), found)
        if found != entry.crc:
            detail = f"{found:08x}, declared {entry.crc:08x}"
            yield from self._defect("checksum", entry, detail)

    def _defect(self, kind: archive.DefectKind, entry: Entry, detail: str) -> Iterator[Item]:
        return self._state(kind, entry.text, detail, offset=entry.offset)
