"""Headers of safetensors that would cost too much memory if they were parsed whole.

A header may have 100 MB, which is a million tensors and half a gigabyte once parsed. Such a one is
read here entry by entry, in the notation that every library writes; one in any other notation is a
needed gap.

Invariants: one piece of the header is held at a time, and 24 bytes for each tensor; what is stated
is what `SafetensorsReader` states of a header that it parses, but for the digest over all names and
for their layout, which are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.graph_reading import Stated, stated
from modelscan.formats.repeated import every
from modelscan.formats.safetensors import Defects, elements_of
from modelscan.formats.safetensors_payload import Bytes, hidden
from modelscan.formats.safetensors_sound import BITS
from modelscan.vocabulary.artifact import CHUNK, Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TensorDefect, TensorHeader

LARGEST: Final = 64 << 20
"""Bytes of memory that a header may cost once parsed: some sixty thousand tensors."""
_COSTS: Final = ((b"{", 100), (b"[", 100), (b'"', 38), (b",", 42), (b":", 70))
"""What each character stands for in memory, measured: tables, lists, texts, numbers, entries."""
_STRING: Final = b'"(' + every(rb'[^"\\]|\\.') + b')"'
_ENTRY: Final = re.compile(
    rb"\s*" + _STRING + rb'\s*:\s*\{\s*"dtype"\s*:\s*"(\w{1,32})"\s*,\s*"shape"\s*:\s*'
    rb'\[([\d,\s]*+)\]\s*,\s*"data_offsets"\s*:\s*\[\s*(\d{1,19})\s*,\s*(\d{1,19})\s*\]\s*\}'
    rb"\s*([,}])"
)
_METADATA: Final = re.compile(
    rb'\s*"__metadata__"\s*:\s*(\{'
    + every(rb"\s*" + _STRING + rb"\s*:\s*" + _STRING + rb"\s*,?")
    + rb"\s*\})"
    rb"\s*([,}])"
)
_LENGTH: Final = 8
_LONGEST: Final = 1 << 16
"""Bytes of an entry at most; those of metadata may be as long as `_LARGEST_METADATA`."""
_LARGEST_METADATA: Final = 4 << 20
_MAX_BYTES: Final = 10_000
"""Tensors of plain bytes that are looked into."""
_AT_ONCE: Final = 100_000
"""Names that are compared with each other at a time."""
_BATCH: Final = 4096


def costs_too_much(artifact: Artifact, length: int) -> bool:
    """True for a header of so many bytes that would take more than `LARGEST` once parsed."""
    cost = length
    for piece in _pieces(artifact, length):
        cost += sum(piece.count(mark) * each for mark, each in _COSTS)
        if cost > LARGEST:
            return True
    return False


def _pieces(artifact: Artifact, length: int) -> Iterator[bytes]:
    """The bytes of a header, in order."""
    read = 0
    while read < length:
        piece = artifact.read_at(_LENGTH + read, min(CHUNK, length - read))
        if not piece:
            raise ReadError("the file became shorter", offset=_LENGTH + read)
        read += len(piece)
        yield piece


def facts(
    artifact: Artifact, length: int, payload: int, budget: Budget
) -> Iterator[Fact | Coverage | Artifact]:
    """State a header, and every promise of the format that it breaks.

    Args:
        artifact: the file.
        length: of the header's JSON.
        payload: bytes behind it.
        budget: pays for every tensor.

    Raises:
        ReadError: as `WideHeader.read`; what was found before is stated first.
    """
    header = WideHeader(artifact, length, payload, budget)
    yield from stated(header.read, header.facts, budget)


class WideHeader:
    """Reads one header.

    Args:
        artifact: the file.
        length: of the JSON.
        payload: bytes behind it.
        budget: pays for every tensor.
    """

    def __init__(self, artifact: Artifact, length: int, payload: int, budget: Budget) -> None:
        self._artifact = artifact
        self._length = length
        self._payload = payload
        self._budget = budget
        self._defects = Defects()
        self._names = array("q")
        self._reached = 0
        self._metadata: dict[str, str] = {}
        self._dtypes: set[str] = set()
        self._parameters = 0
        self._flat: list[Bytes] = []
        self._digest = hashlib.sha256()
        self._complete = False

    def facts(self) -> Iterator[Stated]:
        """Everything that was found."""
        where = place(self._artifact)
        if self._complete:
            yield TensorHeader(
                location=where,
                format="safetensors",
                tensors=len(self._names),
                parameters=self._parameters,
                payload=self._payload,
                dtypes=tuple(sorted(self._dtypes)),
                digest="sha256:" + self._digest.hexdigest(),
                metadata=tuple(sorted(self._metadata)),
            )
        for kind, tensor, detail in self._defects.found:
            yield TensorDefect(location=where, kind=kind, tensor=tensor, detail=detail)
        yield from hidden(self._artifact, self._metadata, self._flat, self._budget)

    def read(self) -> None:
        """Walk over the header.

        Raises:
            ReadError: it is not JSON.
            BudgetError: it is not in the usual notation, or its tensors do not stand in order.
        """
        closed = False
        for text in self._entries():
            closed = self._take(text) == b"}"
        if not closed:
            raise ReadError("the header is not JSON: it breaks off", offset=_LENGTH + self._length)
        if self._reached < self._payload:
            behind = self._payload - self._reached
            self._defects.add("trailing-data", "", f"{behind} bytes behind the last tensor")
        self._repeated()
        self._complete = True

    def _entries(self) -> Iterator[re.Match[bytes]]:
        """Metadata and tensors, one after the other."""
        self._digest.update(self._artifact.read_at(0, _LENGTH))
        buffer, left = b"", self._length
        for piece in _pieces(self._artifact, self._length):
            self._digest.update(piece)
            at = 1 if left == self._length else 0  # behind the brace, which was seen already
            left -= len(piece)
            buffer += piece
            while (found := self._match(buffer, at)) and (found.end() < len(buffer) or not left):
                at = found.end()
                yield found
            buffer = buffer[at:]
            if len(buffer) > self._longest(buffer):
                raise BudgetError("a header of unusual notation, too large to be parsed whole")
        if buffer.strip():
            raise BudgetError("a header of unusual notation, too large to be parsed whole")

    def _match(self, buffer: bytes, at: int) -> re.Match[bytes] | None:
        return _ENTRY.match(buffer, at) or (
            _METADATA.match(buffer, at) if not self._metadata else None
        )

    def _longest(self, buffer: bytes) -> int:
        """How long what begins here may be."""
        metadata = buffer[:40].lstrip().startswith(b'"__metadata__"')
        return _LARGEST_METADATA if metadata else _LONGEST

    def _take(self, found: re.Match[bytes]) -> bytes:
        """One entry; returns what stands behind it."""
        if found.re is _METADATA:
            self._metadata = self._parsed(found[1])
            return found[4]
        name: str = self._parsed(b'"' + found[1] + b'"')
        self._names.append(hash(name))
        if len(self._names) % _BATCH == 0:
            self._budget.step(_BATCH)
        dtype, begin, end = found[2].decode(), int(found[4]), int(found[5])
        shape = self._parsed(b"[" + found[3] + b"]")
        elements, bits = elements_of(shape), BITS.get(dtype)
        if elements < 0:
            self._defects.add("size-mismatch", name, "not a shape")
            return found[6]
        self._dtypes.add(dtype)
        self._parameters += elements
        if not begin <= end <= self._payload:
            detail = f"bytes {begin} to {end} of a {self._payload} byte payload"
            self._defects.add("out-of-bounds", name, detail)
            return found[6]
        self._cover(name, begin, end)
        if bits is None:
            self._defects.add("unknown-dtype", name, dtype)
        elif elements * bits != (end - begin) * 8:
            detail = f"{dtype} {shape} needs {elements * bits // 8} bytes, has {end - begin}"
            self._defects.add("size-mismatch", name, detail)
        if dtype in ("U8", "I8"):
            if len(self._flat) >= _MAX_BYTES:
                raise BudgetError(f"more than {_MAX_BYTES:,} tensors of plain bytes")
            self._flat.append(Bytes(name, _LENGTH + self._length + begin, end - begin))
        return found[6]

    def _cover(self, name: str, begin: int, end: int) -> None:
        """The tensors must follow each other; libraries list them so."""
        if begin < self._reached and begin != end:
            raise BudgetError("tensors out of order, too many to be sorted")
        if begin > self._reached:
            detail = f"{begin - self._reached} bytes before it belong to no tensor"
            self._defects.add("hole", name, detail)
        self._reached = max(self._reached, end)

    def _repeated(self) -> None:
        """Names that stand twice, found part by part so that little is held."""
        parts = len(self._names) // _AT_ONCE + 1
        for part in range(parts):
            mine = [name for name in self._names if name % parts == part]
            twice = len(mine) - len(set(mine))
            if twice:
                self._defects.add("duplicate-key", "", f"{twice:,} names stand twice in the header")

    def _parsed(self, text: bytes) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise ReadError(f"the header is not JSON: {error}") from None
