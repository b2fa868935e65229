"""What an expression may be, as far as constants tell: names, defaults, f-strings, other modules.

Invariants: nothing is run; only what is asked for is looked at; every expression costs a step of a
purse that is full anew for each call that is asked about, nesting beyond `_DEEP` is unknown, and at
most `_MOST` alternatives are kept. Unknown is an empty list.
"""

from __future__ import annotations

import ast
from collections.abc import Callable as Handler
from itertools import product
from typing import Any, ClassVar, Final

from modelscan.discovery.python.calls import Calls
from modelscan.discovery.python.known import Context, Known, Nodes
from modelscan.discovery.python.modules import Module
from modelscan.discovery.python.names import Names
from modelscan.discovery.python.project import Project
from modelscan.formats.python_code.structure import Binding

_DEEP: Final = 24
_MOST: Final = 16
_STEPS: Final = 3_000
_LONG: Final = 2_000
"""Characters of a text that is put together."""


class Evaluator:
    """Evaluates expressions of one module, and of those it imports from."""

    def __init__(self, module: Module, project: Project) -> None:
        self.module = module
        self.project = project
        self.names = Names(self)
        self._calls = Calls(self)
        self._steps = _STEPS
        self._depth = 0

    def known(self, node: ast.expr, context: Context) -> list[Known]:
        """What an expression may be; empty when nothing is known."""
        handler = self._HANDLERS.get(type(node))
        if handler is None or self._depth >= _DEEP or self._steps <= 0:
            return []
        if not self._depth:
            self._steps = _STEPS
        self._steps -= 1
        self._depth += 1
        try:
            return list(dict.fromkeys(handler(self, node, context)))[:_MOST]
        finally:
            self._depth -= 1

    def spent(self) -> int:
        """Expressions that the last question cost; the next one has a purse of its own."""
        spent, self._steps = _STEPS - self._steps, _STEPS
        return spent

    def bound(self, bindings: list[Binding], module: Module) -> list[Known]:
        """What names are bound to: assignments are alternatives, an iteration visits all."""
        found: list[Known] = []
        chosen = [
            (each, each.value)
            for each in bindings[:_MOST]
            if each.value is not None and each.kind != "more"
        ]
        for binding, expression in chosen:
            values = self.known(expression, Context(module, binding.scope))
            if binding.kind == "item":
                values = self._items(values)
            found += values if len(chosen) == 1 else [each.unsure() for each in values]
        if any(each.kind == "more" for each in bindings[:_MOST]):  # a text that grows is not known
            found = [each for each in found if not isinstance(each.value, str)]
        return found

    def element(self, holder: Known, key: Known | None) -> list[Known]:
        """An element of a list or a dictionary; all of them, as alternatives, by an unknown key."""
        nodes = holder.value
        if not isinstance(nodes, Nodes):
            return []
        if key is not None and not nodes.keys and isinstance(key.value, int):
            inside = -len(nodes.values) <= key.value < len(nodes.values)
            return self.known(nodes.values[key.value], nodes.context) if inside else []
        found: list[Known] = []
        for index, value in enumerate(nodes.values[: _MOST * 4]):
            if key is not None and nodes.keys:
                name = nodes.keys[index]
                if name is None:
                    for inner in self.known(value, nodes.context):
                        found += self.element(inner, key)
                    continue
                if not any(each.value == key.value for each in self.known(name, nodes.context)):
                    continue
                found = self.known(value, nodes.context)  # the last of two equal keys counts
                continue
            found += [each.unsure() for each in self.known(value, nodes.context)]
        return found

    def table(self, node: ast.expr, context: Context) -> dict[str, list[Known]]:
        """What `**node` hands over, by keyword."""
        found: dict[str, list[Known]] = {}
        for each in self.known(node, context)[:1]:
            nodes = each.value
            if isinstance(nodes, Nodes):
                for key, value in zip(nodes.keys, nodes.values, strict=False):
                    if key is None:
                        found |= self.table(value, nodes.context)
                    elif isinstance(key, ast.Constant) and isinstance(key.value, str):
                        found[key.value] = self.known(value, nodes.context)
        return found

    def _items(self, values: list[Known]) -> list[Known]:
        """What an iteration goes over: elements of a list, keys of a dictionary."""
        found: list[Known] = []
        for each in values:
            nodes = each.value
            if isinstance(nodes, Nodes):
                for part in (nodes.keys or nodes.values)[: _MOST * 2]:
                    if part is not None:
                        found += self.known(part, nodes.context)
        return found

    def _constant(self, node: ast.Constant, _context: Context) -> list[Known]:
        value = node.value
        return [Known(value)] if value is None or isinstance(value, str | int | float) else []

    def _name(self, node: ast.Name, context: Context) -> list[Known]:
        return self.names.name(node.id, context)

    def _attribute(self, node: ast.Attribute, context: Context) -> list[Known]:
        return self.names.attribute(node, context)

    def _call(self, node: ast.Call, context: Context) -> list[Known]:
        return self._calls.result(node, context)

    def _subscript(self, node: ast.Subscript, context: Context) -> list[Known]:
        if isinstance(node.slice, ast.Slice):
            return []
        keys: list[Known | None] = [*self.known(node.slice, context)] or [None]
        return [
            found
            for holder in self.known(node.value, context)
            for key in keys
            for found in self.element(holder, key)
        ]

    def _binary(self, node: ast.BinOp, context: Context) -> list[Known]:
        lefts, rights = self.known(node.left, context), self.known(node.right, context)
        if isinstance(node.op, ast.Mod):
            return self._percent(lefts, rights)
        if isinstance(node.op, ast.Add | ast.Div):
            sign = "" if isinstance(node.op, ast.Add) else "/"
            return [
                Known((left.value + sign + right.value)[:_LONG], left.sure and right.sure)
                for left, right in product(lefts, rights)
                if isinstance(left.value, str) and isinstance(right.value, str)
            ]
        if isinstance(node.op, ast.BitOr):  # {**a} | {**b}
            return rights or lefts
        return []

    def _percent(self, lefts: list[Known], rights: list[Known]) -> list[Known]:
        found = []
        for left, right in product(lefts, rights):
            parts = [[right]]
            if isinstance(right.value, Nodes):
                nodes = right.value
                parts = [self.known(each, nodes.context) for each in nodes.values]
            pieces = str(left.value).split("%s")
            if not isinstance(left.value, str) or len(pieces) != len(parts) + 1:
                continue
            mixed = [[Known(pieces[0], left.sure)]]
            for part, piece in zip(parts, pieces[1:], strict=True):
                mixed += [part, [Known(piece)]]
            found += self.joined(mixed)
        return found

    def _format(self, node: ast.JoinedStr, context: Context) -> list[Known]:
        parts = [
            self.known(part.value if isinstance(part, ast.FormattedValue) else part, context)[:4]
            for part in node.values
        ]
        return self.joined(parts)

    def joined(self, parts: list[list[Known]], separator: str = "") -> list[Known]:
        """Texts put together, for each choice of alternatives; empty when a part is unknown."""
        found = []
        for chosen in product(*([each for each in part if _is_text(each)] for part in parts)):
            text = separator.join(str(each.value) for each in chosen)
            found.append(Known(text[:_LONG], all(each.sure for each in chosen)))
            if len(found) >= _MOST:
                break
        return found

    def _choice(self, node: Any, context: Context) -> list[Known]:
        branches = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        found = [each for branch in branches[:_MOST] for each in self.known(branch, context)]
        return [each.unsure() for each in found if each.value not in (None, "")]

    def _display(self, node: Any, context: Context) -> list[Known]:
        if isinstance(node, ast.Dict):
            return [Known(Nodes(tuple(node.keys), tuple(node.values), context))]
        return [Known(Nodes((), tuple(node.elts), context))]

    def _inner(self, node: Any, context: Context) -> list[Known]:
        return self.known(node.value, context) if node.value is not None else []

    def _negated(self, node: ast.UnaryOp, context: Context) -> list[Known]:
        numbers = [each.value for each in self.known(node.operand, context)]
        if isinstance(node.op, ast.Not):
            return [Known(not each) for each in numbers if isinstance(each, bool)]
        return [Known(-each) for each in numbers if isinstance(each, int)]

    _HANDLERS: ClassVar[dict[type[ast.expr], Handler[..., list[Known]]]] = {
        ast.Constant: _constant,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Call: _call,
        ast.Subscript: _subscript,
        ast.BinOp: _binary,
        ast.JoinedStr: _format,
        ast.IfExp: _choice,
        ast.BoolOp: _choice,
        ast.List: _display,
        ast.Tuple: _display,
        ast.Set: _display,
        ast.Dict: _display,
        ast.NamedExpr: _inner,
        ast.Await: _inner,
        ast.Starred: _inner,
        ast.UnaryOp: _negated,
    }


def _is_text(known: Known) -> bool:
    return isinstance(known.value, str | int | float)
