"""Network definitions of Caffe, `.prototxt`: layers that a Python module provides.

Invariants: the text is searched with comments taken out, not parsed; what names a module is stated.

Source: BVLC Caffe, `caffe.proto`: a layer of type `Python` imports `python_param.module` and makes
the class `python_param.layer` of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact

_EXTENSIONS: Final = frozenset({".prototxt", ".caffe"})
_MAX_TEXT: Final = 16 << 20
_COMMENT: Final = re.compile(r"#[^\n]*")
_PYTHON: Final = re.compile(r"\btype\s*:\s*[\"']Python[\"']|\bpython_param\b")
_MODULE: Final = re.compile(r"\bmodule\s*:\s*[\"']([^\"'\n]{1,200})[\"']")
_MOST: Final = 50


class CaffeReader:
    """A network definition in text."""

    format = "caffe"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, which is all that a loader goes by."""
        return glimpse.extension in _EXTENSIONS

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the modules that layers are taken from.

        Raises:
            BudgetError: longer than any definition.
        """
        if artifact.size > _MAX_TEXT:
            raise BudgetError(f"a network definition of {artifact.size:,} bytes")
        text = artifact.read_at(0, artifact.size).decode("utf-8", "replace")
        text = _COMMENT.sub("", text)
        if not _PYTHON.search(text):
            return
        names = dict.fromkeys(found[1] for found in _MODULE.finditer(text)) or {"": None}
        for name in list(names)[:_MOST]:
            budget.fact()
            yield ActiveContent(
                location=place(artifact), format=self.format, kind="code", name=name
            )
