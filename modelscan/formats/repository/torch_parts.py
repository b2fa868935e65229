"""Distributed checkpoints of torch: is what the table points to a part that was read?

The table of such a checkpoint, `.metadata`, says at which byte of which file each part begins, and
how long it is. What stands there is unpickled, and not what the file looks like on its own: a place
inside the numbers of a tensor, or in a file of another format, makes a pickle of them. `torch.save`
wrote every part that torch's own table names, so that each is one whole archive.

Invariants: a file that the model does not have, or whose parts nobody could tell, is not spoken of
here; where that leaves something unread, its reader has said so.

Source: torch 2.13, `torch/distributed/checkpoint/filesystem.py` (`_write_item`, `read_data`).
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import Final

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, PickleOddity, TorchParts
from modelscan.vocabulary.result import FileEntry

_WHOLE: Final = frozenset({"pickle", "pytorch", "zip"})
"""Formats of files that `torch.load` takes as a whole, and that were read as that."""
_STACKED: Final = ".distcp"


class PartRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each table that points to something else than parts, once for each file."""
        if not view.folder:
            return
        stated = facts.of(TorchParts)
        held = {
            found.location.file: frozenset(zip(found.offsets, found.lengths, strict=True))
            for found in stated
            if found.side == "held" and found.location.member is None
        }
        for table in stated:
            if table.side == "asked" and table.location.member is None:
                yield from _misplaced(table, view, held)


def _misplaced(
    table: TorchParts, view: RepositoryView, held: dict[str, frozenset[tuple[int, int]]]
) -> Iterator[PickleOddity]:
    folder = dirname(table.location.file)
    said = set[str]()
    for name, offset, length in zip(table.files, table.offsets, table.lengths, strict=True):
        entry = view.files.get(normpath(join(folder, name)))
        if entry is None or name in said:
            continue
        parts = held.get(entry.path)
        if (offset, length) in (parts or ()) or _is_whole(entry, offset, length):
            continue
        if parts is None and entry.path.endswith(_STACKED) and entry.format in _WHOLE - {"pickle"}:
            continue  # nobody told its parts, and its reader has said so
        said.add(name)
        detail = f"{length:,} bytes from byte {offset:,} of {name[:80]}, which are no part of it"
        yield PickleOddity(location=table.location, kind="misplaced-part", detail=detail)


def _is_whole(entry: FileEntry, offset: int, length: int) -> bool:
    """True for all of a file that is read as a whole."""
    return entry.format in _WHOLE and offset == 0 and length == entry.size
