"""Sends every artifact to every reader that recognises it, and accounts for what nobody read.

Invariants: content decides, so all readers that recognise the bytes run (polyglots); an archive
member goes round like a file; whatever a reader raises becomes coverage, and what it yielded before
stays. A placeholder, told by all of its bytes, is nothing but a placeholder: no other reader is
asked about it, whatever its name promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import sniff
from modelscan.formats.candidates import Candidates
from modelscan.formats.reader import Glimpse, Reader
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.fact import Fact, FileFormat, FilePolyglot

_REFUSALS = 16
"""So many parts of one file may cost more than is allowed; a bomb has thousands of them."""


class Reading:
    """What became of one file: iterate over it, then ask for its format.

    Args:
        artifact: the file.
        readers: all readers, in order of preference for naming the format.
        budget: pays for the file and everything nested in it.
    """

    def __init__(
        self, artifact: Artifact, readers: Candidates | Sequence[Reader], budget: Budget
    ) -> None:
        self.format = sniff.UNKNOWN.format
        self.recognised = False
        """True when the file is model or code: read, or recognised as something to read."""
        self._artifact = artifact
        self._readers = readers if isinstance(readers, Candidates) else Candidates(readers)
        self._budget = budget
        self._found: list[Fact | Coverage] = []
        self._plain_members = 0
        self._refused = 0

    def __iter__(self) -> Iterator[Fact | Coverage]:
        """Facts and coverage, in the order in which they are found; never raises."""
        self._budget.of(self._artifact.size)
        self._visit(self._artifact)
        if self._plain_members:
            reason = f"{self._plain_members:,} members that are no model or code"
            self._found.append(_coverage(self._artifact, "skipped", reason))
        if self._refused >= _REFUSALS:
            reason = f"given up: {self._refused} parts of it cost more than is allowed"
            self._found.append(_coverage(self._artifact, "truncated", reason, needed=True))
        return iter(self._found)

    def _visit(self, artifact: Artifact) -> None:
        """One artifact, and what lies in it at once: held members are bounded by the depth."""
        try:
            if artifact.depth:
                self._budget.depth(artifact.depth)
            glimpse = Glimpse(artifact)
            panel = _panel(tuple(self._readers.matching(glimpse)))
            self._name(artifact, glimpse, panel)
        except ReadError as error:
            self._refused += isinstance(error, BudgetError)
            self._found.append(_gap(artifact, error))
            return
        except Exception as error:  # noqa: BLE001  # as in `_ask`
            self._found.append(_fault(artifact, "recognising it", error))
            return
        for reader, aside in panel.asked:
            self._ask(reader, artifact, aside=aside)
            if self._refused >= _REFUSALS:
                return

    def _name(self, artifact: Artifact, glimpse: Glimpse, panel: _Panel) -> None:
        """What the bytes are, by their readers or by what they look like without one."""
        formats, other = panel.formats, None
        if formats:
            self.recognised |= panel.of_models
        else:
            other = sniff.unread(glimpse)
            formats = (other.format,)
            self.recognised |= other.needed and other.format not in sniff.ABOUT_MODELS
        if artifact is self._artifact:
            self.format = formats[0]
        mistaken = _mistaken(glimpse.extension, formats)
        if mistaken is not None and not _named_like_its_file(artifact, glimpse.name):
            self._found.append(_misnamed(artifact, *mistaken))
        if other is not None:
            self._unread(artifact, other)
        else:
            self._beside(artifact, glimpse, formats)

    def _ask(  # noqa: C901  # one loop: every item of every file comes by
        self, reader: Reader, artifact: Artifact, *, aside: bool
    ) -> None:
        """What a reader states, and what lies in what it takes out.

        A reader that stands aside accounts for nothing, unless something went wrong.
        """
        found = self._found
        accounted = aside
        try:
            for item in reader.read(artifact, self._budget):
                if isinstance(item, Fact):
                    found.append(item)
                elif isinstance(item, Coverage):
                    if item.needed or not aside:
                        found.append(item)
                    accounted |= item.file == artifact.name and item.member == artifact.member
                elif not aside:
                    self._visit(item)
                if self._refused >= _REFUSALS:
                    return
        except ReadError as error:
            self._refused += isinstance(error, BudgetError)
            found.append(_gap(artifact, error))
        except Exception as error:  # noqa: BLE001  # a reader's own fault is a gap, never a pass
            found.append(_fault(artifact, f"the {reader.format} reader", error))
        else:
            if not accounted:
                found.append(_coverage(artifact, "read"))

    def _beside(self, artifact: Artifact, glimpse: Glimpse, formats: tuple[str, ...]) -> None:
        """What bytes that have readers are as well: a second format, or one without a reader."""
        both = sniff.polyglot(glimpse, formats) if len(formats) > 1 else ()
        if both:
            self._found.append(FilePolyglot(location=place(artifact), formats=both))
        other = sniff.by_magic(glimpse.head)
        if other is not None and other.needed and not sniff.covered(other, formats):
            self._unread(artifact, other)

    def _unread(self, artifact: Artifact, other: sniff.Unread) -> None:
        """Account for what no reader recognised; plain members of archives are only counted."""
        if other.needed:
            reason = f"{other.format}: no reader for this format yet"
            self._found.append(_coverage(artifact, "unsupported", reason, needed=True))
        elif artifact is self._artifact:
            reason = f"{other.format}: not a model or code file"
            self._found.append(_coverage(artifact, "skipped", reason))
        else:
            self._plain_members += 1


class _Panel(msgspec.Struct, frozen=True):
    """The readers that recognise some bytes, and what follows from who they are."""

    asked: tuple[tuple[Reader, bool], ...]
    """Each, and whether it looks for one thing in files which are others' to read."""
    formats: tuple[str, ...]
    """Of those whose file it is."""
    of_models: bool
    """True when one of these formats is model or code."""


