"""Zip archives, read the way an attacker hopes that nobody reads them: every view at once.

A zip tells its contents twice: in the central directory at its end, and in a local header before
each member. Loaders differ in which one they believe, and in which end record they pick when there
are several. This reader takes the union: every directory that an end record points to, every local
header that a directory points to, and every local header in bytes that no directory mentions.
Members of all views are yielded; each disagreement is an `ArchiveDefect`; bytes that belong to no
member are yielded, too, since they may be a file of another format.

Invariants: one damaged member never hides the others, and memory grows with the directory, never
with the members.

Source: PKWARE APPNOTE 6.3.10; the tricks are those of CVE-2025-1944, -1945 and -10156.
"""

from __future__ import annotations

import stat
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import archive, zip_records, zip_stack
from modelscan.formats.archive import Defects, Item, Window
from modelscan.formats.archive_names import Links, Names
from modelscan.formats.pickle.probe import looks_like_pickle
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.formats.zip_contents import Contents
from modelscan.formats.zip_records import Directory, Entry
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_FOLLOWED = frozenset(
    {".bin", ".ckpt", ".egg", ".jar", ".keras", ".mar", ".npz", ".pt", ".pth", ".ptl", ".skops",
     ".whl", ".zip"}
)  # fmt: skip
"""Extensions whose loaders search the whole tail, and so accept data behind the archive."""
_TAR_MARK = 257
_ENDS = 8
"""End records that are looked at in the tail of a file."""
_PADDING = 512
"""Zeros behind the end record that still count as the end. A tar whose last member is a zip has
more of them."""
_COMMENT = 32
"""Bytes of a comment from which on it is looked at like a member."""
_CARRIERS = frozenset({b"TFL3"})
"""The fifth to eighth byte of files that carry a zip by design: TensorFlow Lite packs labels and
the like behind a model (TensorFlow Lite Metadata). The file in front has a reader of its own."""
_FIRST_LINE = 1024
"""Bytes of a first line that names an interpreter: Python's `zipapp` writes one before a zip."""
_SIGNING_BLOCK = b"APK Sig Block 42"
"""The last bytes of what Android's packages have before their directory (APK Signature Scheme)."""
_DESCRIPTOR_MIN, _DESCRIPTOR_MAX = 12, 24
_POSITION_BITS = zip_records.DIRECTORY_BYTES.bit_length()
_KEY_BITS = _POSITION_BITS + 4
_SPECIAL = frozenset({stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK})


