"""JSON documents, parsed so that what two parsers would read differently is noticed.

Python's parser takes the last of two equal names, and reads `NaN` and `Infinity`, which are not
JSON (RFC 8259, sections 4 and 6). Other parsers take the first, or refuse. Both are reported.
msgspec's parser, which is quicker, gives the same values for all that it does not refuse.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec


class Document(msgspec.Struct, frozen=True):
    """A parsed document."""

    root: Any
    repeated: tuple[str, ...] = ()
    """Names that stand twice in one object."""
    constants: tuple[str, ...] = ()
    """`NaN`, `Infinity` and `-Infinity`, each time they occur."""


def parse(text: str | bytes) -> Document:
    """Parse a document.

    Raises:
        ValueError: it is not JSON in UTF-8, or holds a number of more digits than Python reads.
        RecursionError: it is nested too deeply.
    """
    try:
        root = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return _noticing(text)  # what only Python reads, or nobody
    # Every name in the text costs a colon: as many colons as names in the parsed objects leave
    # none for a second name of the same spelling. Other colons only make it slower.
    if _colons(text) == _names(root):
        return Document(root)
    return _noticing(text)


def _colons(text: str | bytes) -> int:
    return text.count(b":") if isinstance(text, bytes) else text.count(":")


def _names(root: Any) -> int:
    """Names in the outer object and the objects right inside it; deeper ones cost colons, too."""
    if type(root) is dict:
        return len(root) + sum([len(item) for item in root.values() if type(item) is dict])
    if type(root) is list:
        return sum([len(item) for item in root if type(item) is dict])
    return 0


def _noticing(text: str | bytes) -> Document:
    """Parse with Python's own parser, looking at every object; many times the time."""
    import json  # lazy: hardly a document needs it

    repeated: list[str] = []
    constants: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen = Counter(name for name, _ in pairs)
            repeated.extend(name for name, count in seen.items() if count > 1)
        return found

    def constant(name: str) -> float:
        constants.append(name)
        return float(name)

    # From bytes, `loads` would guess an encoding: JSON between programs is UTF-8 (RFC 8259, 8.1).
    text = text.decode() if isinstance(text, bytes) else text
    root = json.loads(text, object_pairs_hook=table, parse_constant=constant)
    return Document(root, tuple(repeated), tuple(constants))
