"""The metadata of a GGUF file: keys with typed values.

Keys are checked and counted. Of the values only few are kept: short texts and numbers, which say
what the file is, and the places of the programs among them, the chat templates. Lists of tokens are
stepped over, and their places kept for `vocabulary`.

Sources: the GGUF specification; `gguf_init_from_file` of llama.cpp, whose unchecked counts and
lengths were CVE-2024-21802, CVE-2024-23496, CVE-2024-23605 and CVE-2025-53630.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.gguf.cursor import Cursor, OverrunError
from modelscan.formats.gguf.defects import Defects, is_text, text_of

ALIGNMENT: Final = "general.alignment"
DEFAULT_ALIGNMENT: Final = 32

_WIDTHS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value, by the number of its type, for all but texts and lists."""
_UINT32, _FLOATS, _TEXT, _LIST = 4, frozenset({6, 12}), 8, 9
_SIGNED: Final = frozenset({1, 3, 5, 11})

_SMALLEST: Final = 4 + 4 + 1
"""Bytes of the smallest key with its value."""
_MAX_KEYS: Final = 1 << 16
_MAX_KEY_BYTES: Final = 16 << 20
"""All keys together; they are held to notice one that stands twice."""
_LONGEST_KEY: Final = 65_535  # the specification's own limit
_KEPT_TEXT: Final = 4096
_MAX_KEPT: Final = 4096
"""Values kept; the usual files have under a hundred."""
_LISTED: Final = 64
"""Texts kept of a list, when it is one of those that say what the file is."""
_MAX_DEPTH: Final = 4
_MAX_NESTED: Final = 100_000
_MAX_DOCUMENTS: Final = 64
_MAX_ADDRESSES: Final = 50

_KEPT_LISTS: Final = frozenset({"general.tags", "general.datasets"})
_TOKENS: Final = "tokenizer.ggml.tokens"
_PER_TOKEN: Final = ("tokenizer.ggml.scores", "tokenizer.ggml.token_type")
_PER_TOKEN_BYTES: Final = 4
_PLACED: Final = frozenset({_TOKENS, *_PER_TOKEN, "tokenizer.ggml.merges"})
_TEMPLATE: Final = "chat_template"
_TOKENIZER: Final = "tokenizer.huggingface.json"
_ADDRESS: Final = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>\\]{1,200}")


class Place(NamedTuple):
    """Where a list of the metadata lies."""

    kind: int
    """The type of its items."""
    items: int
    offset: int
    end: int


class Document(NamedTuple):
    """A text among the metadata that a program parses or runs."""

    name: str
    """The member that it becomes."""
    offset: int
    length: int


