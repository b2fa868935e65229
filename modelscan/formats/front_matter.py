"""The metadata at the top of a model card: YAML between two `---` lines, taken from its events.

Invariants: nothing is constructed from a tag; an alias is never followed, so nothing grows; depth
is bounded by a stack of our own. What stood before a syntax error is kept, and the error is stated.

Sources: YAML 1.2.2, section 3.1 (the event stream is the presentation of a document, before tags
and aliases mean anything); Hugging Face, "Model Cards", for the `---` lines.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from modelscan.budget import Budget

LIMIT = 2 << 20
"""Bytes of metadata that are parsed. Cards with benchmark results reach several 100 KB."""
_MAX_DEPTH = 64
_BATCH = 1000
"""Events between two looks at the budget."""

_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*---[ \t]*\r?[\n\r]")
_END = re.compile(rb"[\n\r]---[ \t]*(?:[\r\n]|$)")

_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    {"str", "int", "float", "bool", "null", "seq", "map", "timestamp", "binary", "omap", "set",
     "pairs", "merge", "value"}
)  # fmt: skip
"""The language-independent types (YAML type repository); others of that prefix are a program's."""
_RUBY = "!ruby/"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


class FrontMatter(msgspec.Struct, frozen=True):
    """What the metadata says: text, lists and tables of it, and `None` for what has no value."""

    table: dict[str, Any]
    """By top-level key."""
    defects: list[tuple[Any, str]]
    """Kind and key, as in `card.defect`."""


def begins(head: bytes) -> bool:
    """True when a document starts with metadata."""
    return _START.match(head) is not None


def below(data: bytes) -> bytes:
    """What follows the metadata of a document that begins with it; nothing when it has no end."""
    start = _START.match(data)
    end = _END.search(data, max(0, start.end() - 1)) if start else None
    return data[end.end() :] if end else b""


def parse(data: bytes, budget: Budget) -> FrontMatter:
    """The metadata at the top of a document that begins with it.

    Args:
        data: the document, or more than `LIMIT` bytes of it.
        budget: pays for the YAML events.

    Raises:
        BudgetError: more events than the budget allows.
    """
    start = _START.match(data)
    begin = start.end() if start else 0
    end = _END.search(data, max(0, begin - 1))  # empty metadata ends with the line that opens it
    if end is None:
        kind = "too-large" if len(data) > LIMIT else "unclosed"
        return FrontMatter({}, [(kind, "")])
    if end.start() - begin > LIMIT:
        return FrontMatter({}, [("too-large", "")])
    raw = data[begin : end.start()]
    builder = _Builder()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        builder.defects.append(("not-utf8", ""))
        text = raw.decode("utf-8", "replace")
    builder.read(text, budget)
    return FrontMatter(builder.table, builder.defects)


class _Frame:
    """A list or table that is being filled."""

    __slots__ = ("awaits_key", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.awaits_key = isinstance(value, dict)
        self.key = ""


class _Builder:
    """Turns events into text, lists and tables."""

    def __init__(self) -> None:
        self.table: dict[str, Any] = {}
        self.defects: list[tuple[Any, str]] = []
        self._frames: list[_Frame] = []

    def read(self, text: str, budget: Budget) -> None:
        import yaml  # lazy: only models with a card pay for the parser

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster
        try:
            for number, event in enumerate(yaml.parse(text, Loader=loader)):
                if number % _BATCH == 0:
                    budget.step(_BATCH)
                if isinstance(event, yaml.NodeEvent):
                    self._node(yaml, event)
                elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                    self._frames.pop()
                elif isinstance(event, yaml.DocumentEndEvent):
                    return
                if len(self._frames) > _MAX_DEPTH:
                    self.defects.append(("too-deep", self._frames[0].key))
                    return
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.defects.append(("not-yaml", f"line {mark.line + 2}" if mark else ""))

    def _node(self, yaml: Any, event: Any) -> None:
        self._check_tag(getattr(event, "tag", None))
        if isinstance(event, yaml.ScalarEvent):
            empty = event.implicit[0] and event.value in _NULL
            self._add(None if empty else event.value)
        elif isinstance(event, yaml.AliasEvent):
            if self._frames:
                self.defects.append(("alias", self._frames[0].key))
            self._add(None)
        else:
            value: dict[str, Any] | list[Any]
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
            if not self._frames and isinstance(value, dict):
                value = self.table
            self._add(value)
            self._frames.append(_Frame(value))

    def _add(self, value: Any) -> None:
        """Put a value where it belongs. A key that is no text is kept as the empty one."""
        if not self._frames:
            if value is not self.table and value is not None:
                self.defects.append(("not-a-table", ""))
            return
        frame = self._frames[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.awaits_key:
            frame.key = value if isinstance(value, str) else ""
            frame.awaits_key = False
            if frame.value is self.table and frame.key in self.table:
                self.defects.append(("duplicate-key", frame.key))
        else:
            frame.value[frame.key] = value
            frame.awaits_key = True

    def _check_tag(self, tag: str | None) -> None:
        if tag is None:
            return
        core = tag.startswith(_CORE) and tag.removeprefix(_CORE) not in _PLAIN_TAGS
        if core or tag.startswith(_RUBY):
            self.defects.append(("object-tag", tag.replace(_CORE, "!!")))
