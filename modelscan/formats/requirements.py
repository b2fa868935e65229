"""Lists of packages that a repository asks people to install, and its build hooks.

A package that is named by an address, or taken from another index, is code of whoever serves it,
and runs when it is installed.

Sources: pip, "Requirements File Format"; PEP 508 (direct references), PEP 517 (`backend-path`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.formats.known_places import well_known
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryRequirement

_LIST: Final = re.compile(
    r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)", re.IGNORECASE
)
_PROJECT: Final = "pyproject.toml"
_INDEX: Final = re.compile(
    r"^(?:-i|-f|--(?:extra-)?index-url|--find-links|--trusted-host)(?:[\s=]|$)"
)
_ADDRESS: Final = re.compile(
    r"(?:^|[\s@])(?:(?:git|hg|svn|bzr)\+\S+|(?:https?|ftp|file)://\S+)|^(?:-e|--editable)\s+\S*://"
)
_OFFICIAL: Final = re.compile(r"https://(?:pypi\.org|download\.pytorch\.org)/")
"""The usual index, and the one that PyTorch's own installation page names."""
_OPEN: Final = re.compile(r"\b(?:git\+)?http://|--trusted-host|\bgit://")
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*(?P<version>[^;#]*)")
_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
_BACKEND: Final = re.compile(r"^\s*backend-path\s*=", re.MULTILINE)
_LARGEST: Final = 1 << 20
_NAMES: Final = 256
_MOST: Final = 100
_SHOWN: Final = 200


class RequirementsReader:
    """`requirements.txt` and its kin, and `pyproject.toml`, by their names."""

    format = "package list"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as people and tools do; bytes that are no text are left to others."""
        name = glimpse.name
        named = name == _PROJECT or (len(name) < _NAMES and _LIST.fullmatch(name) is not None)
        return named and b"\0" not in glimpse.head

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each line that is more than a package with its version."""
        if artifact.size > _LARGEST:
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="truncated",
                reason=f"packages looked at up to {_LARGEST:,} bytes",
            )
        text = artifact.read_at(0, min(artifact.size, _LARGEST)).decode("utf-8", "replace")
        lines = _project(text) if base_name(artifact) == _PROJECT else _listed(text)
        for count, (number, kind, line) in enumerate(lines):
            if count >= _MOST:
                return
            budget.fact()
            yield RepositoryRequirement(
                location=place(artifact, line=number),
                kind=kind,
                line=_CREDENTIALS.sub("//…@", line)[:_SHOWN],
                known_place=well_known(line),
            )


def _listed(text: str) -> Iterator[tuple[int, Any, str]]:
    """Lines with what is notable about them."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        official = _OFFICIAL.search(line) is not None
        if _OPEN.search(line):
            yield number, "not-encrypted", line
        elif _INDEX.match(line):
            if not official:
                yield number, "other-index", line
        elif _ADDRESS.search(line):
            if not official:
                yield number, "address", line
        else:
            named = _NAME.fullmatch(line.partition(";")[0].strip())
            if named and "==" not in named["version"]:
                yield number, "not-pinned", line


def _project(text: str) -> Iterator[tuple[int, Any, str]]:
    """A build backend inside the repository, and packages by their addresses."""
    hook = _BACKEND.search(text)
    if hook is not None:
        yield text.count("\n", 0, hook.end()) + 1, "build-hook", "backend-path"
    for found in re.finditer(r"[\"'][\w.\[\],-]+\s*@\s*(\w[\w+]*:[^\"']+)[\"']", text):
        kind = "not-encrypted" if _OPEN.search(found[1]) else "address"
        yield text.count("\n", 0, found.start()) + 1, kind, found[0].strip("\"'")
