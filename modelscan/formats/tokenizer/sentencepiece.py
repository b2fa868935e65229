"""sentencepiece models, `tokenizer.model` and `spiece.model`: a protobuf of pieces and rules.

Invariants: pieces are nearly all of the file; their fields are read in place, and let go. What it
says besides (training parameters) is data.

Source: sentencepiece, `sentencepiece_model.proto`: `ModelProto` with pieces (1), trainer (2),
normaliser (3) and denormaliser (5); a piece has its text (1), score (2) and type (3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.protobuf import BYTES, FIXED32, VARINT, Field, Wire
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import charsmap
from modelscan.formats.tokenizer.added import Added
from modelscan.formats.tokenizer.orders import scored_out_of_order
from modelscan.formats.tokenizer.reader import defects, facts_of_added
from modelscan.formats.tokenizer.vocabulary import Batch, Vocabulary
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TokenizerStep, TokenizerToken
from modelscan.vocabulary.location import Location

_PIECE, _TRAINER, _NORMALIZER, _DENORMALIZER = 1, 2, 3, 5
_TEXT, _SCORE, _TYPE = 1, 2, 3
_ALGORITHM: Final = 3
_CHARSMAP: Final = 2
_ALGORITHMS: Final = {1: "Unigram", 2: "BPE", 3: "WordLevel", 4: "char"}
_NORMAL, _CONTROL, _OWN = 1, 3, 4
"""Types of pieces: of the training, a marker, a token that the author added."""
_PIECE_TAG: Final = 0x0A
_SCORE_TAG: Final = 0x15
_TYPE_TAG: Final = 0x18
_SCORE_SIZE: Final = 5
"""Bytes of a score and its tag."""
_LARGEST: Final = 64 << 20
_LONGEST_PIECE: Final = 1 << 20
_MOST_OWN: Final = 20_000
_BATCH: Final = 8_192
_SHOWN: Final = 160


class SentencepieceReader:
    """A sentencepiece model, by its first piece: the format has no magic bytes."""

    format = "sentencepiece"

    def recognises(self, glimpse: Glimpse) -> bool:
        """Two pieces, one behind the other, the first with a text that is a marker."""
        head = glimpse.head
        if head[:1] != b"\n" or head[2:3] != b"\n" or glimpse.extension in {".md", ".txt"}:
            return False
        length, text = head[1], head[3:4]
        if not text or text[0] + 2 > length or length > 0x7F or text[0] > 0x7F:  # noqa: PLR2004  # one byte each
            return False
        score = head[4 + text[0] : 5 + text[0]]
        following = head[2 + length : 3 + length]
        return score == bytes([_SCORE_TAG]) and following == b"\n"

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the vocabulary, and what is wrong or out of the ordinary.

        Raises:
            ReadError: it is not the message that it began as.
            BudgetError: it is larger than any.
        """
        if artifact.size > _LARGEST:
            raise BudgetError(f"a sentencepiece model of {artifact.size:,} bytes")
        where = place(artifact)
        rest = _Rest()
        vocabulary = Vocabulary(lambda: _pieces(artifact, budget, rest), apart=True)
        algorithm = _ALGORITHMS.get(rest.algorithm, "") or "Unigram"
        yield vocabulary.described("sentencepiece", algorithm, where)
        wrong = (*vocabulary.repeated(), *scored_out_of_order(vocabulary))
        rules = _rules(rest.charsmaps, where)
        for fact in (*defects(wrong, where), *_tokens(rest.own, where), *rules):
            budget.fact()
            yield fact


class _Rest:
    """What a model says beside its pieces."""

    def __init__(self) -> None:
        self.own: list[Added] = []
        """Markers, and tokens of the author's own."""
        self.algorithm = 0
        self.charsmaps: list[tuple[Any, bytes]] = []
        """Compiled rules, each with the stage that they are for."""


