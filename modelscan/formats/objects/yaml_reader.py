"""YAML documents: tags that construct objects, and what the document names.

Invariants: only events are looked at, nothing is constructed; a document that is not YAML is
searched as text from where the parser gave up, since an older or looser parser may go on.

Sources: PyYAML, "YAML tags and Python types" (CVE-2021-37678 for Keras models in YAML);
HyperPyYAML, "Tags"; Ruby's and Java's own tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.objects.judging import Names
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import PickleGlobals

_EXTENSIONS: Final = frozenset({".yaml", ".yml"})
_MARKS: Final = (b"!", b"_target_", b"class_name", b"class_path", b"target:", b"py/", b"\\", b"\0",
                  b"${e", b"${py")  # fmt: skip
"""One of them is in every document that names something; a NUL belongs to UTF-16."""
_MAX_DOCUMENT: Final = 8 << 20
"""Bytes that are parsed: the largest configurations have some 100 KB."""


class YamlReader:
    """Any YAML document, by its extension.

    Args:
        names: what the list says of each importable name.
    """

    format = "yaml"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = Names(names)

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, unless the document is in sight and can name nothing."""
        return glimpse.extension in _EXTENSIONS and (
            glimpse.size > HEAD or any(mark in glimpse.head for mark in _MARKS)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the tags and what the documents name.

        Raises:
            BudgetError: nested too deeply, or more than the budget allows.
        """
        data = artifact.read_at(0, min(artifact.size, _MAX_DOCUMENT))
        if not any(mark in data for mark in _MARKS):
            return
        from modelscan.formats.objects.yaml_document import YamlDocument  # lazy: as it says

        yield from YamlDocument(self._names).read(artifact, data, budget)
