"""What `modelassay doctor` finds: versions, data, cache, neighbours, environment, and problems.

Invariants: nothing is written, and no network is used; the value of a variable that can hold a
password or a token is never read into a result, nor is any part of it.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec

from modelscan import _neighbour, _resources
from modelscan._about import NAME, VERSION
from modelscan.errors import ModelAssayError

SCHEMA = "modelassay-doctor/1"

_SHOWN = (
    "MODELASSAY_CONFIG", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "LANG", "LC_ALL",
    "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "XDG_CACHE_HOME", "HF_HOME", "HF_HUB_CACHE",
    "HF_HUB_OFFLINE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "OLLAMA_MODELS",
)  # fmt: skip
_HIDDEN = (
    "HF_ENDPOINT", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELASSAY_REGISTRY_AUTH", "HTTP_PROXY",
    "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip
"""Tokens, and addresses, which may have a password in them."""
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*(?P<rest>[^;]*)")
_LEAST = re.compile(r">=\s*(?P<version>[0-9.]+)")


class Problem(msgspec.Struct, frozen=True):
    """Something that is not as it should be."""

    what: str
    fix: str
    level: Literal["broken", "note"]
    """`broken`: a scan fails, or its result cannot be relied on. `note`: good to know."""


class Dependency(msgspec.Struct, frozen=True):
    """A library that this installation declares."""

    name: str
    version: str | None
    """`None`: it is not installed."""
    needs: str
    """As declared: `>=8.1`."""
    optional: bool


class Data(msgspec.Struct, frozen=True):
    """Rules or manifests."""

    kind: str
    folder: str
    digest: str
    """Hexadecimal SHA-256 over the names and bytes of the source files."""
    counts: dict[str, int]


class Examination(msgspec.Struct, frozen=True):
    """All that `doctor` shows, as `-f json` writes it."""

    version: str
    installation: str
    """`wheel`, `editable`, or `folder`: run from where it lies."""
    package: list[str]
    """Folders that make up the import package."""
    python: str
    platform: str
    dependencies: list[Dependency]
    data: list[Data]
    cache: str
    cache_writable: bool
    neighbours: list[str]
    environment: dict[str, str | None]
    """Variables that are set; `None` where the value is not shown."""
    encoding: str
    terminal: bool
    problems: list[Problem]
    schema: str = SCHEMA


def examine() -> Examination:
    """Look at this installation and its environment."""
    around = _neighbour.look()
    dependencies = list(_dependencies())
    problems = [*_package_problems(around), *_dependency_problems(dependencies)]
    data: list[Data] = []
    for load in (_rules, _manifests):
        try:
            data.append(load())
        except (ModelAssayError, OSError) as error:
            hint = getattr(error, "hint", "") or f"install {NAME} again"
            problems.append(Problem(str(error), hint, "broken"))
    cache = _cache()
    writable = _writable(cache)
    if not _prebuilt(data) and not writable:
        what = f"the cache folder {cache} cannot be written, so that every start compiles the rules"
        problems.append(Problem(what, "make it writable, or set XDG_CACHE_HOME", "note"))
    encoding = sys.stdout.encoding or "ascii"
    if not encoding.lower().startswith("utf"):
        what = f"standard output is {encoding}: characters that it lacks are shown as escapes"
        problems.append(Problem(what, "set PYTHONUTF8=1 if your console can show UTF-8", "note"))
    return Examination(
        version=VERSION,
        installation=_installation(around),
        package=[str(folder) for folder in around.folders],
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        platform=platform.platform(),
        dependencies=dependencies,
        data=data,
        cache=str(cache),
        cache_writable=writable,
        neighbours=[_neighbour_line(neighbour) for neighbour in around.neighbours],
        environment=_environment(),
        encoding=encoding,
        terminal=sys.stdout.isatty(),
        problems=problems,
    )


def _installation(around: _neighbour.Surroundings) -> str:
    if around.version is None or around.elsewhere:
        return "folder"
    return "editable" if around.editable else "wheel"


def _package_problems(around: _neighbour.Surroundings) -> Iterator[Problem]:
    again = f"install {NAME} again: pip install --force-reinstall --no-deps {NAME}"
    for word, files in (("missing", around.missing), ("not as installed", around.changed)):
        if files:
            named = ", ".join(files[:3]) + (", …" if len(files) > 3 else "")  # noqa: PLR2004  # a few
            yield Problem(f"files of this installation are {word}: {named}", again, "broken")
    if around.elsewhere:
        what = f"the code that runs is not the installed one, which is in {around.elsewhere}"
        yield Problem(what, f"start it as `{NAME}`, from another folder", "note")
    elif around.version not in (None, VERSION):
        what = f"installed metadata says {around.version}, the code that runs is {VERSION}"
        yield Problem(what, again, "note")
    if len(around.folders) > 1:
        places = ", ".join(map(str, around.folders))
        what = f"the package {_neighbour.PACKAGE} is spread over several folders: {places}"
        yield Problem(what, "use an environment of its own, and no PYTHONPATH", "note")
    if any(not neighbour.files for neighbour in around.neighbours):
        what = f"an editable install of another {_neighbour.PACKAGE} hides ours, or is hidden by it"
        yield Problem(what, "use an environment of its own for one of them", "note")


def _dependencies() -> Iterator[Dependency]:
    """The libraries that our metadata declares; none when we are not installed.

    Requirements of the extra `dev` are not listed: they are for those who work on the code.
    """
    try:
        declared = metadata.requires(NAME) or []
    except metadata.PackageNotFoundError:
        return
    for line in declared:
        requirement = _REQUIREMENT.match(line)
        if requirement is None or re.search(r"""extra\s*==\s*['"]dev['"]""", line):
            continue
        try:
            version = metadata.version(requirement["name"])
        except metadata.PackageNotFoundError:
            version = None
        yield Dependency(
            requirement["name"], version, requirement["rest"].strip(), optional="extra" in line
        )


