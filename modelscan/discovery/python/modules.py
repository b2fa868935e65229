"""A Python module, taken apart so that names can be followed on demand.

Invariants: the tree is that of `formats.python_code`, parsed and never compiled; a name stands for
everything that is bound to it anywhere in its scope.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

from modelscan.budget import Budget
from modelscan.formats.python_code import source
from modelscan.formats.python_code.scopes import Class, Function, Scope
from modelscan.formats.python_code.structure import Binding, Event, Structure, take_apart

_Found = TypeVar("_Found", Function, Class)
_DEFAULTS: Final = frozenset({"add_argument", "DEFINE_string", "DEFINE_enum", "add_option"})


class Default(NamedTuple):
    """The default of an option on a command line."""

    value: ast.expr
    scope: Scope


class Module:
    """One module.

    Args:
        path: of its file, relative to the folder that is looked at.
        text: its source.
        budget: pays for it.

    Raises:
        ReadError: it is not Python, or too long.
    """

    def __init__(self, path: str, text: str, budget: Budget) -> None:
        self.path = path
        self.text = text
        self.budget = budget
        self.scope = Scope()
        self._tree = source.parse(text, budget)
        structure: Structure = take_apart(self._tree, self.scope)
        self.calls: list[Event] = []
        """Calls, in the order of the source."""
        self._bindings: dict[tuple[int, str], list[Binding]] = {}
        self._fields: dict[tuple[int, str], list[Binding]] = {}
        self._callers: dict[str, list[Event]] = {}
        self._returns: dict[int, list[Binding]] = {}
        self._options: dict[str, list[Default]] = {}
        self.classes = {id(each.scope): each for each in structure.classes.values()}
        self._functions = list(structure.functions.values())
        self._by_name: dict[tuple[int, str], Function] = {}
        self._class_by_name: dict[tuple[int, str], Class] = {}
        for function in self._functions:
            if function.name and function.scope.parent is not None:
                self._by_name[id(function.scope.parent), function.name] = function
        for cls in structure.classes.values():
            if cls.scope.parent is not None:
                self._class_by_name[id(cls.scope.parent), cls.node.name] = cls
        for binding in structure.bindings:
            self._note(binding)
        for event in structure.events:
            if event.kind == "call" and isinstance(event.node, ast.Call):
                self.calls.append(event)
                self._note_call(event.node, event)

    def _note(self, binding: Binding) -> None:
        if binding.kind == "return":
            self._returns.setdefault(id(binding.scope), []).append(binding)
            return
        for target in _targets(binding.target):
            if isinstance(target, str):
                self._bindings.setdefault((id(binding.scope), target), []).append(binding)
                continue
            owner = binding.scope.function.owner if binding.scope.function else None
            if owner is not None and isinstance(target.value, ast.Name):
                self._fields.setdefault((id(owner), target.attr), []).append(binding)

    def _note_call(self, node: ast.Call, event: Event) -> None:
        name = last_name(node.func)
        self._callers.setdefault(name, []).append(event)
        if name in _DEFAULTS:
            default = _default_of(node, name)
            if default is not None:
                for option in _option_names(node):
                    self._options.setdefault(option, []).append(Default(default, event.scope))

    def texts(self) -> Iterator[ast.Constant | ast.JoinedStr]:
        """Texts that are no documentation."""
        documentation = {
            id(node.value) for node in ast.walk(self._tree) if isinstance(node, ast.Expr)
        }
        for node in ast.walk(self._tree):
            if isinstance(node, ast.JoinedStr) or (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in documentation
            ):
                yield node

    def bindings(self, scope: Scope, name: str) -> tuple[Scope, list[Binding]]:
        """The scope that a name is bound in, seen from another, and what is bound to it there."""
        at: Scope | None = scope
        while at is not None:
            if at is scope or at.cls is None:
                found = self._bindings.get((id(at), name))
                if found:
                    return at, found
            at = at.parent
        return scope, []

    def function(self, scope: Scope, name: str) -> Function | None:
        """The function of that name in sight."""
        return _upwards(self._by_name, scope, name)

    def cls(self, scope: Scope, name: str) -> Class | None:
        """The class of that name in sight."""
        return _upwards(self._class_by_name, scope, name)

    def fields(self, cls: Class, name: str) -> list[Binding]:
        """What is bound to an attribute: through `self`, and in the body of the class."""
        own = self._bindings.get((id(cls.scope), name), [])
        return [*self._fields.get((id(cls), name), []), *own]

    def fields_by_name(self, name: str) -> Iterator[Binding]:
        """What is bound to an attribute in the body of any class."""
        for key in self.classes:
            yield from self._bindings.get((key, name), [])

    def callers(self, name: str) -> list[Event]:
        """Calls of whatever has that name."""
        return self._callers.get(name, [])

    def returns(self, function: Function) -> list[Binding]:
        """What a function returns."""
        return self._returns.get(id(function.scope), [])

    def defaults(self, option: str) -> list[Default]:
        """Defaults of an option that a parser of command lines is given."""
        return self._options.get(option, [])


def _upwards(table: dict[tuple[int, str], _Found], scope: Scope, name: str) -> _Found | None:
    at: Scope | None = scope
    while at is not None:
        found = table.get((id(at), name))
        if found is not None:
            return found
        at = at.parent
    return None


def last_name(node: ast.expr) -> str:
    """The last part of what is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _targets(target: ast.expr | str) -> Iterator[str | ast.Attribute]:
    pending = [target]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each
        elif isinstance(each, ast.Tuple | ast.List):
            pending.extend(each.elts)
        elif isinstance(each, ast.Starred):
            pending.append(each.value)


def _default_of(node: ast.Call, name: str) -> ast.expr | None:
    for word in node.keywords:
        if word.arg == "default":
            return word.value
    positional = name.startswith("DEFINE") and len(node.args) > 1
    return node.args[1] if positional else None


def _option_names(node: ast.Call) -> Iterator[str]:
    """`--model-name` is `args.model_name`, unless `dest` says otherwise (argparse)."""
    for word in node.keywords:
        if word.arg == "dest" and isinstance(word.value, ast.Constant):
            yield str(word.value.value)
            return
    for argument in node.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value.lstrip("-").replace("-", "_")
