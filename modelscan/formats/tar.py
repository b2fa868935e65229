"""Tar archives (`.nemo`, `.tar.gz` once inflated): headers walked block by block.

Invariants: nothing is unpacked, and no link is followed; a header counts only when its checksum
fits; one damaged member hides no other, and what lies behind the end of the archive, or behind
damage, is searched for members too, since tools differ in where they stop looking.

Source: as in `tar_headers`. Traversal through names and links: CVE-2007-4559, CVE-2025-4517.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import DefectKind, Defects, Item, Window, after_zeros, hidden
from modelscan.formats.archive_names import Links, Names, link_escapes, name_problem
from modelscan.formats.reader import Glimpse
from modelscan.formats.tar_headers import (
    BLOCK,
    EXTENSION_MAX,
    EXTENSIONS,
    PAX_GLOBAL,
    Extensions,
    Header,
    is_header,
    number,
    padded,
)
from modelscan.formats.tar_sparse import SparseArtifact
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, child_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_HARD_LINK, _SYMBOLIC_LINK, _FOLDER, _OLD_FILE = b"1", b"2", b"5", b"\0"
_SPECIAL = {b"3": "character device", b"4": "block device", b"6": "fifo"}
_STARTS = 64
"""Places from where the rest is walked, when a size is stated twice."""
_OCTAL_MAX = 8 << 30
"""Sizes from here on do not fit the header's octal field and need an extension."""


