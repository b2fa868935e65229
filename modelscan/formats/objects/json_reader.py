"""JSON documents that name what their loader constructs.

Among them are Keras models, configurations of Hydra, pickles spelt in JSON, and serialised chains.

Invariants: the reader of JSON configuration speaks for the document as a whole; this one only adds
what it names, and costs next to nothing on documents that cannot name anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.tree import parse_json
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import PickleGlobals

_MARKS: Final = (
    b"class_name", b"_target_", b'"py/', b'"lc"', b'"target"', b'"class_path"', b'"Custom"',
    b"function_type",
)  # fmt: skip
"""One of them is in every document that names something, unless an escape spells it."""
_ESCAPES: Final = (b"\\u002", b"\\u003", b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""Escapes of characters that need none: how a mark is hidden. JSON writers escape others."""
_SMALL: Final = 1 << 20
"""Larger documents are vocabularies, whose tokens are full of escapes."""
_MAX_DOCUMENT: Final = 64 << 20


def may_name(data: bytes) -> bool:
    """False for a document that names nothing."""
    if any(mark in data for mark in _MARKS):
        return True
    # the part that all escapes share first: every document pays for this
    return len(data) <= _SMALL and b"\\u00" in data and any(mark in data for mark in _ESCAPES)


class JsonObjectsReader:
    """Any JSON document, by its extension.

    Args:
        names: what the list says of each importable name.
    """

    format = "json"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = Names(names)

    extensions = frozenset({".json"})

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension; a small document is in sight as a whole, and judged here already."""
        if glimpse.extension != ".json":
            return False
        return glimpse.size > HEAD or may_name(glimpse.head)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what the document names.

        Raises:
            ReadError: it is not JSON.
            BudgetError: it is too large.
        """
        if artifact.size > _MAX_DOCUMENT:
            raise BudgetError(f"a JSON document of {artifact.size:,} bytes")
        budget.header(artifact.size)
        data = artifact.read_at(0, artifact.size)
        if may_name(data):
            from modelscan.formats.objects import documents  # lazy: most name nothing

            yield from documents.facts(artifact, parse_json(data), data, self._names, budget)
