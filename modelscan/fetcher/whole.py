"""Remote files that are fetched whole and held in memory while they are read.

Invariant: what is hashed is what is read, so the bytes are fetched once and kept until the file is
closed; a file that would not fit is not fetched this way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from modelscan.fetcher.held import HeldFile
from modelscan.fetcher.ranged import Parts
from modelscan.vocabulary.snapshot import Access, OpenArtifact

SMALL = 1 << 20
"""Files up to this many bytes are fetched whole, whatever they are."""
IN_MEMORY = 8 << 20
"""Files up to this many bytes need no room on a disk."""
_TEXT_LIMIT = 64 << 20
_TEXT = (
    ".json", ".jsonl", ".txt", ".md", ".py", ".jinja", ".jinja2", ".yaml", ".yml", ".toml", ".cfg",
    ".ini", ".model", ".tiktoken", ".xml", ".pbtxt", ".prototxt", ".ipynb", ".sh", ".sig", ".vocab",
    ".csv", ".html", ".rst", ".gitattributes", ".js", ".lua", ".r", ".bat", ".ps1",
)  # fmt: skip
"""Text, code, and the tokenizers that are neither: their readers want all of them."""


def wanted_whole(name: str, size: int) -> bool:
    """True for a file that a light scan fetches whole."""
    return size <= SMALL or (size <= _TEXT_LIMIT and name.lower().endswith(_TEXT))


class Kept:
    """Bytes that were fetched once and are opened again: configurations, tokenizers, templates.

    Args:
        room: bytes that are kept at most; what came first stays.
    """

    def __init__(self, room: int = 32 << 20) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._data: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The bytes of a file, if they are here."""
        return self._data.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes of a file, if there is room."""
        with self._lock:
            if name not in self._data and len(data) <= self._room:
                self._data[name] = data
                self._room -= len(data)


class WholeFile:
    """One file: see `SourceFile`.

    Args:
        name: relative to the model's root.
        size: its length, as listed.
        parts: where to get it.
        arrived: told how many bytes came in.
        kept: where the bytes stay for who opens the file again.
    """

    access: Access = "whole"

    def __init__(
        self,
        name: str,
        size: int,
        parts: Parts,
        arrived: Callable[[int], None] | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.name = name
        self.size = size
        self._parts = parts
        self._arrived = arrived
        self._kept = kept

    def open(self) -> AbstractContextManager[OpenArtifact]:
        """See `SourceFile.open`."""
        data = self._kept.get(self.name) if self._kept else None
        if data is None:
            data = self._parts.part(0, self.size)
            if self._arrived:
                self._arrived(len(data))
            if self._kept:
                self._kept.put(self.name, data)
        return HeldFile(self.name, data).open()
