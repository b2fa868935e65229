"""Takes a syntax tree apart: scopes, what is bound to which name, and what is called where.

Invariants: the tree is walked once, in the order of the source and without recursion. A decorator,
a default value, an annotation and the body of a class run where they stand; the body of a function
runs when it is called; what stands behind `if __name__ == "__main__"` never runs on import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from modelscan.formats.python_code.loops import endless
from modelscan.formats.python_code.scopes import Class, Function, FunctionNode, Scope

Target = ast.expr | str
_Pending = tuple[ast.AST, Scope, bool]


@dataclass(frozen=True, slots=True)
class Binding:
    """Something that a name is made to stand for."""

    kind: str
    """`import`, `value`, `item` (of an iteration), `more` (`+=`) or `return`."""
    target: Target
    value: ast.expr | None
    scope: Scope
    module: str = ""
    """For an import: the dotted name."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that runs: a call, a decorator, or an operator or hook that is a function."""

    node: ast.expr
    scope: Scope
    guarded: bool
    """True for what never runs on import."""
    kind: str = "call"
    """`call`, `decorator`, `operator`; `hook`: something is put in the place of `holder.x`; `item`:
    something is put into `holder`, which is `x[y]`; `reduction`: what unpickling calls."""
    holder: ast.expr | None = None


@dataclass(slots=True)
class Structure:
    """A module, taken apart."""

    scope: Scope
    functions: dict[int, Function] = field(default_factory=dict)
    classes: dict[int, Class] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    loops: list[tuple[Event, ast.While | ast.For]] = field(default_factory=list)
    """Loops that never end, each as an event of its own."""


def take_apart(tree: ast.Module, scope: Scope) -> Structure:
    """The structure of a module whose names live in `scope`."""
    return _Walk(tree, scope).structure


_LEAVES: Final = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, ast.alias})
"""Nodes, most of a tree, that bind and call nothing."""
_DEFINITIONS: Final = ast.FunctionDef | ast.AsyncFunctionDef


