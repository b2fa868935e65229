"""TensorFlow checkpoints: `<name>.index`, a table of tensors, and `<name>.data-00000-of-00001`.

Both hold values and the names to put them under: neither can name an operator, so that restoring
one runs nothing but the graph that restores it. The magic at the end of the table is checked; its
entries, and the tensors, are data. In the first version of the format, `<name>.ckpt`, the tensors
lie in the table itself.

Source: `tensor_bundle.h` and `table/format.h` in TensorFlow; the table is LevelDB's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

MAGIC: Final = (0xDB4775248B80FB57).to_bytes(8, "little")
_DATA: Final = re.compile(r"\.data-[0-9]{5}-of-[0-9]{5}")
_INDEX: Final = ".index"
_FIRST_VERSION: Final = ".ckpt"


class CheckpointReader:
    """Tells the two kinds of files apart, and says that what they hold is data."""

    format = "tensorflow checkpoint"

    def recognises(self, glimpse: Glimpse) -> bool:
        """A table by its name and the magic at its end, tensors by their name."""
        if glimpse.extension == _INDEX:
            return glimpse.tail.endswith(MAGIC)
        if glimpse.extension == _FIRST_VERSION:
            return is_table(glimpse)
        return glimpse.extension.startswith(".data-") and (
            _DATA.fullmatch(glimpse.extension) is not None
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """Account for the file.

        Raises:
            ReadError: a table without the magic at its end.
        """
        budget.step()
        table = base_name(artifact).lower().endswith((_INDEX, _FIRST_VERSION))
        if table and artifact.read_at(max(artifact.size - len(MAGIC), 0), len(MAGIC)) != MAGIC:
            raise ReadError("a table of tensors that breaks off", offset=artifact.size)
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="header-only" if table else "skipped",
            reason="names and places of tensors" if table else "tensors of a checkpoint",
        )


def is_table(glimpse: Glimpse) -> bool:
    """True for a table by both of its ends: no pickle begins with a zero, as its first entry does.

    Pickles have the same extension as the first version of the format.
    """
    return glimpse.head[:1] == b"\0" and glimpse.ending.endswith(MAGIC)
