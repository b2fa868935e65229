"""The Python that configurations ask for: is it part of the model, and what is all of it?

Consent to remote code is given to a fingerprint of every module of the repository, the digest that
a lock holds, too: `vocabulary.digest.code_digest`.

Source: transformers, `get_class_from_dynamic_module`: `module.Class` is taken from `module.py`;
sentence-transformers takes dotted modules from folders.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from modelscan.formats import adapter_config, diffusers_index, mlflow
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.digest import code_digest, is_module
from modelscan.vocabulary.fact import ConfigComponent, Fact, RemoteClosure, RemoteCode, RemoteModule
from modelscan.vocabulary.location import Location


class RemoteCodeRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State for each reference to code of this repository whether the code is here.

        Adapters name modules of installed packages, so nothing is expected of their folder.
        """
        own = list(_components(view, facts))
        yield from own
        asked = [*facts.of(RemoteCode), *own]
        if not view.folder or not asked:
            return
        elsewhere = set[str]()
        for code in asked:
            path = code.location.file
            module = code.reference.rpartition(".")[0].replace(".", "/") + ".py"
            places = {posixpath.join(posixpath.dirname(path), module), module}
            if posixpath.basename(path) == diffusers_index.NAME:  # beside the component
                places.add(posixpath.join(posixpath.dirname(path), code.key, module))
            if posixpath.basename(path) == mlflow.NAME:  # MLflow imports packages, too
                package = module.removesuffix(".py") + "/__init__.py"
                places.add(posixpath.join(posixpath.dirname(path), package))
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


def _components(view: RepositoryView, facts: Facts) -> Iterator[RemoteCode]:
    """Components of a pipeline whose module lies in the repository."""
    for one in facts.of(ConfigComponent):
        folder = posixpath.dirname(one.location.file)
        module = one.library.replace(".", "/") + ".py"
        places = {posixpath.join(folder, one.key, module), posixpath.join(folder, module)}
        if not places.isdisjoint(view.names):
            yield RemoteCode(
                location=one.location,
                key=one.key,
                reference=f"{one.library}.{one.name}",
                repository="",
            )


def _closure(view: RepositoryView, elsewhere: list[str], where: Location) -> RemoteClosure:
    files = sorted(filter(is_module, view.names))
    digests = [
        view.files[name].digests.get("sha256", "") if name in view.files else "" for name in files
    ]
    known = zip(files, digests, strict=True)
    return RemoteClosure(
        location=where,
        fingerprint=code_digest(known, elsewhere) if all(digests) else "",
        files=tuple(files),
        elsewhere=tuple(elsewhere),
    )
