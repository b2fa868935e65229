"""Python objects in HDF5: PyTables stores them as pickles, in sequences of bytes in a global heap.

The sequences are found by the signature of the heaps, since only the chunks of a dataset, which may
be compressed, say which of them it uses.

Source: PyTables, `ObjectAtom`; pandas, columns of type `object` in the fixed format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.archive import Window, find
from modelscan.formats.hdf5 import heaps
from modelscan.formats.hdf5.cursor import Space
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, child_name

_MARK: Final = re.compile(b"GCOL")
_MARK_LENGTH: Final = 4
_PICKLE: Final = b"\x80"
_STOP: Final = b"."
_SHORTEST: Final = 4


def pickled(artifact: Artifact, space: Space, budget: Budget) -> Iterator[Artifact]:
    """Every object of a global heap that may be a pickle.

    Raises:
        BudgetError: more than the budget allows.
    """
    window = Window(artifact)
    at = find(artifact, window, _MARK, 0, artifact.size)
    while at < artifact.size:
        try:
            for index, value in heaps.global_objects(space, at - space.base, budget):
                if len(value) >= _SHORTEST and (value[:1] == _PICKLE or value[-1:] == _STOP):
                    budget.member()
                    member = child_name(artifact, f"@{at}.{index}")
                    yield BytesArtifact(
                        artifact.name, value, member=member, depth=artifact.depth + 1
                    )
        except BudgetError:
            raise
        except ReadError:
            pass  # the mark stood in data
        budget.step()
        at = find(artifact, window, _MARK, at + _MARK_LENGTH, artifact.size)
