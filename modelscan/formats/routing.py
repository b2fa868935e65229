"""Sends every artifact to every reader that recognises it, and accounts for what nobody read.

Invariants: content decides, so all readers that recognise the bytes run (polyglots); an archive
member goes round like a file; whatever a reader raises becomes coverage, and what it yielded before
stays. A placeholder, told by all of its bytes, is nothing but a placeholder: no other reader is
asked about it, whatever its name promises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import sniff
from modelscan.formats.candidates import Candidates
from modelscan.formats.reader import Glimpse, Reader
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.fact import Fact, FileFormat, FilePolyglot

_STATEMENTS = (Fact, Coverage)
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
        self._plain_members = 0
        self._refused = 0

    def __iter__(self) -> Iterator[Fact | Coverage]:
        """Facts and coverage, in the order in which they are found; never raises."""
        yield from self._visit(self._artifact)
        if self._plain_members:
            reason = f"{self._plain_members:,} members that are no model or code"
            yield _coverage(self._artifact, "skipped", reason)
        if self._refused >= _REFUSALS:
            reason = f"given up: {self._refused} parts of it cost more than is allowed"
            yield _coverage(self._artifact, "truncated", reason, needed=True)

    def _visit(self, artifact: Artifact) -> Iterator[Fact | Coverage]:
        """One artifact, and what lies in it at once: held members are bounded by the depth."""
        try:
            self._budget.depth(artifact.depth)
            glimpse = Glimpse(artifact)
            asked = _alone(self._readers.matching(glimpse))
        except ReadError as error:
            self._refused += isinstance(error, BudgetError)
            yield _gap(artifact, error)
            return
        except Exception as error:  # noqa: BLE001  # as in `_read`
            yield _fault(artifact, "recognising it", error)
            return
        matching = [reader for reader in asked if not _aside(reader)]
        other = None if matching else sniff.unread(glimpse)
        formats = [other.format] if other else [reader.format for reader in matching]
        self.recognised |= not sniff.ABOUT_MODELS.issuperset(formats) and (
            other is None or other.needed
        )
        if artifact is self._artifact:
            self.format = formats[0]
        yield from _misnamed(artifact, glimpse, formats)
        if other is not None:
            yield from self._unread(artifact, other)
        else:
            yield from self._beside(artifact, glimpse, formats)
        for reader in asked:
            if _aside(reader):
                yield from self._noted(reader, artifact)
            else:
                yield from self._followed(reader, artifact)
            if self._refused >= _REFUSALS:
                return

    def _followed(self, reader: Reader, artifact: Artifact) -> Iterator[Fact | Coverage]:
        """What a reader states, and what lies in what it takes out."""
        for item in self._read(reader, artifact):
            if isinstance(item, _STATEMENTS):
                yield item
            elif self._refused < _REFUSALS:
                yield from self._visit(item)
            if self._refused >= _REFUSALS:
                return

    def _noted(self, reader: Reader, artifact: Artifact) -> Iterator[Fact | Coverage]:
        """What is found in passing: it accounts for nothing, unless something went wrong."""
        for item in self._read(reader, artifact):
            if isinstance(item, Fact) or (isinstance(item, Coverage) and item.needed):
                yield item

    def _beside(
        self, artifact: Artifact, glimpse: Glimpse, formats: list[str]
    ) -> Iterator[Fact | Coverage]:
        """What bytes that have readers are as well: a second format, or one without a reader."""
        both = sniff.polyglot(glimpse, formats) if len(formats) > 1 else ()
        if both:
            yield FilePolyglot(location=place(artifact), formats=both)
        other = sniff.by_magic(glimpse.head)
        if other is not None and other.needed and not sniff.covered(other, formats):
            yield from self._unread(artifact, other)

    def _unread(self, artifact: Artifact, other: sniff.Unread) -> Iterator[Coverage]:
        """Account for what no reader recognised; plain members of archives are only counted."""
        if other.needed:
            reason = f"{other.format}: no reader for this format yet"
            yield _coverage(artifact, "unsupported", reason, needed=True)
        elif artifact is self._artifact:
            yield _coverage(artifact, "skipped", f"{other.format}: not a model or code file")
        else:
            self._plain_members += 1

    def _read(self, reader: Reader, artifact: Artifact) -> Iterator[Fact | Coverage | Artifact]:
        accounted = False
        try:
            for item in reader.read(artifact, self._budget):
                if isinstance(item, Coverage):
                    accounted |= item.file == artifact.name and item.member == artifact.member
                yield item
        except ReadError as error:
            self._refused += isinstance(error, BudgetError)
            yield _gap(artifact, error)
        except Exception as error:  # noqa: BLE001  # a reader's own fault is a gap, never a pass
            yield _fault(artifact, f"the {reader.format} reader", error)
        else:
            if not accounted:
                yield _coverage(artifact, "read")


def _aside(reader: Reader) -> bool:
    """True for a reader that looks for one thing in files which are others' to read."""
    return getattr(reader, "aside", False)


def _alone(matching: list[Reader]) -> list[Reader]:
    """The reader of a placeholder by itself, else all of them."""
    placeholder = [reader for reader in matching if reader.format == sniff.PLACEHOLDER]
    return placeholder or matching


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


def _misnamed(artifact: Artifact, glimpse: Glimpse, formats: list[str]) -> Iterator[Fact]:
    """A fact when the content is not what the extension stands for.

    Only formats that were told by content count: text and unknown bytes contradict nothing. A
    format that can run code contradicts even beside the promised one: loaders choose.
    """
    promise = sniff.declared(glimpse.extension)
    if promise is None:
        return
    name, fulfilling = promise
    others = [found for found in formats if found not in fulfilling]
    executable = [found for found in others if found in sniff.EXECUTABLE]
    if executable:
        others = executable
    elif len(others) != len(formats):
        return
    for found in others[:1]:
        if found not in {sniff.TEXT.format, sniff.UNKNOWN.format, sniff.PLACEHOLDER}:
            yield FileFormat(
                location=place(artifact),
                declared=name,
                detected=found,
                executable=found in sniff.EXECUTABLE,
            )
