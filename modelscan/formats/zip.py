"""Zip archives, read the way an attacker hopes that nobody reads them: every view at once.

A zip tells its contents twice: in the central directory at its end, and in a local header before
each member. Loaders differ in which one they believe, and in which end record they pick when there
are several. This reader takes the union: every directory that an end record points to, every local
header that a directory points to, and every local header in bytes that no directory mentions.
Members of all views are yielded; each disagreement is an `ArchiveDefect`.

Invariants: flags and checksums are never believed (data that plainly inflates is read), one damaged
member never hides the others, and memory grows with the directory, never with the members.

Source: PKWARE APPNOTE 6.3.10; the tricks are those of CVE-2025-1944, -1945 and -10156.
"""

from __future__ import annotations

import stat
import zlib
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import archive
from modelscan.formats.archive import Directory, Entry, Window
from modelscan.formats.compressed import KEEP, Codec, Inflation, unpack
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, child_name
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.fact import Fact

Item = Fact | Coverage | Artifact

_BY_NAME = frozenset({".keras", ".npz", ".zip", ".whl", ".jar", ".mar"})
"""Extensions whose loaders search the whole tail, and so accept data around the archive."""
_END_OF_ONE_DISK = archive.END_MARK + bytes(4)
_KEEP_TOTAL = 8 << 20
"""Inflated members held in memory at once, over one archive; the others are streamed."""
_SMALL, _CHECKED, _CHECKED_TOTAL = 32 << 10, 16 << 20, 64 << 20
"""Checksums: of every member up to the first size, of pickles up to the second, and in all."""
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".joblib")

_STORED, _AES = 0, 99
_CODECS: dict[int, Codec] = {8: "deflate", 12: "bz2", 14: "lzma-zip"}
_DESCRIPTOR_MIN, _DESCRIPTOR_MAX = 12, 24
_POSITION_BITS = archive.DIRECTORY_BYTES.bit_length()
_KEY_BITS = _POSITION_BITS + 4


