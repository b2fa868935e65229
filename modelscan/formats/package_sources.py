"""Where packages come from, by the settings of installers: conda, pip, uv, Poetry, Pipenv, npm.

A package that is named by an address, and one that may be taken from another index, is code of
whoever serves it. An index beside the usual one is enough: an installer takes the higher version,
whoever offers it (dependency confusion).

Invariants: the files are read line by line and never evaluated; what is no line of an installer's
settings says nothing, since any YAML comes by here.

Sources: conda, "Managing environments"; pip, "Configuration"; uv, "Package indexes"; Poetry,
"Repositories"; npm, "npmrc"; A. Birsan, "Dependency Confusion" (2021); CWE-427.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.formats.known_places import well_known
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryRequirement

NAMES: Final = frozenset({
    "Pipfile", "pip.conf", "pip.ini", ".condarc", "condarc", "uv.toml", "pyproject.toml", ".npmrc",
    ".yarnrc", "package.json", "setup.cfg", "setup.py",
})  # fmt: skip
EXTENSIONS: Final = frozenset({".yml", ".yaml"})
_Kind = tuple[int, Any, str]
_OPTION: Final = re.compile(
    r"(?:^|\s)(?:-i|-f|--(?:extra-)?index-url|--index|--default-index|--find-links"
    r"|--trusted-host)(?:[\s=]+)\S"
)
_OPEN: Final = re.compile(
    r"\b(?:git\+)?http://(?!localhost|127\.)|--trusted-host|\bgit://|verify_ssl\s*=\s*false"
)
_REFERENCE: Final = re.compile(
    r"(?:^|[\s\"'])(?:(?:git|hg|svn)\+\w+://\S+"
    r"|[\w.-]+(?:\[[^\]]*\])?\s*@\s*(?:\w+\+)?\w+://\S+|https?://\S+\.(?:whl|tar\.gz|zip)\b)"
)
_URL: Final = re.compile(r"(?:\w+\+)?(?:https?|ftp|git|ssh)://[^\s\"',\]}>;)]+")
_ITEM: Final = re.compile(r"\s*-\s+[\"']?(.*?)[\"']?\s*(?:\s#.*)?$")
_KEY: Final = re.compile(r"\s*(?:-\s+)?[\"']?([\w-]+)[\"']?\s*:(?:\s+(.*))?$")
_PACKAGES: Final = frozenset({"pip", "requirements", "python_packages", "pip_packages"})
_CHANNELS: Final = frozenset({"channels", "default_channels", "channel_alias", "custom_channels"})
_SECTION: Final = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$")
_SETTING: Final = re.compile(
    r"\s*[\"']?(?:[@\w/-]+:)?(index[-_]url|extra[-_]index[-_]url|default[-_]index"
    r"|find[-_]links|trusted[-_]host|registry"
    r"|dependency_links|url|index)[\"']?\s*(?:[=:]|\s(?=\"?https?:))\s*(.*)$",
    re.IGNORECASE,
)
_SOURCES: Final = re.compile(r"\b(?:source|index|pip|global|install)", re.IGNORECASE)
_TABLE: Final = re.compile(r"\{[^}]*\b(?:git|url|hg)\s*=\s*[\"']([^\"']+)[\"']")
_OF_PACKAGES: Final = re.compile(r"source|dependenc|package", re.IGNORECASE)
_LISTS: Final = (
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "overrides",
    "resolutions",
)
_PIP: Final = re.compile(
    r"\b(?:pip[\d.]*|uv\s+pip)[\"']?,?\s+[\"']?install\b(.*)", re.IGNORECASE | re.DOTALL
)
_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
_LARGEST: Final = 1 << 20
_MOST: Final = 50
_SHOWN: Final = 200


class PackageSourcesReader:
    """Settings of installers, by name, and any YAML: environments go by many names."""

    format = "text"
    aside = True

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as installers do."""
        named = glimpse.name in NAMES or glimpse.extension in EXTENSIONS
        return named and b"\0" not in glimpse.head

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each place that packages come from, beside the usual one."""
        text = artifact.read_at(0, min(artifact.size, _LARGEST)).decode("utf-8", "replace")
        if "://" not in text and "trusted" not in text:
            return
        for count, (line, kind, shown) in enumerate(_found(base_name(artifact), text)):
            if count >= _MOST:
                return
            budget.fact()
            yield stated(artifact, line, kind, shown)


def stated(artifact: Artifact, line: int, kind: Any, shown: str) -> Fact:
    """One place that packages come from."""
    return RepositoryRequirement(
        location=place(artifact, line=line),
        kind=kind,
        line=_CREDENTIALS.sub("//…@", " ".join(shown.split()))[:_SHOWN],
        known_place=well_known(shown),
    )


def of_command(command: str) -> tuple[Any, str] | None:
    """What an installation takes from elsewhere: the kind and the arguments; `None` for nothing.

    Args:
        command: of a script, a recipe or settings.
    """
    found = _PIP.search(command)
    if found is None:
        return None
    arguments = re.split(r"&&|\|\||[;|\n]", found[1])[0].strip()
    kind = _kind(arguments)
    return (kind, arguments) if kind and not _usual(arguments) else None


def _kind(line: str) -> str:
    """What a line of requirements, or the arguments of an installer, take from elsewhere."""
    if _OPTION.search(line) and ("://" in line or "--trusted-host" in line):
        return "not-encrypted" if _OPEN.search(line) else "other-index"
    if _REFERENCE.search(line):
        return "not-encrypted" if _OPEN.search(line) else "address"
    return ""


def _usual(line: str) -> bool:
    """True for the usual index, and the one that PyTorch's own installation page names."""
    places = _URL.findall(line)
    return bool(places) and all(
        place.startswith(
            ("https://pypi.org/", "https://download.pytorch.org/", "https://conda.anaconda.org/")
        )
        for place in places
    )


