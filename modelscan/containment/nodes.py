"""YAML as trees in which every value knows its file and line, anchors followed and merged.

Invariants: nothing is constructed from a tag; an alias shares what it names, and what the document
would be with all aliases written out is counted while it is read, so that a bomb of aliases ends at
`MOST_NODES`; depth is bounded; the documents before a syntax error are kept.

Source: YAML 1.2.2, section 3.1 (event stream); YAML 1.1's merge key, which compose files live by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from modelscan.errors import BudgetError, ReadError

LONGEST: Final = 4 << 20
"""Characters of one file; longer ones are data."""
MOST_NODES: Final = 200_000
"""Values of one document with all aliases written out."""
_DEEPEST: Final = 60
_TRUE: Final = frozenset({"true", "yes", "on", "1", "y", "t"})
_FALSE: Final = frozenset({"false", "no", "off", "0", "n", "f"})
_DEFAULT: Final = re.compile(r"\$\{\w+:?-([^{}]*)\}")
_NOTHING: Final = frozenset({"", "~", "null"})


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int


class Text(str):
    """A scalar as written."""

    __slots__ = ("file", "line", "plain", "tag")
    file: str
    line: int
    plain: bool
    """True without quotes: `true` and `~` mean more than their letters."""
    tag: str


class Table(dict[str, Any]):
    """A mapping."""

    file = ""
    line = 0
    tag = ""


class Row(list[Any]):
    """A sequence."""

    file = ""
    line = 0
    tag = ""


Node = Text | Table | Row
"""Anything in a tree."""


def text(value: str, file: str = "", line: int = 1, *, plain: bool = True, tag: str = "") -> Text:
    """A scalar at a place."""
    made = Text(value)
    made.file, made.line, made.plain, made.tag = file, line, plain, tag
    return made


def placed(holder: Any, file: str, line: int, tag: str = "") -> Any:
    """The table or row, with its place."""
    holder.file, holder.line, holder.tag = file, line, tag
    return holder


def weight(value: Any, most: int) -> int:
    """How many values a tree has, with all aliases written out; counting ends above `most`."""
    pending, found = [value], 0
    while pending and found <= most:
        each = pending.pop()
        found += 1
        if isinstance(each, dict):
            pending += each.values()
        elif isinstance(each, list):
            pending += each
    return found


def copied(value: Any) -> Any:
    """A tree of its own, with the same places; scalars are shared."""
    if isinstance(value, Table):
        made: Any = Table((key, copied(each)) for key, each in value.items())
    elif isinstance(value, Row):
        made = Row(copied(each) for each in value)
    else:
        return value
    return placed(made, value.file, value.line, value.tag)


def where(value: object, holder: object = None) -> Place:
    """Where a value stands; where its holder does when it has no place of its own."""
    line: int = getattr(value, "line", 0) or getattr(holder, "line", 1)
    return Place(getattr(value, "file", "") or getattr(holder, "file", ""), line)


def truth(value: object) -> bool | None:
    """What a scalar says as a truth value; `None` when it says neither."""
    word = str(value).strip().lower() if isinstance(value, str) else ""
    if word.startswith("${") and word.endswith("}"):
        word = _DEFAULT.sub(r"\1", word)  # what compose puts in when nobody says otherwise
    return True if word in _TRUE else False if word in _FALSE else None


def table(value: object) -> Table:
    """The value if it is a table, else an empty one: a reader need not ask at every step."""
    return value if isinstance(value, Table) else Table()


def rows(value: object) -> list[Any]:
    """The items of a sequence; none for anything else."""
    return value if isinstance(value, Row) else []


def tables(value: object) -> list[Table]:
    """The tables of a sequence."""
    return [each for each in rows(value) if isinstance(each, Table)]


def string(value: object) -> str:
    """The text of a scalar, without its place; empty for anything else, and for nothing."""
    if not isinstance(value, Text):
        return ""
    return "" if value.plain and value.lower() in _NOTHING else str(value)


def at(table_: Table, *path: str) -> Any:
    """The value below a path of keys; `None` when there is none."""
    value: Any = table_
    for key in path:
        value = value.get(key) if isinstance(value, Table) else None
    return value


def documents(content: str, file: str) -> Iterator[Node]:
    """The documents of a file, in order.

    Raises:
        ReadError: it is not YAML; documents before the place were yielded.
        BudgetError: it is too long, too deep or, with aliases written out, too large.
    """
    if len(content) > LONGEST:
        raise BudgetError(f"a document of {len(content):,} characters")
    if content.lstrip().startswith("{"):
        found = _json(content, file)
        if found is not None:
            yield found
            return
    import yaml  # lazy: only deployments are read as YAML here

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster
    builder = _Builder(file)
    try:
        for event in yaml.parse(str(content), Loader=loader):  # libyaml takes no subclass
            if isinstance(event, yaml.DocumentStartEvent):
                builder = _Builder(file)
            elif isinstance(event, yaml.DocumentEndEvent):
                if builder.root is not None:
                    yield builder.root
            else:
                builder.take(event, yaml)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ReadError(f"not YAML{where}: {getattr(error, 'problem', None) or 'broken'}") from None
    except ValueError as error:  # a character that YAML does not allow
        raise ReadError(f"not YAML: {error}") from None


class _Frame:
    """A table or row that is being filled."""

    __slots__ = ("anchor", "holder", "key", "merges", "weight")

    def __init__(self, holder: Table | Row, anchor: str | None) -> None:
        self.holder = holder
        self.anchor = anchor
        self.key: Text | None = None
        self.merges: list[Table] = []
        self.weight = 1


class _Builder:
    """Builds one document from the parser's events."""

    def __init__(self, file: str) -> None:
        self.root: Node | None = None
        self._file = file
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int]] = {}

    def take(self, event: Any, library: Any) -> None:
        """Take the next event.

        Raises:
            ReadError: an alias names nothing, or what it stands in.
            BudgetError: the document is too deep or too large.
        """
        if isinstance(event, library.AliasEvent):
            if event.anchor not in self._anchors:
                raise ReadError(f"the alias *{event.anchor[:50]} names what it stands in")
            self._add(*self._anchors[event.anchor])
        elif isinstance(event, library.ScalarEvent):
            line = event.start_mark.line + 1 + (event.style in {"|", ">"})
            plain = not event.style  # libyaml says "" for a plain scalar, PyYAML itself None
            made = text(event.value, self._file, line, plain=plain, tag=event.tag or "")
            if event.anchor:
                self._anchors[event.anchor] = (made, 1)
            self._add(made, 1)
        elif isinstance(event, library.MappingStartEvent | library.SequenceStartEvent):
            if len(self._frames) >= _DEEPEST:
                raise BudgetError(f"nested more than {_DEEPEST} deep")
            mapping = isinstance(event, library.MappingStartEvent)
            holder: Table | Row = Table() if mapping else Row()
            placed(holder, self._file, event.start_mark.line + 1, event.tag or "")
            self._frames.append(_Frame(holder, event.anchor))
        elif isinstance(event, library.MappingEndEvent | library.SequenceEndEvent):
            self._close()

    def _close(self) -> None:
        frame = self._frames.pop()
        if isinstance(frame.holder, Table):
            for merged in frame.merges:  # keys of the table itself, and of earlier merges, count
                for key, value in merged.items():
                    frame.holder.setdefault(key, value)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.holder, frame.weight)
        self._add(frame.holder, frame.weight)

    def _add(self, value: Node, weight: int) -> None:
        if not self._frames:
            self.root = value
            return
        frame = self._frames[-1]
        frame.weight += weight
        if frame.weight > MOST_NODES:
            raise BudgetError(f"more than {MOST_NODES:,} values with its aliases written out")
        if isinstance(frame.holder, Row):
            frame.holder.append(value)
        elif frame.key is None:
            frame.key = value if isinstance(value, Text) else text("?", self._file, value.line)
        else:
            if frame.key == "<<" and frame.key.plain:
                several = value if isinstance(value, Row) else [value]
                frame.merges += [each for each in several if isinstance(each, Table)]
            else:
                frame.holder.pop(frame.key, None)  # the last of equal keys, with its own line
                frame.holder[frame.key] = value
            frame.key = None


def _json(content: str, file: str) -> Node | None:
    """A JSON document: it may hold tabs, which YAML refuses. Its values have no lines."""
    try:
        return wrap(json.loads(content), file)
    except (ValueError, RecursionError):
        return None


def wrap(value: Any, file: str, line: int = 1, depth: int = 0) -> Node:
    """Plain Python values as a tree.

    Raises:
        BudgetError: it is nested too deeply.
    """
    if depth > _DEEPEST:
        raise BudgetError(f"nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        made = Table(
            (text(str(key), file, line), wrap(item, file, line, depth + 1))
            for key, item in value.items()
        )
        return placed(made, file, line)  # type: ignore[no-any-return]  # what goes in comes out
    if isinstance(value, list):
        items = Row(wrap(item, file, line, depth + 1) for item in value)
        return placed(items, file, line)  # type: ignore[no-any-return]  # the same
    if value is None or isinstance(value, bool):
        return text({None: "null", True: "true", False: "false"}[value], file, line)
    return text(str(value), file, line, plain=not isinstance(value, str))
