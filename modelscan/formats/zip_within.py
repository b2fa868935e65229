"""Zip archives in the middle of a file that is something else, or nothing: bytes on both sides.

Python's `zipfile` and Info-ZIP's `unzip` look for the end record in the last 64 KiB of any file,
and count offsets back from it: they open what others wrote around an archive. Pickles of Keras
models are such files, and so is a payload with junk before and behind it.

Invariants: an end record is believed when a directory lies where it says and a local header where
the directory says, so that tensors which happen to hold its four bytes stay what they are; the
archive is handed on as a member, and that something lies around it is no defect by itself.

Source: PKWARE APPNOTE 6.3.10, section 4.3; CPython, `zipfile._RealGetContents`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats import zip_records
from modelscan.formats.archive import Item, Window, hidden
from modelscan.formats.reader import Glimpse
from modelscan.formats.sniff import AROUND_ZIP
from modelscan.formats.tar import TarReader
from modelscan.formats.zip import ZipReader
from modelscan.formats.zip_records import Directory
from modelscan.vocabulary.artifact import Artifact

_CHECKED: Final = 1000
"""Entries that are looked up before a directory is believed: who hides a member behind so many
that lead nowhere is read as well."""


class ZipWithinReader:
    """The archives that end in the tail of a file, with something before and behind them."""

    format: Final = AROUND_ZIP

    def __init__(self) -> None:
        self._zip = ZipReader()
        self._tar = TarReader()

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for what `ZipReader` does not take, unless it is a tar, whose members go round."""
        if glimpse.end_record < 0:
            return False
        return (
            not self._zip.recognises(glimpse)
            and not self._tar.recognises(glimpse)
            and next(_archives(glimpse.artifact), None) is not None
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Item]:
        """See `Reader.read`: the outermost archives, each as a member."""
        spans = sorted(set(_archives(artifact)), key=lambda span: (span[0], -span[1]))
        reached = 0
        for start, stop in spans:
            if stop > reached:  # else inside the one before, whose reader comes across it
                reached = stop
                budget.member()
                yield hidden(artifact, start, stop)


def _archives(artifact: Artifact) -> Iterator[tuple[int, int]]:
    """First byte and end of every archive whose records agree with the file."""
    window = Window(artifact)
    for directory in zip_records.directories(artifact):
        end = _end(artifact, window, directory)
        if end and directory.base <= 0:  # what is left of it begins where the file begins
            end = min(end, directory.stop)
        if end and (directory.base > 0 or end < artifact.size):  # else it would be the file again
            yield max(directory.base, 0), end


def _end(artifact: Artifact, window: Window, directory: Directory) -> int:
    """Where the archive ends that a directory lists; 0 when no member is where it should be.

    It is all of the file for one with too many entries to tell, or with a member that reaches past
    the directory: programs read on in whatever follows.
    """
    try:
        data = zip_records.load(artifact, directory)
    except BudgetError:
        return artifact.size
    found = beyond = False
    for number, (_, entry) in enumerate(zip_records.entries(data, directory.base)):
        if number >= _CHECKED:
            return artifact.size
        local = zip_records.local_at(window, entry.offset)
        length = max(entry.packed, local.packed if local is not None else 0)
        found = found or local is not None
        beyond = beyond or entry.offset + length > directory.start
    if not found:
        return 0
    return artifact.size if beyond else min(directory.stop, artifact.size)