class ZipReader:
    """Zip archives of any kind: torch checkpoints, `.npz`, `.keras`, wheels."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "zip"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for a zip from its first byte, and for one with something else before it.

        The second kind must end where the file ends, or begin where it begins, or have a name whose
        loaders do not care: a tar or a pickle that merely contains a zip is not a zip.
        """
        if glimpse.head.startswith((zip_records.LOCAL_MARK, zip_records.END_MARK)):
            return True
        at = glimpse.end_record
        return at >= 0 and _ends_zip(glimpse, glimpse.ending, at)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`."""
        stacked = zip_stack.archives(artifact, budget) if zip_stack.is_stack(artifact) else None
        if stacked is not None:
            yield zip_stack.held(artifact, stacked, budget)
        if stacked:
            yield from stacked
        else:
            yield from Walk(artifact, budget).run()


def _ends_zip(glimpse: Glimpse, tail: bytes, at: int) -> bool:
    """True when one of the end records in `tail`, the last of them at `at`, ends an archive."""
    start = glimpse.size - len(tail)
    followed = glimpse.extension in _FOLLOWED and not _carries(glimpse)
    for _ in range(_ENDS):
        if at < 0:
            break
        if len(tail) - at >= zip_records.END.size:
            *_, size, offset, comment = zip_records.END.unpack_from(tail, at)
            behind = tail[at + zip_records.END.size + comment :]
            last = len(behind) < _PADDING and not behind.strip(b"\0")
            whole = offset + size == start + at  # it accounts for all that lies before
            if (last or whole or followed) and (
                tail.startswith(zip_records.LOCATOR_MARK, max(0, at - 20))
                or _points_to_directory(tail, start, start + at - size, offset, size)
            ):
                return True
        at = tail.rfind(zip_records.END_MARK, 0, at)
    return False


def _carries(glimpse: Glimpse) -> bool:
    """True for a tar or a pickle, in which an archive makes no zip with something before it.

    It is a checkpoint among the members, or a Keras model, which is pickled as an archive.
    """
    return glimpse.head.startswith(b"ustar", _TAR_MARK) or looks_like_pickle(
        glimpse.head, glimpse.size
    )


def _points_to_directory(tail: bytes, start: int, before: int, offset: int, size: int) -> bool:
    """True when a directory of `size` bytes begins right before the end record, or at its offset.

    Where that is not in sight, it may: `tail` begins at `start`.
    """
    if size < zip_records.CENTRAL.size or before < 0:
        return False
    places = {before, min(offset, before)}
    return min(places) < start or any(
        tail.startswith(zip_records.CENTRAL_MARK, place - start) for place in places
    )


def _other_views(entry: Entry, local: Entry) -> list[Entry]:
    """What programs read that do not go by the directory alone: they mix both, each in its way."""
    views = []
    listed = (entry.name, entry.method, (entry.packed, entry.size))
    for method in dict.fromkeys((local.method, entry.method)):
        for sizes in dict.fromkeys(((local.packed, local.size), (entry.packed, entry.size))):
            packed, size = sizes
            if not packed and local.flags & zip_records.SIZES_FOLLOW:
                continue  # no statement
            if (local.name, method, sizes) != listed:
                view = msgspec.structs.replace(local, method=method, packed=packed, size=size)
                views.append(view)
    return views


class Walk:
    """One archive, front to back, in the order of its local headers.

    For this room: `zip_light` walks with less.
    """

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._zip = artifact
        self._budget = budget
        self._window = Window(artifact)
        self._state = Defects(artifact)
        self._names = Names(self._state)
        self._links = Links()
        self._contents = Contents(artifact, self._window, self._state, budget)
        self._cursor = 0  # everything before it has been accounted for
        self._previous: Entry | None = None  # the member that ends at the cursor
        self._starts: list[int] = []  # of the directories
        self._listed = 0  # entries in the primary directory

    def run(self) -> Iterator[Item]:
        """Members of all views, and where the views disagree."""
        found = zip_records.directories(self._zip)
        if not found:
            if not self._zip.read_at(0, 2).startswith(b"PK"):
                return  # four bytes of something else that looked like an end record
            yield from self._gap(self._zip.size, listed=False)
            raise ReadError("a zip without a central directory", offset=self._zip.size)
        primary = found[0]
        twin: Entry | None = None
        for index, base, entry in self._listing(found):
            if index and entry == twin:
                continue
            twin = entry
            if index:
                yield from self._defect("missing-from-directory", entry)
            yield from self._entry(entry, index, base)
        if self._cursor > primary.start:
            detail = "members run into the directory"
            yield from self._state("overlap", detail=detail, offset=primary.start)
        yield from self._gap(primary.start)
        if (self._listed - primary.count) & 0xFFFF:  # many writers fill 16 bits only
            detail = f"{primary.count} in the end record, {self._listed} in the directory"
            yield from self._state("size-mismatch", detail=detail, offset=primary.records)
        comment = min(primary.stop, self._zip.size)
        if comment - primary.comment >= _COMMENT:  # tools write words there; a file fits as well
            self._budget.member()
            yield archive.hidden(self._zip, primary.comment, comment)
        for start, end in (
            (primary.start + primary.size, primary.records),
            (primary.stop, self._zip.size),
        ):
            self._cursor, self._previous = start, None
            yield from self._gap(end, after=True)

    # -- directories ---------------------------------------------------------------------------

    def _listing(self, found: list[Directory]) -> Iterator[tuple[int, int, Entry]]:
        """Entries of all directories by offset, each with its directory's index and base.

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
            data.append(zip_records.load(self._zip, directory))
            if sum(map(len, data)) > zip_records.DIRECTORY_BYTES:
                raise BudgetError("several central directories of many megabytes")
            keys += [
                entry.offset << _KEY_BITS | index << _POSITION_BITS | position
                for position, entry in zip_records.entries(data[index], directory.base)
            ]
            if index == 0:
                keys.sort()  # the check for nested archives searches them
                self._listed = len(keys)
        keys.sort()
        for key in keys:
            index = key >> _POSITION_BITS & 0xF
            position = key & (1 << _POSITION_BITS) - 1
            parsed = zip_records.entry_at(data[index], position, used[index].base)
            if parsed is not None:
                yield index, used[index].base, parsed[0]

    def _is_inside_member(
        self, directory: Directory, keys: list[int], data: bytes, primary: Directory
    ) -> bool:
        """True for the end record of an archive that is itself a stored member."""
        at = bisect_right(keys, directory.records << _KEY_BITS) - 1
        if at < 0:
            return False
        parsed = zip_records.entry_at(data, keys[at] & (1 << _POSITION_BITS) - 1, primary.base)
        local = zip_records.local_at(self._window, parsed[0].offset) if parsed else None
        if parsed is None or local is None:
            return False
        return directory.records < local.data + parsed[0].packed

    # -- members -------------------------------------------------------------------------------

    def _entry(self, entry: Entry, index: int, base: int) -> Iterator[Item]:
        """A member that a directory lists: its views compared, then read.

        Where there is no local header, some programs look for it at the offset as it is written.
        """
        local = zip_records.local_at(self._window, entry.offset)
        if local is not None:
            if entry.offset < self._cursor and not index:
                yield from self._defect("overlap", entry, "begins inside another member")
            yield from self._gap(entry.offset)
        if not index:
            yield from self._names.add(entry.text, entry.offset, twice=True)
        if local is None:
            yield from self._judge_names(entry)
            yield from self._defect("missing-local-header", entry)
            reason = "no local header where it should be"
            yield self._contents.gap(entry.text, "unreadable", reason)
            local = zip_records.local_at(self._window, entry.offset - base) if base else None
            if local is None:
                return
        entry = msgspec.structs.replace(entry, data=local.data)
        differs = False
        for kind, detail in zip_records.differences(entry, local):
            yield from self._defect(kind, entry, detail)
            differs |= kind in {"name-mismatch", "method-mismatch", "size-mismatch"}
        yield from self._member(entry, entry.flags | local.flags)
        end = entry.data + entry.packed
        for other in _other_views(entry, local) if differs else ():
            yield from self._member(other, local.flags)
            end = min(end, other.data + other.packed)
        if end > self._zip.size:
            yield from self._defect("size-mismatch", entry, "reaches past the end of the archive")
        if end > self._cursor:
            self._cursor, self._previous = end, entry

    def _member(self, entry: Entry, flags: int) -> Iterator[Item]:
        """The bytes of a member as one view describes them, under every name that it has."""
        yield from self._judge_names(entry)
        for name in entry.names:
            if not name.endswith("/") or entry.packed:
                yield from self._file(entry, name, flags)

    def _file(self, entry: Entry, name: str, flags: int) -> Iterator[Item]:
        self._budget.member()
        kind = stat.S_IFMT(entry.mode)
        # Info-ZIP calls what it read from a pipe a pipe
        if kind in _SPECIAL and not (kind == stat.S_IFIFO and entry.size):
            yield from self._defect("special-member", entry, f"file type {kind:#o}")
        for item in self._contents.read(entry, name, flags):
            if kind == stat.S_IFLNK and not isinstance(item, Fact | Coverage):
                target = item.read_at(0, HEAD).decode(errors="replace")
                if self._links.add(name, target):
                    yield from self._defect("link", entry, target)
            yield item

    def _judge_names(self, entry: Entry) -> Iterator[Item]:
        for name in entry.names:
            yield from self._names.judge(name, entry.offset)
            if self._links.passes(name):
                yield from self._defect("link", entry, "is written through a link")

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
        if archive.after_zeros(self._zip, start, end) >= end:
            return
        known = any(start <= directory < end for directory in self._starts)
        position = self._contents.find(zip_records.ANY_LOCAL, start, end)
        while position < end:
            local = zip_records.local_at(self._window, position)
            if local is None or local.data > end:
                position = self._contents.find(zip_records.ANY_LOCAL, position + 1, end)
                continue
            known = True
            entry = self._contents.measured(local, end)
            if listed:
                yield from self._defect("missing-from-directory", entry)
            yield from self._member(entry, entry.flags)
            position = entry.data + entry.packed
            position = self._contents.find(zip_records.ANY_LOCAL, position, end)
        if listed and not known:
            if not self._by_design(start, end):
                kind: archive.DefectKind = "data-after" if after else "data-before"
                detail = f"{end - start:,} bytes that belong to no member"
                yield from self._state(kind, detail=detail, offset=start)
            if start:  # else they are the file itself, which every reader has been asked about
                self._budget.member()
                yield archive.hidden(self._zip, start, end)

    def _by_design(self, start: int, end: int) -> bool:
        """True for bytes that no member has and that writers put there on purpose."""
        if start:
            length = int.from_bytes(self._window.at(start, 8), "little")
            last = self._window.at(end - len(_SIGNING_BLOCK), len(_SIGNING_BLOCK))
            return last == _SIGNING_BLOCK and length + 8 == end - start
        line = self._window.at(0, min(end, _FIRST_LINE))
        return line[4:8] in _CARRIERS or (
            line.startswith(b"#!") and line.find(b"\n") == end - 1 and line.isascii()
        )

    def _descriptor(self, end: int) -> Iterator[Item]:
        """Step over the data descriptor behind the previous member, if there is one."""
        entry, start = self._previous, self._cursor
        room = min(_DESCRIPTOR_MAX, end - start)
        self._previous = None
        if entry is None or room < _DESCRIPTOR_MIN:
            return
        found = self._window.at(start, room)
        length = zip_records.descriptor_length(found, entry)
        if not length and found.startswith(zip_records.DESCRIPTOR_MARK):
            yield from self._defect("size-mismatch", entry, "its data descriptor tells other sizes")
            length = _DESCRIPTOR_MAX if room == end - start == _DESCRIPTOR_MAX else 16
        self._cursor += length

    def _defect(self, kind: archive.DefectKind, entry: Entry, detail: str = "") -> Iterator[Fact]:
        return self._state(kind, entry.text, detail, offset=entry.offset)
