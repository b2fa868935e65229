"""Names of archive members, and what unpacking them would do.

Invariants: names are judged as both POSIX and Windows would resolve them, since nobody knows where
an archive will be unpacked; a name is never used as a path here.

Source: CWE-22 and CWE-59; CVE-2007-4559 and CVE-2025-4517 for names and links that leave the
folder; Microsoft, "Naming Files, Paths, and Namespaces" for the reserved names; Unicode Standard
Annex 15 for names that are different bytes and the same text.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from modelscan.formats.archive import Defects
from modelscan.vocabulary.fact import ArchiveDefect

Problem = Literal["traversal", "name-mismatch", "deceptive-name", "reserved-name"]

_PLAIN = re.compile(r"[\x20-.0-9;-\[\]-~][\x20-9;-\[\]-~]*")
"""A relative name of printable ASCII, without backslash or colon."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_RESERVED = re.compile(
    r"(?:^|[/\\])(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=[./\\]|$)|(?<=[^./\\ ])[. ]+(?=[/\\]|$)",
    re.IGNORECASE,
)
"""A component that Windows gives to a device, or whose last dots or spaces it drops."""
_DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def name_problem(name: str) -> Problem | None:
    """What is wrong with a member's name, if anything: the worst of it.

    `traversal` is a name that leaves the folder it is unpacked in: absolute, with a drive letter,
    or with a `..` component. Backslashes separate on Windows only, and alone are no problem:
    archivers there write them. `name-mismatch` is a name with a NUL, where programs written in C,
    and Python's zip module, see it end. `deceptive-name` shows otherwise than it is: control
    characters, bidirectional overrides. `reserved-name` is another file on Windows.
    """
    if ".." in name or not _PLAIN.fullmatch(name):
        slashed = name.replace("\\", "/")
        if slashed.startswith("/") or _DRIVE.match(name) or ".." in slashed.split("/"):
            return "traversal"
        if "\0" in name:
            return "name-mismatch"
        if not name.isprintable() and any(_deceives(character) for character in name):
            return "deceptive-name"
    return "reserved-name" if _RESERVED.search(name) else None


def _deceives(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cc" or unicodedata.bidirectional(character) in _DIRECTIONS


class Names:
    """The names of one archive, held against each other."""

    def __init__(self, defects: Defects) -> None:
        self._defects = defects
        self._seen: dict[str, str] = {}  # folded name → first name
        self._others: set[str] = set()  # names that are not the first of their fold

    def judge(self, name: str, offset: int) -> Iterator[ArchiveDefect]:
        """The defect of one name, if it has one."""
        problem = name_problem(name)
        if problem is not None:
            yield from self._defects(problem, name, name, offset=offset)

    def add(self, name: str, offset: int, *, twice: bool) -> Iterator[ArchiveDefect]:
        """Remember a name: a defect when unpacking it would overwrite another member.

        Args:
            name: of the member.
            offset: of its header.
            twice: true where no archiver writes the same name a second time.
        """
        folded = _fold(name)
        first = self._seen.get(folded)
        if first is None:
            self._seen[folded] = name
            return
        if first == name or name in self._others:
            if twice:
                yield from self._defects("duplicate-member", name, offset=offset)
            return
        self._others.add(name)
        yield from self._defects("name-collision", name, f"and {first}", offset=offset)


def _fold(name: str) -> str:
    """The name as a file system sees it that ignores case, and that stores one form of Unicode."""
    if name.isascii():
        folded = name.lower()
    else:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    if "//" in folded or "./" in folded:
        trailing = "/" if folded.endswith("/") else ""
        folded = posixpath.normpath(folded) + trailing
    return name if folded == name else folded


class Links:
    """The symbolic links of one archive: where they point, and what is written through them."""

    def __init__(self) -> None:
        self._links: set[str] = set()

    def add(self, member: str, target: str) -> bool:
        """Remember a link; true when it points outside the folder it is unpacked in.

        `a/b/l` that points to `../..` stays inside, and a second link to `a/b/l/..` leaves: what
        `..` means behind a link is where that link points, not where it lies.
        """
        escapes = link_escapes(member, target) or self._climbs(member, target)
        self._links.add(_clean(member))
        return escapes

    def passes(self, member: str) -> bool:
        """True when a folder on the way to `member` is a link of the same archive."""
        if not self._links:
            return False
        path = _clean(member)
        return any(
            path[:at] in self._links for at, letter in enumerate(path) if letter == "/" and at
        )

    def _climbs(self, member: str, target: str) -> bool:
        folder = posixpath.dirname(_clean(member))
        parts = target.replace("\\", "/").split("/")
        return any(
            part == ".." and posixpath.normpath(posixpath.join(folder, *parts[:at])) in self._links
            for at, part in enumerate(parts)
            if at
        )


def _clean(member: str) -> str:
    return posixpath.normpath(member.replace("\\", "/").strip("/"))


def link_escapes(member: str, target: str, *, from_root: bool = False) -> bool:
    """True when a link inside an archive points outside the folder it is unpacked in.

    Args:
        member: name of the link.
        target: where it points, as written.
        from_root: hard links in tar name a member from the root, symbolic links start at theirs.
    """
    target = target.replace("\\", "/")
    if target.startswith("/") or _DRIVE.match(target):
        return True
    start = "" if from_root else posixpath.dirname(member.strip("/"))
    return posixpath.normpath(posixpath.join(start, target)).split("/")[0] == ".."
