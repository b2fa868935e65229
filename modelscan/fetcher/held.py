"""A file whose bytes are already in memory: a manifest that had to be read to know the others.

Invariant: what was parsed is what is hashed and read; the bytes are not fetched a second time.
"""

from __future__ import annotations

from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.snapshot import Access, OpenArtifact


class HeldFile:
    """One file of a model, held. See `SourceFile`."""

    __slots__ = ("_data", "name", "size")

    access: Access = "local"

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = data

    def open(self) -> _HeldArtifact:
        """See `SourceFile.open`; never fails."""
        return _HeldArtifact(self.name, self._data)


class _HeldArtifact(BytesArtifact):
    __slots__ = ()

    def __enter__(self) -> OpenArtifact:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def changed(self) -> bool:
        """See `OpenArtifact.changed`: bytes in memory stay as they are."""
        return False
