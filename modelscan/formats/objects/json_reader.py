"""JSON documents that name what their loader constructs.

Among them are Keras models, configurations of Hydra, pickles spelt in JSON, and serialised chains.

Invariants: the reader of JSON configuration speaks for the document as a whole; this one only adds
what it names, and costs next to nothing on documents that cannot name anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.long_json import SPELLING, mentions
from modelscan.formats.objects.judging import Names
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import PickleGlobals

_MARK: Final = re.compile(
    rb'"(?:class_(?:name|path)"|_{1,2}target_{1,2}"|target"|py\\?/|lc"|Custom"|function_type")'
)
"""In every document that names something, unless an escape spells it. All begin with the quotation
mark: one search for one byte is what makes this quick, and every document pays for it."""
_NAMING: Final = re.compile(
    rb'"(?:class_name|function_type|_{1,2}target_{1,2}|target|class_path|py\\?/\w+)"\s*:\s*["\[{]'
    rb'|"lc"\s*:\s*1\s*,|"op"\s*:\s*"Custom"'
)
"""The same in their place: vocabularies have such words, too, and a number behind each."""
_ESCAPE: Final = b"\\u00"
_SPELLING: Final = re.compile(SPELLING)
_SMALL: Final = 1 << 20
"""Larger documents are vocabularies more often than not."""
_MAX_DOCUMENT: Final = 16 << 20
"""Bytes that are parsed; the configurations of the largest models have some megabytes. Longer
documents are searched piece by piece."""


def may_name(data: bytes) -> bool:
    """False for a document that names nothing."""
    if _ESCAPE in data and _SPELLING.search(data):
        return True
    if not _MARK.search(data):
        return False
    return len(data) <= _SMALL or _NAMING.search(data) is not None


class JsonObjectsReader:
    """Any JSON document, by its extension.

    Args:
        names: what the list says of each importable name.
    """

    format = "json"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = Names(names)

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
            if mentions(artifact, _NAMING, budget):
                raise BudgetError(f"a JSON document of {artifact.size:,} bytes that names classes")
            return
        budget.header(artifact.size)
        data = artifact.read_at(0, artifact.size)
        if may_name(data):
            from modelscan.formats.objects import documents  # lazy: most documents name nothing

            yield from documents.facts_of_json(artifact, data, self._names, budget)
