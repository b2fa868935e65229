"""YAML as trees, taken from the events of the parser: nothing is constructed from a tag.

Invariants: an alias to text is that text, an alias to anything else is nothing (it was walked where
it is anchored), so nothing grows; depth is bounded by a stack of our own; every tag is kept.

Source: YAML 1.2.2, section 3.1: the event stream is what a document says before tags and aliases
mean anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.tree import Table, put

_MAX_DEPTH: Final = 200
_MAX_TAGS: Final = 10_000
_MOST_EVENTS: Final = 400_000
"""Of one document, which is held as a tree; long configurations have some ten thousand."""
_BATCH: Final = 1000
CORE: Final = "tag:yaml.org,2002:"


class Tag(NamedTuple):
    """A tag that was written, as the parser resolves its handle."""

    text: str
    line: int
    value: str
    """What it stands before, when that is text."""


class Stream:
    """The documents of a YAML stream. What stood before a syntax error is kept.

    Args:
        data: the stream, in any encoding that YAML allows.
    """

    def __init__(self, data: bytes) -> None:
        self.tags: list[Tag] = []
        self.broken = ""
        """What is wrong, and where, when the stream breaks off."""
        self._data = data
        self._anchors: dict[str, str] = {}
        self._frames: list[_Frame] = []

    def documents(self, budget: Budget) -> Iterator[Any]:
        """The root of each document.

        Raises:
            BudgetError: it is nested too deeply, or has more events than the budget allows.
        """
        import yaml  # lazy: only models with such a document pay for the parser

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster
        holder: list[Any] = []
        try:
            begun = 0
            for number, event in enumerate(yaml.parse(self._data, Loader=loader)):
                if number % _BATCH == 0:
                    budget.step(_BATCH)
                    if number - begun > _MOST_EVENTS:
                        raise BudgetError(f"YAML of more than {_MOST_EVENTS:,} values")
                if isinstance(event, yaml.DocumentStartEvent):
                    begun = number
                    holder, self._frames, self._anchors = [], [], {}
                    self._frames.append(_Frame(holder))
                elif isinstance(event, yaml.NodeEvent):
                    self._node(yaml, event)
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._frames.pop()
                elif isinstance(event, yaml.DocumentEndEvent):
                    yield from holder
                    holder = []
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.broken = f"not YAML after line {mark.line + 1}" if mark else "not YAML"
        yield from holder

    def _node(self, yaml: Any, event: Any) -> None:
        frame = self._frames[-1]
        if isinstance(event, yaml.AliasEvent):
            frame.add(self._anchors.get(event.anchor))
            return
        scalar = isinstance(event, yaml.ScalarEvent)
        if event.tag is not None:
            if len(self.tags) >= _MAX_TAGS:
                raise BudgetError(f"more than {_MAX_TAGS:,} tags")
            line = event.start_mark.line + 1
            self.tags.append(Tag(event.tag, line, event.value if scalar else ""))
        if scalar:
            if event.anchor:
                self._anchors[event.anchor] = event.value
            frame.add(event.value)
            return
        value: Table | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        frame.add(value)
        if len(self._frames) > _MAX_DEPTH:
            raise BudgetError(f"YAML nested more than {_MAX_DEPTH} deep")
        self._frames.append(_Frame(value))


class _Frame:
    """A table or list that is being filled."""

    __slots__ = ("_awaits_key", "_key", "_value")

    def __init__(self, value: Table | list[Any]) -> None:
        self._value = value
        self._awaits_key = isinstance(value, dict)
        self._key = ""

    def add(self, value: Any) -> None:
        """Put a value where it belongs. A key that is no text goes with the values of no name."""
        if isinstance(self._value, list):
            self._value.append(value)
        elif self._awaits_key:
            self._key = value if isinstance(value, str) else ""
            if isinstance(value, dict | list):
                put(self._value, "", value)
            self._awaits_key = False
        else:
            put(self._value, self._key, value)
            self._awaits_key = True
