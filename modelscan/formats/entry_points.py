"""Entry points of installed packages: plug-ins that other programs load without being asked.

A folder on Python's path with `x.dist-info/entry_points.txt` in it counts as an installed package,
and the folder that somebody works in is on the path. Serving programs load every plug-in of their
group when they start.

Sources: Python packaging, "Entry points specification"; vLLM, `vllm.general_plugins`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryAttachment

NAME: Final = "entry_points.txt"
_GROUP: Final = re.compile(r"^\s*\[([^\]\n]{1,200})\]", re.MULTILINE)
_COMMANDS: Final = frozenset({"console_scripts", "gui_scripts"})
"""Groups that only name commands, which somebody has to call."""
_LARGEST: Final = 1 << 20
_MOST: Final = 20


class EntryPointsReader:
    """The list of a package's entry points, by its name."""

    format = "text"
    aside = True

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as Python does."""
        return glimpse.name == NAME

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each group of plug-ins."""
        text = artifact.read_at(0, min(artifact.size, _LARGEST)).decode("utf-8", "replace")
        groups = dict.fromkeys(found[1].strip() for found in _GROUP.finditer(text))
        for group in [one for one in groups if one not in _COMMANDS][:_MOST]:
            budget.fact()
            name = f"{artifact.name} ({group})"
            yield RepositoryAttachment(location=place(artifact), kind="start-up", name=name)
