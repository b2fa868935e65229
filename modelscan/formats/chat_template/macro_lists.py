"""Lists that hold nothing but the template's own macros, so that calling an item calls a macro.

Published templates collect the macros of a section, each with its arguments, and call them in turn:
`{{ sections[i](*arguments[i]) }}`. A list counts when everything that is ever assigned to its name
is a list of macros, and nothing else can get at it.

Source: the template of Jamba, which AI21 publishes with its models.
"""

from __future__ import annotations

from collections import defaultdict

from jinja2 import nodes

from modelscan.formats.chat_template.names import MUTATORS
from modelscan.formats.chat_template.scopes import Scopes


def macro_lists(scopes: Scopes, macros: frozenset[str]) -> frozenset[str]:
    """The keys of the variables that hold lists of macros, and nothing else.

    Args:
        scopes: the template, its names resolved.
        macros: the keys of its macros.
    """
    if not macros:
        return frozenset()
    given: dict[str, list[nodes.Node]] = defaultdict(list)
    refused: set[str] = set()
    plain: set[int] = set()
    for node in scopes.nodes:
        if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            given[scopes.key(node.target)].append(node.node)
            plain.add(id(node.target))
        elif isinstance(node, nodes.Name) and node.ctx != "load" and id(node) not in plain:
            refused.add(scopes.key(node))
        elif isinstance(node, nodes.Getattr) and node.attr in MUTATORS:
            refused |= {scopes.key(name) for name in _names(node.node)}
    known = frozenset(given) - refused
    while True:  # what is left out can leave out what is made of it
        left = frozenset(
            key
            for key in known
            if all(_holds_macros(value, scopes, macros, known) for value in given[key])
        )
        if left == known:
            return known
        known = left


def _names(node: nodes.Node) -> list[nodes.Name]:
    return [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))


def _holds_macros(
    value: nodes.Node, scopes: Scopes, macros: frozenset[str], known: frozenset[str]
) -> bool:
    """True for a list of macros: written out, added up, chosen, or kept in another variable."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, nodes.Add):
            pending += [node.left, node.right]
        elif isinstance(node, nodes.CondExpr) and node.expr2 is not None:
            pending += [node.expr1, node.expr2]
        elif isinstance(node, nodes.List | nodes.Tuple):
            if not all(
                isinstance(item, nodes.Name) and scopes.key(item) in macros for item in node.items
            ):
                return False
        elif not (isinstance(node, nodes.Name) and scopes.key(node) in known):
            return False
    return True
