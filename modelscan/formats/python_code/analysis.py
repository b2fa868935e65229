"""What a module can do, and when: the steps in order.

    text → syntax tree → structure → names bound → reach → each call judged → behaviours

Code in a literal that is handed to `exec` or `eval` is analysed in its place, a few levels deep.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.python_code import source
from modelscan.formats.python_code.access import ENVIRONMENT, attribute
from modelscan.formats.python_code.binding import bind
from modelscan.formats.python_code.evaluate import Evaluator
from modelscan.formats.python_code.judged import Judged
from modelscan.formats.python_code.judging import handed_over, judge, made_function
from modelscan.formats.python_code.loops import judge_loop
from modelscan.formats.python_code.names import CLIENTS, DATA_CONSUMERS, canonical
from modelscan.formats.python_code.reach import Reach, When
from modelscan.formats.python_code.results import Called
from modelscan.formats.python_code.scopes import Scope
from modelscan.formats.python_code.structure import Event, Structure, take_apart
from modelscan.formats.python_code.surroundings import variable
from modelscan.formats.python_code.values import Value, Values, shown

_NESTED: Final = 3
"""Levels of `exec` inside `exec` that are looked into."""
_NESTED_TEXT: Final = 1 << 20
"""Characters of literal code that are looked into, for one file."""
_BATCH: Final = 64
_ASIDE: Final = frozenset({"hook", "item", "reduction"})
"""Events that call nothing there and then."""
_NEVER_CALL: Final = frozenset({
    "isinstance", "issubclass", "hasattr", "getattr", "callable", "print", "repr", "str", "id",
    "type", "functools.partial", "functools.wraps", "functools.update_wrapper",
    "inspect.signature", "omegaconf.OmegaConf.register_new_resolver", "inspect.isfunction",
    "inspect.isbuiltin", "inspect.getsource",
})  # fmt: skip
"""Functions that are handed functions and do not call them."""


class Found(NamedTuple):
    """One behaviour of a module."""

    line: int
    judged: Judged
    when: When
    within: tuple[str, ...] = ()
    """Where it happens only when it is called: the functions that lead to it."""


class Analysis:
    """One module.

    Args:
        text: its source.
        budget: pays for it.
        depth: how many `exec` it lies in.
        outer: the names that it can see besides its own, when it lies in an `exec`.

    Raises:
        ReadError: it is not Python, or too long.
    """

    def __init__(
        self, text: str, budget: Budget, depth: int = 0, outer: Scope | None = None
    ) -> None:
        tree = source.parse(text, budget)
        self._budget = budget
        self._depth = depth
        self._left = _NESTED_TEXT
        self._evaluator = Evaluator()
        self._structure: Structure = take_apart(tree, Scope(outer))
        self._consumed: set[int] = set()

    def imports(self) -> tuple[str, ...]:
        """The top-level packages that are imported, sorted; `.` for the module's own."""
        return tuple(
            sorted(
                {
                    binding.module.partition(".")[0] or "."
                    for binding in self._structure.bindings
                    if binding.kind == "import"
                }
            )
        )

    def run(self) -> list[Found]:
        """Every behaviour, by line.

        Raises:
            BudgetError: it takes too long.
        """
        bind(self._structure, self._evaluator, self._budget)
        reach = Reach(self._structure, self._evaluator)
        found: list[Found] = []
        # backwards: what is nested deeply is known before what it is nested in
        for index, event in enumerate(reversed(self._structure.events)):
            if not index % _BATCH:
                self._budget.step(_BATCH)
            judged = list(self._judged(event))
            if judged:
                when = reach.of(event)
                placed = (each for one in judged for each in self._placed(one, event, when))
                if when == "call":
                    within = reach.within(event)
                    placed = (each._replace(within=within) for each in placed)
                found.extend(placed)
        for event, loop in self._structure.loops:
            without_end = judge_loop(loop, event.scope, self._evaluator)
            if without_end is not None:
                found.append(Found(event.node.lineno, without_end, reach.of(event)))
        found = [self._settled(each) for each in found]
        return sorted(dict.fromkeys(found), key=lambda each: each.line)

    def _judged(self, event: Event) -> Iterator[Judged]:
        node, evaluator = event.node, self._evaluator
        if event.kind in _ASIDE:
            yield from self._aside(event)
            return
        if event.kind != "call" or not isinstance(node, ast.Call):
            for value in evaluator.values(node, event.scope):
                judged = handed_over(value)
                if judged is not None:
                    yield judged
            return
        if _lists_all_classes(node):
            yield Judged("computed-name", "object.__subclasses__")
        callees = evaluator.values(node.func, event.scope)
        if any(callee.name for callee in callees):
            call = self._call(node, event)
            operands = evaluator.values(node.args[0], event.scope) if node.args else ()
            for callee in callees:
                judged = self._one(callee, call, operands)
                if judged is not None:
                    yield judged
            yield from self._written(node, event.scope, callees)
            self._note_data(node, event, callees, call.all)
        if not any(value.function or value.cls for value in callees):
            yield from self._handed(node, event, callees)

    def _aside(self, event: Event) -> Iterator[Judged]:
        """What is put into the environment, and what unpickling calls."""
        evaluator, scope = self._evaluator, event.scope
        if event.kind == "item" and isinstance(event.holder, ast.Subscript):
            tables = evaluator.values(event.holder.value, scope)
            if any(canonical(table.name) in ENVIRONMENT for table in tables):
                key = evaluator.one(event.holder.slice, scope)
                judged = variable(key.text, shown(evaluator.one(event.node, scope)))
                if judged is not None:
                    yield judged
        elif event.kind == "reduction":
            for value in evaluator.values(event.node, scope):
                judged = handed_over(value.items[0]) if value.items else None
                if judged is not None:
                    yield judged

    def _written(self, node: ast.Call, scope: Scope, callees: Values) -> Iterator[Judged]:
        """The variables of a table that is written out where the environment is updated."""
        if not any(canonical(callee.name) == "os.environ.update" for callee in callees):
            return
        for table in node.args:
            if isinstance(table, ast.Dict):
                for key, value in zip(table.keys, table.values, strict=True):
                    name = None if key is None else self._evaluator.one(key, scope).text
                    judged = variable(name, shown(self._evaluator.one(value, scope)))
                    if judged is not None:
                        yield judged

    def _one(self, callee: Value, call: Called, operands: Values) -> Judged | None:
        if callee.name == "operator.methodcaller()" and isinstance(callee.text, str):
            for method in attribute(call.get(0), callee.text):
                return judge(method, Called(call.node, [], {}, call.purse), ())
        if callee.name.endswith("()"):
            return made_function(callee, call)
        return judge(callee, call, operands)

    def _call(self, node: ast.Call, event: Event) -> Called:
        one, scope = self._evaluator.one, event.scope
        arguments = [
            one(each.value if isinstance(each, ast.Starred) else each, scope) for each in node.args
        ]
        named = {word.arg or "**": one(word.value, scope) for word in node.keywords}
        return Called(id(node), arguments, named, self._evaluator.purse)

    def _handed(self, node: ast.Call, event: Event, callees: Values) -> Iterator[Judged]:
        """Functions of a library that are handed to something which may call them."""
        if any(canonical(callee.name) in _NEVER_CALL for callee in callees):
            return
        for argument in (*node.args, *(word.value for word in node.keywords)):
            if isinstance(argument, ast.Name | ast.Attribute | ast.Call):
                for value in self._evaluator.values(argument, event.scope):
                    judged = None if value.name.endswith("()") else handed_over(value)
                    if judged is not None:
                        yield judged

    def _note_data(self, node: ast.Call, event: Event, callees: Values, handed: Values) -> None:
        """Remember downloads that are read as data: an image, a table, JSON."""
        if any(canonical(callee.name) in DATA_CONSUMERS for callee in callees):
            for value in handed:
                self._consumed |= value.downloads
        if isinstance(node.func, ast.Attribute) and node.func.attr == "json":
            for value in self._evaluator.values(node.func.value, event.scope):
                self._consumed |= value.downloads

    def _placed(self, judged: Judged, event: Event, when: When) -> Iterator[Found]:
        line = event.node.lineno
        if judged.call in CLIENTS:
            when = "call"  # nothing is sent before somebody uses it
        if not judged.source:
            yield Found(line, judged, when)
            return
        inner = self._inside(judged.source, event.scope)
        if inner is None:
            yield Found(line, judged._replace(source=""), when)
            return
        for found in inner:
            yield Found(line, found.judged, when if found.when == "import" else "call")

    def _inside(self, text: str, scope: Scope) -> list[Found] | None:
        """What literal code does when it is run; `None` when it cannot be looked into."""
        self._left -= len(text)
        if self._depth >= _NESTED or self._left < 0:
            return None
        try:
            return Analysis(text, self._budget, self._depth + 1, scope).run()
        except ReadError:
            return None

    def _settled(self, found: Found) -> Found:
        judged = found.judged
        if judged.fetches in self._consumed:
            judged = judged._replace(behaviour="downloads-data")
        return found._replace(judged=judged._replace(fetches=0))


def _lists_all_classes(node: ast.Call) -> bool:
    """`object.__subclasses__()`, however it gets to `object`: the way out of restricted code.

    A class of one's own is asked for its subclasses too, and that is a registry.
    """
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "__subclasses__"):
        return False
    root = node.func.value
    if isinstance(root, ast.Subscript):
        root = root.value
    if isinstance(root, ast.Name):
        return root.id == "object"
    return isinstance(root, ast.Attribute) and root.attr in {"__base__", "__mro__", "__bases__"}
