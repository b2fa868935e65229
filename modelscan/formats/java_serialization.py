"""Java's own serialisation, as models of Weka, MOA, H2O and Spark's older tools are stored.

Invariants: the classes are named, and none is judged: reading such a stream calls methods of every
class in it, and which chains of them run a command depends on the programs that are installed.

Source: Java Object Serialization Specification, section 6, "Object Serialization Stream Protocol".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_MAGIC: Final = b"\xac\xed\x00\x05"
_CLASS: Final = re.compile(rb"r\x00[\x01-\xff]([A-Za-z_$\[][\w$.;\[]{2,254})")
"""`TC_CLASSDESC`, the length of the name in 16 bits, the name."""
_LOOKED_AT: Final = 1 << 20
_SHOWN: Final = 8


class JavaSerializationReader:
    """A stream of serialised Java objects."""

    format = "java serialization"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its first bytes."""
        return glimpse.head.startswith(_MAGIC)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State that it is one, and the classes in sight."""
        data = artifact.read_at(0, _LOOKED_AT)
        names = dict.fromkeys(
            name[1][: name[0][2]].decode("latin-1") for name in _CLASS.finditer(data)
        )
        budget.fact()
        yield ActiveContent(
            location=place(artifact),
            format=self.format,
            kind="object-stream",
            name=next(iter(names), ""),
            detail=", ".join(list(names)[:_SHOWN]),
        )
