"""Which expressions of a template are what somebody wrote, as opposed to roles, names and counts.

Content is read from `content` and `text`, by whatever spelling, and stays content through methods,
filters, slices, concatenation and variables. Lengths, types and comparisons are not content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import nodes

from modelscan.formats.chat_template.scopes import Scopes

_FIELDS = frozenset({"content", "text"})
_INPUTS = frozenset({"content", "input", "instruction", "prompt", "query", "text"})
_CONVERSATION = frozenset({"messages", "message", "conversation", "documents", "tools"})
_COUNTING = frozenset({"count", "length", "int", "float", "wordcount"})
_AS_TEXT = frozenset({"string", "tojson", "pprint"})
_ROUNDS = 4
"""Passes over the template; each carries content through one more variable set out of order."""


class Content:
    """Knows which expressions are content.

    Args:
        scopes: the template, its names resolved.
    """

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
        self._about: set[int] = set()
        self._keys: set[str] = set()
        self._called = {id(node.node) for node in scopes.nodes if isinstance(node, nodes.Call)}
        self._macros = {
            scopes.macro_key(node): node for node in scopes.nodes if isinstance(node, nodes.Macro)
        }
        tests: dict[type[nodes.Node], Callable[[Any], bool]] = {
            nodes.Name: self._name,
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._item,
            nodes.Call: self._call,
            nodes.CondExpr: self._either,
            nodes.Filter: self._filter,
            nodes.Concat: self._parts,
            nodes.Add: self._parts,
            nodes.Mod: self._parts,
            nodes.And: self._parts,
            nodes.Or: self._parts,
            nodes.Tuple: self._parts,
            nodes.List: self._parts,
        }
        for _ in range(_ROUNDS):
            known = len(self._keys)
            for node in reversed(scopes.nodes):  # children before their parents
                test = tests.get(type(node))
                if test is not None and test(node):
                    self._about.add(id(node))
                self._carry(node)
            if len(self._keys) == known:
                break

    def __contains__(self, node: object) -> bool:
        return id(node) in self._about

    def variables(self, target: nodes.Node) -> Iterator[str]:
        """The variable or namespace attribute that is assigned to, or read."""
        if isinstance(target, nodes.Name):
            yield self._scopes.key(target)
        elif isinstance(target, nodes.NSRef):
            yield f"{target.name}.{target.attr}"
        elif isinstance(target, nodes.Getattr) and isinstance(target.node, nodes.Name):
            yield f"{target.node.name}.{target.attr}"

    def _carry(self, node: nodes.Node) -> None:
        """Loops, assignments and the arguments of macros hand content on."""
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            self._hand_over(node, self._macros.get(self._scopes.key(node.node)))
            return
        given = node.iter if isinstance(node, nodes.For) else None
        given = node.node if isinstance(node, nodes.Assign) else given
        if isinstance(node, nodes.For | nodes.Assign) and given in self:
            self._keys.update(self.variables(node.target))

    def _hand_over(self, call: nodes.Call, macro: nodes.Macro | None) -> None:
        if macro is None:
            return
        for parameter, argument in zip(macro.args, call.args, strict=False):
            if argument in self:
                self._keys.update(self.variables(parameter))
        named = {pair.key: pair.value for pair in call.kwargs}
        for parameter in macro.args:
            if named.get(parameter.name) in self:
                self._keys.update(self.variables(parameter))

    def _name(self, node: nodes.Name) -> bool:
        if self._scopes.is_set(node):
            return self._scopes.key(node) in self._keys
        return node.name in _INPUTS

    def _attribute(self, node: nodes.Getattr) -> bool:
        if node.attr in _FIELDS or not self._keys.isdisjoint(self.variables(node)):
            return True
        return id(node) in self._called and node.node in self

    def _item(self, node: nodes.Getitem) -> bool:
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return node.arg.value in _FIELDS
        return node.node in self

    def _call(self, node: nodes.Call) -> bool:
        return node.node in self or _gets_field(node)

    def _either(self, node: nodes.CondExpr) -> bool:
        return node.expr1 in self or (node.expr2 is not None and node.expr2 in self)

    def _parts(self, node: nodes.Node) -> bool:
        return any(child in self for child in node.iter_child_nodes())

    def _filter(self, node: nodes.Filter) -> bool:
        if node.name in _COUNTING or node.node is None:
            return False
        if node.name == "map":
            return any(_is_field(pair.value) for pair in node.kwargs if pair.key == "attribute")
        if node.name in _AS_TEXT and isinstance(node.node, nodes.Name):
            return node.node.name in _CONVERSATION or node.node in self
        return node.node in self


def _is_field(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and node.value in _FIELDS


def _gets_field(node: nodes.Call) -> bool:
    """`message.get('content')`."""
    function = node.node
    named = isinstance(function, nodes.Getattr) and function.attr in ("get", "pop")
    return named and bool(node.args) and _is_field(node.args[0])
