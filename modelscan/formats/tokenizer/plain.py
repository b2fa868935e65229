"""Vocabularies that are nothing but lists, and tables of the tokens that are added to one.

`vocab.json`, `vocab.txt`, `merges.txt` and tiktoken's tables; `tokenizer_config.json`,
`special_tokens_map.json` and `added_tokens.json`.

Invariants: what is no vocabulary under one of these names is no gap: speech models and others use
the names for documents of their own, and the reader of JSON configuration speaks for those.

Sources: transformers, `vocab_files_names` of its tokenizers; tiktoken, `load_tiktoken_bpe`: one
line for each token, Base64 and the number.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.json_parts import JsonParts
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import merges
from modelscan.formats.tokenizer.added import Added, oddity
from modelscan.formats.tokenizer.lines import lines
from modelscan.formats.tokenizer.orders import is_letter, lettered_out_of_order
from modelscan.formats.tokenizer.reader import (
    LARGE_PART,
    bounded,
    defects,
    facts_of_added,
    held,
    tabled,
)
from modelscan.formats.tokenizer.vocabulary import Batch, Vocabulary
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TokenizerRoles, TokenizerToken
from modelscan.vocabulary.location import Location

_TABLE: Final = "vocab.json"
_LINES: Final = "vocab.txt"
_CONFIG: Final = "tokenizer_config.json"
_ADDED: Final = "added_tokens.json"
_SPECIAL: Final = "special_tokens_map.json"
_ROLES: Final = ("bos_token", "cls_token", "eos_token", "mask_token", "pad_token", "sep_token",
                 "unk_token")  # fmt: skip
_NAMES: Final = frozenset({_TABLE, _LINES, _CONFIG, _ADDED, _SPECIAL, merges.FILE})
_RANKED: Final = ".tiktoken"
_RANKED_NAMES: Final = frozenset({"tiktoken.model", "tokenizer.model", "tekken.model"})
_FIRST_RANKS: Final = (b"IQ== 0", b"AA== 0")
"""How tables begin: with `!`, the first byte that can be seen, or with a zero."""
_EMPTY: Final = "="
"""The token of no bytes, as the tables of speech models write it."""
_LARGEST: Final = 64 << 20
_LARGEST_TABLE: Final = 12 << 20
_MOST_LETTERS: Final = 200_000
_SHARED: Final = 64
"""Numbers that are another token's as well, up to which a table numbers tokens."""
_SHOWN: Final = 160


class VocabularyReader:
    """Bare vocabularies, by their names."""

    format = "vocabulary"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name; a table of tiktoken with the name of a sentencepiece model by its first line."""
        if glimpse.name in _NAMES or glimpse.extension == _RANKED:
            return True
        return glimpse.name in _RANKED_NAMES and glimpse.head.startswith(_FIRST_RANKS)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the vocabulary, or what is added to one.

        Raises:
            ReadError: a table of tiktoken that cannot be read.
            BudgetError: it is larger than any vocabulary.
        """
        if artifact.size > _LARGEST:
            raise BudgetError(f"a vocabulary of {artifact.size:,} bytes")
        budget.header(artifact.size)
        name = (artifact.member or artifact.name).rpartition("/")[2].rpartition("!")[2]
        if name in (_CONFIG, _SPECIAL, _ADDED):
            found = _added(name, artifact)
        else:
            found = _stated(name, held(artifact), budget)
        for fact in found:
            budget.fact()
            yield fact


def _added(name: str, artifact: Artifact) -> Iterator[Fact]:
    """What a table says that is no vocabulary, but adds to one."""
    where = place(artifact)
    if artifact.size > _LARGEST_TABLE:
        raise BudgetError(f"a table of tokens of {artifact.size:,} bytes")
    data = artifact.read_at(0, artifact.size)
    if len(data) > LARGE_PART:
        bounded(data, "a table of tokens")
    if name != _ADDED:
        yield from _roles(data, where)
    if name == _CONFIG:
        yield from facts_of_added(_decoder(data), "added_tokens_decoder", where)
    elif name == _ADDED:
        table = _decoded(data, dict[str, int]) or {}
        tokens = [Added(number, token) for token, number in table.items()]
        yield from facts_of_added(tokens, "added_tokens.json", where)