class Metadata:
    """Reads the keys and values, and keeps what the rest of the reader asks for.

    What was found before an error stays.
    """

    def __init__(self, cursor: Cursor, budget: Budget, defects: Defects) -> None:
        self._cursor = cursor
        self._budget = budget
        self._defects = defects
        self._key_bytes = 0
        self._nested = 0
        self._lists: dict[str, tuple[int, int]] = {}
        self._seen: set[bytes] = set()
        self.texts: dict[str, str] = {}
        """Short texts by key; the first, when a key stands twice."""
        self.numbers: dict[str, int] = {}
        """Whole numbers by key."""
        self.listed: dict[str, list[str]] = {}
        """The first texts of a few lists."""
        self.places: dict[str, Place] = {}
        """Where the lists of the vocabulary lie."""
        self.documents: list[Document] = []
        """Templates, and a tokenizer in its library's own format."""
        self.addresses: list[tuple[str, str]] = []
        """Keys and web addresses."""
        self.alignment = DEFAULT_ALIGNMENT

    @property
    def keys(self) -> Iterator[str]:
        """All keys."""
        return (text_of(key) for key in self._seen)

    def read(self, count: int) -> None:
        """Read `count` keys and their values.

        Raises:
            ReadError: one of them cannot be read, so that what follows it cannot be found.
        """
        self._cursor.expect(count, _SMALLEST, "metadata keys")
        if count > _MAX_KEYS:
            raise BudgetError(f"{count:,} metadata keys", offset=self._cursor.offset)
        self._budget.step(count)
        for _ in range(count):
            key = self._key()
            self._value(key, self._cursor.number(4), 0)
            self._budget.header(self._cursor.offset)
        self._check_lists()

    def _key(self) -> str:
        at = self._cursor.offset
        length = self._cursor.count()
        if length > _LONGEST_KEY:
            raise OverrunError(f"a metadata key of {length:,} bytes", offset=at)
        raw = self._cursor.take(length)
        key = text_of(raw)
        self._key_bytes += length
        if self._key_bytes > _MAX_KEY_BYTES:
            raise BudgetError("metadata keys of many megabytes", offset=at)
        if raw in self._seen:
            self._defects.add("duplicate-key", key, "stands twice in the metadata", at)
        if b"\0" in raw:
            self._defects.add("bad-name", key, "a NUL in a key", at)
        elif not is_text(raw):
            self._defects.add("not-text", key, "a key that is not UTF-8", at)
        self._seen.add(raw)
        return key

    def _value(self, key: str, kind: int, depth: int) -> None:
        cursor = self._cursor
        if kind == _TEXT:
            self._text(key)
        elif kind == _LIST:
            self._list(key, depth)
        elif kind in _WIDTHS:
            raw = cursor.take(_WIDTHS[kind])
            if key == ALIGNMENT:
                self._set_alignment(raw, kind)
            elif kind not in _FLOATS and len(self.numbers) < _MAX_KEPT:
                self.numbers.setdefault(key, cursor.value(raw, signed=kind in _SIGNED))
        else:
            self._unknown(key, kind)

    def _text(self, key: str) -> None:
        cursor = self._cursor
        length = cursor.count()
        at = cursor.offset
        if key == ALIGNMENT:
            self._defects.add("bad-alignment", key, "not a number", at)
        if length > _KEPT_TEXT or _is_document(key):
            cursor.skip(length)
        else:
            raw = cursor.take(length)
            if len(self.texts) < _MAX_KEPT:
                self.texts.setdefault(key, text_of(raw))
            self._find_addresses(key, raw)
        if _is_document(key):
            name = key if key == _TOKENIZER else f"{key}.jinja"
            self._document(Document(name, at, length))

    def _document(self, document: Document) -> None:
        if len(self.documents) >= _MAX_DOCUMENTS:
            message = f"more than {_MAX_DOCUMENTS} chat templates"
            raise BudgetError(message, offset=document.offset)
        self.documents.append(document)

    def _list(self, key: str, depth: int) -> None:
        cursor = self._cursor
        at = cursor.offset
        kind, count = cursor.number(4), cursor.count()
        if depth or kind == _LIST:
            self._defects.add("nested-array", key, f"at depth {depth + 1}", at)
            self._nested += 1
            if depth >= _MAX_DEPTH or self._nested > _MAX_NESTED:
                raise BudgetError("arrays within arrays", offset=at)
        start = cursor.offset
        if kind in _WIDTHS:
            cursor.skip(count * _WIDTHS[kind])
            self._lists[key] = count, count * _WIDTHS[kind]
        elif kind == _TEXT:
            kept = _looked_at(key, count, at)
            for number in range(kept):
                if _TEMPLATE in key:
                    self._listed_template(key, number)
                else:
                    self._listed(key)
            cursor.skip_strings(count - kept)
            self._lists[key] = count, 0
        elif kind == _LIST:
            for _ in range(count):
                self._list(key, depth + 1)
        else:
            self._unknown(key, kind)
        if key in _PLACED and not depth:
            self.places.setdefault(key, Place(kind, count, start, cursor.offset))

    def _listed(self, key: str) -> None:
        length = self._cursor.count()
        if length > _KEPT_TEXT:
            self._cursor.skip(length)
        else:
            self.listed.setdefault(key, []).append(text_of(self._cursor.take(length)))

    def _listed_template(self, key: str, number: int) -> None:
        """A template where one is not expected; the names of templates are listed so, too."""
        length = self._cursor.count()
        at = self._cursor.offset
        if length > _KEPT_TEXT:
            self._cursor.skip(length)
        elif b"{" not in self._cursor.take(length):
            return
        self._document(Document(f"{key}.{number}.jinja", at, length))

    def _unknown(self, key: str, kind: int) -> None:
        at = self._cursor.offset
        self._defects.add("unknown-value-type", key, f"type {kind}", at)
        raise ReadError(f"a metadata value of unknown type {kind}", offset=at)

    def _find_addresses(self, key: str, raw: bytes) -> None:
        if b"://" not in raw:
            return
        for found in _ADDRESS.finditer(raw):
            if len(self.addresses) < _MAX_ADDRESSES:
                self.addresses.append((key, text_of(found[0])))

    def _set_alignment(self, raw: bytes, kind: int) -> None:
        value = self._cursor.value(raw)
        if kind != _UINT32:
            self._defects.add("bad-alignment", ALIGNMENT, f"type {kind}, not an unsigned number")
        elif value == 0 or value & (value - 1):
            self._defects.add("bad-alignment", ALIGNMENT, f"{value}, not a power of two")
        self.alignment = value if kind == _UINT32 and value else DEFAULT_ALIGNMENT

    def _check_lists(self) -> None:
        """Scores and types are read once per token, and not every parser asks how many there are.

        Source: the vocabulary loader of llama.cpp, which indexes both lists by token.
        """
        tokens, _ = self._lists.get(_TOKENS, (0, 0))
        for key in _PER_TOKEN:
            count, size = self._lists.get(key, (tokens, tokens * _PER_TOKEN_BYTES))
            if size < tokens * _PER_TOKEN_BYTES:
                detail = f"{count:,} entries in {size:,} bytes for {tokens:,} tokens"
                self._defects.add("array-mismatch", key, detail)


def _looked_at(key: str, count: int, at: int) -> int:
    """How many texts of a list are looked at.

    Raises:
        BudgetError: it lists more templates than any model has.
    """
    if _TEMPLATE in key and count > _LISTED:
        raise BudgetError(f"{count:,} chat templates in one list", offset=at)
    return min(count, _LISTED) if key in _KEPT_LISTS or _TEMPLATE in key else 0


def _is_document(key: str) -> bool:
    return _TEMPLATE in key or key == _TOKENIZER
