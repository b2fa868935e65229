"""Models of Torch7, the predecessor of PyTorch in Lua: `torch.load` there runs bytecode in a file.

Invariants: objects are not followed; functions are found by the first bytes that compiled Lua has,
wherever they stand. Since other ways to hide one cannot be excluded, the file stays a needed gap.

Source: torch7, `File.lua`: a function is stored as the output of `string.dump`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats import archive
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSIONS: Final = frozenset({".t7", ".th7", ".net"})
_OBJECT: Final = b"\x04\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00V 1"
"""The first object of a binary file: a Torch class, index 1, version 1."""
_TABLE: Final = b"\x03\x00\x00\x00\x01\x00\x00\x00"
_COMPILED: Final = re.compile(rb"\x1bLua|\x1bLJ")


class Torch7Reader:
    """A file of Torch7."""

    format = "torch7"

    extensions = _EXTENSIONS
    starts = (_OBJECT,)

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its first object; a table is one only under an extension of Torch7."""
        if glimpse.head.startswith(_OBJECT):
            return True
        return glimpse.extension in _EXTENSIONS and (
            glimpse.extension != ".net" or glimpse.head.startswith(_TABLE)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State compiled functions."""
        window = archive.Window(artifact)
        at = archive.find(artifact, window, _COMPILED, 0, artifact.size)
        if at < artifact.size:
            budget.fact()
            yield ActiveContent(
                location=place(artifact, at), format=self.format, kind="code", name="Lua bytecode"
            )
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="unsupported",
            needed=True,
            reason="torch7: searched for bytecode, its objects are not followed",
        )