class ZipReader:
    """Zip archives of any kind: torch checkpoints, `.npz`, `.keras`, wheels."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "zip"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for a zip from its first byte, and for one with something else before it.

        The second kind must end where the file ends, or have a name whose loaders do not care:
        a tar or a pickle that merely contains a zip near its end is not a zip.
        """
        if glimpse.head.startswith((archive.LOCAL_MARK, archive.END_MARK)):
            return True
        tail = glimpse.head if glimpse.size <= HEAD else glimpse.tail
        at = tail.rfind(_END_OF_ONE_DISK)  # from behind, and eight bytes: every file pays for this
        if at < 0 or len(tail) - at < archive.END.size:
            return False
        *_, here, count, size, _, comment = archive.END.unpack_from(tail, at)
        if here != count or not count:
            return False
        if at + archive.END.size + comment != len(tail) and glimpse.extension not in _BY_NAME:
            return False
        wide = tail.startswith(archive.LOCATOR_MARK, max(0, at - 20))
        return wide or archive.CENTRAL.size * count <= size <= glimpse.size - len(tail) + at

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`."""
        return _Walk(artifact, budget).run()


class _Walk:
    """One archive, front to back, in the order of its local headers."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._zip = artifact
        self._budget = budget
        self._window = Window(artifact)
        self._names: set[bytes] = set()
        self._cursor = 0  # everything before it has been accounted for
        self._previous: Entry | None = None  # the member that ends at the cursor
        self._starts: list[int] = []  # of the directories
        self._listed = 0  # entries in the primary directory
        self._to_check = _CHECKED_TOTAL
        self._to_keep = _KEEP_TOTAL

    def run(self) -> Iterator[Item]:
        """Members of all views, and where the views disagree."""
        found = archive.directories(self._zip)
        if not found:
            yield from self._gap(self._zip.size, listed=False)
            raise ReadError("a zip without a central directory", offset=self._zip.size)
        primary = found[0]
        twin: tuple[int, bytes] | None = None
        for index, entry in self._listing(found):
            place = (entry.offset, entry.name)
            if index and place == twin:
                continue
            twin = place
            if index:
                yield self._defect("missing-from-directory", entry)
            yield from self._entry(entry, index)
        if self._cursor > primary.start:
            detail = "members run into the directory"
            yield archive.defect(self._zip, "overlap", detail=detail, offset=primary.start)
        yield from self._gap(primary.start)
        if (self._listed - primary.count) & 0xFFFF:  # many writers fill 16 bits only
            detail = f"{primary.count} in the end record, {self._listed} in the directory"
            yield archive.defect(self._zip, "size-mismatch", detail=detail, offset=primary.records)
        for start, end in (
            (primary.start + primary.size, primary.records),
            (primary.stop, self._zip.size),
        ):
            self._cursor, self._previous = start, None
            yield from self._gap(end, after=True)

    # -- directories ---------------------------------------------------------------------------

    def _listing(self, found: list[Directory]) -> Iterator[tuple[int, Entry]]:
        """Entries of all directories by offset, each with the index of its directory.

        One integer per entry is kept (offset, directory, position), so that 100,000 members cost
        megabytes only.
        """
        data: list[bytes] = []
        used: list[Directory] = []
        keys: list[int] = []
        for directory in found:
            if used and self._is_inside_member(directory, keys, data[0], used[0]):
                continue
            index = len(used)
            used.append(directory)
            self._starts.append(directory.start)
            data.append(archive.load(self._zip, directory))
            if sum(map(len, data)) > archive.DIRECTORY_BYTES:
                raise BudgetError("several central directories of many megabytes")
            keys += [
                entry.offset << _KEY_BITS | index << _POSITION_BITS | position
                for position, entry in archive.entries(data[index], directory.base)
            ]
            if index == 0:
                keys.sort()  # the check for nested archives searches them
                self._listed = len(keys)
        keys.sort()
        for key in keys:
            index = key >> _POSITION_BITS & 0xF
            position = key & (1 << _POSITION_BITS) - 1
            parsed = archive.entry_at(data[index], position, used[index].base)
            if parsed is not None:
                yield index, parsed[0]

    def _is_inside_member(
        self, directory: Directory, keys: list[int], data: bytes, primary: Directory
    ) -> bool:
        """True for the end record of an archive that is itself a stored member."""
        at = bisect_right(keys, directory.records << _KEY_BITS) - 1
        if at < 0:
            return False
        parsed = archive.entry_at(data, keys[at] & (1 << _POSITION_BITS) - 1, primary.base)
        local = archive.local_at(self._window, parsed[0].offset) if parsed else None
        if parsed is None or local is None:
            return False
        return directory.records < local.data + parsed[0].packed

    # -- members -------------------------------------------------------------------------------

    def _entry(self, entry: Entry, index: int) -> Iterator[Item]:
        """A member that a directory lists: its views compared, then read."""
        local = archive.local_at(self._window, entry.offset)
        if local is not None:
            if entry.offset < self._cursor and not index:
                yield self._defect("overlap", entry, "begins inside another member")
            yield from self._gap(entry.offset)
        if not index:
            if entry.name in self._names:
                yield self._defect("duplicate-member", entry)
            self._names.add(entry.name)
        yield from archive.name_defects(self._zip, entry.text, entry.offset)
        if local is None:
            yield self._defect("missing-local-header", entry)
            yield self._coverage(entry.text, "unreadable", "no local header where it should be")
            return
        entry = msgspec.structs.replace(entry, data=local.data)
        differs = False
        for kind, detail in archive.differences(entry, local):
            yield self._defect(kind, entry, detail)
            differs |= kind in {"name-mismatch", "method-mismatch", "size-mismatch"}
        yield from self._member(entry, entry.flags | local.flags)
        end = entry.data + entry.packed
        if differs:
            follows = local.flags & archive.SIZES_FOLLOW and not local.packed
            packed = entry.packed if follows else local.packed
            other = msgspec.structs.replace(
                local, packed=packed, size=entry.size if follows else local.size
            )
            yield from self._member(other, local.flags)
            end = min(end, other.data + other.packed)
        if end > self._zip.size:
            yield self._defect("size-mismatch", entry, "reaches past the end of the archive")
        if end > self._cursor:
            self._cursor, self._previous = end, entry

    def _member(self, entry: Entry, flags: int) -> Iterator[Item]:
        """The bytes of a member as one view describes them."""
        name = entry.text
        if name.endswith("/") and not entry.packed:
            return
        self._budget.member()
        kind = stat.S_IFMT(entry.mode)
        if kind in {stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK}:
            yield self._defect("special-member", entry, f"file type {kind:#o}")
        for item in self._contents(entry, name, flags):
            if kind == stat.S_IFLNK and not isinstance(item, Fact | Coverage):
                target = item.read_at(0, HEAD).decode(errors="replace")
                if archive.link_escapes(name, target):
                    yield self._defect("link", entry, target)
            yield item

    def _contents(self, entry: Entry, name: str, flags: int) -> Iterator[Item]:
        codec = _CODECS.get(entry.method)
        sealed = bool(flags & archive.OPAQUE_FLAGS)
        if sealed:
            sealed = not self._is_plain(entry, codec)
            if sealed:
                yield self._coverage(name, "encrypted", "encrypted")
            else:
                yield self._defect("flag-mismatch", entry, f"flags {flags:#06x} on plain data")
        if codec is not None:
            if not sealed:
                yield from self._inflated(entry, name, codec)
            return
        if entry.method == _STORED:
            if entry.packed != entry.size and not sealed:
                yield self._defect(
                    "size-mismatch", entry, f"stored as {entry.packed}, declared {entry.size}"
                )
        elif not sealed:
            status: Status = "encrypted" if entry.method == _AES else "unsupported"
            yield self._coverage(name, status, f"compression method {entry.method}")
            if entry.packed != entry.size:
                return
        # also what claims to be sealed: random bytes are nothing to any reader, plain bytes are
        length = entry.packed if sealed else max(entry.packed, entry.size)
        member = SliceArtifact(self._zip, entry.data, length, name)
        limit = _CHECKED if name.lower().endswith(_PICKLES) else _SMALL
        if not sealed and member.size == entry.size <= limit:
            yield from self._check(entry, member)
        yield member

    def _is_plain(self, entry: Entry, codec: Codec | None) -> bool:
        """True when data whose flags call it encrypted is there for everybody to read."""
        if codec is None:
            return entry.method == _STORED and entry.packed == entry.size
        inflation = self._inflation(entry, codec)
        if not inflation.succeeds():
            return False
        # random bytes may happen to be a stream, but hardly one of just this length
        return inflation.produced >= entry.size or inflation.position == entry.data + entry.packed

    def _inflation(self, entry: Entry, codec: Codec) -> Inflation:
        end = entry.data + entry.packed
        return Inflation(self._zip, entry.data, end, codec, self._budget, entry.size)

    def _inflated(self, entry: Entry, name: str, codec: Codec) -> Iterator[Item]:
        def pieces() -> Iterator[bytes]:
            return self._inflation(entry, codec).pieces()

        keep = min(KEEP, self._to_keep)
        unpacked = unpack(self._zip, name, pieces, keep=keep, declared=entry.size)
        member = unpacked.artifact
        kept = member.size <= keep
        if kept:
            self._to_keep -= member.size
        if unpacked.damage is None and member.size != entry.size:
            yield self._defect(
                "size-mismatch", entry, f"inflates to {member.size}, declared {entry.size}"
            )
        if unpacked.damage is None and kept:
            yield from self._check(entry, member)
        yield member
        if isinstance(unpacked.damage, BudgetError):
            raise unpacked.damage
        if unpacked.damage is not None:
            yield self._coverage(name, "unreadable", unpacked.damage.message)

    def _check(self, entry: Entry, member: Artifact) -> Iterator[Item]:
        """The checksum, unless the writer left it out: 0, as `torch.save` can be told to."""
        if not entry.crc or member.size > self._to_check:
            return
        self._to_check -= member.size
        found = 0
        for offset in range(0, member.size, CHUNK):
            found = zlib.crc32(member.read_at(offset, CHUNK), found)
        if found != entry.crc:
            yield self._defect("checksum", entry, f"{found:08x}, declared {entry.crc:08x}")

    # -- bytes that no directory mentions ------------------------------------------------------

    def _gap(self, end: int, *, listed: bool = True, after: bool = False) -> Iterator[Item]:
        """Account for the bytes from the cursor to `end`: members in them, or data.

        Args:
            end: where the next thing begins that a directory knows of.
            listed: false when there is no directory, so that nothing can be missing from it.
            after: the gap lies behind the members rather than before one.
        """
        yield from self._descriptor(end)
        start = self._cursor
        if start >= end:
            return
        self._cursor, self._previous = end, None
        if archive.blank(self._zip, start, end):
            return
        hidden = any(start <= known < end for known in self._starts)
        position = self._find(archive.LOCAL_MARK, start, end)
        while position < end:
            local = archive.local_at(self._window, position)
            if local is None or not local.name or local.data > end or local.method > _AES:
                position = self._find(archive.LOCAL_MARK, position + 1, end)
                continue
            hidden = True
            entry = self._measured(local, end)
            if listed:
                yield self._defect("missing-from-directory", entry)
            yield from archive.name_defects(self._zip, entry.text, entry.offset)
            yield from self._member(entry, entry.flags)
            position = self._find(archive.LOCAL_MARK, entry.data + entry.packed, end)
        if listed and not hidden:
            kind: archive.DefectKind = "data-after" if after else "data-before"
            detail = f"{end - start:,} bytes that belong to no member"
            yield archive.defect(self._zip, kind, detail=detail, offset=start)

    def _descriptor(self, end: int) -> Iterator[Item]:
        """Step over the data descriptor behind the previous member, if there is one."""
        entry, start = self._previous, self._cursor
        room = min(_DESCRIPTOR_MAX, end - start)
        self._previous = None
        if entry is None or room < _DESCRIPTOR_MIN:
            return
        found = self._window.at(start, room)
        length = archive.descriptor_length(found, entry)
        if not length and found.startswith(archive.DESCRIPTOR_MARK):
            yield self._defect("size-mismatch", entry, "its data descriptor tells other sizes")
            length = _DESCRIPTOR_MAX if room == end - start == _DESCRIPTOR_MAX else 16
        self._cursor += length

    def _measured(self, local: Entry, end: int) -> Entry:
        """A hidden member with the sizes that its header leaves to a descriptor."""
        if local.packed or not local.flags & archive.SIZES_FOLLOW:
            return local
        codec = _CODECS.get(local.method)
        if codec in {"deflate", "bz2"}:
            inflation = Inflation(self._zip, local.data, end, codec, self._budget)
            if inflation.succeeds(whole=True):
                packed = inflation.position - local.data
                return msgspec.structs.replace(local, packed=packed, size=inflation.produced)
        # no other way to tell: a descriptor that states this very length, or the next header
        stop = self._find(archive.LOCAL_MARK, local.data, end)
        position = self._find(archive.DESCRIPTOR_MARK, local.data, stop)
        while position < stop:
            stated = self._window.at(position + 8, 4)
            if int.from_bytes(stated, "little") == position - local.data:
                stop = position
            else:
                position = self._find(archive.DESCRIPTOR_MARK, position + 1, stop)
        size = stop - local.data
        return msgspec.structs.replace(local, packed=size, size=size if codec is None else 0)

    def _find(self, mark: bytes, start: int, end: int) -> int:
        self._budget.step()
        return archive.find(self._zip, self._window, mark, start, end)

    # -- statements ----------------------------------------------------------------------------

    def _defect(self, kind: archive.DefectKind, entry: Entry, detail: str = "") -> Fact:
        return archive.defect(
            self._zip, kind, member=entry.text, detail=detail, offset=entry.offset
        )

    def _coverage(self, name: str, status: Status, reason: str) -> Coverage:
        name = child_name(self._zip, name)
        return Coverage(file=self._zip.name, member=name, status=status, needed=True, reason=reason)
