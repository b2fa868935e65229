"""The values that an expression can have: constant folding over sets, without rendering anything.

Expressions are evaluated against what the variables of the template can hold (`variables`). The
recursion stops at a fixed depth, and what lies deeper is text that is not known, so that no check
lets it through where a name is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jinja2 import nodes

from modelscan.budget import Budget
from modelscan.formats.chat_template import operations as ops
from modelscan.formats.chat_template import text
from modelscan.formats.chat_template.names import (
    ENVIRONMENT_OBJECTS,
    GLOBAL_CALLABLES,
    is_token,
)
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.values import (
    NOTHING,
    SOME_DATA,
    SOME_TEXT,
    Const,
    Map,
    Seq,
    Star,
    Values,
    capped,
    children,
    coarse,
    const,
    derived,
    mapping,
    seq,
    star,
)

_MAX_DEPTH = 60
"""Levels of an expression that are followed; each costs a few Python frames."""
_STEPS = 1_024
"""Evaluations that are paid for at once."""

LOOP_ITEMS = ".loop"
"""The key under which the items of all loops are kept, for `loop.previtem` and `loop.nextitem`."""


def attribute_key(name: str) -> str:
    """The key for what is assigned to an attribute of any namespace."""
    return "." + name


class Folder:
    """Evaluates expressions.

    Args:
        scopes: the names of the template, resolved.
        variables: what each key can hold; it grows while the variables are being found out.
        budget: pays for every evaluation.
    """

    def __init__(self, scopes: Scopes, variables: dict[str, Values], budget: Budget) -> None:
        self.reads: set[str] = set()
        """Keys that were looked up since somebody emptied it."""
        self.final = False
        """True once the variables are known: then a variable without a value can hold anything."""
        self.macros: frozenset[str] = frozenset()
        """Keys of the template's own macros."""
        self._scopes = scopes
        self._variables = variables
        self._budget = budget
        self._steps = 0
        self._depth = 0

    def value(self, node: nodes.Node | None) -> Values:
        """What an expression can be; nothing for a missing one."""
        if node is None:
            return NOTHING
        self._steps += 1
        if self._steps % _STEPS == 0:
            self._budget.step(_STEPS)
        if self._depth >= _MAX_DEPTH:
            return SOME_TEXT
        self._depth += 1
        try:
            handler = _HANDLERS.get(type(node))
            return SOME_DATA if handler is None else handler(self, node)
        finally:
            self._depth -= 1

    def variable(self, key: str) -> Values:
        """What a variable can hold."""
        self.reads.add(key)
        return self._variables.get(key) or (SOME_DATA if self.final else NOTHING)

    def block(self, body: Iterable[nodes.Node]) -> Values:
        """The text that statements write, for `{% set x %}…{% endset %}`."""
        written: Values = frozenset({Const("")})
        for statement in body:
            if not isinstance(statement, nodes.Output):
                return text.concat(written, SOME_TEXT)
            for part in statement.nodes:
                written = text.concat(written, self.value(part))
        return written

    def name(self, node: nodes.Name) -> Values:
        """A variable, something from the caller, or a function as an object."""
        key = self._scopes.key(node)
        if key in self.macros:  # a macro's name, arguments and text are the template's own
            return SOME_TEXT
        if self._scopes.is_set(node):
            found = self.variable(key)
            return found | SOME_TEXT if is_token(node.name) else found
        if is_token(node.name) or node.name in ENVIRONMENT_OBJECTS | GLOBAL_CALLABLES:
            return SOME_TEXT
        return SOME_DATA

    def getattr(self, node: nodes.Getattr) -> Values:
        """An attribute, or an item of that name."""
        if isinstance(node.node, nodes.Name) and node.node.name == "loop":
            neighbours = node.attr in ("previtem", "nextitem")
            return self.variable(LOOP_ITEMS) if neighbours else SOME_DATA
        return self._member(self.value(node.node), frozenset({Const(node.attr)}))

    def getitem(self, node: nodes.Getitem) -> Values:
        """An item, an attribute of that name, or a slice."""
        base = self.value(node.node)
        if isinstance(node.arg, nodes.Slice):
            part = node.arg
            return ops.cut(
                base, (self.value(part.start), self.value(part.stop), self.value(part.step))
            )
        return self._member(base, self.value(node.arg))

    def _member(self, base: Values, keys: Values) -> Values:
        """An item by key, with what was assigned to namespace attributes of that name."""
        assigned = NOTHING
        for key in keys:
            if isinstance(key, Const):
                written = attribute_key(str(key.value))
                self.reads.add(written)
                assigned |= self._variables.get(written, NOTHING)
        found = ops.lookup(base, keys) | assigned
        return found or (SOME_DATA if self.final and base else NOTHING)

    def filter(self, node: nodes.Filter) -> Values:
        """A filter on its input; `map` applies another one to every item."""
        values = SOME_TEXT if node.node is None else self.value(node.node)
        arguments, named = self.arguments(node)
        if node.name == "map":
            return self._map(values, arguments, named)
        if node.name == "format":
            return capped(
                atom
                for value in values
                for atom in text.printf(
                    value, (frozenset({mapping(named.items())}),) if named else arguments
                )
            )
        if node.name == "attr":
            return self._member(values, arguments[0]) if arguments else SOME_TEXT
        return ops.apply(node.name, values, arguments, named)

    def _map(self, values: Values, arguments: Sequence[Values], named: dict[str, Values]) -> Values:
        items = children(values)
        if "attribute" in named:
            found = self._member(items, named["attribute"]) | named.get("default", NOTHING)
            return frozenset({star(found)})
        inner = next(iter(arguments[0]), None) if arguments else None
        if not isinstance(inner, Const) or len(arguments[0]) != 1:
            return frozenset({star(derived(values, *arguments))})
        name = str(inner.value)
        return capped(
            seq(ops.apply(name, item, arguments[1:], named) for item in atom.items)
            if isinstance(atom, Seq)
            else star(ops.apply(name, children(frozenset({atom})), arguments[1:], named))
            for atom in values
        )

    def call(self, node: nodes.Call) -> Values:
        """A method, one of the functions, or a macro."""
        arguments, named = self.arguments(node)
        function = node.node
        if isinstance(function, nodes.Getattr):
            if isinstance(function.node, nodes.Name) and function.node.name == "loop":
                return frozenset().union(*arguments) if function.attr == "cycle" else SOME_DATA
            base = self.value(function.node)
            if (
                function.attr == "join"
            ):  # the method stands on the separator, the filter on the list
                return text.join(arguments[0], base) if arguments else SOME_TEXT
            return ops.apply(function.attr, base, arguments, named)
        if isinstance(function, nodes.Name) and not self._scopes.is_set(function):
            name = function.name
            if name in ("dict", "namespace"):
                return ops.namespace(arguments, named)
            if name in ("cycler", "joiner"):
                return frozenset({star(frozenset().union(*arguments))})
            if name in ("range", "raise_exception"):
                return SOME_DATA
            if name in ("lipsum", "strftime_now"):
                return SOME_TEXT
        return SOME_TEXT

    def arguments(self, node: Any) -> tuple[list[Values], dict[str, Values]]:
        """Positional and named arguments of a call or filter; unpacked ones count in all places."""
        arguments = [self.value(argument) for argument in node.args]
        named = {pair.key: self.value(pair.value) for pair in node.kwargs}
        if node.dyn_args is not None:
            arguments.append(children(self.value(node.dyn_args)))
        if node.dyn_kwargs is not None:
            for atom in self.value(node.dyn_kwargs):
                fields = atom.fields if isinstance(atom, Map) else ()
                named.update(fields)
        return arguments, named

    def concat(self, node: nodes.Concat) -> Values:
        """`a ~ b ~ c`."""
        written: Values = frozenset({Const("")})
        for part in node.nodes:
            written = text.concat(written, self.value(part))
        return written

    def either(self, node: Any) -> Values:
        """`a or b`, `a and b`: one of the two."""
        return capped(self.value(node.left) | self.value(node.right))

    def conditional(self, node: nodes.CondExpr) -> Values:
        """`a if test else b`."""
        return capped(self.value(node.expr1) | self.value(node.expr2))

    def negative(self, node: nodes.Neg) -> Values:
        """`-a`."""
        return ops.calculate("-", frozenset({Const(0)}), self.value(node.node))

    def add(self, node: nodes.Add) -> Values:
        """`a + b`."""
        return ops.add(self.value(node.left), self.value(node.right))

    def arithmetic(self, node: nodes.BinExpr) -> Values:
        """The other arithmetic operators."""
        return ops.calculate(node.operator, self.value(node.left), self.value(node.right))

    def items(self, node: Any) -> Values:
        """A list or tuple."""
        return frozenset({seq(self.value(item) for item in node.items)})

    def mapping(self, node: nodes.Dict) -> Values:
        """A mapping; a key that is not known stands for any name."""
        fields: list[tuple[str, Values]] = []
        loose: set[Any] = set()
        for pair in node.items:
            keys, value = self.value(pair.key), self.value(pair.value)
            known = [text.text_of(key) for key in keys]
            fields.extend((name, value) for name in known if name is not None)
            if None in known:
                loose |= keys | value
        if loose:
            return frozenset({mapping(fields), star(capped(loose))})
        return frozenset({mapping(fields)})


