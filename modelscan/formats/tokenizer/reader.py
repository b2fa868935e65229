"""`tokenizer.json`: a whole tokenizer in one document.

Invariants: the vocabulary and the merges are read a stretch at a time and let go; a document that
the library would refuse, or that says the same thing twice, is a gap. That the document is JSON,
and asks for no code, is said by the reader of JSON configuration.

Source: the serialisation of the tokenizers library, version 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.json_parts import JsonParts, Part
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import merges, steps
from modelscan.formats.tokenizer.added import Added, added, against, oddity
from modelscan.formats.tokenizer.orders import scored_out_of_order
from modelscan.formats.tokenizer.vocabulary import MOST_SHOWN, Batch, Defect, Vocabulary
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, place
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
_LARGEST_PART: Final = 40 << 20
"""Bytes of memory; twenty thousand added tokens take half of it."""
_LONGEST_PART: Final = 12 << 20
"""Bytes of what is read as a whole."""
_HELD: Final = 4 << 20
"""Bytes of a document that is read but once."""
_NAMES: Final = re.compile(rb'"\s*:')
_SHOWN: Final = 160


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
        for fact in _facts(_Document(held(artifact), budget), place(artifact)):
            budget.fact()
            yield fact


def held(artifact: Artifact) -> Artifact:
    """The same in memory, if it is small."""
    if artifact.size > _HELD:
        return artifact
    data = artifact.read_at(0, artifact.size)
    return BytesArtifact(artifact.name, data, member=artifact.member, depth=artifact.depth)


def tabled(parts: JsonParts, table: Part) -> Iterator[Batch]:
    """The tokens of a table, those that stand there twice included.

    Raises:
        ReadError: it is no table from tokens to numbers.
    """
    for stretch in parts.stretches(table):
        found: dict[str, int] = decoded(stretch, dict[str, int])
        # Every entry has such a place; texts with quotation marks may have some, too.
        if len(_NAMES.findall(stretch)) != len(found):
            import json  # lazy: few vocabularies have such texts

            pairs = json.loads(stretch, object_pairs_hook=list)
            yield Batch([name for name, _ in pairs], [number for _, number in pairs])
        else:
            yield Batch(list(found), list(found.values()))


class _Document:
    """The parts of one document.

    Args:
        artifact: the document.
        budget: pays for it.

    Raises:
        ReadError: it is no tokenizer.
    """

    def __init__(self, artifact: Artifact, budget: Budget) -> None:
        self._parts = JsonParts(artifact, budget)
        self._found: dict[str, Part] = {}
        for name, part in self._parts.members(self._parts.root(), inside="model"):
            if name in self._found:
                raise ReadError(f"not a tokenizer: {name[:_SHOWN]!r} is in it twice")
            self._found[name] = part
        kind = self._kind("model.vocab", b"{")
        if self._kind("model", b"") != b"{" or kind not in (b"[", b"{"):
            raise ReadError("not a tokenizer: it has no model")
        self.scored = kind == b"["
        if not self.scored and self._kind("model.merges", b"[") != b"[":
            raise ReadError("not a tokenizer: its merges are no list")
        written = self._found.get("model.merges")
        self.merged = not self.scored and written is not None and written.size > len("[]")

    def _kind(self, name: str, otherwise: bytes) -> bytes:
        return self._parts.first(self._found[name]) if name in self._found else otherwise

    def tree(self, name: str) -> Any:
        """A part that may be any tree; `None` if there is none.

        Raises:
            BudgetError: it is larger than those of real tokenizers.
        """
        part = self._found.get(name)
        if part is None:
            return None
        if part.size > _LONGEST_PART:
            raise BudgetError(f"a {name} of {part.size:,} bytes")
        written = self._parts.raw(part)
        if part.size > LARGE_PART:
            bounded(written, f"a {name}")
        return decoded(written, Any)

    def tokens(self) -> Iterator[Batch]:
        """A round over the vocabulary."""
        part = self._found.get("model.vocab")
        if part is None:
            return
        if not self.scored:
            yield from tabled(self._parts, part)
            return
        count = 0
        for stretch in self._parts.stretches(part):
            rows = decoded(stretch, list[tuple[str, float]])
            numbers = range(count, count + len(rows))
            yield Batch([name for name, _ in rows], numbers, [score for _, score in rows])
            count += len(rows)

    def merges(self) -> Iterator[list[merges.Merge]]:
        """A round over the merges."""
        for stretch in self._parts.stretches(self._found["model.merges"]):
            yield decoded(stretch, list[merges.Merge])


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


def _facts(document: _Document, where: Location) -> Iterator[Fact]:
    algorithm = document.tree("model.type")
    tokens = added(document.tree("added_tokens"))
    largest = max((token.number for token in tokens), default=-1)
    stages = {stage: document.tree(stage) for stage in steps.STAGES}
    contents = frozenset(token.content for token in tokens)
    vocabulary = Vocabulary(
        document.tokens,
        names=contents | frozenset(_texts(stages["post_processor"])),
        numbers=frozenset(token.number for token in tokens),
        tabled=document.merged,
        apart=True,
    )
    kind = algorithm[:_SHOWN] if isinstance(algorithm, str) else ""
    # Merges come first: what they are held against is used up, and makes room.
    digest, wrong = merges.Digest(), list[Defect]()
    if document.merged:
        prefix = document.tree("model.continuing_subword_prefix")
        skip = len(prefix) if isinstance(prefix, str) else 0
        wrong = list(merges.defects(vocabulary, digest.through(document.merges), skip))
    yield from defects(vocabulary.defects(), where)
    yield vocabulary.described("tokenizers", kind, where, largest)
    if digest.count:
        yield digest.described(where)
    yield from defects(vocabulary.repeated(), where)
    yield from defects(scored_out_of_order(vocabulary), where)
    yield from defects(wrong, where)
    own = vocabulary.own
    yield from defects(against(own, vocabulary.holders, vocabulary.count, tokens), where)
    yield from facts_of_added(tokens, "added_tokens", where)
    numbers = {**{token.content: token.number for token in tokens}, **own}
    for step in list(steps.odd_steps(stages, numbers, contents))[:MOST_SHOWN]:
        yield TokenizerStep(
            location=where,
            stage=step.stage,
            kind=step.kind,
            name=step.name,
            pattern=step.pattern,
            content=step.content,
        )


def defects(found: Iterable[Defect], where: Location) -> Iterator[TokenizerDefect]:
    """What is wrong with a vocabulary, as facts."""
    for kind, token, detail in found:
        yield TokenizerDefect(
            location=where, kind=kind, token=token[:_SHOWN], detail=detail[:_SHOWN]
        )


def _texts(tree: Any) -> Iterator[str]:
    """All texts of a tree, names included."""
    pending = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending.extend((*value, *value.values()))
        elif isinstance(value, list):
            pending.extend(value)


def bounded(data: bytes, what: str) -> None:
    """Refuse a document that takes more memory than any real one of its kind.

    Raises:
        BudgetError: it does.
    """
    from modelscan.formats.objects.pieces import cost  # lazy: few are as large

    if cost(data) > _LARGEST_PART:
        raise BudgetError(f"{what} of {len(data):,} bytes")


def decoded(data: bytes, kind: Any) -> Any:
    """A part of a document, as what it must be.

    Raises:
        ReadError: it is something else.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise ReadError(f"not a tokenizer: {error}") from None
