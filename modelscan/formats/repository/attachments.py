"""Files that something starts by their kind: programs, installers, shortcuts, start-up hooks.

A model needs none of them. What they do is not looked at here: that they are there is the point.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RepositoryAttachment
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.naming import mentioned

_NATIVE: Final = "native code"
_KINDS: Final = {
    ".com": "native-code", ".dll": "native-code", ".dylib": "native-code", ".exe": "native-code",
    ".ko": "native-code", ".ocx": "native-code", ".pyd": "native-code", ".scr": "native-code",
    ".so": "native-code", ".sys": "native-code",
    ".apk": "installer", ".appimage": "installer", ".appx": "installer", ".crx": "installer",
    ".deb": "installer", ".dmg": "installer", ".flatpak": "installer", ".msi": "installer",
    ".msix": "installer", ".rpm": "installer",
    ".iso": "installer", ".vhd": "installer", ".vhdx": "installer", ".vsix": "installer",
    ".xpi": "installer",
    ".application": "launcher", ".cpl": "launcher", ".desktop": "launcher", ".hta": "launcher",
    ".chm": "launcher", ".jnlp": "launcher", ".jse": "launcher", ".library-ms": "launcher",
    ".reg": "launcher", ".url": "launcher",
    ".lnk": "launcher", ".msc": "launcher", ".pif": "launcher", ".scf": "launcher",
    ".search-ms": "launcher", ".settingcontent-ms": "launcher", ".vbe": "launcher",
    ".vbs": "launcher", ".webloc": "launcher", ".wsf": "launcher", ".wsh": "launcher",
    ".docm": "launcher", ".mobileconfig": "launcher", ".ppam": "launcher", ".pptm": "launcher",
    ".scpt": "launcher", ".sct": "launcher", ".wsc": "launcher", ".xlam": "launcher",
    ".xll": "launcher", ".xlsm": "launcher",
    ".pyc": "bytecode", ".pyo": "bytecode",
}  # fmt: skip
_START_UP: Final = (
    r"(?:.*/)?(?:(?:site|user)customize\.py|\.(?:bashrc|bash_profile|zshrc|zshenv)"
    r"|\.git/hooks/(?!.*\.sample$).+|[Aa]utorun\.inf)"
    r"|(?:.*/)?Launch(?:Agents|Daemons)/.*\.plist"
)
_HINTS: Final = ("customize.py", "bash", "zsh", ".git/hooks/", "autorun.inf", "launch", ".so.")
"""One of these is in every such name, and in those of `_VERSIONED`: most models have none."""
_VERSIONED: Final = r"\.so(?:\.\d+)+$"
_CACHE: Final = r"(?P<folder>.*?)__pycache__/(?P<stem>[^/]+?)(?:\.[\w-]+)*\.pyc$"
"""Compiled when they are needed, which they hardly ever are."""
_MOST: Final = 50
"""Files of one kind that are stated: many of a harmless one leave room for others."""


class AttachmentRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each such file, a bounded number of them."""
        if not view.folder:
            return
        del facts  # names and formats say it
        found = Counter[str]()
        native = {name for name, entry in view.files.items() if entry.format == _NATIVE}
        for name in sorted(_candidates(view.names) | native):
            kind: Any = "native-code" if name in native else _kind(name, view)
            if re.fullmatch(_START_UP, name):
                kind = "start-up"
            if kind and found[kind] < _MOST:
                found[kind] += 1
                yield RepositoryAttachment(location=Location(name), kind=kind, name=name)


def _candidates(names: frozenset[str]) -> set[str]:
    """The names that `_kind` and `_START_UP` may know: hardly a model has any."""
    if mentioned(_HINTS, names):
        return set(names)
    return {name for name in names if name[name.rfind(".") :].lower() in _KINDS}


def _kind(name: str, view: RepositoryView) -> Any:
    lowered = name.lower()
    extension = lowered[lowered.rfind(".") :] if "." in lowered.rpartition("/")[2] else ""
    if re.search(_VERSIONED, lowered):
        return "native-code"
    kind = _KINDS.get(extension, "")
    if kind != "bytecode":
        return kind
    cached = re.fullmatch(_CACHE, name)
    beside = cached is not None and f"{cached['folder']}{cached['stem']}.py" in view.names
    return "cached-bytecode" if beside else "bytecode"
