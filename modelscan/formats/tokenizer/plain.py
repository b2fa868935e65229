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
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.tokenizer import merges
from modelscan.formats.tokenizer.added import Added, oddity
from modelscan.formats.tokenizer.reader import LARGE_PART, bounded, facts_of_added
from modelscan.formats.tokenizer.vocabulary import Defect, Vocabulary, lettered_out_of_order
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, TokenizerDefect, TokenizerRoles, TokenizerToken
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
_EMPTY: Final = b"="
"""The token of no bytes, as the tables of speech models write it."""
_LARGEST: Final = 32 << 20
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
        data = artifact.read_at(0, artifact.size)
        name = (artifact.member or artifact.name).rpartition("/")[2].rpartition("!")[2]
        if len(data) > LARGE_PART and name in (_CONFIG, _SPECIAL, _ADDED):
            bounded(data, "a table of tokens")
        for fact in _stated(name, data, place(artifact)):
            budget.fact()
            yield fact


def _stated(name: str, data: bytes, where: Location) -> Iterator[Fact]:
    if name in (_CONFIG, _SPECIAL):
        yield from _roles(data, where)
    if name == _CONFIG:
        yield from facts_of_added(_decoder(data), "added_tokens_decoder", where)
    elif name == _ADDED:
        table = _decoded(data, dict[str, int]) or {}
        tokens = [Added(number, token) for token, number in table.items()]
        yield from facts_of_added(tokens, "added_tokens.json", where)
    elif name == _TABLE:
        table = _decoded(data, dict[str, int])
        if table and len(table) - len(set(table.values())) <= _SHARED:  # else it counts words
            yield from _vocabulary(Vocabulary.of(table), "vocabulary", "", where)
    elif name == merges.FILE:
        written = merges.lines(data)
        if written and all(" " in one for one in written[:_SHOWN]):
            yield merges.described(written, where)
    elif name == _LINES:
        yield from _listed(data, where)
    elif name != _SPECIAL:
        yield from _vocabulary(_ranked(data), "tiktoken", "BPE", where)


def _listed(data: bytes, where: Location) -> Iterator[Fact]:
    """A list of whole words and their parts, whose numbers are their lines."""
    lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n")
    names = [line.removesuffix("\r") for line in lines]
    yield from _vocabulary(Vocabulary.listed(names), "vocabulary", "WordPiece", where)
    for defect in lettered_out_of_order(names):
        yield _defect(defect, where)


def _vocabulary(
    vocabulary: Vocabulary, form: Any, algorithm: str, where: Location
) -> Iterator[Fact]:
    yield vocabulary.described(form, algorithm, where)
    for defect in vocabulary.defects():
        yield _defect(defect, where)


def _defect(found: Defect, where: Location) -> TokenizerDefect:
    kind, token, detail = found
    return TokenizerDefect(location=where, kind=kind, token=token[:_SHOWN], detail=detail[:_SHOWN])


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


def _ranked(data: bytes) -> Vocabulary:
    """A table of tiktoken; tokens are bytes, and stand for themselves as Base64."""
    names: list[str] = []
    numbers: list[int] = []
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        token, _, rank = line.partition(b" ")
        try:
            if token != _EMPTY:
                binascii.a2b_base64(token, strict_mode=True)
            numbers.append(int(rank))
        except ValueError:
            raise ReadError(f"line {len(names) + 1} is no token with its number") from None
        names.append(token.decode("ascii"))
    return Vocabulary(names, numbers)