def widened(values: Values) -> Values:
    """A coarser value for a variable that does not settle; few more changes are left to it."""
    inside = coarse(values)
    if any(isinstance(atom, Seq | Star | Map) for atom in values):
        return inside | frozenset({star(inside)})
    return inside


def _constant(_: Folder, node: Any) -> Values:
    value = node.value
    return frozenset({const(value)}) if isinstance(value, str | int | float | None) else SOME_DATA


def _text(_: Folder, node: Any) -> Values:
    return frozenset({const(node.data)})


def _positive(folder: Folder, node: Any) -> Values:
    return folder.value(node.node)


_HANDLERS: dict[type[nodes.Node], Callable[[Folder, Any], Values]] = {
    nodes.Const: _constant,
    nodes.TemplateData: _text,
    nodes.Name: Folder.name,
    nodes.Getattr: Folder.getattr,
    nodes.Getitem: Folder.getitem,
    nodes.Filter: Folder.filter,
    nodes.Call: Folder.call,
    nodes.Concat: Folder.concat,
    nodes.And: Folder.either,
    nodes.Or: Folder.either,
    nodes.CondExpr: Folder.conditional,
    nodes.Neg: Folder.negative,
    nodes.Pos: _positive,
    nodes.Add: Folder.add,
    nodes.Sub: Folder.arithmetic,
    nodes.Mul: Folder.arithmetic,
    nodes.Div: Folder.arithmetic,
    nodes.FloorDiv: Folder.arithmetic,
    nodes.Mod: Folder.arithmetic,
    nodes.Pow: Folder.arithmetic,
    nodes.List: Folder.items,
    nodes.Tuple: Folder.items,
    nodes.Dict: Folder.mapping,
}
"""Comparisons and tests are not here: they are data."""
