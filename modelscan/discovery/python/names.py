"""Names and attributes: followed to what they are bound to, in this module or in another."""

from __future__ import annotations

import ast
from collections.abc import Callable as Look
from typing import TYPE_CHECKING, Final

from modelscan.discovery.python.known import Callable, Context, Known, Made
from modelscan.discovery.python.modules import Module, last_name
from modelscan.formats.python_code.scopes import Class, Function, Scope
from modelscan.formats.python_code.structure import Binding

if TYPE_CHECKING:
    from modelscan.discovery.python.evaluate import Evaluator

_PARSED: Final = frozenset(
    {"args", "opt", "opts", "options", "flags", "FLAGS", "cli_args", "parsed", "arguments",
     "params", "hparams", "ns", "namespace", "conf", "cfg", "config"}
)  # fmt: skip
"""What people call the result of a parser of command lines when it is handed on."""
_TYPED: Final = ("_args", "_config", "_settings", "_cfg", "settings", "_arguments")
_CALLERS: Final = 8
_NESTED: Final = 30
_MOST: Final = 64
"""Assignments of one name, and calls of one function, that are looked at."""


class Names:
    """Follows names for an evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._nesting = 0  # modules that import from each other, classes that inherit in a circle

    def name(self, name: str, context: Context) -> list[Known]:
        """What a name may be."""
        return self._guarded(lambda: self._name(name, context))

    def _guarded(self, look: Look[[], list[Known]]) -> list[Known]:
        if self._nesting >= _NESTED:
            return []
        self._nesting += 1
        try:
            return look()
        finally:
            self._nesting -= 1

    def _name(self, name: str, context: Context) -> list[Known]:
        module = context.module
        scope, bindings = module.bindings(context.scope, name)
        function = scope.function if scope is not module.scope else None
        if bindings:
            if function is not None and name in _parameters(function):
                return self._parameter(name, function, bindings, context)
            imported = [each.module for each in bindings[:_MOST] if each.kind == "import"]
            if imported:
                return [found for each in imported for found in self._imported(each, module)]
            return self._evaluator.bound(bindings, module)
        here = module.function(context.scope, name)
        if here is not None:
            return [Known(Callable(here, Context(module, here.scope)))]
        cls = module.cls(context.scope, name)
        if cls is not None:
            return [Known(Made(cls, None, context, Context(module, cls.scope)))]
        return [
            found
            for star in _stars(module)[:_CALLERS]
            for found in self._imported(star.removesuffix("*") + name, module)
        ]

    def attribute(self, node: ast.Attribute, context: Context) -> list[Known]:
        """What an attribute may be: of a module, of an instance, of parsed arguments."""
        dotted = self.dotted(node, context)
        if dotted is not None:
            found = self._imported(dotted, context.module)
            if found:
                return found
        if isinstance(node.value, ast.Name):
            owner = _owner(node.value.id, context)
            if owner is not None:
                return self.field(Made(owner, None, context, context), node.attr)
        found = []
        for base in self._evaluator.known(node.value, context):
            if isinstance(base.value, Made):
                found += self.field(base.value, node.attr)
            elif node.attr in {"value", "name"} and isinstance(base.value, str):
                found.append(base)  # a member of an enumeration
        return found or self._option(node, context)

    def field(self, made: Made, name: str) -> list[Known]:
        """An attribute of an instance: handed over when it was made, else as its class says."""
        return self._guarded(lambda: self._field(made, name))

    def _field(self, made: Made, name: str) -> list[Known]:
        evaluator = self._evaluator
        if made.call is not None:
            for word in made.call.keywords:
                if word.arg == name:
                    return evaluator.known(word.value, made.context)
        module = made.home.module
        found = evaluator.bound(module.fields(made.cls, name), module)
        if found:
            return found
        method = module.function(made.cls.scope, name)
        if method is not None and method.owner is made.cls:  # a property
            return evaluator.bound(module.returns(method), module)
        for base in made.cls.node.bases:
            for each in evaluator.known(
                base, Context(module, made.cls.scope.parent or module.scope)
            ):
                if isinstance(each.value, Made) and each.value.cls is not made.cls:
                    return self.field(each.value, name)
        return []

    def dotted(
        self, node: ast.expr, context: Context, seen: set[tuple[int, str]] | None = None
    ) -> str | None:
        """The imported name that an expression spells, through aliases: `transformers.pipeline`.

        Args:
            node: a name, an attribute of one, or a call of one, whose result is `name()`.
            context: where it stands.
            seen: names that were followed already; each is followed once.
        """
        seen = set() if seen is None else seen
        if isinstance(node, ast.Name):
            return self._dotted_name(node.id, context, seen)
        if isinstance(node, ast.Call):
            base = self.dotted(node.func, context, seen)
            return None if base is None else f"{base}()"
        if not isinstance(node, ast.Attribute):
            return None
        base = self.dotted(node.value, context, seen)
        if base is None and isinstance(node.value, ast.Name):
            return self._dotted_field(node.value.id, node.attr, context, seen)
        return None if base is None else f"{base}.{node.attr}"

    def _dotted_name(self, name: str, context: Context, seen: set[tuple[int, str]]) -> str | None:
        scope, bindings = context.module.bindings(context.scope, name)
        if (id(scope), name) in seen:
            return None
        seen.add((id(scope), name))
        imported = [each.module for each in bindings[:_MOST] if each.kind == "import"]
        if imported:
            return imported[0]
        found = self._first_dotted(bindings, context.module, seen)
        stars = _stars(context.module)
        if stars and not bindings and context.module.function(context.scope, name) is None:
            return stars[0].removesuffix("*") + name
        return found

    def _dotted_field(
        self, name: str, attr: str, context: Context, seen: set[tuple[int, str]]
    ) -> str | None:
        """`self.client` is what `self.client = …` says."""
        owner = _owner(name, context)
        if owner is None or (id(owner), attr) in seen:
            return None
        seen.add((id(owner), attr))
        return self._first_dotted(context.module.fields(owner, attr), context.module, seen)

    def _first_dotted(
        self, bindings: list[Binding], module: Module, seen: set[tuple[int, str]]
    ) -> str | None:
        for binding in bindings[:_MOST]:
            if binding.kind == "value" and isinstance(
                binding.value, ast.Attribute | ast.Name | ast.Call
            ):
                found = self.dotted(binding.value, Context(module, binding.scope), seen)
                if found is not None:
                    return found
        return None

    def _imported(self, dotted: str, module: Module) -> list[Known]:
        """What an imported name is, when it is one of the code base."""
        found = self._evaluator.project.find(dotted.replace("()", ""), module)
        if found is None or not found[1] or "()" in dotted:
            return []
        other, rest = found
        context = Context(other, other.scope)
        known = self.name(rest[0], context)
        for name in rest[1:]:
            known = [
                inner
                for each in known
                if isinstance(each.value, Made)
                for inner in self.field(each.value, name)
            ]
        return known

    def _parameter(
        self, name: str, function: Function, bindings: list[Binding], context: Context
    ) -> list[Known]:
        """What a parameter may be: its default, or what calls of the function hand over."""
        evaluator, module = self._evaluator, context.module
        defaults = [each for each in bindings if each.value is not None]
        found = [each.unsure() for each in evaluator.bound(defaults, module)]
        found += self._decorated(name, function, module)
        handed: list[Known] = []
        for call, scope in _callers(function, module):
            argument = _argument(call, name, function)
            if argument is not None:
                handed += evaluator.known(argument, Context(module, scope))
        return [*handed, *found]

    def _decorated(self, name: str, function: Function, module: Module) -> list[Known]:
        """`@click.option("--model-name", default="…")` sets the parameter `model_name`."""
        node = function.node
        found: list[Known] = []
        for decorator in [] if isinstance(node, ast.Lambda) else node.decorator_list:
            if not isinstance(decorator, ast.Call) or last_name(decorator.func) != "option":
                continue
            names = {
                each.value.lstrip("-").replace("-", "_")
                for each in decorator.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
            for word in decorator.keywords:
                if word.arg == "default" and name in names:
                    found += self._evaluator.known(word.value, Context(module, module.scope))
        return [each.unsure() for each in found]

    def _option(self, node: ast.Attribute, context: Context) -> list[Known]:
        """`args.model_name`: the default that the parser of the same module is given."""
        module = context.module
        found = [
            each.unsure()
            for default in module.defaults(node.attr)
            for each in self._evaluator.known(default.value, Context(module, default.scope))
        ]
        holder = last_name(node.value)
        if found or not (holder in _PARSED or holder.endswith(_TYPED)):
            return found
        fields = list(module.fields_by_name(node.attr))
        return [each.unsure() for each in self._evaluator.bound(fields, module)]


def _stars(module: Module) -> list[str]:
    """Modules whose names were all imported, as `name.*`."""
    _, bindings = module.bindings(module.scope, "*")
    return [each.module for each in bindings]


def _owner(name: str, context: Context) -> Class | None:
    """The class whose instance `self` is."""
    scope = context.scope
    while scope is not None and (scope.function is None or scope.function.owner is None):
        if scope.parent is None:
            return None
        scope = scope.parent
    function = scope.function
    positional = _parameters(function) if function else []
    return function.owner if function and positional and positional[0] == name else None


def _parameters(function: Function) -> list[str]:
    arguments = function.node.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _callers(function: Function, module: Module) -> list[tuple[ast.Call, Scope]]:
    """Calls of a function by its name; of a class's `__init__`, by the name of the class."""
    name = function.name
    method = function.owner is not None
    if function.owner is not None and name == "__init__":
        name, method = function.owner.node.name, False
    form = ast.Attribute if method else ast.Name
    return [
        (event.node, event.scope)
        for event in module.callers(name)[:_MOST]
        if name and isinstance(event.node, ast.Call) and isinstance(event.node.func, form)
    ][:_CALLERS]


def _argument(call: ast.Call, name: str, function: Function) -> ast.expr | None:
    for word in call.keywords:
        if word.arg == name:
            return word.value
    arguments = function.node.args
    positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    if function.owner is not None and not _is_static(function):
        positional = positional[1:]
    if name not in positional:
        return None
    index = positional.index(name)
    plain = call.args[: index + 1]
    starred = any(isinstance(each, ast.Starred) for each in plain)
    return call.args[index] if index < len(call.args) and not starred else None


def _is_static(function: Function) -> bool:
    node = function.node
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return any(last_name(each) == "staticmethod" for each in decorators)
