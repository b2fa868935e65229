"""Finds out which names real libraries write into their pickles: `rules/lists/pickle-globals.yaml`.

Run it in an environment of its own, with the libraries and this project's requirements installed:

    PYTHONPATH=. python tools/harvest_pickles.py FOLDER

Every library that can be imported saves many kinds of objects into FOLDER, in its own formats. Then
our own reader collects the names in them, and what is not on the list is printed, with the files
that it is in and what the default policy makes of them. Nothing that was saved is loaded again.

A name belongs on the list after somebody has read what it does: its `__init__`, `__reduce__` and
`__setstate__`. Whatever touches files, the network, other objects or the interpreter stays out.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import pickle
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from modelscan.api import scan
from modelscan.budget import Budget
from modelscan.engine.catalogue import load as load_catalogue
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import PickleImport
from tools.harvest_files import WRITERS
from tools.harvest_objects import LIBRARIES


def _dump(module: str, value: Any, path: Path, **options: Any) -> None:
    with contextlib.suppress(ImportError), path.open("wb") as file:
        import_module(module).dump(value, file, **options)


def _write(data: Callable[[], bytes], path: Path) -> None:
    path.write_bytes(data())


def _save(value: Any, path: Path) -> None:
    """Save one object in every way that takes it."""
    for protocol in (0, 2, 4, 5):
        data = partial(pickle.dumps, value, protocol)
        _try(path, f".p{protocol}.pkl", partial(_write, data))
    _try(path, ".joblib", lambda to: _dump("joblib", value, to))
    _try(path, ".z.joblib", lambda to: _dump("joblib", value, to, compress=3))
    _try(path, ".dill", lambda to: _dump("dill", value, to))
    _try(path, ".cloud.pkl", lambda to: _dump("cloudpickle", value, to))
    if "numpy" in sys.modules:
        _try(path, ".npy", lambda to: sys.modules["numpy"].save(to, [value], allow_pickle=True))
    if "torch" in sys.modules:
        save = sys.modules["torch"].save
        _try(path, ".pt", lambda to: save(value, to))
        old = {"_use_new_zipfile_serialization": False}
        _try(path, ".legacy.bin", lambda to: save(value, to, **old))


def _try(path: Path, suffix: str, write: Callable[[Path], object]) -> None:
    to = path.with_name(path.name + suffix)
    try:
        write(to)
    except Exception:  # noqa: BLE001  # not every object can be saved in every way
        to.unlink(missing_ok=True)


def save_all(folder: Path, only: list[str]) -> None:
    """Let every library save its objects."""
    for library in LIBRARIES:
        if only and library.__name__ not in only:
            continue
        count = 0
        try:
            for name, value in library():
                place = folder / library.__name__
                place.mkdir(parents=True, exist_ok=True)
                _save(value, place / name)
                count += 1
        except Exception as error:  # noqa: BLE001  # one library's fault is not the others'
            print(f"  {library.__name__}: {type(error).__name__}: {error}")
        print(f"{library.__name__}: {count} objects", flush=True)
    for writer in WRITERS:
        if only and writer.__name__ not in only:
            continue
        place = folder / "files" / writer.__name__
        place.mkdir(parents=True, exist_ok=True)
        try:
            writer(place)
        except Exception as error:  # noqa: BLE001  # the same
            print(f"  {writer.__name__}: {type(error).__name__}: {error}")
        written = sum(path.is_file() for path in place.rglob("*"))
        print(f"{writer.__name__}: {written} files", flush=True)


def report(folder: Path) -> None:
    """Print the names that are not on the list, and the files that the default policy fails."""
    lists = load_catalogue().lists
    readers = readers_for(lists)
    where: dict[str, list[str]] = {}
    outcomes = collections.Counter[int]()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        for fact in Reading(BytesArtifact(path.name, path.read_bytes()), readers, Budget()):
            if isinstance(fact, PickleImport) and fact.disposition in {"unknown", "denied"}:
                where.setdefault(f"{fact.disposition} {fact.module}:{fact.name}", []).append(name)
        found = scan(path)
        code = found.decision.exit_code
        outcomes[code] += 1
        if code:
            lines = {
                f"{f.rule}: {f.message}"[:150]
                for f in found.models[0].findings
                if f.severity in {"high", "critical"}
            }
            print(f"exit {code}: {name}", *sorted(lines)[:3], sep="\n    ")
    for entry, files in sorted(where.items()):
        print(f"{entry}  ({len(files)}: {files[0]})")
    print(dict(outcomes))


def main() -> None:
    """Save, then read."""
    parser = argparse.ArgumentParser(description="Collect the names in real pickles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="libraries, by the function's name")
    parser.add_argument("--report", action="store_true", help="read what was saved before")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("torch", "numpy", "scikit-learn", "transformers", "pandas", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            print(name, version(name))
    if not options.report:
        save_all(options.folder, options.only)
    report(options.folder)


if __name__ == "__main__":
    main()
