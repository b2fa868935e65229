"""PyTorch checkpoints: zip archives whose `<root>/data.pkl` says how to rebuild the tensors.

Invariants: this reader only states what the archive is, how long its storages are, and which
modules it brings along. The zip reader recognises the same bytes and yields the members, so that
the pickle is read once.

Source: PyTorch's serialization format since 1.6, `caffe2/serialize/inline_container.h`: every
record lies in one root folder; TorchScript adds a `code/` folder and `constants.pkl` to it. What
`torch.package` writes has `.data/extern_modules` there, and sources beside the pickles, which its
importer prefers to what is installed (`torch/package/package_importer.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.formats import zip_records
from modelscan.formats.archive import Window
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact, child_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TorchCheckpoint, TorchPackage, TorchStorages
from modelscan.vocabulary.location import Location

_PICKLE = b"/data.pkl"
_STORAGE = b"/data/"
_SCRIPT_FOLDER, _SCRIPT_CONSTANTS = b"/code/", b"/constants.pkl"
_PACKAGE, _SOURCE = b"/.data/extern_modules", b".py"


class TorchReader:
    """Zip archives that `torch.load` or `torch.jit.load` takes."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "pytorch"

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for a zip from its first byte on, as `torch.load` demands, with a `data.pkl`.

        `torch.save` writes that record first, and the directory of any zip of ordinary size fits
        the tail. A package is told by its list of modules.
        """
        if not glimpse.head.startswith(zip_records.LOCAL_MARK):
            return False
        if _PICKLE in glimpse.head or _PACKAGE in glimpse.head:
            return True
        return glimpse.size > HEAD and (_PICKLE in glimpse.tail or _PACKAGE in glimpse.tail)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`."""
        names = set[bytes]()
        held: dict[bytes, int] = {}
        for directory in zip_records.directories(artifact):
            data = zip_records.load(artifact, directory)
            for _, entry in zip_records.entries(data, directory.base):
                if _STORAGE in entry.name:
                    held.setdefault(entry.name, entry.size)
                if _matters(entry.name):
                    names.add(entry.name)
            budget.step(directory.count)
        first = zip_records.local_at(Window(artifact), 0)
        if first is not None:  # also when the directory, and so the rest, is broken
            names.add(first.name)
        for root in sorted(name.removesuffix(_PACKAGE) for name in names if _is_list(name)):
            yield from _brought(artifact, root, names, budget)
        roots = {name.removesuffix(_PICKLE) for name in names if _is_data(name)}
        if not roots:
            return
        script = any(
            root + _SCRIPT_CONSTANTS in names
            or any(name.startswith(root + _SCRIPT_FOLDER) for name in names)
            for root in roots
        )
        yield TorchCheckpoint(location=place(artifact), layout="torchscript" if script else "zip")
        for root in sorted(roots):
            yield from _held(artifact, root, held, budget)


def _held(
    artifact: Artifact, root: bytes, sizes: dict[bytes, int], budget: Budget
) -> Iterator[Fact]:
    """The storages beside one pickle."""
    prefix = root + _STORAGE
    found = {
        name.removeprefix(prefix).decode("utf-8", "replace"): size
        for name, size in sizes.items()
        if name.startswith(prefix)
    }
    if found:
        budget.fact()
        member = child_name(artifact, (root + _PICKLE).decode("utf-8", "replace"))
        location = Location(artifact.name, member)
        yield TorchStorages(
            location=location, side="held", keys=tuple(found), sizes=tuple(found.values())
        )


def _brought(artifact: Artifact, root: bytes, names: set[bytes], budget: Budget) -> Iterator[Fact]:
    """The modules whose sources a package holds."""
    prefix = root + b"/"
    modules = {
        name.removeprefix(prefix).removesuffix(_SOURCE).decode("utf-8", "replace")
        for name in names
        if name.startswith(prefix) and name.endswith(_SOURCE)
    }
    if modules:
        budget.fact()
        yield TorchPackage(
            location=place(artifact),
            folder=child_name(artifact, prefix.decode("utf-8", "replace")),
            modules=tuple(
                sorted(name.removesuffix("/__init__").replace("/", ".") for name in modules)
            ),
        )


def _matters(name: bytes) -> bool:
    """True for the names that tell the layouts apart; a checkpoint may hold 100,000 others."""
    return name.endswith((_PICKLE, _SCRIPT_CONSTANTS, _PACKAGE, _SOURCE)) or _SCRIPT_FOLDER in name


def _is_list(name: bytes) -> bool:
    return name.endswith(_PACKAGE) and name.count(b"/") == _PACKAGE.count(b"/")


def _is_data(name: bytes) -> bool:
    return name.endswith(_PICKLE) and name.count(b"/") == 1
