"""Archives of `torch.package`: names that are taken from the archive, and not from a library.

The importer of such an archive looks for a module among the sources in it first. A pickle that
imports `collections.OrderedDict` runs the archive's own `collections.py` when there is one, so that
what the list says about that name means nothing.

Invariants: only names that the list knows are spoken of, since the others are findings already; a
source counts for its own module and for everything below it, which imports it first.

Source: torch 2.13, `torch/package/package_importer.py` (`_add_file`, `_do_find_and_load`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, PickleImport, PickleOddity, TorchPackage
from modelscan.vocabulary.location import Location

_LIST: Final = ".data/extern_modules"
_SOURCE: Final = ".py"


class PackageRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each listed name that an archive, or an unpacked one, brings along."""
        imports = facts.of(PickleImport)
        packages = [*facts.of(TorchPackage), *_unpacked(view)] if imports else []
        if not packages:
            return
        modules = [frozenset(package.modules) for package in packages]
        for found in imports:
            if found.own or found.disposition == "denied":
                continue
            ways = list(_ways(found.module))
            for package, names in zip(packages, modules, strict=True):
                if _inside(found, package) and not names.isdisjoint(ways):
                    yield PickleOddity(
                        location=found.location, kind="packaged-module", detail=found.callable
                    )
                    break


def _unpacked(view: RepositoryView) -> Iterator[TorchPackage]:
    """The folders that the importer takes like an archive."""
    for name in sorted(name for name in view.names if name.endswith(_LIST)):
        folder = name.removesuffix(_LIST)
        if folder and not folder.endswith("/"):
            continue
        modules = (
            other.removeprefix(folder).removesuffix(_SOURCE)
            for other in view.names
            if other.startswith(folder) and other.endswith(_SOURCE)
        )
        names = tuple(sorted(name.removesuffix("/__init__").replace("/", ".") for name in modules))
        yield TorchPackage(location=Location(name), folder=folder, modules=names)


def _inside(found: PickleImport, package: TorchPackage) -> bool:
    """True for an import by a pickle in the archive, or in the folder."""
    if found.location.file == package.location.file:
        return (found.location.member or "").startswith(package.folder)
    return package.location.file == package.folder + _LIST and (
        found.location.file.startswith(package.folder)
    )


def _ways(module: str) -> Iterator[str]:
    """A module, and those that are imported before it."""
    while module:
        yield module
        module = module.rpartition(".")[0]