def _pieces(artifact: Artifact, budget: Budget, rest: _Rest) -> Iterator[Batch]:
    """A round over all pieces, in which everything else is noted."""
    wire = Wire(artifact, budget)
    rest.own.clear()
    rest.charsmaps.clear()
    names: list[str] = []
    scores: list[float] = []
    count = 0
    for field in wire.fields():
        if field.wire != BYTES:
            continue
        if field.number == _PIECE:
            if field.value > _LONGEST_PIECE:
                raise BudgetError(f"a piece of {field.value:,} bytes", offset=field.at)
            text, score, kind = _piece(wire.take(field.at, field.value))
            if kind in {_CONTROL, _OWN} and len(rest.own) < _MOST_OWN:
                rest.own.append(Added(count + len(names), text))
            names.append(text)
            scores.append(score if kind == _NORMAL else 0.0)
            if len(names) == _BATCH:
                yield Batch(names, range(count, count + _BATCH), scores)
                count += _BATCH
                names, scores = [], []
        elif field.number == _TRAINER:
            rest.algorithm = _algorithm(wire, field) or rest.algorithm
        elif field.number in {_NORMALIZER, _DENORMALIZER}:
            _noted(wire, field, rest)
    yield Batch(names, range(count, count + len(names)), scores)


def _tokens(own: list[Added], where: Location) -> Iterator[Fact]:
    """Markers and tokens of the author's own that are odd; where they stand is their number."""
    for fact in facts_of_added(own, "added_tokens", where):
        if isinstance(fact, TokenizerToken):
            yield fact


def _piece(data: bytes) -> tuple[str, float, int]:
    """Text, score and type of a piece.

    Raises:
        ReadError: it is none.
    """
    # Nearly every piece is a short text, a score, and sometimes a type: read without a walk.
    end = 2 + data[1] if len(data) > 1 else 0
    left = len(data) - end - _SCORE_SIZE
    short = data[:1] == b"\n" and left in {0, 2} and data[1] < 0x80  # noqa: PLR2004  # a length of one byte
    if short and data[end] == _SCORE_TAG and (not left or data[-2] == _TYPE_TAG):
        (score,) = struct.unpack_from("<f", data, end + 1)
        text = data[2:end].decode("utf-8", "surrogateescape")
        return text, score, data[-1] if left else _NORMAL
    return _walked(data)


def _walked(data: bytes) -> tuple[str, float, int]:
    wire = Wire(BytesArtifact("", data), Budget())
    text, score, kind = "", 0.0, _NORMAL
    for field in wire.fields():
        if (field.number, field.wire) == (_TEXT, BYTES):
            text = wire.take(field.at, field.value).decode("utf-8", "surrogateescape")
        elif (field.number, field.wire) == (_SCORE, FIXED32):
            (score,) = struct.unpack("<f", field.value.to_bytes(4, "little"))
        elif (field.number, field.wire) == (_TYPE, VARINT):
            kind = field.value
    return text, score, kind


def _algorithm(wire: Wire, message: Field) -> int:
    for field in wire.fields(message.at, message.end, depth=1):
        if (field.number, field.wire) == (_ALGORITHM, VARINT):
            return field.value
    return 0


def _noted(wire: Wire, message: Field, rest: _Rest) -> None:
    """Keep the rules of normalisation of a message.

    Raises:
        BudgetError: there are more of them than programs read.
    """
    stage = "normalizer" if message.number == _NORMALIZER else "decoder"
    for field in wire.fields(message.at, message.end, depth=1):
        if (field.number, field.wire) == (_CHARSMAP, BYTES):
            total = field.value + sum(len(rules) for _, rules in rest.charsmaps)
            if total > charsmap.LARGEST:
                raise BudgetError(f"rules of normalisation of {total:,} bytes", offset=field.at)
            rest.charsmaps.append((stage, wire.take(field.at, field.value)))


def _rules(charsmaps: list[tuple[Any, bytes]], where: Location) -> Iterator[Fact]:
    """Rules of normalisation that write words."""
    for stage, rules in charsmaps:
        for text in charsmap.words(rules):
            kind: Any = "rewrites-address" if "://" in text else "rewrites-words"
            yield TokenizerStep(
                location=where, stage=stage, kind=kind, name="precompiled", content=text[:_SHOWN]
            )
