"""The Python that configurations ask for: is the file that would be imported part of the model?

Source: transformers, `get_class_from_dynamic_module`: `module.Class` is taken from `module.py`;
sentence-transformers takes dotted modules from folders.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from modelscan.formats import adapter_config
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RemoteCode, RemoteModule


class RemoteCodeRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State for each reference to code of this repository whether the code is here.

        Adapters name modules of installed packages, so nothing is expected of their folder.
        """
        if not view.folder:
            return
        for code in facts.of(RemoteCode):
            path = code.location.file
            if code.repository or posixpath.basename(path) == adapter_config.NAME:
                continue
            module = code.reference.rpartition(".")[0].replace(".", "/") + ".py"
            places = {posixpath.join(posixpath.dirname(path), module), module}
            yield RemoteModule(
                location=code.location,
                key=code.key,
                reference=code.reference,
                module=module,
                shipped=not places.isdisjoint(view.names),
            )
