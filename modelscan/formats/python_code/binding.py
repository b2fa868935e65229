"""Binds names to what they may stand for, in a few rounds, until aliases of aliases are known."""

from __future__ import annotations

import ast
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.python_code.access import named
from modelscan.formats.python_code.evaluate import Evaluator
from modelscan.formats.python_code.scopes import NO_VALUE, Class, Scope, add
from modelscan.formats.python_code.structure import Binding, Event, Structure
from modelscan.formats.python_code.values import Value, Values, tainted

_ROUNDS: Final = 3
"""An alias through a function that is defined further down needs two; the third is a spare."""
_BATCH: Final = 256
_CLASS_PARAMETERS: Final = frozenset({"cls", "mcs", "mcls", "klass", "metacls"})
"""What the first parameter is called when it is the class, not an instance of it."""


def bind(structure: Structure, evaluator: Evaluator, budget: Budget) -> None:
    """Bind all names of a module.

    Raises:
        BudgetError: it takes too long.
    """
    evaluator.functions = structure.functions
    _definitions(structure)
    calls = [event for event in reversed(structure.events) if isinstance(event.node, ast.Call)]
    for _ in range(_ROUNDS):
        evaluator.forget()
        for index, binding in enumerate(structure.bindings):
            if not index % _BATCH:
                budget.step(_BATCH)
            _apply(binding, evaluator)
        for index, event in enumerate(calls):
            if not index % _BATCH:
                budget.step(_BATCH)
            _parameters(event, evaluator)
        _bases(structure, evaluator)
    evaluator.forget()


def _definitions(structure: Structure) -> None:
    for function in structure.functions.values():
        scope = function.scope.parent
        if function.name and scope is not None:
            scope.bind(function.name, (Value(function=function),))
        positional = [*function.node.args.posonlyargs, *function.node.args.args]
        if function.owner is not None and positional:  # self, or cls
            made = positional[0].arg not in _CLASS_PARAMETERS
            function.scope.bind(positional[0].arg, (Value(cls=function.owner, made=made),))
    for cls in structure.classes.values():
        if cls.scope.parent is not None:
            cls.scope.parent.bind(cls.node.name, (Value(cls=cls),))


def _bases(structure: Structure, evaluator: Evaluator) -> None:
    for cls in structure.classes.values():
        scope = cls.scope.parent or structure.scope
        for base in cls.node.bases:
            for value in evaluator.values(base, scope):
                if value.cls is not None and value.cls not in cls.bases:
                    cls.bases.append(value.cls)
                cls.meta |= value.name in {"type", "abc.ABCMeta", "enum.EnumMeta"}
        cls.meta |= any(base.meta for base in cls.bases)


def _apply(binding: Binding, evaluator: Evaluator) -> None:
    scope, target = binding.scope, binding.target
    if binding.kind == "import":
        if target == "*":
            stars = scope.module().stars
            module = binding.module.removesuffix("*").removesuffix(".")
            if module not in stars:
                stars.append(module)
        else:
            scope.bind(str(target), (named(binding.module),))
        return
    values = NO_VALUE if binding.value is None else evaluator.values(binding.value, scope)
    if binding.kind == "return":
        if scope.function is not None:
            scope.function.returns = add(scope.function.returns, values)
    elif binding.kind == "more":
        _assign(
            target, (*_grown(target, values, evaluator, scope), *_carried(values)), scope, evaluator
        )
    else:
        _assign(target, _elements(values) if binding.kind == "item" else values, scope, evaluator)


def _grown(target: ast.expr | str, values: Values, evaluator: Evaluator, scope: Scope) -> Values:
    """`text += part`, along each alternative of the text."""
    if not isinstance(target, ast.Name):
        return values
    known = evaluator.values(target, scope)
    return tuple(evaluator.joined([each, values[0]], ast.Add()) for each in known)


def _carried(values: Values) -> Values:
    """That a text grows means that its final form is not known, only what it is made of."""
    return (tainted(values),)


def _elements(values: Values) -> Values:
    found: Values = ()
    for value in values:
        found = add(found, value.items or (tainted((value,)),))
    return found


def _assign(target: ast.expr | str, values: Values, scope: Scope, evaluator: Evaluator) -> None:
    pending: list[tuple[ast.expr | str, Values]] = [(target, values)]
    while pending:
        place, found = pending.pop()
        if isinstance(place, str):
            scope.bind(place, found)
        elif isinstance(place, ast.Name):
            scope.bind(place.id, found)
        elif isinstance(place, ast.Tuple | ast.List):
            pending.extend(
                (each, _unpacked(found, index, len(place.elts)))
                for index, each in enumerate(place.elts)
            )
        elif isinstance(place, ast.Starred):
            pending.append((place.value, found))
        elif isinstance(place, ast.Attribute):
            for owner in _classes(evaluator.values(place.value, scope)):
                owner.scope.bind(place.attr, found)
        elif isinstance(place, ast.Subscript):
            _assign_item(place, found, scope, evaluator)


def _assign_item(place: ast.Subscript, values: Values, scope: Scope, evaluator: Evaluator) -> None:
    """`table["key"] = value`: the table may hold it; in `globals()` the key is a name."""
    key = evaluator.one(place.slice, scope).text
    holders = evaluator.values(place.value, scope)
    if isinstance(key, str) and any(holder.name == "globals()" for holder in holders):
        scope.module().bind(key, values)
    elif isinstance(place.value, ast.Name) and any(_matters(value) for value in values):
        scope.bind(place.value.id, (Value(items=values),))


def _matters(value: Value) -> bool:
    return bool(value.name or value.function or value.decoded or value.downloads)


def _unpacked(values: Values, index: int, count: int) -> Values:
    found: Values = ()
    for value in values:
        fits = value.items is not None and len(value.items) == count
        part = value.items[index] if fits and value.items is not None else tainted((value,))
        found = add(found, (part,))
    return found


def _classes(values: Values) -> list[Class]:
    return [value.cls for value in values if value.cls is not None]


def _parameters(event: Event, evaluator: Evaluator) -> None:
    """What a function of the module is handed, its parameters may stand for."""
    node = event.node
    if not isinstance(node, ast.Call):  # pragma: no cover  # the caller selects calls
        return
    for callee in evaluator.values(node.func, event.scope):
        function = callee.function
        if callee.cls is not None:
            function = callee.cls.method("__call__" if callee.made else "__init__")
        if function is None:
            continue
        names = [each.arg for each in (*function.node.args.posonlyargs, *function.node.args.args)]
        if function.owner is not None and (callee.cls or isinstance(node.func, ast.Attribute)):
            names = names[1:]
        for name, argument in zip(names, node.args, strict=False):
            function.scope.bind(name, evaluator.values(argument, event.scope))
        known = {*names, *(each.arg for each in function.node.args.kwonlyargs)}
        for word in node.keywords:
            if word.arg in known:
                function.scope.bind(word.arg, evaluator.values(word.value, event.scope))