def _dependency_problems(dependencies: list[Dependency]) -> Iterator[Problem]:
    for item in dependencies:
        install = f"pip install '{item.name}{item.needs}'"
        if item.version is None:
            if not item.optional:
                yield Problem(f"{item.name} is not installed", install, "broken")
            continue
        least = _LEAST.search(item.needs)
        if least and _numbers(item.version) < _numbers(least["version"]):
            what = f"{item.name} {item.version} is too old: {item.needs} is needed"
            yield Problem(what, install, "broken")


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version, for comparison; pre-releases count as their release."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in release[0].split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _rules() -> Data:
    from modelscan.engine import catalogue  # lazy: `doctor --help` needs no rules

    loaded = catalogue.load()
    folder = _resources.folder(catalogue.KIND)
    digest = _resources.source_digest(folder, catalogue.SUFFIX)
    if loaded.digest != digest:
        what = "the compiled rules do not belong to the rule files beside them"
        raise ModelAssayError(what, f"install {NAME} again")
    return Data(catalogue.KIND, str(folder), digest, {"rules": len(loaded.rules)})


def _manifests() -> Data:
    from modelscan.verifier import compiling, installed  # lazy: as above

    folder = _resources.folder(compiling.KIND)
    summary = installed.shared_index().summary
    counts = {"releases": summary.releases, "files": summary.files}
    digest = _resources.source_digest(folder, compiling.SUFFIX)
    return Data(compiling.KIND, str(folder), digest, counts)


def _prebuilt(data: list[Data]) -> bool:
    """True in a wheel, whose rules and manifests were compiled when it was built."""
    package = Path(_resources.__file__).parent
    return all(Path(item.folder).is_relative_to(package) for item in data)


def _cache() -> Path:
    import platformdirs  # lazy: as where it is used

    return Path(platformdirs.user_cache_dir(NAME, appauthor=False))


def _writable(folder: Path) -> bool:
    """True if the folder, or the nearest one above it that exists, can be written."""
    # os.access, unlike Path.exists, does not raise below a folder that may not be entered.
    existing = next((p for p in (folder, *folder.parents) if os.access(p, os.F_OK)), folder)
    return existing.is_dir() and os.access(existing, os.W_OK)


def _neighbour_line(neighbour: _neighbour.Neighbour) -> str:
    if not neighbour.files:
        return f"{neighbour.name} {neighbour.version}, editable"
    return f"{neighbour.name} {neighbour.version}, beside us: {neighbour.files} files"


def _environment() -> dict[str, str | None]:
    shown: dict[str, str | None] = {name: os.environ[name] for name in _SHOWN if name in os.environ}
    return shown | dict.fromkeys(name for name in _HIDDEN if name in os.environ)
