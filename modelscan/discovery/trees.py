"""YAML, JSON and TOML as plain tables and lists, in which every text knows its line.

Invariants: nothing is constructed from a tag, an alias is never followed, nesting and the number of
events are bounded; of several documents in one file, each is read; what stood before a syntax error
is kept.

Sources: YAML 1.2.2, section 3.1 (the event stream); RFC 8259; TOML 1.0.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError

_DEEP: Final = 60
_BATCH: Final = 2_000
_LONGEST: Final = 8 << 20
"""Characters; longer documents are data."""
_WORDS: Final[dict[str, Any]] = {
    "true": True, "false": False, "null": None, "~": None, "": None, "yes": True, "no": False,
}  # fmt: skip


class Text(str):
    """A text, and the line that it stands in."""

    __slots__ = ("line",)
    line: int


class Documents(NamedTuple):
    """What a file holds."""

    roots: list[Any]
    error: str = ""
    """What broke the last of them."""


def line_of(value: object, default: int = 0) -> int:
    """The line of a text, when it has one."""
    return getattr(value, "line", default)


def at(text: str, line: int) -> Text:
    """A text in a line."""
    made = Text(text)
    made.line = line
    return made


def yaml(text: str, budget: Budget) -> Documents:
    """The documents of a YAML file.

    Raises:
        BudgetError: too many events.
    """
    import yaml as library  # lazy: most code bases have files that are never parsed

    if len(text) > _LONGEST:
        return Documents([], f"a document of {len(text):,} characters")
    loader = getattr(library, "CSafeLoader", library.SafeLoader)  # libyaml's is ten times faster
    builder = _Builder()
    try:
        for count, event in enumerate(library.parse(text, Loader=loader)):
            if not count % _BATCH:
                budget.step(_BATCH)
            builder.take(event, library)
    except library.YAMLError as error:
        problem = getattr(error, "problem", None) or "not YAML"
        return Documents(builder.roots, f"not YAML: {problem}")
    except (ValueError, RecursionError) as error:
        return Documents(builder.roots, f"not YAML: {error}")
    return Documents(builder.roots)


class _Builder:
    """Builds tables and lists from the parser's events."""

    def __init__(self) -> None:
        self.roots: list[Any] = []
        self._stack: list[tuple[Any, list[Any]]] = []

    def take(self, event: Any, library: Any) -> None:
        """Take the next event."""
        if isinstance(event, library.ScalarEvent):
            self._put(_scalar(event))
        elif isinstance(event, library.MappingStartEvent):
            self._open({})
        elif isinstance(event, library.SequenceStartEvent):
            self._open([])
        elif isinstance(event, library.MappingEndEvent | library.SequenceEndEvent):
            self._stack.pop()
        elif isinstance(event, library.AliasEvent):
            self._put(None)

    def _open(self, holder: Any) -> None:
        if len(self._stack) >= _DEEP:
            raise ValueError("nested too deeply")
        self._put(holder)
        self._stack.append((holder, []))

    def _put(self, value: Any) -> None:
        if not self._stack:
            self.roots.append(value)
            return
        holder, key = self._stack[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif not key:
            key.append(value if isinstance(value, str) else str(value))
        else:
            holder[key.pop()] = value


def _scalar(event: Any) -> Any:
    text = event.value
    plain = not event.style  # libyaml says "", the library's own parser None
    if plain and text.lower() in _WORDS and event.tag is None:
        return _WORDS[text.lower()]
    return at(text, event.start_mark.line + 1 + (event.style in {"|", ">"}))


def parse_json(text: str) -> Any:
    """A JSON document.

    Raises:
        ReadError: it is not JSON.
    """
    if len(text) > _LONGEST:
        raise ReadError(f"a JSON document of {len(text):,} characters")
    try:
        return _Lines(text).place(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not JSON: {error}") from None


def toml(text: str) -> Any:
    """A TOML document.

    Raises:
        ReadError: it is not TOML.
    """
    import tomllib  # lazy: as above

    if len(text) > _LONGEST:
        raise ReadError(f"a TOML document of {len(text):,} characters")
    try:
        return _Lines(text).place(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"not TOML: {error}") from None


class _Lines:
    """Finds the line of each text by looking for it behind its key, from the last one onwards."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1

    def place(self, value: Any, depth: int = 0) -> Any:
        """The value, its texts with their lines."""
        if depth > _DEEP:
            return None
        if isinstance(value, dict):
            return {
                key: self.place(item, depth + 1)
                if not isinstance(item, str)
                else self._found(key, item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.place(item, depth + 1) if not isinstance(item, str) else self._found("", item)
                for item in value
            ]
        return value

    def _found(self, key: str, value: str) -> Text:
        """Keys follow each other in a document; escapes hide what is looked for, then it stays."""
        wanted = value.partition("\n")[0][:200]
        position = self._text.find(key, self._offset) if key else self._offset
        position = self._text.find(wanted, position) if position >= 0 and wanted else position
        if position < 0:
            return at(value, self._line)
        self._line += self._text.count("\n", self._offset, position)
        self._offset = position
        return at(value, self._line)
