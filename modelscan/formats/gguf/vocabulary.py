"""The tokens of a GGUF file: the same questions that `tokenizer.json` is asked.

llama.cpp takes tokens, merges, scores and the kinds of tokens from lists in the metadata, and no
other file. Exchanged tokens, numbers with two meanings and markers that hold a sentence do the same
there as in `tokenizer.json`.

Invariants: the lists are read behind everything else that the file states, a stretch at a time;
lists of different lengths are the business of whoever checks the metadata.

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
from modelscan.formats.tokenizer.orders import scored_out_of_order
from modelscan.formats.tokenizer.reader import defects, facts_of_added
from modelscan.formats.tokenizer.vocabulary import Batch, Defect, Vocabulary
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.location import Location

TOKENS: Final = "tokenizer.ggml.tokens"
MERGES: Final = "tokenizer.ggml.merges"
SCORES: Final = "tokenizer.ggml.scores"
KINDS: Final = "tokenizer.ggml.token_type"
_MODEL: Final = "tokenizer.ggml.model"
_ALGORITHMS: Final = {"gpt2": "BPE", "llama": "BPE", "bert": "WordPiece", "t5": "Unigram"}
_MOST: Final = 4_000_000
_MOST_MARKERS: Final = 20_000
_WINDOW: Final = 1 << 20
"""Bytes that are held at a time; no token is as long."""
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
        if not self._count(TOKENS):
            return
        algorithm = _ALGORITHMS.get(texts.get(_MODEL, ""), "")
        markers: list[Added] = []
        merged = self._count(MERGES) > 0
        vocabulary = Vocabulary(lambda: self._tokens(markers), tabled=merged, apart=True)
        yield vocabulary.described("gguf", algorithm, where)
        digest = merges.Digest()
        wrong: list[Defect] = []
        if merged:
            pairs = digest.through(lambda: self._strings(MERGES))
            wrong = list(merges.defects(vocabulary, pairs))
        yield from defects(vocabulary.repeated(), where)
        yield from defects(scored_out_of_order(vocabulary), where)
        yield from defects(wrong, where)
        if digest.count:
            yield digest.described(where)
        yield from facts_of_added(markers, "gguf", where)

    def _tokens(self, markers: list[Added]) -> Iterator[Batch]:
        """A round over the tokens, in which those are noted that are markers."""
        markers.clear()
        total, count = self._count(TOKENS), 0
        for names in self._strings(TOKENS):
            kinds = self._numbers(KINDS, _INT32, "i", total, count, len(names))
            scores = self._numbers(SCORES, _FLOAT32, "f", total, count, len(names))
            plain = [
                float(score) if kind == _NORMAL else 0.0
                for score, kind in zip(scores, kinds, strict=False)
            ]
            for number, (name, kind) in enumerate(zip(names, kinds, strict=False), start=count):
                if kind in _MARKERS and len(markers) < _MOST_MARKERS:
                    markers.append(Added(number, name))
            yield Batch(names, range(count, count + len(names)), plain)
            count += len(names)

    def _count(self, key: str) -> int:
        """Texts in a list; none when there is no such list, or not of texts."""
        place = self._places.get(key)
        return place.items if place is not None and place.kind == _TEXT else 0

    def _strings(self, key: str) -> Iterator[list[str]]:
        """The texts of a list, some at a time.

        Raises:
            BudgetError: there are more of them than in any, or one is longer.
        """
        place = self._places.get(key)
        if place is None or not self._count(key):
            return
        if place.items > _MOST:
            raise BudgetError(f"{place.items:,} tokens", offset=place.offset)
        self._budget.step(place.items)
        unpack = struct.Struct(self._mark + ("Q" if self._wide else "I")).unpack_from
        width = 8 if self._wide else 4
        base, left = place.offset, place.items
        while left:
            data = self._artifact.read_at(base, min(_WINDOW, place.end - base))
            found: list[str] = []
            at = 0
            while left and at + width <= len(data):
                (length,) = unpack(data, at)
                end = at + width + length
                if end > len(data):
                    break
                found.append(data[at + width : end].decode("utf-8", "surrogateescape"))
                at, left = end, left - 1
            if not found:
                raise BudgetError("a token that is longer than any", offset=base)
            yield found
            base += at

    def _numbers(
        self, key: str, kind: int, form: str, total: int, first: int, count: int
    ) -> tuple[float, ...]:
        """Some numbers of a list that has one for every token; none when it has not."""
        place = self._places.get(key)
        if place is None or place.kind != kind or place.items != total:
            return ()
        data = self._artifact.read_at(place.offset + _WIDTH * first, _WIDTH * count)
        return struct.unpack(f"{self._mark}{count}{form}", data)
