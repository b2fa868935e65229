"""Functions of the model's own code that a configuration has called.

A document that names `loader.setup` under `_target_` has it called when the document is
instantiated: what the function does, it does then, and not only when somebody calls it by hand.

Source: Hydra, "Instantiating objects with Hydra": the target is imported from wherever Python finds
it, which is the working directory, and with it the folder of the model, before all else.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import msgspec

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import CodeBehaviour, ConfigObject, Fact

_PACKAGE: Final = "/__init__.py"
_DEEPEST: Final = 12
"""Parts of a name that are looked up as a path."""


class CalledCodeRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State again what such a function does, at the time when its configuration is loaded."""
        del view
        asked = facts.of(ConfigObject)
        if not asked:
            return
        waiting: defaultdict[str, list[CodeBehaviour]] = defaultdict(list)
        for code in facts.of(CodeBehaviour):
            if code.when == "call" and code.within and code.location.member is None:
                waiting[code.location.file].append(code)
        stated = set[int]()
        for one in asked if waiting else ():
            for path, name in _places(one):
                for code in waiting.get(path, ()):
                    if name in code.within and id(code) not in stated:
                        stated.add(id(code))
                        yield msgspec.structs.replace(code, when="instantiation")


def _places(asked: ConfigObject) -> Iterator[tuple[str, str]]:
    """Files that a name may lead to, each with what is looked up in it."""
    parts = asked.name.strip().replace(":", ".").split(".")
    folder = posixpath.dirname(asked.location.file)
    for end in range(1, min(len(parts), _DEEPEST)):
        module, name = "/".join(parts[:end]), ".".join(parts[end:])
        for place in {folder, ""}:
            for ending in (".py", _PACKAGE):
                yield posixpath.join(place, module + ending), name
