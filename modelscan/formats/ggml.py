"""GGML, the formats before GGUF: llama.cpp until August 2023, whisper.cpp to this day.

A magic, numbers about the network, the vocabulary, and records of a tensor's header and its data
up to the end of the file. Nothing says how many numbers there are: every program had a layout of
its own, and the sizes of quantised blocks changed. The layouts of the usual programs are tried, and
one counts only if its records end exactly where the file ends. Any other file is a gap.

Sources: the loaders of llama.cpp before GGUF, of whisper.cpp, and the GPT examples of ggml.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.gguf.cursor import Cursor, OverrunError
from modelscan.formats.gguf.elements import ELEMENTS, Element
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TensorHeader

_PLAIN, _SCORED, _ALIGNED, _ADAPTER = b"lmgg", b"fmgg", b"tjgg", b"algg"
_MAGICS: Final = frozenset({_PLAIN, _SCORED, _ALIGNED, _ADAPTER})
_ALIGNMENT: Final = 32
_WINDOW: Final = 4096
"""Bytes read for the header of a tensor: the next one lies megabytes behind it."""
_MOST_NUMBER: Final = 1 << 24
"""Numbers about a network are smaller: a text that begins with a magic is no model."""
_MAX_WORDS: Final = 1 << 19
"""The largest real vocabulary has half as many words."""
_MAX_NAME: Final = 255
_MAX_TENSORS: Final = 1 << 17
_MAX_DIMENSIONS: Final = 4


class _Layout(NamedTuple):
    """What comes before the tensors."""

    numbers: int
    """Numbers about the network; the first is the size of the vocabulary."""
    counted: bool = False
    """The size of the vocabulary stands again before it."""
    filters: bool = False
    """Tables of two sizes come first: the audio filters of Whisper."""
    vocabulary: bool = True
    scored: bool = False
    """Each word has a score behind it."""
    aligned: bool = False
    """Data begins at a multiple of 32."""


_ADAPTER_LAYOUT: Final = _Layout(2, vocabulary=False, aligned=True)
_BY_MAGIC: Final[dict[bytes, tuple[_Layout, ...]]] = {
    _PLAIN: (
        _Layout(7),  # LLaMA
        _Layout(8),  # GPT-NeoX, StableLM, Dolly
        _Layout(11, counted=True, filters=True),  # Whisper
        _Layout(6, counted=True),  # GPT-2, StarCoder
        _Layout(7, counted=True),  # GPT-J
    ),
    _SCORED: (_Layout(7, scored=True),),
    _ALIGNED: (_Layout(7, scored=True, aligned=True),),
    _ADAPTER: (_ADAPTER_LAYOUT,),
}
"""The layouts that begin with each magic."""
_VERSIONED: Final = frozenset({_SCORED, _ALIGNED, _ADAPTER})

_OLD: Final = {
    **ELEMENTS,
    2: Element("Q4_0", 32, 20),
    3: Element("Q4_1", 32, 24),
    4: Element("Q4_2", 16, 10),
    5: Element("Q4_3", 16, 12),
    8: Element("Q8_0", 32, 36),
}
"""Blocks before scales had 16 bits (June 2023)."""


class _Table(NamedTuple):
    """The records of all tensors."""

    tensors: int
    parameters: int
    payload: int
    dtypes: tuple[str, ...]
    digest: str
    """Over the bytes before the first record, and over the header of each."""


class GgmlReader:
    """Walks over the tensors of the layouts that are known."""

    format = "ggml"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By magic, with small numbers behind it."""
        head = glimpse.head
        if head[:4] not in _MAGICS:
            return False
        return all(
            int.from_bytes(head[at : at + 4], "little") <= _MOST_NUMBER for at in (4, 8, 12, 16)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the tensors.

        Raises:
            ReadError: the file has no layout that is known.
        """
        table = _first_that_fits(artifact, budget)
        yield TensorHeader(
            location=place(artifact),
            format=self.format,
            tensors=table.tensors,
            parameters=table.parameters,
            payload=table.payload,
            dtypes=table.dtypes,
            digest="sha256:" + table.digest,
            metadata=(),
        )


def _first_that_fits(artifact: Artifact, budget: Budget) -> _Table:
    """The table under the first layout whose records fill the file."""
    magic = artifact.read_at(0, 4)
    furthest = OverrunError("it breaks off", offset=0)
    for layout in _BY_MAGIC[magic]:
        begin = 0
        for elements in (ELEMENTS, _OLD):
            try:
                begin = begin or _before_tensors(artifact, budget, layout, magic)
                return _records(artifact, budget, begin, elements, aligned=layout.aligned)
            except BudgetError:
                raise
            except ReadError as error:
                if (error.offset or 0) > (furthest.offset or 0):
                    furthest = OverrunError(error.message, offset=error.offset)
    message = f"a GGML file in a layout that is not known: {furthest.message}"
    raise ReadError(message, offset=furthest.offset)


def _before_tensors(artifact: Artifact, budget: Budget, layout: _Layout, magic: bytes) -> int:
    """Step over everything before the tensors; returns where they begin."""
    cursor = Cursor(artifact, budget, 8 if magic in _VERSIONED else 4)
    words = cursor.number(4)
    cursor.take((layout.numbers - 1) * 4)
    if layout.filters:
        cursor.skip(cursor.number(4) * cursor.number(4) * 4)
    if layout.counted:
        words = cursor.number(4)
    if not layout.vocabulary:
        return cursor.offset
    if words > _MAX_WORDS:
        raise ReadError(f"a vocabulary of {words:,} words", offset=cursor.offset)
    if not layout.scored:
        cursor.skip_strings(words)
        return cursor.offset
    cursor.expect(words, 8, "words")
    budget.step(words)
    for _ in range(words):
        cursor.skip(cursor.number(4) + 4)
    return cursor.offset


def _records(
    artifact: Artifact, budget: Budget, begin: int, elements: dict[int, Element], *, aligned: bool
) -> _Table:
    """Follow the tensors to the end of the file."""
    cursor = Cursor(artifact, budget, begin, window=_WINDOW)
    digest = hashlib.sha256(artifact.read_at(0, begin))
    tensors = parameters = payload = 0
    dtypes = set[str]()
    while cursor.left:
        at = cursor.offset
        element, count, size = _record(cursor, elements)
        digest.update(artifact.read_at(at, cursor.offset - at))
        if aligned:
            cursor.offset += -cursor.offset % _ALIGNMENT
        if size > cursor.left:
            raise OverrunError("a tensor reaches past the end of the file", offset=at)
        cursor.offset += size
        tensors, parameters, payload = tensors + 1, parameters + count, payload + size
        dtypes.add(element.name)
        if tensors > _MAX_TENSORS:
            raise BudgetError(f"more than {_MAX_TENSORS:,} tensors", offset=at)
    if not tensors:
        raise ReadError("there are no tensors", offset=begin)
    budget.step(tensors)
    return _Table(tensors, parameters, payload, tuple(sorted(dtypes)), digest.hexdigest())


def _record(cursor: Cursor, elements: dict[int, Element]) -> tuple[Element, int, int]:
    """The header of one tensor: its element type, elements and bytes."""
    begin = cursor.offset
    dimensions, length, kind = (cursor.number(4) for _ in range(3))
    element = elements.get(kind)
    if not 0 < dimensions <= _MAX_DIMENSIONS or not length <= _MAX_NAME or element is None:
        raise ReadError("something that is not the header of a tensor", offset=begin)
    shape = [cursor.number(4) for _ in range(dimensions)]
    cursor.take(length)
    count = math.prod(shape)
    size = element.bytes_for(shape[0], count)
    if size is None:
        raise ReadError("a tensor whose rows are no whole number of blocks", offset=begin)
    return element, count, size