class TarReader:
    """Tar archives of every dialect: v7, ustar, pax, GNU."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "tar"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True when the first block is a tar header: by its magic, or by its checksum."""
        head = glimpse.head
        return head.startswith(b"ustar", 257) or is_header(head[:BLOCK])

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`."""
        return _Walk(artifact, budget).run()


def _differ(header: Header) -> bool:
    """True when an extended header states another size without need."""
    return header.size != header.stated and header.size < _OCTAL_MAX and header.pieces is None


class _Walk:
    """One archive, from its first block to the end of the file."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._tar = artifact
        self._budget = budget
        self._window = Window(artifact)
        self._state = Defects(artifact)
        self._names = Names(self._state)
        self._links = Links()
        self._position = 0
        self._starts = [0]
        self._visited: set[int] = set()
        self._damage: ReadError | None = None
        self._defaults: dict[str, str] = {}  # from global extended headers

    def run(self) -> Iterator[Item]:
        """Members, and what is wrong with them."""
        for start in self._starts:  # grows while it is walked
            self._position = start
            yield from self._walk()
        if self._damage is not None:
            raise self._damage

    def _walk(self) -> Iterator[Item]:
        """Members from the position to the end, or to where an earlier walk has been."""
        ended = False
        while self._position < self._tar.size and self._position not in self._visited:
            self._budget.step()
            start = self._position
            block = self._window.at(start, BLOCK)
            if block.count(0) == len(block):
                ended = True
                self._skip_zeros()
                continue
            valid = is_header(block)
            if ended or len(block) < BLOCK:
                yield from self._data_after(valid=valid)
            elif not valid:
                self._damage = self._damage or ReadError("not a tar header", offset=start)
            ended = False
            self._visited.add(start)
            try:
                if valid:
                    yield from self._member()
            except BudgetError:
                raise
            except ReadError as error:
                self._damage = self._damage or error
                valid = self._position > start  # else there is no telling where the next one is
            if not valid:
                self._skip_garbage()

    def _data_after(self, *, valid: bool) -> Iterator[Item]:
        start = self._position
        detail = f"{self._tar.size - start:,} bytes after the end of the archive"
        yield from self._state("data-after", detail=detail, offset=start)
        if not valid:
            self._budget.member()
            yield hidden(self._tar, start, self._tar.size)

    def _skip_zeros(self) -> None:
        position = after_zeros(self._tar, self._position, self._tar.size)
        if position < self._tar.size:
            position -= position % BLOCK
        self._position = position

    def _skip_garbage(self) -> None:
        """Go to the next block that is a header, as GNU tar does."""
        position = self._position + BLOCK
        while position < self._tar.size:
            block = self._window.at(position, BLOCK)
            if block.startswith(b"ustar", 257) and is_header(block):
                break
            position += BLOCK
            if position % CHUNK == 0:
                self._budget.step(CHUNK // BLOCK)
        self._position = position

    def _member(self) -> Iterator[Item]:
        """A header with the extended headers before it, and the member that they describe."""
        start = self._position
        extensions = Extensions(self._defaults)
        block = self._window.at(start, BLOCK)
        while (kind := block[156:157]) in EXTENSIONS and is_header(block):
            self._extend(kind, block, extensions)
            block = self._window.at(self._position, BLOCK)
            if not block and kind == PAX_GLOBAL and extensions.damage is None:
                return  # `git archive` of nothing
        if not is_header(block):
            raise ReadError("an extended header without a member", offset=self._position)
        header = extensions.header(block, self._position, start)
        yield from self._names_of(header)
        if _differ(header):
            detail = f"{header.stated} in the header, {header.size} in the extended header"
            yield from self._defect("size-mismatch", header, detail)
        self._position = header.data
        yield from self._contents(header, extensions, block)
        if extensions.damage is not None:
            raise extensions.damage

    def _extend(self, kind: bytes, block: bytes, extensions: Extensions) -> None:
        """Take in the extended header at the position, and go behind it."""
        self._budget.step()
        size = number(block[124:136], self._position)
        if size > EXTENSION_MAX:
            raise BudgetError(f"an extended tar header of {size:,} bytes")
        data = self._tar.read_at(self._position + BLOCK, size)
        extensions.take(kind, data, self._position, self._defaults)
        self._position += BLOCK + padded(size)

    def _contents(self, header: Header, extensions: Extensions, block: bytes) -> Iterator[Item]:
        if header.kind in {_HARD_LINK, _SYMBOLIC_LINK}:
            yield from self._link(header)
        elif header.kind in _SPECIAL:
            yield from self._defect("special-member", header, _SPECIAL[header.kind])
        elif header.kind == _OLD_FILE and header.name.endswith("/"):
            if header.size:  # a folder to some, whose next header is right behind
                yield from self._defect("size-mismatch", header, f"a folder of {header.size} bytes")
        elif header.kind != _FOLDER:
            yield from self._file(header, extensions, block)

    def _names_of(self, header: Header) -> Iterator[Item]:
        yield from self._names.judge(header.name, header.start)
        for name in (*header.others, *header.claims):
            if name_problem(name) == "traversal":  # the rest may be what was cut off
                yield from self._names.judge(name, header.start)
        if header.claims:
            yield from self._defect("name-mismatch", header, f"and {', '.join(header.claims)}")
        yield from self._names.add(header.name, header.start, twice=False)
        if self._links.passes(header.name):
            yield from self._defect("link", header, "is written through a link")

    def _link(self, header: Header) -> Iterator[Item]:
        for link in header.links:
            if header.kind == _HARD_LINK:
                escapes = link_escapes(header.name, link, from_root=True)
            else:
                escapes = self._links.add(header.name, link)
            if escapes:
                yield from self._defect("link", header, link)

    def _file(self, header: Header, extensions: Extensions, block: bytes) -> Iterator[Item]:
        self._budget.member()
        size, data = header.size, header.data
        try:
            extensions.spread(header, block, self._window, self._budget)
        except ReadError as error:
            header.size, header.data = size, data
            member = child_name(self._tar, header.name)
            yield Coverage(
                file=self._tar.name, member=member, status="unsupported", needed=True,
                reason=f"a sparse member: {error.message}",
            )  # fmt: skip
        self._position = header.data + padded(header.size)
        if header.pieces is not None:
            yield SparseArtifact(self._tar, header.name, header.real, header.pieces, self._budget)
        # also of a sparse member: programs that know no maps see the stored bytes
        for name in (header.name, *header.claims):
            yield SliceArtifact(self._tar, header.data, header.size, name)
        if _differ(header):  # programs go on at either end
            self._position = header.data + padded(min(header.size, header.stated))
            if len(self._starts) < _STARTS:
                self._starts.append(header.data + padded(max(header.size, header.stated)))
        elif header.data + header.size > self._tar.size:
            raise ReadError(f"ends inside the member {header.name!r}", offset=self._tar.size)

    def _defect(self, kind: DefectKind, header: Header, detail: str) -> Iterator[Fact]:
        return self._state(kind, header.name, detail, offset=header.start)
