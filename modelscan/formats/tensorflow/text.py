"""Text notation of protocol buffers (`.pbtxt`), read for the nodes of graphs in it.

Invariants: a document is a stream of words; one node is held at a time; whatever else stands in the
document is only followed into, to a depth. A word that belongs to no field is an error, so that a
document which some parser reads differently is not passed over.

Source: Protocol Buffers documentation, "Text Format Language Specification".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError

_WORDS: Final = re.compile(
    rb"""(?P<space>(?:[\s,;]+|\#[^\n]*)+)
    |(?P<name>\[[A-Za-z][\w./-]{0,200}\]|[A-Za-z_][\w.]*)
    |(?P<open>[{<])|(?P<close>[}>])|(?P<colon>:)|(?P<list>\[)|(?P<end>\])
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>[-+]?\s*(?:[0-9.][\w.+-]*|inf(?:inity)?|nan))""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ESCAPE: Final = re.compile(
    rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_LETTERS: Final = dict(zip(b"ntrabfv", b"\n\t\r\a\b\f\v", strict=True))
_MAX_DEPTH: Final = 100
_MAX_TEXT: Final = 4096
_BATCH: Final = 4096
_LAST_CHARACTER: Final = 0x10FFFF


class Event(NamedTuple):
    """A message begins or ends, or a field has a value."""

    kind: str
    """`open`, `close` or `value`."""
    name: str
    """The field."""
    value: str = ""
    """The text, cut; numbers and words as written."""
    at: int = 0
    """Where it stands."""


def events(data: bytes, budget: Budget) -> Iterator[Event]:
    """The fields of a document, in their order.

    Raises:
        ReadError: it is not in the notation.
        BudgetError: it is nested deeper than any parser goes, or too long.
    """
    parser = _Parser()
    at = count = 0
    while at < len(data):
        found = _WORDS.match(data, at)
        if found is None:
            raise ReadError("not the text of a protocol buffer", offset=at)
        begin, at = at, found.end()
        count += 1
        if count == _BATCH:
            budget.step(count)
            count = 0
        if found.lastgroup == "space":
            continue
        if found.lastgroup == "text":
            value, at = _text(data, begin)
        else:
            value = found[0][:_MAX_TEXT].decode("utf-8", "replace")
        event = parser.word(found.lastgroup or "", value, begin)
        if event is not None:
            yield event
    budget.step(count)
    parser.end(at)


class _Parser:
    """Where in the document the next word stands."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, bool]] = []
        """The fields whose messages are open, and whether each is an item of a list."""
        self._name = ""
        self._colon = False
        self._list = False

    def word(self, kind: str, value: str, at: int) -> Event | None:
        """Take the next word."""
        if kind == "name" and not self._colon:
            self._name = value
            return None
        if kind == "close":
            return self._close(at)
        if not self._name:
            raise ReadError(f"{value[:20]!r} of no field", offset=at)
        if kind == "open":
            return self._open(at)
        if kind == "colon" and not self._colon:
            self._colon = True
        elif kind == "list" and not self._list:
            self._list = self._colon = True
        elif kind == "end" and self._list:
            self._done()
        elif kind in ("text", "number", "name") and self._colon:
            event = Event("value", self._name, value, at)
            if not self._list:
                self._done()
            return event
        else:
            raise ReadError(f"{value[:20]!r} in the wrong place", offset=at)
        return None

    def end(self, at: int) -> None:
        """Take the end of the document."""
        if self._stack or self._name:
            raise ReadError("the document breaks off", offset=at)

    def _done(self) -> None:
        self._name, self._colon, self._list = "", False, False

    def _open(self, at: int) -> Event:
        if len(self._stack) >= _MAX_DEPTH:
            raise BudgetError(f"messages nested more than {_MAX_DEPTH} deep", offset=at)
        name = self._name
        self._stack.append((name, self._list))
        self._done()
        return Event("open", name, at=at)

    def _close(self, at: int) -> Event:
        if not self._stack or self._name:
            raise ReadError("a message ends that did not begin", offset=at)
        name, self._list = self._stack.pop()
        if self._list:
            self._name, self._colon = name, True
        return Event("close", name, at=at)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text, with those that follow it right away, which belong to it."""
    pieces: list[str] = []
    length = 0
    while True:
        found = _WORDS.match(data, at)
        if found is None or found.lastgroup not in ("text", "space"):
            break
        if found.lastgroup == "text" and length < _MAX_TEXT:
            raw = found[0][1:-1][:_MAX_TEXT]
            pieces.append(_plain(raw))
            length += len(raw)
        at = found.end()
    return "".join(pieces), at


def _plain(raw: bytes) -> str:
    """A text without its escapes."""
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    return _ESCAPE.sub(_unescape, raw).decode("utf-8", "replace")


def _unescape(found: re.Match[bytes]) -> bytes:
    octal, short, wide, widest, letter = found.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if short:
        return bytes([int(short, 16)])
    if wide or widest:
        return chr(min(int(wide or widest, 16), _LAST_CHARACTER)).encode("utf-8", "replace")
    return bytes([_LETTERS.get(letter[0], letter[0])])
