"""Files that something starts by their kind: programs, installers, shortcuts, start-up hooks.

A model needs none of them. What they do is not looked at here: that they are there is the point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RepositoryAttachment
from modelscan.vocabulary.location import Location

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
_START_UP: Final = re.compile(
    r"(?:.*/)?(?:(?:site|user)customize\.py|\.(?:bashrc|bash_profile|zshrc|zshenv)"
    r"|\.git/hooks/(?!.*\.sample$).+|[Aa]utorun\.inf)"
    r"|(?:.*/)?Launch(?:Agents|Daemons)/.*\.plist"
)
_HINTS: Final = ("customize.py", "bash", "zsh", ".git/hooks/", "utorun.inf", "Launch")
"""One of these is in every such name: most models have none, which one search per hint tells."""
_VERSIONED: Final = re.compile(r"\.so(?:\.\d+)+$")
_CACHE: Final = re.compile(r"(?P<folder>.*?)__pycache__/(?P<stem>[^/]+?)(?:\.[\w-]+)*\.pyc$")
_MOST: Final = 50


class AttachmentRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each such file, a bounded number of them."""
        if not view.folder:
            return
        del facts  # names and formats say it
        found = 0
        names = sorted(view.names)
        together = "\0".join(names)
        start_ups = any(hint in together for hint in _HINTS)
        for name in names:
            kind = _kind(name, view)
            if start_ups and _START_UP.fullmatch(name):
                kind = "start-up"
            if kind and found < _MOST:
                found += 1
                yield RepositoryAttachment(location=Location(name), kind=kind, name=name)


def _kind(name: str, view: RepositoryView) -> Any:
    lowered = name.lower()
    entry = view.files.get(name)
    extension = lowered[lowered.rfind(".") :] if "." in lowered.rpartition("/")[2] else ""
    native = entry is not None and entry.format == _NATIVE
    if native or (".so." in lowered and _VERSIONED.search(lowered)):
        return "native-code"
    kind = _KINDS.get(extension, "")
    if kind != "bytecode":
        return kind
    cached = _CACHE.fullmatch(name)
    beside = cached is not None and f"{cached['folder']}{cached['stem']}.py" in view.names
    return "cached-bytecode" if beside else "bytecode"
