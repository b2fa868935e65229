"""Text that a template adds, or changes, because of what somebody wrote in the conversation.

Ordinary templates look into content for markers: `</think>`, `[TOOL_CALLS]`, `/no_think`. A
poisoned one looks for words of a topic, counts turns or waits for a date and then adds
instructions, or it replaces words and addresses. These are heuristics: they see that text is added
or replaced, and cannot know why.

Source: Pillar Security, poisoned templates in GGUF files (2025).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from jinja2 import nodes

from modelscan.formats.chat_template.content import Content
from modelscan.formats.chat_template.folding import Folder
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.sightings import Sighting, sighting
from modelscan.formats.chat_template.text import text_of
from modelscan.formats.chat_template.triggers import About, Trigger, Triggers, texts
from modelscan.formats.chat_template.wording import is_prose, words

_ADDED_WORDS: Final[dict[About, int]] = {
    "words": 3, "code": 6, "shape": 6, "date": 4, "turns": 6,
}  # fmt: skip
"""Words of prose from which a branch adds a sentence instead of a marker."""
_MARKER: Final = re.compile(r"<[^<>]*>|\[/?[A-Z_]+\]")
_ADDRESS: Final = re.compile(r"https?:|www\.|\b[\w-]+\.(?:com|org|net|io|ai|dev|co|app|gov|edu)\b")
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
_ROLE: Final = re.compile(r"^(?:system|developer)$|<\|(?:im_start|start_header_id)\|>system")
_TAKING_APART: Final = frozenset({"split", "rsplit", "partition", "rpartition"})
_ABOUT: Final[dict[About, str]] = {
    "words": "", "code": "", "shape": "the shape of what was written: ", "date": "the date: ",
    "turns": "the number of turns: ",
}  # fmt: skip


class Steering:
    """Checks conditions on content, and replacements in it.

    Args:
        scopes: the template, its names resolved.
        folder: knows what expressions can be.
    """

    def __init__(self, scopes: Scopes, folder: Folder) -> None:
        self._folder = folder
        self._content = Content(scopes)
        self._triggers = Triggers(scopes, folder, self._content)

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

    def _condition(
        self,
        node: nodes.Node,
        test: nodes.Node,
        body: Iterable[nodes.Node],
        otherwise: Iterable[nodes.Node],
    ) -> Iterator[Sighting]:
        trigger = self._triggers.of(test)
        if trigger is None:
            return
        branch = list(body if trigger.wanted else otherwise)
        count, start = self._added(branch, trigger)
        if count >= _ADDED_WORDS[trigger.about]:
            name = _ABOUT[trigger.about] + trigger.words
            yield sighting("content-condition", name, node, start)

    def _added(self, body: Iterable[nodes.Node], trigger: Trigger) -> tuple[int, str]:
        """How many words of prose a branch writes or assigns, and how they start.

        Under a condition on words, naming the role of the system is worth a sentence; to repeat
        the words is none.
        """
        count, start = 0, ""
        pending = list(body)
        while pending:
            node = pending.pop()
            if isinstance(node, nodes.Compare | nodes.Test) or _raises(node):
                continue
            for text in self._written(node):
                found = words(_MARKER.sub(" ", text.replace(trigger.words, " ")))
                if trigger.about == "words" and _ROLE.search(text):
                    found = max(found, _ADDED_WORDS["words"])
                count += found
                start = start or (text.strip() if found else "")
            pending.extend(node.iter_child_nodes())
        return count, start

    def _written(self, node: nodes.Node) -> Iterator[str]:
        """The literal text that one node writes: its own, or an item of a table."""
        if isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
            yield from sorted(texts(self._folder.value(node)))

    def _rewrite(self, node: nodes.Filter | nodes.Call) -> Iterator[Sighting]:
        """Replaces words or addresses in what was written."""
        base = _replaced(node)
        if base is None or base not in self._content or len(node.args) < 2:  # noqa: PLR2004  # old and new
            yield from self._joined_again(node)
            return
        old, new = (map(text_of, self._folder.value(side)) for side in node.args[:2])
        becomes = min(filter(None, new), default="")
        for text in sorted(filter(None, old)):
            if _is_said(text):
                yield sighting("content-rewrite", text, node, f"becomes {becomes!r}")

    def _joined_again(self, node: nodes.Filter | nodes.Call) -> Iterator[Sighting]:
        """`new.join(content.split(old))`, and the filter `join` on the same."""
        if isinstance(node, nodes.Filter):
            joined = node.node if node.name == "join" else None
        else:
            method = isinstance(node.node, nodes.Getattr) and node.node.attr == "join"
            joined = node.args[0] if method and node.args else None
        if not isinstance(joined, nodes.Call) or not isinstance(joined.node, nodes.Getattr):
            return
        if joined.node.attr in _TAKING_APART and joined.args and joined.node.node in self._content:
            for text in sorted(filter(None, map(text_of, self._folder.value(joined.args[0])))):
                if _is_said(text):
                    yield sighting("content-rewrite", text, node, "is taken apart there")


def _is_said(text: str) -> bool:
    """True for words or addresses as people write them."""
    return bool(_ADDRESS.search(text) or (is_prose(text) and _LETTERS.search(text)))


def _replaced(node: nodes.Filter | nodes.Call) -> nodes.Node | None:
    """What a replacement is made in; nothing for anything else."""
    if isinstance(node, nodes.Filter):
        return node.node if node.name == "replace" else None
    function = node.node
    if isinstance(function, nodes.Getattr) and function.attr == "replace":
        return function.node
    return None


def _raises(node: nodes.Node) -> bool:
    function = node.node if isinstance(node, nodes.Call) else None
    return isinstance(function, nodes.Name) and function.name == "raise_exception"
