"""GGUF, versions 1 to 3 in both byte orders: models and what goes with them in llama.cpp.

A file is a header of counts, keys with typed values, a table of tensors, and their data. Parsers
that took a count, length or offset on trust were attacked with it, so that each one is held against
the size of the file. Chat templates among the values are programs, and go on their own way. The
data is hashed, and never interpreted.

Source: the GGUF specification in the ggml repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import sniff
from modelscan.formats.gguf import provenance
from modelscan.formats.gguf.cursor import ByteOrder, Cursor, OverrunError
from modelscan.formats.gguf.defects import Defects
from modelscan.formats.gguf.elements import PLAIN
from modelscan.formats.gguf.metadata import Metadata
from modelscan.formats.gguf.tensors import Span, Tensors
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import CHUNK, Artifact, SliceArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, GgufAddress, GgufFile, TensorHeader

MAGIC: Final = b"GGUF"
_VERSION_AT, _COUNTS_AT = 4, 8
_NARROW_VERSION, _LAST_VERSION = 1, 3
_SMALL_VERSION: Final = 0xFFFF
"""A version above is a small one in the other byte order, or text that begins with the magic."""


class GgufReader:
    """Checks the header to the last byte, and that the tensors and nothing else fill the file."""

    format = "gguf"

    extensions = frozenset({".gguf"})
    starts = (MAGIC,)

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic and a version; by extension what has no other known first bytes."""
        if glimpse.head.startswith(MAGIC):
            version = glimpse.head[_VERSION_AT:_COUNTS_AT]
            return glimpse.extension == ".gguf" or b"\0\0" in (version[:2], version[2:])
        return glimpse.extension == ".gguf" and sniff.unread(glimpse) == sniff.UNKNOWN

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the header, what the file claims, and every promise of the format that it breaks.

        Raises:
            ReadError: the header cannot be followed to its end.
            BudgetError: it is longer than any real one.
        """
        file = _File(artifact, budget)
        trouble: ReadError | None = None
        try:
            file.read()
        except OverrunError as error:
            file.defects.add("impossible-length", "the header", error.message, error.offset)
            trouble = error
        except ReadError as error:
            trouble = error
        for item in file.statements():
            if isinstance(item, Fact):
                budget.fact()
            yield item
        if trouble is not None:
            raise trouble


class _File:
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
        head = artifact.read_at(0, _COUNTS_AT)
        if len(head) < _COUNTS_AT or not head.startswith(MAGIC):
            raise ReadError("does not begin like a GGUF file", offset=0)
        self._version = int.from_bytes(head[_VERSION_AT:], "little")
        if self._version > _SMALL_VERSION:
            self._order = "big"
            self._version = int.from_bytes(head[_VERSION_AT:], "big")
        if not 0 < self._version <= _LAST_VERSION:
            raise ReadError(f"GGUF version {self._version:,} is not known", offset=_VERSION_AT)
        wide = self._version > _NARROW_VERSION
        cursor = Cursor(artifact, budget, _COUNTS_AT, self._order, wide=wide)
        tensors, keys = cursor.count(), cursor.count()
        self._metadata = Metadata(cursor, budget, self.defects)
        self._metadata.read(keys)
        self._tensors.read(cursor, budget, tensors)
        self._header = cursor.offset
        alignment = self._metadata.alignment
        self._spans += self._tensors.leftovers(artifact, self._header, alignment, budget)
        start = -(-self._header // alignment) * alignment
        self._payload = max(artifact.size - start, 0)

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
        )
        if self._header:
            yield TensorHeader(
                location=where,
                format=GgufReader.format,
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
