"""What the condition of a template depends on: words of the conversation, its length, the date.

Ordinary conditions ask for roles, for tools, for whether something is defined or empty. One that
looks into what was written, counts turns or compares the date is a way to do something only
sometimes. A variable that is set under such a condition, or to it, carries it on.

Source: Pillar Security, poisoned templates in GGUF files (2025): triggers on topic and on context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from jinja2 import nodes

from modelscan.formats.chat_template.content import Content
from modelscan.formats.chat_template.folding import Folder
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.values import Const, Values, leaves
from modelscan.formats.chat_template.wording import is_prose

About: TypeAlias = Literal["words", "code", "shape", "date", "turns"]

_SEARCHES: Final = frozenset({
    "count", "endswith", "find", "index", "partition", "removeprefix", "removesuffix", "replace",
    "rfind", "rindex", "rpartition", "rsplit", "split", "startswith",
})  # fmt: skip
_SHAPES: Final = frozenset({"isalpha", "isascii", "isdigit", "islower", "isnumeric", "isupper"})
_SELECTING: Final = frozenset({"selectattr", "rejectattr"})
_FIELDS: Final = frozenset({"content", "text"})
_COUNTS: Final = frozenset({"count", "length"})
_TURN: Final = frozenset({"index", "index0", "revindex", "revindex0"})
_MANY: Final = 3
"""Turns or characters from which counting them is no question of the first ones or of none."""
_EQUALITIES: Final = frozenset({"in", "notin", "eq", "ne"})
_ROUNDS: Final = 3
_PARTS: Final = frozenset({
    "audio", "audio_url", "content", "document", "file", "function", "image", "image_url", "images",
    "input_audio", "input_text", "name", "output_text", "reasoning", "role", "text", "thinking",
    "thought", "tool_call", "tool_calls", "type", "value", "video", "video_url", "videos",
})  # fmt: skip
"""Names of the parts of a message: asking for one of them is no search for a word."""
_CONTROL: Final = re.compile(
    r"\s*/[a-z_]+|\W*(?:think|tool|func|reason|image|video|audio|python|im_start|im_end|start_of"
    r"|end_of|channel|system|user|assistant|call|result|response|inst|observation|mcp|use_mcp)"
)
"""Switches and markers by which a mode or a part of a message is known."""


_TAGS: Final = re.compile(r"(?:\s*<\w[\w.-]*>)*\s*</\w[\w.-]*>(?:\s*</?\w[\w.-]*>)*\s*")
"""Tags one after the other, of which one closes something."""


class Trigger(NamedTuple):
    """What a condition depends on."""

    about: About
    words: str
    """What it looks for, or is compared with."""
    wanted: bool = True
    """True when the condition holds with the words, false when it holds without them."""


class Triggers:
    """Finds what conditions depend on.

    Args:
        scopes: the template, its names resolved.
        folder: knows what expressions can be.
        content: knows which expressions are content.
    """

    def __init__(self, scopes: Scopes, folder: Folder, content: Content) -> None:
        self._folder = folder
        self._content = content
        self._flags: dict[str, Trigger] = {}
        """Variables that say whether a condition held."""
        for _ in range(_ROUNDS):
            known = len(self._flags)
            for node in scopes.nodes:
                self._note(node)
            if len(self._flags) == known:
                break

    def of(self, test: nodes.Node) -> Trigger | None:
        """The first part of a condition that depends on what was written, or on when."""
        pending: list[tuple[nodes.Node, bool]] = [(test, True)]
        while pending:
            node, wanted = pending.pop()
            if isinstance(node, nodes.Not):
                pending.append((node.node, not wanted))
                continue
            found = self._simple(node)
            if found is not None:
                return found._replace(wanted=found.wanted == wanted)
            pending += [(child, wanted) for child in node.iter_child_nodes()]
        return None

    def _note(self, node: nodes.Node) -> None:
        """Remember variables that are set to, or under, a condition."""
        if isinstance(node, nodes.Assign):
            self._flag(node.target, self.of(node.node))
        elif isinstance(node, nodes.If):
            trigger = self.of(node.test)
            for inner in node.body if trigger is not None else ():
                if isinstance(inner, nodes.Assign) and isinstance(inner.node, nodes.Const):
                    self._flag(inner.target, trigger)

    def _flag(self, target: nodes.Node, trigger: Trigger | None) -> None:
        if trigger is not None:
            for key in self._content.variables(target):
                self._flags.setdefault(key, trigger)

    def _simple(self, node: nodes.Node) -> Trigger | None:
        """What one comparison, search, test or variable depends on."""
        if isinstance(node, nodes.Compare):
            return self._compared(node)
        if isinstance(node, nodes.Call):
            return self._searched(node)
        if isinstance(node, nodes.Filter):
            return self._selected(node)
        if isinstance(node, nodes.Getattr) and node.attr == "last" and _is_loop(node.node):
            return Trigger("turns", "the last")
        if isinstance(node, nodes.Test):
            shape = node.name in ("upper", "lower") and node.node in self._content
            return Trigger("shape", node.name) if shape else None
        for key in self._content.variables(node):
            return self._flags.get(key)
        return None

    def _compared(self, node: nodes.Compare) -> Trigger | None:
        operand = node.ops[0]
        wanted = operand.op not in ("notin", "ne")
        sides = (node.expr, operand.expr)
        for side, other in (sides, sides[::-1]):
            if _is_date(side):
                return Trigger("date", _shown(self._folder.value(other)), wanted)
            counted = _counted(side)
            if counted is not None and self._number(other) >= _MANY:
                about: About = "shape" if counted in self._content else "turns"
                return Trigger(about, str(self._number(other)), wanted)
            asked = side in self._content or _is_name(side)
            if operand.op in _EQUALITIES and asked:
                found = self._text(other)
                if found is not None:
                    return found._replace(wanted=wanted)
        return None

    def _searched(self, node: nodes.Call) -> Trigger | None:
        function = node.node
        if not isinstance(function, nodes.Getattr) or function.node not in self._content:
            return None
        if function.attr in _SHAPES:
            return Trigger("shape", function.attr)
        if function.attr in _SEARCHES and node.args:
            return self._text(node.args[0])
        return None

    def _selected(self, node: nodes.Filter) -> Trigger | None:
        """`messages|selectattr('content', 'equalto', words)`, and `content|replace(words, …)`."""
        last = 2  # the attribute, the test and what it is tested against
        if node.name in _SELECTING and len(node.args) > last:
            field = node.args[0]
            if isinstance(field, nodes.Const) and field.value in _FIELDS:
                return self._text(node.args[last])
        if node.name == "replace" and node.args and node.node in self._content:
            return self._text(node.args[0])
        return None

    def _text(self, node: nodes.Node) -> Trigger | None:
        """The words that an expression is, or that are in a list; or a code that is none."""
        found = {text for text in texts(self._folder.value(node)) if text.strip()} - _PARTS
        prose = min((text for text in found if is_prose(text)), default=None)
        if prose is not None:
            return Trigger("words", prose)
        code = min((text for text in found if not _is_marker(text)), default=None)
        return None if code is None else Trigger("code", code)

    def _number(self, node: nodes.Node) -> int:
        """The largest number that an expression can be."""
        found = [
            atom.value
            for atom in self._folder.value(node)
            if isinstance(atom, Const) and isinstance(atom.value, int)
        ]
        return max(found, default=0)


def _is_marker(text: str) -> bool:
    """True for switches, and for tags that close a part of a message."""
    return _CONTROL.match(text.lower()) is not None or _TAGS.fullmatch(text) is not None


def _counted(node: nodes.Node) -> nodes.Node | None:
    """What `x|length` or `x|count` counts; the loop whose turn is asked for."""
    if isinstance(node, nodes.Filter):
        return node.node if node.name in _COUNTS else None
    if isinstance(node, nodes.Getattr) and node.attr in _TURN:
        return node.node if _is_loop(node.node) else None
    return None


def _is_loop(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "loop"


def _is_name(node: nodes.Node) -> bool:
    """True for the name of a tool, or of whoever speaks."""
    if isinstance(node, nodes.Getattr):
        return node.attr == "name"
    key = node.arg if isinstance(node, nodes.Getitem) else None
    return isinstance(key, nodes.Const) and key.value == "name"


def _is_date(node: nodes.Node) -> bool:
    """True for `strftime_now(…)`, whatever is made of it."""
    calls: Iterable[nodes.Call] = (*([node] if isinstance(node, nodes.Call) else []),
                                   *node.find_all(nodes.Call))  # fmt: skip
    return any(
        isinstance(call.node, nodes.Name) and call.node.name == "strftime_now" for call in calls
    )


def texts(values: Values) -> Iterator[str]:
    """The texts among values, and inside them."""
    for atom in values:
        for leaf in leaves(atom):
            if isinstance(leaf, Const) and isinstance(leaf.value, str):
                yield leaf.value


def _shown(values: Values) -> str:
    found = sorted(str(atom.value) for atom in values if isinstance(atom, Const))
    return found[0] if found else "…"
