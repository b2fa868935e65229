"""All checks over one template, in one walk over its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from modelscan.budget import Budget
from modelscan.formats.chat_template.bombs import Bombs
from modelscan.formats.chat_template.instructions import instructions
from modelscan.formats.chat_template.parsing import parse
from modelscan.formats.chat_template.reach import Reach
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.sightings import Sighting
from modelscan.formats.chat_template.steering import Steering
from modelscan.formats.chat_template.variables import Variables
from modelscan.formats.chat_template.wording import addresses, disguised, unseen


class Analysis:
    """What a template is made of.

    Args:
        text: the template.
        budget: pays for the work.

    Raises:
        ReadError: the template cannot be parsed.
        BudgetError: finding out what its variables hold costs too much.
    """

    def __init__(self, text: str, budget: Budget) -> None:
        self._scopes = Scopes(parse(text))
        budget.step(len(self._scopes.nodes))
        self._folder = Variables(self._scopes, budget).folder

    def inputs(self) -> list[str]:
        """Names that the template takes from its caller."""
        return self._scopes.inputs()

    def sightings(self) -> Iterator[Sighting]:
        """Everything out of the ordinary, each once, in document order."""
        seen: set[tuple[str, str, int]] = set()
        for found in self._all():
            key = (found.kind, found.name, found.line)
            if key not in seen:
                seen.add(key)
                yield found

    def _all(self) -> Iterator[Sighting]:
        scopes, folder = self._scopes, self._folder
        reach, bombs, steering = Reach(scopes, folder), Bombs(folder), Steering(scopes, folder)
        removed = _removed(scopes.nodes)
        pieces: list[tuple[str, nodes.Node]] = []
        for node in scopes.nodes:
            yield from reach.check(node)
            yield from bombs.check(node, scopes.loop(node))
            yield from steering.check(node)
            text = _literal(node)
            if text and id(node) not in removed:
                yield from unseen(text, node)
                yield from disguised(text, node)
                yield from addresses(text, node)
                pieces.append((text, node))
        yield from instructions(pieces)


def _literal(node: nodes.Node) -> str:
    if isinstance(node, nodes.TemplateData):
        return node.data
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""


def _removed(every: list[nodes.Node]) -> set[int]:
    """What `replace` looks for: naming a character to take it out is no way of hiding it."""
    found: set[int] = set()
    for node in every:
        if isinstance(node, nodes.Filter):
            replaces = node.name == "replace"
        elif isinstance(node, nodes.Call):
            replaces = isinstance(node.node, nodes.Getattr) and node.node.attr == "replace"
        else:
            continue
        if replaces and node.args:
            found.add(id(node.args[0]))
    return found
