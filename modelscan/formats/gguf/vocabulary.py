"""The tokens of a GGUF file: the same questions that `tokenizer.json` is asked.

llama.cpp takes tokens, merges, scores and the kinds of tokens from lists in the metadata, and no
other file. Exchanged tokens, numbers with two meanings and markers that hold a sentence do the same
there as in `tokenizer.json`.

Invariants: the lists are read once, behind everything else that the file states; lists of different
lengths are the business of whoever checks the metadata.

Source: the GGUF specification, `tokenizer.ggml.*`; `llama_token_type` of llama.cpp.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.gguf.cursor import ByteOrder
from modelscan.formats.gguf.metadata import Place
from modelscan.formats.tokenizer import merges
from modelscan.formats.tokenizer.added import Added
from modelscan.formats.tokenizer.reader import facts_of_added, merge_defects, twice
from modelscan.formats.tokenizer.vocabulary import Defect, Vocabulary, scored_out_of_order
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.fact import Fact, TokenizerDefect
from modelscan.vocabulary.location import Location

TOKENS: Final = "tokenizer.ggml.tokens"
MERGES: Final = "tokenizer.ggml.merges"
SCORES: Final = "tokenizer.ggml.scores"
KINDS: Final = "tokenizer.ggml.token_type"
_MODEL: Final = "tokenizer.ggml.model"
_ALGORITHMS: Final = {"gpt2": "BPE", "llama": "BPE", "bert": "WordPiece", "t5": "Unigram"}
_MOST: Final = 4_000_000
_SHOWN: Final = 160
_NORMAL: Final = 1
_MARKERS: Final = frozenset({3, 4})
"""Control tokens, and those that the author of the model added."""
_INT32, _FLOAT32, _TEXT = 5, 6, 8
_WIDTH: Final = 4
"""Bytes of both kinds of numbers."""


class Lists:
    """The lists of one file.

    Args:
        artifact: the file.
        places: of its lists, by key.
        order: the order of bytes in numbers.
        wide: whether lengths have 64 bits, not 32.
        budget: pays for every item.
    """

    def __init__(
        self,
        artifact: Artifact,
        places: Mapping[str, Place],
        order: ByteOrder,
        *,
        wide: bool,
        budget: Budget,
    ) -> None:
        self._artifact = artifact
        self._places = places
        self._mark = "<" if order == "little" else ">"
        self._wide = wide
        self._budget = budget

    def facts(self, texts: Mapping[str, str], where: Location) -> Iterator[Fact]:
        """State the vocabulary, and what is wrong or out of the ordinary with it.

        Args:
            texts: short texts of the metadata.
            where: the file.

        Raises:
            BudgetError: it is larger than any.
        """
        names = self._strings(TOKENS)
        if not names:
            return
        kinds = self._numbers(KINDS, _INT32, "i", len(names))
        scores = self._numbers(SCORES, _FLOAT32, "f", len(names))
        algorithm = _ALGORITHMS.get(texts.get(_MODEL, ""), "")
        yield Vocabulary.listed(names).described("gguf", algorithm, where)
        defects: list[Defect] = []
        table = dict(zip(names, range(len(names)), strict=True))
        if len(table) != len(names):
            defects += twice(names)
        if scores and kinds:
            plain = [
                float(score) if kind == _NORMAL else 0.0
                for score, kind in zip(scores, kinds, strict=True)
            ]
            defects += scored_out_of_order(names, plain)
        pairs = self._strings(MERGES)
        defects += merge_defects(pairs, table)
        if pairs:
            yield merges.described(pairs, where)
        for kind, token, detail in defects:
            yield TokenizerDefect(
                location=where, kind=kind, token=token[:_SHOWN], detail=detail[:_SHOWN]
            )
        markers = [
            Added(number, name)
            for number, (name, kind) in enumerate(zip(names, kinds, strict=False))
            if kind in _MARKERS
        ]
        yield from facts_of_added(markers, "gguf", where)

    def _strings(self, key: str) -> list[str]:
        """The texts of a list; none when there is no such list, or not of texts."""
        place = self._places.get(key)
        if place is None or place.kind != _TEXT:
            return []
        if place.items > _MOST:
            raise BudgetError(f"{place.items:,} tokens", offset=place.offset)
        self._budget.step(place.items)
        data = self._artifact.read_at(place.offset, place.end - place.offset)
        unpack = struct.Struct(self._mark + ("Q" if self._wide else "I")).unpack_from
        width = 8 if self._wide else 4
        found: list[str] = []
        at = 0
        for _ in range(place.items):
            (length,) = unpack(data, at)
            at += width
            found.append(data[at : at + length].decode("utf-8", "surrogateescape"))
            at += length
        return found

    def _numbers(self, key: str, kind: int, form: str, count: int) -> tuple[float, ...]:
        """The numbers of a list that has one for every token; none when it has not."""
        place = self._places.get(key)
        if place is None or place.kind != kind or place.items != count:
            return ()
        data = self._artifact.read_at(place.offset, _WIDTH * count)
        return struct.unpack(f"{self._mark}{count}{form}", data)