@lru_cache(maxsize=256)
def _panel(matching: tuple[Reader, ...]) -> _Panel:
    """The reader of a placeholder by itself, else all of them."""
    placeholder = tuple(reader for reader in matching if reader.format == sniff.PLACEHOLDER)
    asked = tuple((reader, getattr(reader, "aside", False)) for reader in placeholder or matching)
    formats = tuple(reader.format for reader, aside in asked if not aside)
    return _Panel(asked, formats, not sniff.ABOUT_MODELS.issuperset(formats))


def _fault(artifact: Artifact, what: str, error: Exception) -> Coverage:
    reason = f"{what} failed: {type(error).__name__}: {error}"
    return _coverage(artifact, "unreadable", reason, needed=True)


def _gap(artifact: Artifact, error: ReadError) -> Coverage:
    status: Status = "truncated" if isinstance(error, BudgetError) else "unreadable"
    at = "" if error.offset is None else f" (at byte {error.offset})"
    return _coverage(artifact, status, error.message + at, needed=True)


def _coverage(
    artifact: Artifact, status: Status, reason: str = "", *, needed: bool = False
) -> Coverage:
    return Coverage(
        file=artifact.name, member=artifact.member, status=status, needed=needed, reason=reason
    )


@lru_cache(maxsize=256)
def _mistaken(extension: str, formats: tuple[str, ...]) -> tuple[str, str] | None:
    """What an extension stands for, and what the content is instead; `None` when they agree.

    Only formats that were told by content count: text and unknown bytes contradict nothing. A
    format that can run code contradicts even beside the promised one: loaders choose.
    """
    promise = sniff.declared(extension)
    if promise is None:
        return None
    name, fulfilling = promise
    others = [found for found in formats if found not in fulfilling]
    executable = [found for found in others if found in sniff.EXECUTABLE]
    if not executable and len(others) != len(formats):
        return None
    found = (executable or others)[0]
    return None if found in sniff.PROMISES_NOTHING else (name, found)


def _named_like_its_file(artifact: Artifact, name: str) -> bool:
    """True for a member whose extensions are those of the archive: pandas writes such a member."""
    return artifact.member is not None and name == artifact.name.rpartition("/")[2]


def _misnamed(artifact: Artifact, declared: str, detected: str) -> FileFormat:
    return FileFormat(
        location=place(artifact),
        declared=declared,
        detected=detected,
        executable=detected in sniff.EXECUTABLE,
    )
