"""Text that a template adds, or changes, because of what somebody wrote in the conversation.

Ordinary templates look into content for markers: `</think>`, `[TOOL_CALLS]`, `/no_think`. A
poisoned one looks for words of a topic and then adds instructions, or replaces addresses. These
are heuristics: they see that text is added or replaced, and cannot know why.

Source: Pillar Security, poisoned templates in GGUF files (2025).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jinja2 import nodes

from modelscan.formats.chat_template.content import Content
from modelscan.formats.chat_template.folding import Folder
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.sightings import Sighting, sighting
from modelscan.formats.chat_template.text import text_of
from modelscan.formats.chat_template.values import Const, leaves
from modelscan.formats.chat_template.wording import is_prose, words

_SEARCHES = frozenset({"count", "endswith", "find", "index", "rfind", "startswith"})
_ADDED_WORDS = 6
"""Words of prose from which a branch adds a sentence instead of a marker."""
_MARKER = re.compile(r"<[^<>]*>|\[/?[A-Z_]+\]")
_ADDRESS = re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|org|net|io|ai|dev|co|app|gov|edu)\b")
_LETTERS = re.compile(r"[^\W\d_]{3,}")


class _Trigger(NamedTuple):
    """What a condition looks for in content."""

    words: str
    wanted: bool
    """True when the condition holds with the words, false when it holds without them."""


class Steering:
    """Checks conditions on content, and replacements in it.

    Args:
        scopes: the template, its names resolved.
        folder: knows what expressions can be.
    """

    def __init__(self, scopes: Scopes, folder: Folder) -> None:
        self._folder = folder
        self._content = Content(scopes)
        self._flags: dict[str, _Trigger] = {}
        """Variables that say whether content has certain words in it."""
        for node in scopes.nodes:
            if isinstance(node, nodes.Assign):
                trigger = self._trigger(node.node)
                if trigger is not None:
                    self._flags.update(dict.fromkeys(self._content.variables(node.target), trigger))

    def check(self, node: nodes.Node) -> Iterator[Sighting]:
        """What is wrong with one node."""
        if isinstance(node, nodes.If):
            yield from self._condition(node, node.test, node.body, [*node.elif_, *node.else_])
        elif isinstance(node, nodes.CondExpr):
            other = [] if node.expr2 is None else [node.expr2]
            yield from self._condition(node, node.test, [node.expr1], other)
        elif isinstance(node, nodes.For) and node.test is not None:
            yield from self._condition(node, node.test, node.body, [])
        elif isinstance(node, nodes.Filter | nodes.Call):
            yield from self._rewrite(node)

    def _trigger(self, test: nodes.Node) -> _Trigger | None:
        """The first part of a condition that looks for words in content."""
        pending: list[tuple[nodes.Node, bool]] = [(test, True)]
        while pending:
            node, wanted = pending.pop()
            if isinstance(node, nodes.Not):
                pending.append((node.node, not wanted))
                continue
            found = self._simple(node)
            if found is not None:
                return _Trigger(found.words, found.wanted == wanted)
            if isinstance(node, nodes.And | nodes.Or | nodes.Compare | nodes.Operand):
                pending += [(child, wanted) for child in node.iter_child_nodes()]
        return None

    def _simple(self, node: nodes.Node) -> _Trigger | None:
        """What one comparison, search or variable looks for."""
        if isinstance(node, nodes.Compare):
            return self._compared(node)
        if isinstance(node, nodes.Call):
            return self._searched(node)
        for key in self._content.variables(node):
            return self._flags.get(key)
        return None

    def _compared(self, node: nodes.Compare) -> _Trigger | None:
        operand = node.ops[0]
        sides = (node.expr, operand.expr)
        if operand.op not in ("in", "notin", "eq", "ne"):
            return None
        for content, other in (sides, sides[::-1]):
            found = self._prose(other) if content in self._content else ""
            if found:
                return _Trigger(found, operand.op in ("in", "eq"))
        return None

    def _searched(self, node: nodes.Call) -> _Trigger | None:
        function = node.node
        if not isinstance(function, nodes.Getattr) or function.attr not in _SEARCHES:
            return None
        found = self._prose(node.args[0]) if node.args and function.node in self._content else ""
        return _Trigger(found, wanted=True) if found else None

    def _prose(self, node: nodes.Node) -> str:
        """The ordinary words that an expression is, or that are in a list; empty when none are."""
        inside = (leaf for atom in self._folder.value(node) for leaf in leaves(atom))
        texts = {leaf.value for leaf in inside if isinstance(leaf, Const)}
        return min((text for text in texts if isinstance(text, str) and is_prose(text)), default="")

    def _condition(
        self,
        node: nodes.Node,
        test: nodes.Node,
        body: Iterable[nodes.Node],
        otherwise: Iterable[nodes.Node],
    ) -> Iterator[Sighting]:
        trigger = self._trigger(test)
        if trigger is not None:
            count, start = _added(body if trigger.wanted else otherwise)
            if count >= _ADDED_WORDS:
                yield sighting("content-condition", trigger.words, node, start)

    def _rewrite(self, node: nodes.Filter | nodes.Call) -> Iterator[Sighting]:
        """Replaces words or addresses in what was written."""
        base = _replaced(node)
        if base is None or base not in self._content or len(node.args) < 2:  # noqa: PLR2004  # old and new
            return
        old, new = (map(text_of, self._folder.value(side)) for side in node.args[:2])
        becomes = min(filter(None, new), default="")
        for text in sorted(filter(None, old)):
            if _ADDRESS.search(text) or (is_prose(text) and _LETTERS.search(text)):
                yield sighting("content-rewrite", text, node, f"becomes {becomes!r}")


def _replaced(node: nodes.Filter | nodes.Call) -> nodes.Node | None:
    """What a replacement is made in; nothing for anything else."""
    if isinstance(node, nodes.Filter):
        return node.node if node.name == "replace" else None
    function = node.node
    if isinstance(function, nodes.Getattr) and function.attr == "replace":
        return function.node
    return None


def _added(body: Iterable[nodes.Node]) -> tuple[int, str]:
    """How many words of prose a branch writes or assigns, and how they start."""
    count, start = 0, ""
    pending = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.Compare | nodes.Test) or _raises(node):
            continue
        text = node.data if isinstance(node, nodes.TemplateData) else ""
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            text = node.value
        found = words(_MARKER.sub(" ", text))
        count += found
        start = start or (text.strip() if found else "")
        pending.extend(node.iter_child_nodes())
    return count, start


def _raises(node: nodes.Node) -> bool:
    function = node.node if isinstance(node, nodes.Call) else None
    return isinstance(function, nodes.Name) and function.name == "raise_exception"