def _stated(name: str, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    where = place(artifact)
    if name == _TABLE:
        yield from _table(artifact, budget)
    elif name == merges.FILE:
        digest = merges.Digest()
        for written in merges.lines(lines(artifact, budget)):
            if not digest.count and not all(" " in one for one in written[:_SHOWN]):
                return
            digest.add(written)
        if digest.count:
            yield digest.described(where)
    elif name == _LINES:
        yield from _listed(artifact, budget)
    else:
        vocabulary = Vocabulary(lambda: _ranked(lines(artifact, budget)))
        yield from _vocabulary(vocabulary, "tiktoken", "BPE", where)


def _table(artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """A table from tokens to numbers; one that counts words is none, nor is another document."""
    parts = JsonParts(artifact, budget)
    try:
        root = parts.root()
        if parts.first(root) != b"{":
            return
        vocabulary = Vocabulary(lambda: tabled(parts, root))
    except BudgetError:
        raise
    except ReadError:  # whoever reads JSON says what is wrong with it
        return
    if vocabulary.count and vocabulary.shared <= _SHARED:
        yield from _vocabulary(vocabulary, "vocabulary", "", place(artifact))


def _listed(artifact: Artifact, budget: Budget) -> Iterator[Fact]:
    """A list of whole words and their parts, whose numbers are their lines."""
    letters: list[str] = []

    def round_of() -> Iterator[Batch]:
        count = 0
        for names in lines(artifact, budget):
            yield Batch(names, range(count, count + len(names)))
            count += len(names)

    def first_round() -> Iterator[Batch]:
        for batch in round_of():
            letters.extend(filter(is_letter, batch.names))
            if len(letters) > _MOST_LETTERS:
                raise BudgetError(f"more than {_MOST_LETTERS:,} tokens of one character")
            yield batch

    vocabulary = Vocabulary(first_round)
    yield from _vocabulary(vocabulary, "vocabulary", "WordPiece", place(artifact))
    yield from defects(lettered_out_of_order(letters), place(artifact))


def _vocabulary(
    vocabulary: Vocabulary, form: Any, algorithm: str, where: Location
) -> Iterator[Fact]:
    yield from defects(vocabulary.defects(), where)
    yield vocabulary.described(form, algorithm, where)


def _roles(data: bytes, where: Location) -> Iterator[Fact]:
    """Which tokens begin and end a text; the token alone, whether written plainly or as a table."""
    document = _decoded(data, dict[str, Any]) or {}
    found: dict[str, str] = {}
    for role in _ROLES:
        stated = document.get(role)
        token = stated.get("content") if isinstance(stated, dict) else stated
        if isinstance(token, str):
            found[role] = token[:_SHOWN]
    if found:
        yield TokenizerRoles(location=where, roles=tuple(found), tokens=tuple(found.values()))
    for token in dict.fromkeys(found.values()):
        kind = oddity(token)
        if kind:
            yield TokenizerToken(location=where, kind=kind, token=token, number=-1)


def _decoder(data: bytes) -> list[Added]:
    document = _decoded(data, dict[str, Any]) or {}
    table = document.get("added_tokens_decoder")
    found: list[Added] = []
    for number, entry in table.items() if isinstance(table, dict) else ():
        content = entry.get("content") if isinstance(entry, dict) else None
        if isinstance(content, str) and number.isdecimal() and len(number) < 10:  # noqa: PLR2004  # no vocabulary has as many
            found.append(Added(int(number), content))
    return found


def _decoded(data: bytes, kind: Any) -> Any:
    """A document, if it is one of this kind; whoever reads JSON says what else is wrong with it."""
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except (ValueError, RecursionError):
        return None


def _ranked(batches: Iterable[Sequence[str]]) -> Iterator[Batch]:
    """A table of tiktoken; tokens are bytes, and stand for themselves as Base64.

    Raises:
        ReadError: it is none.
    """
    count = 0
    for batch in batches:
        names: list[str] = []
        numbers: list[int] = []
        for line in batch:
            if not line.strip():
                continue
            token, _, rank = line.partition(" ")
            try:
                if token != _EMPTY:
                    binascii.a2b_base64(token, strict_mode=True)
                numbers.append(int(rank))
            except ValueError:
                line_number = count + len(names) + 1
                raise ReadError(f"line {line_number} is no token with its number") from None
            names.append(token)
        count += len(names)
        yield Batch(names, numbers)
