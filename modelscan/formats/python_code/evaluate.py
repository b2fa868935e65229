"""What an expression may stand for: names followed through aliases, and text that is computed.

Invariants: every node is looked at once in each pass, a value holds at most `MAX_VALUES`
alternatives, nesting beyond `_DEEP` is unknown. What is unknown stays an empty `Value`, and never
hides what its parts carry: a decoded or a downloaded part makes the whole decoded or downloaded.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, ClassVar, Final

from modelscan.formats.python_code import folding, results
from modelscan.formats.python_code.access import attribute, item, named
from modelscan.formats.python_code.scopes import NO_VALUE, Function, Scope, add
from modelscan.formats.python_code.values import (
    MAX_VALUES,
    NOTHING,
    Plain,
    Purse,
    Value,
    Values,
    tainted,
)

_DEEP: Final = 60
_BUILTINS: Final = frozenset(dir(builtins)) | {"__builtins__", "execfile", "get_ipython"}
_ITEMS: Final = 2_000
"""Items of a display that are looked at one by one; a longer one is data."""

_Handler = Callable[[Any, Any, Scope, int], Values]
"""A method below: the evaluator, the node, its scope, its depth."""


class Evaluator:
    """Evaluates the expressions of one module."""

    def __init__(self) -> None:
        self.purse = Purse()
        self.functions: dict[int, Function] = {}
        """Functions and lambdas, by the id of their node."""
        self._cache: dict[int, Values] = {}
        self._passing: dict[int, Values] = {}
        self._cut = 0  # how often nesting was not followed to its end

    def forget(self) -> None:
        """Names were bound: what expressions stand for is to be found out again."""
        self._cache = {}

    def values(self, node: ast.expr, scope: Scope, depth: int = 0) -> Values:
        """What an expression may stand for; always at least one value."""
        if not depth:
            self._passing.clear()
        known = self._cache.get(id(node)) or self._passing.get(id(node))
        if known is not None:
            return known
        handler = self._HANDLERS.get(type(node))
        if handler is None:
            return NO_VALUE
        if depth > _DEEP:
            self._cut += 1
            return NO_VALUE
        before = self._cut
        found: Values = handler(self, node, scope, depth + 1) or NO_VALUE
        # what was cut short is known better when it is looked at by itself
        (self._cache if self._cut == before else self._passing)[id(node)] = found
        return found

    def one(self, node: ast.expr, scope: Scope, depth: int = 0) -> Value:
        """The value of an argument: its first alternative, with what is true of any of them."""
        found = self.values(node, scope, depth)
        return found[0] if len(found) == 1 else _merged(found)

    def _constant(self, node: ast.Constant, _scope: Scope, _depth: int) -> Values:
        value = node.value
        if value is None:
            return (_NONE,)
        return (Value(text=value),) if isinstance(value, str | bytes | int) else NO_VALUE

    def _name(self, node: ast.Name, scope: Scope, _depth: int) -> Values:
        found = scope.lookup(node.id)
        if found is not None:
            return found
        stars = scope.module().stars
        if stars:
            return tuple(named(f"{star}.{node.id}") for star in stars[:MAX_VALUES])
        return (Value(name=node.id),) if node.id in _BUILTINS else NO_VALUE

    def _attribute(self, node: ast.Attribute, scope: Scope, depth: int) -> Values:
        bases = self.values(node.value, scope, depth)
        return tuple(found for base in bases for found in attribute(base, node.attr))[:MAX_VALUES]

    def _subscript(self, node: ast.Subscript, scope: Scope, depth: int) -> Values:
        bases = self.values(node.value, scope, depth)
        if isinstance(node.slice, ast.Slice):
            return tuple(_sliced(base, node.slice) for base in bases)
        key = self.one(node.slice, scope, depth)
        return tuple(found for base in bases for found in item(base, key, scope))[:MAX_VALUES]

    def _binary(self, node: ast.BinOp, scope: Scope, depth: int) -> Values:
        if isinstance(node.op, ast.Add | ast.Div):
            return self._sum(node, scope, depth)
        pairs = product(self.values(node.left, scope, depth), self.values(node.right, scope, depth))
        return tuple(self._operated(node.op, *pair) for pair in pairs)[:MAX_VALUES]

    def _operated(self, operator: ast.operator, left: Value, right: Value) -> Value:
        text: Plain = None
        if isinstance(left.text, int) and isinstance(right.text, int):
            text = _number(operator, left.text, right.text)
        elif isinstance(operator, ast.Mult):
            text = folding.repeated(left.text, right.text, self.purse)
        elif isinstance(operator, ast.Mod) and isinstance(left.text, str):
            text = folding.percent(left.text, right.items or (right,), self.purse)
        return tainted((left, right), text=text)

    def _sum(self, node: ast.BinOp, scope: Scope, depth: int) -> Values:
        """A chain of `+`, or of `/` between paths: taken apart in a loop, since it nests leftwards.

        A chain is followed along one alternative of each part, all together at most `MAX_VALUES`.
        """
        parts: list[Values] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
            parts.append(self.values(left.right, scope, depth))
            left = left.left
        parts.append(self.values(left, scope, depth))
        parts.reverse()
        return tuple(
            self.joined([each[min(index, len(each) - 1)] for each in parts], node.op)
            for index in range(min(MAX_VALUES, max(map(len, parts))))
        )

    def joined(self, parts: Sequence[Value], operator: ast.operator) -> Value:
        """Parts put together with `+`, or with `/` for paths."""
        name = ""
        if isinstance(operator, ast.Div):
            if not parts[0].name.startswith("pathlib."):
                return tainted(tuple(parts))
            text = folding.concatenated(parts, self.purse, "/")
            name = parts[0].name
        elif all(isinstance(part.text, int) for part in parts):
            numbers = [part.text for part in parts if isinstance(part.text, int)]
            return tainted(tuple(parts), text=sum(numbers))
        elif any(isinstance(part.text, str | bytes) for part in parts):
            text = folding.concatenated(parts, self.purse)
        else:
            text = None
        joined = tainted(tuple(parts), text=text, name=name)
        items = [part.items for part in parts if part.items]
        return _with_items(joined, tuple(sum(items, ())[:_ITEMS])) if items else joined

    def _format(self, node: ast.JoinedStr, scope: Scope, depth: int) -> Values:
        parts = [
            self.one(part.value if isinstance(part, ast.FormattedValue) else part, scope, depth)
            for part in node.values
        ]
        return (tainted(tuple(parts), text=folding.concatenated(parts, self.purse)),)

    def _display(self, node: Any, scope: Scope, depth: int) -> Values:
        elements = (node.values if isinstance(node, ast.Dict) else node.elts)[:_ITEMS]
        plain = tuple(
            found
            for element in elements
            for found in self.values(
                element.value if isinstance(element, ast.Starred) else element, scope, depth
            )[: MAX_VALUES if isinstance(node, ast.Dict) else 1]
        )
        return (_with_items(tainted(plain), plain),)

    def _comprehension(self, node: Any, scope: Scope, depth: int) -> Values:
        """Text made of character codes or by exclusive or counts as decoded."""
        element = node.value if isinstance(node, ast.DictComp) else node.elt
        source = self.one(node.generators[0].iter, scope, depth)
        made = self.one(element, scope, depth)
        hides = any(_hides(part, self, scope) for part in ast.walk(element))
        items = self._mapped(node, element, source)
        if items is None and (made.name or made.function):
            items = (made,)
        return (_with_items(tainted((made, source), decoded=hides), items),)

    def _mapped(self, node: Any, element: ast.expr, source: Value) -> Values | None:
        """`chr(code) for code in (111, 115)`: the one comprehension that is worth computing."""
        target = node.generators[0].target
        if (
            isinstance(element, ast.Call)
            and isinstance(element.func, ast.Name)
            and element.func.id == "chr"
            and len(element.args) == 1
            and isinstance(element.args[0], ast.Name)
            and isinstance(target, ast.Name)
            and element.args[0].id == target.id
        ):
            text = folding.characters(source.items or None, binary=False, purse=self.purse)
            if isinstance(text, str):
                return tuple(Value(text=letter, decoded=True) for letter in text[:_ITEMS])
        return None

    def _choice(self, node: Any, scope: Scope, depth: int) -> Values:
        branches = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
        found = NOTHING
        for branch in branches[:MAX_VALUES]:
            found = add(found, self.values(branch, scope, depth))
        return found

    def _inner(self, node: Any, scope: Scope, depth: int) -> Values:
        return self.values(node.value, scope, depth) if node.value is not None else NO_VALUE

    def _lambda(self, node: ast.Lambda, _scope: Scope, _depth: int) -> Values:
        function = self.functions.get(id(node))
        return (Value(function=function),) if function else NO_VALUE

    def _negated(self, node: ast.UnaryOp, scope: Scope, depth: int) -> Values:
        value = self.one(node.operand, scope, depth)
        number = isinstance(node.op, ast.USub) and isinstance(value.text, int)
        return (Value(text=-value.text if number and isinstance(value.text, int) else None),)

    def _call(self, node: ast.Call, scope: Scope, depth: int) -> Values:
        arguments = [
            self.one(each.value if isinstance(each, ast.Starred) else each, scope, depth)
            for each in node.args[:_ITEMS]
        ]
        named = {
            word.arg or "**": self.one(word.value, scope, depth) for word in node.keywords[:_ITEMS]
        }
        call = results.Called(id(node), arguments, named, self.purse)
        found = NOTHING
        receivers = NOTHING
        if isinstance(node.func, ast.Attribute):
            receivers = self.values(node.func.value, scope, depth)
            for receiver in receivers:
                made = results.of_method(receiver, node.func.attr, call)
                if made is not None:
                    found = add(found, (made,))
        if not found:
            for function in self.values(node.func, scope, depth):
                found = add(found, results.of_call(function, receivers, call))
        return found

    _HANDLERS: ClassVar[dict[type[ast.expr], _Handler]] = {
        ast.Constant: _constant,
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Subscript: _subscript,
        ast.Call: _call,
        ast.BinOp: _binary,
        ast.UnaryOp: _negated,
        ast.JoinedStr: _format,
        ast.Tuple: _display,
        ast.List: _display,
        ast.Set: _display,
        ast.Dict: _display,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.DictComp: _comprehension,
        ast.IfExp: _choice,
        ast.BoolOp: _choice,
        ast.NamedExpr: _inner,
        ast.Await: _inner,
        ast.Starred: _inner,
        ast.Lambda: _lambda,
    }


def _sliced(base: Value, bounds: ast.Slice) -> Value:
    """A part of a constant; text that is taken backwards is hidden text."""
    limits = [_plain_int(bound) for bound in (bounds.lower, bounds.upper, bounds.step)]
    step = limits[2]
    constant = all(limit is not _NO for limit in limits) and step != 0
    text = base.text[slice(*limits)] if constant and isinstance(base.text, str | bytes) else None
    backwards = isinstance(step, int) and step < 0
    made = tainted((base,), text=text, decoded=backwards and text is not None)
    if base.items is not None and constant:
        return _with_items(made, base.items[slice(*limits)])
    return made


_NONE: Final = Value(name="None")
_NO: Final = object()


def _plain_int(node: ast.expr | None) -> Any:
    """The number that a bound of a slice is; `_NO` when it is computed."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if node is None:
        return None
    value = node.value if isinstance(node, ast.Constant) else _NO
    return sign * value if type(value) is int else _NO


def _number(operator: ast.operator, left: int, right: int) -> int | None:
    """Sums on small numbers, as in `chr(100 + 11)`."""
    if max(abs(left), abs(right)) > 1 << 32:
        return None
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.BitXor):
        return left ^ right
    if isinstance(operator, ast.Mult):
        return left * right
    return left // right if isinstance(operator, ast.FloorDiv) and right else None


def _hides(node: ast.AST, evaluator: Evaluator, scope: Scope) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitXor)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return any(value.name == "chr" for value in evaluator.values(node.func, scope, 1))
    return False


def _merged(values: Values) -> Value:
    first = next((value for value in values if value not in (Value(), _NONE)), values[0])
    merged = tainted(values, text=first.text, name=first.name)
    return Value(
        name=merged.name,
        text=merged.text,
        items=first.items,
        decoded=merged.decoded,
        secret=merged.secret,
        downloads=merged.downloads,
        other=True,
        function=first.function,
        cls=first.cls,
        made=first.made,
    )


def _with_items(value: Value, items: Values | None) -> Value:
    return Value(
        name=value.name,
        text=value.text,
        items=items,
        decoded=value.decoded,
        secret=value.secret,
        downloads=value.downloads,
        other=value.other,
    )
