"""Names of files inside model files: whether a loader that follows one can leave the folder.

Loaders join such a name to the folder of the model and open the result. A name is judged for every
system at once: a backslash or a drive letter is harmless on one and leads away on another.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Problem = Literal["absolute", "traversal", "address", "control-character", "backslash"]

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def problem(path: str) -> Problem | None:
    """What is wrong with a name that should lead to a file beside the model."""
    if _CONTROL.search(path):
        return "control-character"
    if _ADDRESS.match(path):
        return "address"
    plain = path.replace("\\", "/")
    if plain.startswith(("/", "~")) or _DRIVE.match(plain):
        return "absolute"
    if ".." in plain.split("/"):
        return "traversal"
    return "backslash" if "\\" in path else None
