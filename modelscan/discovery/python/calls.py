"""What a call gives, where that is a constant: environment, paths, text, defaults of fields."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from modelscan.discovery.python.known import Callable, Context, Known, Made, Nodes
from modelscan.discovery.python.modules import last_name

if TYPE_CHECKING:
    from modelscan.discovery.python.evaluate import Evaluator

_ENVIRONMENT: Final = frozenset({"getenv", "get", "pop", "setdefault", "config", "env", "str_env"})
_FIELDS: Final = frozenset(
    {"field", "Field", "Option", "Argument", "Query", "Form", "Body", "Param", "Header",
     "Parameter", "mapped_column", "HfArg"}
)  # fmt: skip
"""Dataclasses, pydantic, typer, fastapi: a description of a value, with its default."""
_SAME: Final = frozenset(
    {"str", "Path", "PurePath", "PosixPath", "cast", "abspath", "expanduser", "realpath",
     "resolve", "strip", "rstrip", "lstrip", "as_posix", "fspath", "absolute", "NewType",
     "SecretStr", "lower", "deepcopy", "copy", "text_input", "expandvars", "open", "open_binary",
     "BytesIO"}
)  # fmt: skip
"""Calls whose result names the same model as their first argument, or as what they belong to.
`open` stands for the path of the file that it opens."""
_WIDGETS: Final = frozenset({"selectbox", "Dropdown", "Radio", "radio", "Textbox"})
_LISTS: Final = frozenset({"values", "items", "keys"})


class Calls:
    """Gives results of calls to an evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    def result(self, node: ast.Call, context: Context) -> list[Known]:
        """What a call may give; empty when that is not a constant."""
        name = last_name(node.func)
        if name in _ENVIRONMENT and len(node.args) + len(node.keywords) > 1:
            found = self._default(node, context)
            if found:
                return found
        if name in _FIELDS:
            return self._field(node, context)
        if name in _SAME:
            return self._same(node, name, context)
        if name == "dict":
            return self._table(node, context)
        if isinstance(node.func, ast.Attribute):
            made = self._method(node, node.func, name, context)
            if made is not None:
                return made
        return self._own(node, context)

    def _method(
        self, node: ast.Call, function: ast.Attribute, name: str, context: Context
    ) -> list[Known] | None:
        """Methods of texts and dictionaries; `None` for any other."""
        if name == "get" and node.args:
            return self._item(function.value, node.args[0], context)
        if name == "join":
            return self._join(node, function, context)
        if name == "format":
            return self._format(node, function, context)
        if name in _LISTS and not node.args:
            return self._parts(function, context)
        return None

    def _default(self, node: ast.Call, context: Context) -> list[Known]:
        """`os.getenv("MODEL", "org/name")`, and `table.get("model", "org/name")`."""
        found: list[Known] = []
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            found = self._item(node.func.value, node.args[0], context)
        default = node.args[1] if len(node.args) > 1 else None
        for word in node.keywords:
            if word.arg in {"default", "fallback"}:
                default = word.value
        values = [] if default is None else self._evaluator.known(default, context)
        return [*found, *(each.unsure() for each in values if each.value is not None)]

    def _item(self, holder: ast.expr, key: ast.expr, context: Context) -> list[Known]:
        evaluator = self._evaluator
        names: list[Known | None] = [*evaluator.known(key, context)] or [None]
        return [
            found
            for each in evaluator.known(holder, context)
            for name in names
            for found in evaluator.element(each, name)
        ]

    def _field(self, node: ast.Call, context: Context) -> list[Known]:
        value = node.args[0] if node.args else None
        for word in node.keywords:
            if word.arg == "default":
                value = word.value
            elif word.arg == "default_factory" and isinstance(word.value, ast.Lambda):
                value = word.value.body
        found = [] if value is None else self._evaluator.known(value, context)
        return [each.unsure() for each in found]

    def _same(self, node: ast.Call, name: str, context: Context) -> list[Known]:
        evaluator = self._evaluator
        if name == "cast" and len(node.args) > 1:
            return evaluator.known(node.args[1], context)
        if name in {"Path", "PurePath", "PosixPath"} and len(node.args) > 1:
            return evaluator.joined([evaluator.known(each, context) for each in node.args], "/")
        if node.args and name != "open":
            return evaluator.known(node.args[0], context)
        if name == "open" and isinstance(node.func, ast.Name) and node.args:
            return evaluator.known(node.args[0], context)
        if isinstance(node.func, ast.Attribute):
            return evaluator.known(node.func.value, context)
        return []

    def _join(self, node: ast.Call, function: ast.Attribute, context: Context) -> list[Known]:
        """`os.path.join(a, b)`, and `"/".join([a, b])`."""
        evaluator = self._evaluator
        if last_name(function.value) in {"path", "osp", "posixpath"}:
            return evaluator.joined([evaluator.known(each, context) for each in node.args], "/")
        for separator in evaluator.known(function.value, context):
            for each in evaluator.known(node.args[0], context) if node.args else []:
                if isinstance(separator.value, str) and isinstance(each.value, Nodes):
                    inner = each.value.context
                    parts = [evaluator.known(part, inner) for part in each.value.values]
                    return evaluator.joined(parts, separator.value)
        return []

    def _format(self, node: ast.Call, function: ast.Attribute, context: Context) -> list[Known]:
        """`"{}/{name}".format(org, name=name)`, for fields without a format of their own."""
        evaluator = self._evaluator
        found = []
        for template in evaluator.known(function.value, context):
            if not isinstance(template.value, str):
                continue
            text, sure = template.value, template.sure
            for index, argument in enumerate(node.args):
                for each in evaluator.known(argument, context)[:1]:
                    sure &= each.sure
                    field = "{}" if "{}" in text else "{" + str(index) + "}"
                    text = text.replace(field, str(each.value), 1)
            for word in node.keywords:
                for each in evaluator.known(word.value, context)[:1]:
                    sure &= each.sure
                    text = text.replace("{" + str(word.arg) + "}", str(each.value))
            if "{" not in text:
                found.append(Known(text, sure))
        return found

    def _table(self, node: ast.Call, context: Context) -> list[Known]:
        names = tuple(ast.Constant(word.arg) if word.arg else None for word in node.keywords)
        values = tuple(word.value for word in node.keywords)
        return [Known(Nodes(names, values, context))] if values else []

    def _parts(self, function: ast.Attribute, context: Context) -> list[Known]:
        """Values of a dictionary; `.items()` gives its values too: only they can name a model."""
        found = []
        for each in self._evaluator.known(function.value, context):
            if isinstance(each.value, Nodes):
                nodes = each.value
                parts = nodes.values
                if function.attr == "keys":
                    parts = tuple(key for key in nodes.keys if key is not None)
                found.append(Known(Nodes((), parts, nodes.context)))
        return found

    def _own(self, node: ast.Call, context: Context) -> list[Known]:
        """A class or a function of the code base."""
        evaluator = self._evaluator
        found: list[Known] = []
        for each in evaluator.known(node.func, context):
            value = each.value
            if isinstance(value, Made):
                found.append(Known(Made(value.cls, node, context, value.home)))
            elif isinstance(value, Callable):
                module = value.home.module
                found += evaluator.bound(module.returns(value.function), module)
        if not found and last_name(node.func) in _WIDGETS:
            for word in node.keywords:
                if word.arg in {"options", "choices", "value"}:
                    for each in evaluator.known(word.value, context):
                        found += evaluator.element(each, None) or [each.unsure()]
            for argument in node.args[1:2]:
                for each in evaluator.known(argument, context):
                    found += evaluator.element(each, None)
        return found
