"""GGUF, versions 1 to 3 in both byte orders: models and what goes with them in llama.cpp.

A file is a header of counts, keys with typed values, a table of tensors, and their data. Parsers
that took a count, length or offset on trust were attacked with it, so that each one is held against
the size of the file. Chat templates among the values are programs, and go on their own way. The
data is hashed, and never interpreted.

Source: the GGUF specification in the ggml repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import sniff
from modelscan.formats.gguf.cursor import (
    COUNTS_AT,
    MAGIC,
    VERSION_AT,
    OverrunError,
)
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact


class GgufReader:
    """Checks the header to the last byte, and that the tensors and nothing else fill the file."""

    format = "gguf"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic and a version; by extension what has no other known first bytes."""
        if glimpse.head.startswith(MAGIC):
            version = glimpse.head[VERSION_AT:COUNTS_AT]
            return glimpse.extension == ".gguf" or b"\0\0" in (version[:2], version[2:])
        return glimpse.extension == ".gguf" and sniff.unread(glimpse) == sniff.UNKNOWN

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the header, what the file claims, and every promise of the format that it breaks.

        Raises:
            ReadError: the header cannot be followed to its end.
            BudgetError: it is longer than any real one.
        """
        from modelscan.formats.gguf.file import File  # lazy: most models are in other formats

        file = File(artifact, budget)
        trouble: ReadError | None = None
        try:
            file.read()
        except OverrunError as error:
            file.defects.add("impossible-length", "the header", error.message, error.offset)
            trouble = error
        except ReadError as error:
            trouble = error
        for item in file.statements():
            if isinstance(item, Fact):
                budget.fact()
            yield item
        if trouble is not None:
            raise trouble
