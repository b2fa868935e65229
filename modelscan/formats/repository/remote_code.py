"""The Python that configurations ask for: is it part of the model, and what is all of it?

Consent to remote code is given to a fingerprint. It covers every module of the repository, and not
only the one that is named: what a module imports while it runs is not decidable, and a change to
code that nobody imports costs one more look at it.

Source: transformers, `get_class_from_dynamic_module`: `module.Class` is taken from `module.py`;
sentence-transformers takes dotted modules from folders.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator

from modelscan.formats import adapter_config
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RemoteClosure, RemoteCode, RemoteModule
from modelscan.vocabulary.location import Location

_MODULES = (".py", ".pyc", ".pyd", ".so")
"""Extensions of what Python can import from a folder."""


class RemoteCodeRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State for each reference to code of this repository whether the code is here.

        Adapters name modules of installed packages, so nothing is expected of their folder.
        """
        asked = facts.of(RemoteCode)
        if not view.folder or not asked:
            return
        elsewhere = set[str]()
        for code in asked:
            path = code.location.file
            module = code.reference.rpartition(".")[0].replace(".", "/") + ".py"
            places = {posixpath.join(posixpath.dirname(path), module), module}
            shipped = not code.repository and not places.isdisjoint(view.names)
            if not shipped:
                elsewhere.add(code.reference)
            if not code.repository and posixpath.basename(path) != adapter_config.NAME:
                yield RemoteModule(
                    location=code.location,
                    key=code.key,
                    reference=code.reference,
                    module=module,
                    shipped=shipped,
                )
        yield _closure(view, sorted(elsewhere), asked[0].location)


def _closure(view: RepositoryView, elsewhere: list[str], where: Location) -> RemoteClosure:
    files = sorted(name for name in view.names if name.lower().endswith(_MODULES))
    digests = [
        view.files[name].digests.get("sha256", "") if name in view.files else "" for name in files
    ]
    whole = json.dumps([list(zip(files, digests, strict=True)), elsewhere])  # ASCII, unambiguous
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return RemoteClosure(
        location=where,
        fingerprint=f"sha256:{digest}" if all(digests) else "",
        files=tuple(files),
        elsewhere=tuple(elsewhere),
    )
