"""Reads one YAML file into plain values, remembering the line of each.

A small and strict part of YAML: mappings with text keys, sequences, text, whole numbers, `true`,
`false` and `null`. Duplicate keys, anchors, aliases, tags and further documents are refused; words
such as `yes` or `2024-01-01` stay text, whatever YAML 1.1 makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from modelscan.errors import RuleError

Where = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

KIND = "rules"
"""The folder of sources, as `_resources` names it."""
SUFFIX = ".yaml"
"""Extension of rules, lists and mappings."""

_DEPTH = 16
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


class Document(msgspec.Struct, frozen=True):
    """A parsed file."""

    file: str
    """How messages name it."""
    data: Any
    lines: dict[Where, int]
    """The line of each value, from 1."""

    def line(self, where: Where) -> int:
        """The line of a value, or of the closest one around it that exists."""
        while where not in self.lines and where:
            where = where[:-1]
        return self.lines.get(where, 1)

    def error(self, where: Where, message: str, hint: str = "") -> RuleError:
        """An error at the line of a value."""
        return RuleError(message, file=self.file, line=self.line(where), hint=hint)


def read(path: Path, file: str) -> Document:
    """Parse a file.

    Args:
        path: the file.
        file: how messages name it.

    Raises:
        RuleError: it cannot be read, or is not in the part of YAML that is accepted.
    """
    import yaml  # lazy: a wheel runs on compiled rules and never parses YAML

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's parser is ten times faster
    try:
        text = path.read_text(encoding="utf-8")
        return _Builder(yaml.parse(text, Loader=loader), file).document()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"cannot be read: {error}", file=file) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 1
        raise RuleError(f"not valid YAML: {problem}", file=file, line=line) from error


class _Builder:
    """Builds values from the parser's events."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self._events = events
        self._file = file
        self._lines: dict[Where, int] = {}

    def document(self) -> Document:
        """The only document of the stream."""
        next(self._events)  # the stream's start
        start = next(self._events)
        if type(start).__name__ != "DocumentStartEvent":
            raise RuleError("is empty", file=self._file)
        data = self._node(next(self._events), ())
        next(self._events)  # the document's end
        after = next(self._events)
        if type(after).__name__ != "StreamEndEvent":
            raise self._error(after, "a file holds one document")
        return Document(self._file, data, self._lines)

    def _node(self, event: Any, where: Where) -> Any:
        self._lines[where] = event.start_mark.line + 1
        kind = type(event).__name__
        if kind == "AliasEvent" or event.anchor is not None:
            raise self._error(event, "anchors and aliases are not allowed")
        if event.tag is not None:
            raise self._error(event, "tags are not allowed")
        if len(where) > _DEPTH:
            raise self._error(event, f"nested more than {_DEPTH} deep")
        if kind == "ScalarEvent":
            return _scalar(event.value) if event.implicit[0] else event.value
        if kind == "SequenceStartEvent":
            return self._sequence(where)
        return self._mapping(where)

    def _sequence(self, where: Where) -> list[Any]:
        items: list[Any] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(event, (*where, len(items))))
        return items

    def _mapping(self, where: Where) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = getattr(event, "value", None)
            if not isinstance(key, str) or event.tag is not None or event.anchor is not None:
                raise self._error(event, "a key must be plain text")
            if key in entries:
                raise self._error(event, f"the key {key!r} appears twice")
            entries[key] = self._node(next(self._events), (*where, key))
            self._lines[(*where, key)] = event.start_mark.line + 1
        return entries

    def _error(self, event: Any, message: str) -> RuleError:
        return RuleError(message, file=self._file, line=event.start_mark.line + 1)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
