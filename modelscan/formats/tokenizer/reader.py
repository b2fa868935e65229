"""`tokenizer.json`: a whole tokenizer in one document.

Invariants: the vocabulary is decoded into one table, merges into one list, and nothing is copied
but what is wrong; a document that the library would refuse is a gap. That the document is JSON, and
asks for no code, is said by the reader of JSON configuration.

Source: the serialisation of the tokenizers library, version 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import merges, steps
from modelscan.formats.tokenizer.added import Added, added, against, oddity
from modelscan.formats.tokenizer.vocabulary import (
    MOST_SHOWN,
    Defect,
    Vocabulary,
    merged_out_of_order,
    scored_out_of_order,
)
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    Fact,
    TokenizerDefect,
    TokenizerNames,
    TokenizerStep,
    TokenizerToken,
)
from modelscan.vocabulary.location import Location

NAME: Final = "tokenizer.json"
_MAX_DOCUMENT: Final = 64 << 20
"""The largest real ones, of 256,000 tokens in many scripts, have 35 MB."""
_MOST_ADDED: Final = 20_000
LARGE_PART: Final = 1 << 20
"""Bytes from which on it is asked what a part takes."""
_LARGEST_PART: Final = 48 << 20
"""Bytes of memory; twenty thousand added tokens take half of it."""
_SHOWN: Final = 160

_ENTRY: Final = re.compile(rb'":\s*[\d-]')

_Scored = list[tuple[str, float]]
_Merges = list[str | tuple[str, str]]


_NOTHING: Final = msgspec.Raw(b"null")


class _Model(msgspec.Struct):
    """The table and the merges, decoded only as what they must be."""

    type: Any = None
    vocab: msgspec.Raw = msgspec.Raw(b"{}")
    merges: msgspec.Raw = msgspec.Raw(b"[]")
    continuing_subword_prefix: Any = None


class _Document(msgspec.Struct):
    model: _Model
    added_tokens: msgspec.Raw = _NOTHING
    normalizer: msgspec.Raw = _NOTHING
    pre_tokenizer: msgspec.Raw = _NOTHING
    post_processor: msgspec.Raw = _NOTHING
    decoder: msgspec.Raw = _NOTHING


class TokenizerReader:
    """`tokenizer.json`, by its name."""

    format = "tokenizer"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as every loader does."""
        return glimpse.name == NAME

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the vocabulary, and what is wrong or out of the ordinary.

        Raises:
            ReadError: it is no tokenizer that the library would load.
            BudgetError: it is larger than any.
        """
        if artifact.size > _MAX_DOCUMENT:
            raise BudgetError(f"a tokenizer of {artifact.size:,} bytes")
        budget.header(artifact.size)
        data = artifact.read_at(0, artifact.size)
        document = _decode(data.removeprefix(b"\xef\xbb\xbf"), _Document)
        for fact in _facts(document, place(artifact), budget):
            budget.fact()
            yield fact


def facts_of_added(
    tokens: list[Added], source: Any, where: Location
) -> Iterator[TokenizerNames | TokenizerToken]:
    """Added tokens as facts, wherever they are written.

    Args:
        tokens: those that a file adds.
        source: how it says so.
        where: the file.
    """
    tokens = tokens[:_MOST_ADDED]
    if tokens:
        yield TokenizerNames(
            location=where,
            source=source,
            names=tuple(token.content for token in tokens),
            numbers=tuple(token.number for token in tokens),
        )
    shown = 0
    for number, content in tokens:
        kind = oddity(content)
        shown += bool(kind)
        if kind and shown <= MOST_SHOWN:
            yield TokenizerToken(location=where, kind=kind, token=content[:_SHOWN], number=number)


def _facts(document: _Document, where: Location, budget: Budget) -> Iterator[Fact]:
    model = document.model
    algorithm = model.type if isinstance(model.type, str) else ""
    tokens = added(_part(document.added_tokens, "a list of added tokens"))
    largest = max((token.number for token in tokens), default=-1)
    scored = bytes(model.vocab).lstrip().startswith(b"[")
    defects: list[Defect] = []
    written: _Merges = []
    if scored:
        rows = _decode(model.vocab, _Scored)
        names = [name for name, _ in rows]
        vocabulary = Vocabulary.listed(names)
        table = dict(zip(names, range(len(names)), strict=True))
        if len(table) != len(names):
            defects += twice(names)
        defects += scored_out_of_order(names, [score for _, score in rows])
    else:
        table = _decode(model.vocab, dict[str, int])
        vocabulary = Vocabulary.of(table)
        defects += vocabulary.defects()
        # Every entry of the table has such a place, and texts with quotation marks may, too.
        if len(_ENTRY.findall(model.vocab)) != len(table):
            defects += _repeated(model.vocab)
        written = _decode(model.merges, _Merges)
        defects += _merges(model, written, table)
    budget.step(len(table))
    yield vocabulary.described("tokenizers", algorithm[:_SHOWN], where, largest)
    if written:
        yield merges.described(written, where)
    defects += against(table, tokens)
    for kind, token, detail in defects:
        yield TokenizerDefect(
            location=where, kind=kind, token=token[:_SHOWN], detail=detail[:_SHOWN]
        )
    yield from facts_of_added(tokens, "added_tokens", where)
    numbers = {**{token.content: token.number for token in tokens}, **table}
    stages = {stage: _part(getattr(document, stage), f"a {stage}") for stage in steps.STAGES}
    ordinary = frozenset(token.content for token in tokens)
    for step in list(steps.odd_steps(stages, numbers, ordinary))[:MOST_SHOWN]:
        yield TokenizerStep(
            location=where,
            stage=step.stage,
            kind=step.kind,
            name=step.name,
            pattern=step.pattern,
            content=step.content,
        )


def _merges(model: _Model, written: _Merges, table: Mapping[str, int]) -> Iterator[Defect]:
    """The same of a document."""
    prefix = model.continuing_subword_prefix
    skip = len(prefix) if isinstance(prefix, str) else 0
    return merge_defects(written, table, skip)


def merge_defects(
    pairs: Sequence[str | tuple[str, str]], table: Mapping[str, int], skip: int = 0
) -> Iterator[Defect]:
    """Merges that name no tokens, and tokens that are not numbered in their order.

    Args:
        pairs: both parts of each, with a blank between them or as a pair.
        table: the vocabulary.
        skip: characters that mark a part inside a word, and that are no part of a result.
    """
    if not pairs:
        return
    results: list[str] = []
    unknown = 0
    for merge in pairs:
        if isinstance(merge, str):
            left, _, right = merge.partition(" ")
        else:
            left, right = merge
        result = left + right[skip:] if skip else left + right
        results.append(result)
        if left not in table or right not in table or result not in table:
            unknown += 1
            if unknown <= MOST_SHOWN:
                missing = next(part for part in (left, right, result) if part not in table)
                yield Defect("unknown-merge", missing, f"in the merge of {left!r} and {right!r}")
    yield from merged_out_of_order(table, results)


def twice(names: list[str]) -> Iterator[Defect]:
    """Tokens of a list that stand in it twice."""
    first: dict[str, int] = {}
    shown = 0
    for number, name in enumerate(names):
        if first.setdefault(name, number) != number and shown < MOST_SHOWN:
            shown += 1
            yield Defect("duplicate-token", name, f"{first[name]} and {number}")


def _repeated(raw: msgspec.Raw) -> Iterator[Defect]:
    """Tokens that a table has twice, with different numbers; another parser takes the other one."""
    import json  # lazy: hardly a vocabulary has anything wrong with it

    seen: dict[str, int] = {}
    found: list[Defect] = []

    def table(pairs: list[tuple[str, int]]) -> dict[str, int]:
        for name, number in pairs:
            if seen.setdefault(name, number) != number:
                found.append(Defect("duplicate-token", name, f"{seen[name]} and {number}"))
        return seen

    json.loads(bytes(raw), object_pairs_hook=table)
    yield from found[:MOST_SHOWN]


def _part(written: msgspec.Raw, what: str) -> Any:
    """A part that may be any tree, as long as it is not larger than those of real tokenizers.

    Raises:
        BudgetError: it is.
    """
    if len(written) > LARGE_PART:
        bounded(bytes(written), what)
    return _decode(written, Any)


def bounded(data: bytes, what: str) -> None:
    """Refuse a document that takes more memory than any real one of its kind.

    Raises:
        BudgetError: it does.
    """
    from modelscan.formats.objects.pieces import cost  # lazy: few are as large

    if cost(data) > _LARGEST_PART:
        raise BudgetError(f"{what} of {len(data):,} bytes")


def _decode(data: bytes | msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise ReadError(f"not a tokenizer: {error}") from None
