"""Reviews the list of pickles against the source of installed libraries: `pickle-globals.yaml`.

    PYTHONPATH=. python tools/review_globals.py sklearn-1.9=FOLDER sklearn-0.20=OTHER …

Every FOLDER holds installed packages, of any version and for any Python: `pip install --target`,
or the `site-packages` of an environment. Nothing in them is imported or run. For every listed
name that is trusted, the definition is looked up in each of them, and three lists are printed:

* names whose definition, or whose bases, reach files, processes, the network, imports by name or
  other loaders when an instance is made and filled (for `inert` and `constructor`: when called);
* names that no folder has, although one has their package: they must go, unless they are known from
  a version that is not there;
* how many names each folder accounts for, and how many are compiled, which this cannot read.

With `--others`, prints instead what the other methods of every trusted class do that a pickle can
have run: see `tools/review/others.py`.

With `--propose PACKAGE…`, prints the classes of a package that are not on the list and that reach
nothing of that kind: what a person should look through for the list.
"""

from __future__ import annotations

import argparse
import collections
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelscan.engine.catalogue import load as load_catalogue
from modelscan.vocabulary.lists import PickleGlobals
from tools.review.effects import effects, textless
from tools.review.others import Method, others
from tools.review.sources import Found, Sources

Folders = dict[str, Sources]


def _trusted(names: PickleGlobals) -> Iterator[tuple[str, str, str]]:
    """Module, name and disposition of what is trusted."""
    for module, table in sorted(names.modules.items()):
        for name, disposition in sorted(table.items()):
            if disposition not in {"denied", "unknown"}:
                yield module, name, disposition


def _first(folders: Folders, module: str, name: str) -> tuple[str, Found] | None:
    """The first folder that has the name, and its definition there."""
    for label, sources in folders.items():
        if sources.has(module):
            found = sources.find(module, name)
            if found.kind != "missing":
                return label, found
    return None


def review(folders: Folders, names: PickleGlobals) -> None:
    """Print what the sources say of every trusted name."""
    kinds = collections.Counter[tuple[str, str]]()
    missing: list[str] = []
    for module, name, disposition in _trusted(names):
        known = [label for label, sources in folders.items() if sources.has(module)]
        if not known:
            kinds["(no folder)", module.partition(".")[0]] += 1
            continue
        place = _first(folders, module, name)
        if place is None:
            missing.append(f"{module}:{name}")
            continue
        label, found = place
        kinds[label, found.kind] += 1
        called = disposition in {"inert", "constructor"}
        for method, words in effects(folders[label], found, called=called).items():
            print(f"{disposition} {module}:{name} {method}: {' '.join(words)}  ({label})")
    print(f"\nin no folder: {len(missing)}", *missing, sep="\n  ")
    print("\naccounted for:")
    for (label, kind), count in sorted(kinds.items()):
        print(f"  {label} {kind}: {count}")


def review_others(folders: Folders, names: PickleGlobals) -> None:
    """Print every other method that is run, once, and of how many trusted classes."""
    found = collections.Counter[Method]()
    for module, name, _ in _trusted(names):
        for sources in folders.values():
            place = sources.find(module, name) if sources.has(module) else None
            if place is not None and place.kind == "class":
                found.update(others(sources, place))
    for method, count in sorted(found.items()):
        print(
            f"{method.module}:{method.cls}.{method.name} [{count}]",
            f"reaches {' '.join(method.words)};" if method.words else "",
            f"calls {' '.join(method.own)}" if method.own else "",
        )


def propose(folders: Folders, names: PickleGlobals, packages: Sequence[str]) -> None:
    """Print classes that are not listed and that reach nothing when they are made and filled."""
    for package in packages:
        for label, sources in folders.items():
            for module in sources.modules(package) if sources.has(package) else ():
                for name in sources.names(module):
                    found = sources.find(module, name)
                    if names.disposition(module, name) != "unknown" or name.startswith("_Test"):
                        continue
                    words = effects(sources, found, called=False)
                    bases = ",".join(sorted(set(textless(sources, found)))) or "-"
                    print("reaches" if words else "plain", module, name, bases, label, words or "")


def main() -> None:
    """Read the folders, then print."""
    parser = argparse.ArgumentParser(description="Review the list of pickles against sources.")
    parser.add_argument("folders", nargs="+", help="LABEL=FOLDER")
    parser.add_argument("--propose", nargs="*", default=[], help="packages")
    parser.add_argument("--others", action="store_true", help="other methods that are run")
    options = parser.parse_args()
    folders = {
        label: Sources(Path(path))
        for label, _, path in (one.partition("=") for one in options.folders)
    }
    names = load_catalogue().lists.pickle_globals
    if options.propose:
        propose(folders, names, options.propose)
    elif options.others:
        review_others(folders, names)
    else:
        review(folders, names)


if __name__ == "__main__":
    main()
