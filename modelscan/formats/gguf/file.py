"""One GGUF file, read from its first byte to its last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.gguf import provenance
from modelscan.formats.gguf.cursor import (
    COUNTS_AT,
    MAGIC,
    VERSION_AT,
    ByteOrder,
    Cursor,
)
from modelscan.formats.gguf.defects import Defects
from modelscan.formats.gguf.elements import PLAIN
from modelscan.formats.gguf.metadata import Document, Metadata
from modelscan.formats.gguf.tensors import Listed, Span, Tensors
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, place
from modelscan.vocabulary.fact import Fact, GgufAddress, GgufFile, TensorHeader

_NARROW_VERSION, _LAST_VERSION = 1, 3
_SMALL_VERSION: Final = 0xFFFF
"""A version above is a small one in the other byte order, or text that begins with the magic."""


class Contents(NamedTuple):
    """What those need who read the values of the tensors."""

    texts: Mapping[str, str]
    """Short texts of the metadata."""
    numbers: Mapping[str, int]
    """Whole numbers of the metadata."""
    templates: Sequence[Document]
    """Places of the chat templates."""
    tensors: Sequence[Listed]
    data: int
    """Where the tensors' data begins."""
    order: ByteOrder


def contents(artifact: Artifact, budget: Budget) -> Contents:
    """The header of a file, for those who read values; defects are stated by the reader.

    Raises:
        ReadError: the header cannot be followed to its end.
    """
    file = File(artifact, budget)
    file.read()
    return file.contents()


class File:
    """One file; what was found before an error stays."""

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._artifact = artifact
        self._budget = budget
        self.defects = Defects(artifact)
        self._tensors = Tensors(self.defects)
        self._metadata: Metadata | None = None
        self._version = 0
        self._order: ByteOrder = "little"
        self._header = 0  # bytes, once all of it has been read
        self._payload = 0
        self._spans: list[Span] = []

    def read(self) -> None:
        """Read the header, and check what lies where behind it."""
        artifact, budget = self._artifact, self._budget
        head = artifact.read_at(0, COUNTS_AT)
        if len(head) < COUNTS_AT or not head.startswith(MAGIC):
            raise ReadError("does not begin like a GGUF file", offset=0)
        self._version = int.from_bytes(head[VERSION_AT:], "little")
        if self._version > _SMALL_VERSION:
            self._order = "big"
            self._version = int.from_bytes(head[VERSION_AT:], "big")
        if not 0 < self._version <= _LAST_VERSION:
            raise ReadError(f"GGUF version {self._version:,} is not known", offset=VERSION_AT)
        wide = self._version > _NARROW_VERSION
        cursor = Cursor(artifact, budget, COUNTS_AT, self._order, wide=wide)
        tensors, keys = cursor.count(), cursor.count()
        self._metadata = Metadata(cursor, budget, self.defects)
        self._metadata.read(keys)
        self._tensors.read(cursor, budget, tensors)
        self._header = cursor.offset
        alignment = self._metadata.alignment
        self._spans += self._tensors.leftovers(artifact, self._header, alignment, budget)
        start = -(-self._header // alignment) * alignment
        self._payload = max(artifact.size - start, 0)

    def contents(self) -> Contents:
        """What was read, once all of it was."""
        found = self._metadata
        start = self._artifact.size - self._payload
        return Contents(
            texts=found.texts if found else {},
            numbers=found.numbers if found else {},
            templates=found.documents if found else (),
            tensors=self._tensors.listed,
            data=start,
            order=self._order,
        )

    def statements(self) -> Iterator[Fact | Artifact]:
        """Everything that was found."""
        where = place(self._artifact)
        metadata = self._metadata
        if metadata is not None:
            yield from self._identity(metadata)
        yield from self.defects
        if metadata is None:
            return
        for key, address in metadata.addresses:
            yield GgufAddress(location=where, status="declared", key=key, address=address)
        for document in metadata.documents:
            yield SliceArtifact(self._artifact, document.offset, document.length, document.name)
        for span in self._spans:
            yield SliceArtifact(self._artifact, span.offset, span.length, f"@{span.offset}")
        if self._header and metadata.places:
            yield from self._vocabulary(metadata)

    def _vocabulary(self, metadata: Metadata) -> Iterator[Fact]:
        from modelscan.formats.gguf.vocabulary import Lists  # lazy: not every file has a tokenizer

        lists = Lists(
            self._artifact,
            metadata.places,
            self._order,
            wide=self._version > _NARROW_VERSION,
            budget=self._budget,
        )
        return lists.facts(metadata.texts, place(self._artifact))

    def _identity(self, metadata: Metadata) -> Iterator[Fact]:
        where = place(self._artifact)
        tensors = self._tensors
        role = provenance.role(metadata, tensors.count)
        part, parts = provenance.split(metadata, self.defects)
        yield GgufFile(
            location=where,
            version=self._version,
            byte_order=self._order,
            role=role,
            architecture=metadata.texts.get("general.architecture", ""),
            split=part,
            splits=parts,
            split_tensors=metadata.numbers.get("split.tensors.count"),
        )
        if self._header:
            yield TensorHeader(
                location=where,
                format="gguf",
                tensors=tensors.count,
                parameters=tensors.parameters,
                payload=self._payload,
                dtypes=tuple(sorted(tensors.dtypes)),
                digest=self._digest(),
                metadata=tuple(sorted(metadata.keys)),
            )
        quantised = not PLAIN.issuperset(tensors.dtypes)
        yield from provenance.stated(metadata, role, where, quantised=quantised)

    def _digest(self) -> str:
        """SHA-256 over the header as stored, read piece by piece."""
        digest = hashlib.sha256()
        for offset in range(0, self._header, CHUNK):
            digest.update(self._artifact.read_at(offset, min(CHUNK, self._header - offset)))
        return "sha256:" + digest.hexdigest()