def _found(name: str, text: str) -> Iterator[_Kind]:
    if name == "package.json":
        yield from _of_npm(text)
    elif name == "setup.py":
        for number, line in enumerate(text.splitlines(), 1):
            if "dependency_links" in line or _REFERENCE.search(line):
                for url in _URL.findall(line):
                    yield number, "not-encrypted" if _OPEN.search(url) else "address", url
    elif name.endswith((".yml", ".yaml")) or name in {".condarc", "condarc"}:
        yield from _of_yaml(text)
    else:
        yield from _of_tables(text)


def _of_yaml(text: str) -> Iterator[_Kind]:
    """Options and references of pip in any list, addresses below the keys that they follow."""
    key = ""
    for number, line in enumerate(text.splitlines(), 1):
        named = _KEY.match(line)
        if named:
            key = named[1]
        rest = (named[2] or "") if named else ""
        item = _ITEM.match(line)
        shown = rest if named else item[1] if item else ""
        if not shown or shown.startswith("#"):
            continue
        if key in _CHANNELS or (named and key in {"index_url", "extra_index_url"}):
            for url in _URL.findall(shown):
                if not _usual(url):
                    yield number, "not-encrypted" if _OPEN.search(url) else "other-index", url
            continue
        kind = _kind(shown) if not named else ""
        if not kind and key in _PACKAGES and _URL.search(shown):
            kind = "not-encrypted" if _OPEN.search(shown) else "address"
        if kind and not _usual(shown):
            yield number, kind, shown


def _of_tables(text: str) -> Iterator[_Kind]:
    """Keys of INI and TOML that name an index, and packages by their addresses."""
    section = key = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = _SECTION.match(line)
        if head:
            section, key = head[1], ""
            continue
        if line.lstrip().startswith(("#", ";", "//")):
            continue
        setting = _SETTING.match(line)
        if setting:
            key = setting[1].lower()
        elif "=" in line.split("://")[0]:
            key = ""
        if key and (key not in {"url", "index"} or _SOURCES.search(section)):
            for url in _URL.findall(line):
                if not _usual(url):
                    yield number, "not-encrypted" if _OPEN.search(url) else "other-index", url
        table = _TABLE.search(line)
        if table and _OF_PACKAGES.search(section):
            yield number, "not-encrypted" if _OPEN.search(table[1]) else "address", table[1]


def _of_npm(text: str) -> Iterator[_Kind]:
    """Dependencies of a package of JavaScript by their addresses."""
    try:
        root: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return  # the reader of JSON says so
    for name in _LISTS if isinstance(root, dict) else ():
        listed = root.get(name)
        for package, wanted in listed.items() if isinstance(listed, dict) else ():
            if isinstance(wanted, str) and _URL.search(wanted):
                at = text.find(wanted)
                line = text.count("\n", 0, at) + 1 if at >= 0 else 1
                yield (
                    line,
                    "not-encrypted" if _OPEN.search(wanted) else "address",
                    f"{package}@{wanted}",
                )
