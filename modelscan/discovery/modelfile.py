"""Ollama's Modelfiles: `FROM` and `ADAPTER` name models.

Source: Ollama, "Modelfile Reference": instructions in any case, `#` comments, texts
in three quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.discovery.finder import CodeFile
from modelscan.discovery.mention import Mention
from modelscan.vocabulary.coverage import Coverage

_NAME: Final = re.compile(r"modelfile(?:[._-].*)?|.*\.modelfile")
_QUOTED: Final = re.compile(r'"""(?:[^"]|"(?!""))*"""')
_INSTRUCTION: Final = re.compile(r"\s*(FROM|ADAPTER)\s+(\S.*?)\s*", re.IGNORECASE)


class ModelfileFinder:
    """Modelfiles."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        return "modelfile" if _NAME.fullmatch(file.lower) else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        text = _QUOTED.sub(lambda found: "\n" * found[0].count("\n"), file.text)
        for number, row in enumerate(text.split("\n"), start=1):
            found = _INSTRUCTION.fullmatch(row)
            if found is None:
                continue
            name = found[2].strip("\"'")
            adapter = found[1].upper() == "ADAPTER"
            options = {"adapter": True} if adapter else {}
            yield Mention(name, number, "path" if adapter else "ollama", options=options)