class _Walk:
    def __init__(self, tree: ast.Module, scope: Scope) -> None:
        self.structure = Structure(scope)
        self._pending: list[_Pending] = []
        self._push(tree.body, self.structure.scope, guarded=False)
        while self._pending:
            node, scope, guarded = self._pending.pop()
            self._visit(node, scope, guarded)

    def _push(self, nodes: list[ast.stmt], scope: Scope, *, guarded: bool) -> None:
        self._pending.extend((node, scope, guarded) for node in reversed(nodes))

    def _visit(self, node: ast.AST, scope: Scope, guarded: bool) -> None:  # noqa: FBT001  # as stacked
        if isinstance(node, _DEFINITIONS | ast.Lambda):
            self._function(node, scope, guarded=guarded)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope, guarded=guarded)
        elif isinstance(node, ast.If):
            self._pending.append((node.test, scope, guarded))
            self._push(node.orelse, scope, guarded=guarded)
            self._push(node.body, scope, guarded=guarded or _never_on_import(node.test))
        else:
            if isinstance(node, ast.While | ast.For) and endless(node):
                test = node.test if isinstance(node, ast.While) else node.iter
                self.structure.loops.append((Event(test, scope, guarded, "loop"), node))
            if isinstance(node, ast.Call):
                self.structure.events.append(Event(node, scope, guarded))
            elif isinstance(node, ast.Global):
                scope.globals.update(node.names)
            elif isinstance(node, ast.Assign):
                self.structure.events.extend(
                    Event(node.value, scope, guarded, "hook", target.value)
                    for target in node.targets
                    if isinstance(target, ast.Attribute)
                )
                self.structure.events.extend(
                    Event(node.value, scope, guarded, "item", target)
                    for target in node.targets
                    if isinstance(target, ast.Subscript)
                )
            elif isinstance(node, ast.Return) and node.value is not None and _unpickled(scope):
                self.structure.events.append(Event(node.value, scope, guarded, "reduction"))
            self.structure.bindings.extend(_bindings(node, scope))
            children = [each for each in ast.iter_child_nodes(node) if type(each) not in _LEAVES]
            self._pending.extend((child, scope, guarded) for child in reversed(children))

    def _function(self, node: FunctionNode, scope: Scope, *, guarded: bool) -> None:
        inner = Scope(scope)
        function = Function(node, inner, scope.cls)
        inner.function = function
        self.structure.functions[id(node)] = function
        arguments = node.args
        outside: list[ast.expr | None] = [*arguments.defaults, *arguments.kw_defaults]
        if isinstance(node, ast.Lambda):
            self._pending.append((node.body, inner, guarded))
            self.structure.bindings.append(Binding("return", "", node.body, inner))
        else:
            self._decorated(node.decorator_list, scope, guarded=guarded)
            outside += [node.returns, *(each.annotation for each in _parameters(arguments))]
            self._push(node.body, inner, guarded=guarded)
        self._pending.extend((each, scope, guarded) for each in outside if each is not None)
        positional = [*arguments.posonlyargs, *arguments.args]
        first = len(positional) - len(arguments.defaults)
        pairs = [
            *zip(positional[first:], arguments.defaults, strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        defaults = {each.arg: default for each, default in pairs}
        for parameter in _parameters(arguments):
            default = defaults.get(parameter.arg)
            self.structure.bindings.append(Binding("value", parameter.arg, None, inner))
            if default is not None:
                self.structure.bindings.append(Binding("value", parameter.arg, default, inner))

    def _class(self, node: ast.ClassDef, scope: Scope, *, guarded: bool) -> None:
        inner = Scope(scope, scope.function)
        cls = inner.cls = Class(node, inner)
        self.structure.classes[id(node)] = cls
        self._decorated(node.decorator_list, scope, guarded=guarded)
        for statement in node.body:
            for operator in _operators(statement):
                self.structure.events.append(Event(operator, inner, guarded, "operator"))
        self._push(node.body, inner, guarded=guarded)
        outside = [*node.bases, *(word.value for word in node.keywords)]
        self._pending.extend((each, scope, guarded) for each in outside)

    def _decorated(self, decorators: list[ast.expr], scope: Scope, *, guarded: bool) -> None:
        for decorator in decorators:
            self.structure.events.append(Event(decorator, scope, guarded, "decorator"))
            self._pending.append((decorator, scope, guarded))


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    rest = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest]


def _operators(statement: ast.stmt) -> Iterator[ast.expr]:
    """`__getitem__ = os.system` in the body of a class: an operator that calls something else."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name) and target.id.startswith("__"):
                yield statement.value


def _unpickled(scope: Scope) -> bool:
    """True inside a method whose result says what unpickling calls."""
    return scope.function is not None and scope.function.name in {"__reduce__", "__reduce_ex__"}


def _never_on_import(test: ast.expr) -> bool:
    """`__name__ == "__main__"` and `TYPE_CHECKING`, also as the first of several conditions."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_never_on_import(each) for each in test.values)
    if isinstance(test, ast.Name | ast.Attribute):
        return (test.id if isinstance(test, ast.Name) else test.attr) == "TYPE_CHECKING"
    if not (isinstance(test, ast.Compare) and [type(each) for each in test.ops] == [ast.Eq]):
        return False
    sides = [test.left, *test.comparators]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _bindings(node: ast.AST, scope: Scope) -> Iterator[Binding]:  # noqa: C901  # one line a kind of node
    """What one node binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imports(node, scope)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield Binding("value", target, node.value, scope)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
        if node.value is not None:
            yield Binding("value", node.target, node.value, scope)
    elif isinstance(node, ast.AugAssign):
        yield Binding("more", node.target, node.value, scope)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield Binding("item", node.target, node.iter, scope)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield Binding("value", node.optional_vars, node.context_expr, scope)
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield Binding("value", node.name, None, scope)
    elif isinstance(node, ast.Match):
        yield from _captured(node, scope)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield Binding("return", "", node.value, scope)


def _captured(node: ast.Match, scope: Scope) -> Iterator[Binding]:
    """Names that a pattern gives to the whole of what is matched."""
    for case in node.cases:
        pattern = case.pattern
        if isinstance(pattern, ast.MatchAs) and pattern.name:
            yield Binding("value", pattern.name, node.subject, scope)


def _imports(node: ast.Import | ast.ImportFrom, scope: Scope) -> Iterator[Binding]:
    """`import a.b` binds `a`; `import a.b as c` binds what is called `a.b`."""
    base = ""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        base = module if module.endswith(".") else f"{module}."
    for alias in node.names:
        whole = isinstance(node, ast.ImportFrom) or alias.asname is not None
        name = alias.name if whole else alias.name.partition(".")[0]
        yield Binding("import", alias.asname or name, None, scope, base + name)
