"""What a template reads, calls and includes, held against the allowlist of ordinary templates.

Sources: CVE-2024-34359 (llama-cpp-python) and CVE-2026-5760 (SGLang), where a chat template reached
Python through attributes such as `__class__`; `jinja2.sandbox.is_internal_attribute`. An attribute
is named by a dot, a subscript, the `attr` filter, or a filter that takes the name of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from modelscan.formats.chat_template import names
from modelscan.formats.chat_template.folding import Folder
from modelscan.formats.chat_template.macro_lists import macro_lists
from modelscan.formats.chat_template.operations import is_text
from modelscan.formats.chat_template.scopes import Scopes
from modelscan.formats.chat_template.sightings import Kind, Sighting, sighting
from modelscan.formats.chat_template.values import NOTHING, Built, Const, Values

_INCLUDING = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_ORDINARY = frozenset({
    nodes.Add, nodes.And, nodes.Assign, nodes.AssignBlock, nodes.Break, nodes.Call, nodes.CallBlock,
    nodes.Compare, nodes.Concat, nodes.CondExpr, nodes.Const, nodes.Continue, nodes.Dict, nodes.Div,
    nodes.ExprStmt, nodes.Filter, nodes.FilterBlock, nodes.FloorDiv, nodes.For, nodes.Getattr,
    nodes.Getitem, nodes.If, nodes.Keyword, nodes.List, nodes.Macro, nodes.Mod, nodes.Mul,
    nodes.NSRef, nodes.Name, nodes.Neg, nodes.Not, nodes.Operand, nodes.Or, nodes.Output,
    nodes.Pair, nodes.Pos, nodes.Pow, nodes.Scope, nodes.Slice, nodes.Sub, nodes.Template,
    nodes.TemplateData, nodes.Test, nodes.Tuple, nodes.With,
})  # fmt: skip
_NAMING = frozenset({"attr", "map", *names.ATTRIBUTE_ARGUMENT})
_DUNDER = re.compile(r"__[a-z]+__")
_REACHING_FIELD = re.compile(r"\{[^{}]*[.\[][^{}]*")


class Reach:
    """Checks one node after another, in document order.

    Args:
        scopes: the template, its names resolved.
        folder: knows what expressions can be.
    """

    def __init__(self, scopes: Scopes, folder: Folder) -> None:
        self._scopes = scopes
        self._folder = folder
        self._called = {id(node.node) for node in scopes.nodes if isinstance(node, nodes.Call)}
        self._macro_lists = macro_lists(scopes, folder.macros)

    def check(self, node: nodes.Node) -> Iterator[Sighting]:
        """What is wrong with one node, its children left to their own turn."""
        if isinstance(node, nodes.Getattr):
            yield from self._attribute(node)
        elif isinstance(node, nodes.Getitem):
            if not isinstance(node.arg, nodes.Slice):
                yield from self._named(node, [self._folder.value(node.arg)])
        elif isinstance(node, nodes.Call):
            yield from self._call(node)
        elif isinstance(node, nodes.Filter):
            yield from self._filter(node)
        elif isinstance(node, nodes.Name):
            yield from self._name(node)
        else:
            yield from _statement(node)

    def _attribute(self, node: nodes.Getattr) -> Iterator[Sighting]:
        name = node.attr
        if names.is_internal(name):
            yield sighting("underscore-attribute", name, node)
        elif name.startswith("_"):
            yield sighting("unlisted-attribute", name, node)
        elif isinstance(node.node, nodes.Name) and self._is_loop(node.node):
            if name not in names.LOOP_ATTRIBUTES:
                yield sighting("unlisted-attribute", f"loop.{name}", node)
        elif name in ("format", "format_map") and id(node) not in self._called:
            values = self._folder.value(node.node)
            if any(is_text(atom) for atom in values):
                yield sighting("format-string", name, node, "the method of a text, as a value")

    def _is_loop(self, node: nodes.Name) -> bool:
        return node.name == "loop" and not self._scopes.is_set(node)

    def _named(
        self, node: nodes.Node, arguments: Sequence[Values], *, strict: bool = False
    ) -> Iterator[Sighting]:
        """An attribute or item that is named by an argument. `strict`: it has to be known."""
        values: Values = NOTHING.union(*arguments)
        texts = {atom.value for atom in values if isinstance(atom, Const)}
        parts = {part for text in texts if isinstance(text, str) for part in text.split(".")}
        internal = sorted(filter(names.is_internal, parts), key=lambda part: (len(part), part))
        if internal:
            found = next((part for part in internal if _DUNDER.fullmatch(part)), internal[0])
            yield sighting("underscore-attribute", found, node, "named by a value")
        leads = {atom.lead for atom in values if isinstance(atom, Built)}
        risky = sorted(lead for lead in leads if strict or names.may_become_internal(lead))
        if risky:
            detail = "the name is computed from text of the template or of the model"
            yield sighting("computed-attribute", f"{risky[-1]}…", node, detail)
        elif strict and not all(isinstance(atom, Const) for atom in values):
            yield sighting("computed-attribute", "…", node, "the name is what the caller hands in")

    def _call(self, node: nodes.Call) -> Iterator[Sighting]:
        function = node.node
        if isinstance(function, nodes.Name):
            yield from self._function(function)
        elif isinstance(function, nodes.Getattr):
            yield from self._method(node, function.node, function.attr)
        elif isinstance(function, nodes.Getitem):
            yield from self._item_called(node, function)
        else:
            what = type(function).__name__.lower()
            yield sighting("computed-attribute", "…()", node, f"calls the result of a {what}")

    def _function(self, function: nodes.Name) -> Iterator[Sighting]:
        name = function.name
        if self._scopes.key(function) in self._folder.macros:
            return
        if name in names.ENVIRONMENT_OBJECTS:
            return  # the name itself is reported
        if name in names.PYTHON_FUNCTIONS or names.is_internal(name):
            yield sighting("python-function", name, function)
        elif self._scopes.is_set(function) or name not in names.FUNCTIONS:
            yield sighting("unlisted-function", name, function)

    def _method(self, node: nodes.Call, base: nodes.Node, name: str) -> Iterator[Sighting]:
        if name in ("format", "format_map"):
            yield from self._format(node, self._folder.value(base))
        elif name in names.PYTHON_FUNCTIONS:
            yield sighting("python-function", name, node)
        elif name not in names.METHODS and not names.is_internal(name):
            yield sighting("unlisted-function", name, node)

    def _item_called(self, node: nodes.Call, function: nodes.Getitem) -> Iterator[Sighting]:
        table = function.node
        if isinstance(table, nodes.Name) and self._scopes.key(table) in self._macro_lists:
            return
        called = self._folder.value(function.arg)
        texts = (atom.value for atom in called if isinstance(atom, Const))
        known = {text for text in texts if isinstance(text, str)}
        for name in sorted(known):
            yield from self._method(node, function.node, name)
        if not known or len(known) < len(called):
            yield sighting("computed-attribute", "…[…]()", node, "calls an item")

    def _format(self, node: nodes.Call, base: Values) -> Iterator[Sighting]:
        """`text.format(…)` reads attributes when a field of the text says so."""
        texts = {atom.value for atom in base if isinstance(atom, Const)}
        for text in sorted(text for text in texts if isinstance(text, str)):
            field = _REACHING_FIELD.search(text)
            if field is not None:
                kind: Kind = "underscore-attribute" if "__" in field[0] else "format-string"
                yield sighting(kind, field[0], node, "a field of a format string")
        if len(texts) < len(base):
            yield sighting("format-string", "format", node, "the format string is computed")

    def _filter(self, node: nodes.Filter) -> Iterator[Sighting]:
        arguments, named = self._folder.arguments(node)
        if node.name not in names.FILTERS:
            yield sighting("unlisted-filter", node.name, node)
        unpacked = node.dyn_args is not None or node.dyn_kwargs is not None
        if unpacked and node.name in _NAMING:
            yield sighting("computed-attribute", f"{node.name}(*…)", node, "unpacks its arguments")
        yield from self._read_by(node.name, node, arguments, named)

    def _read_by(
        self,
        name: str,
        node: nodes.Filter,
        arguments: Sequence[Values],
        named: dict[str, Values],
    ) -> Iterator[Sighting]:
        """The attributes that a filter reads by name, directly or for every item."""
        if name == "attr":
            yield from self._named(node, [*arguments, *named.values()][0:1], strict=True)
            return
        if name == "map" and arguments:
            yield from self._map(node, arguments, named)
        position = names.ATTRIBUTE_ARGUMENT.get(name, len(arguments))
        yield from self._named(node, arguments[position : position + 1])
        if "attribute" in named:
            yield from self._named(node, [named["attribute"]])

    def _map(
        self, node: nodes.Filter, arguments: Sequence[Values], named: dict[str, Values]
    ) -> Iterator[Sighting]:
        """`map('filter', …)` applies a filter that is named by a value."""
        for inner in _constants(arguments[0]):
            if inner is None:
                yield sighting("computed-attribute", "map(…)", node, "the filter is computed")
                continue
            if inner not in names.FILTERS:
                yield sighting("unlisted-filter", f"map({inner!r})", node)
            yield from self._read_by(inner, node, arguments[1:], named)

    def _name(self, node: nodes.Name) -> Iterator[Sighting]:
        name = node.name
        if node.ctx != "load" or self._scopes.is_set(node):
            return
        if name in names.ENVIRONMENT_OBJECTS or names.is_internal(name):
            yield sighting("environment-object", name, node)
        elif name in names.GLOBAL_CALLABLES and id(node) not in self._called:
            yield sighting("environment-object", name, node, "as an object, not to call it")
        elif name in names.WEB_OBJECTS:
            yield sighting("unlisted-function", name, node, "an object of web frameworks")


def _statement(node: nodes.Node) -> Iterator[Sighting]:
    """Tests and statements: a matter of their kind alone."""
    if isinstance(node, nodes.Test):
        if node.name not in names.TESTS:
            yield sighting("unlisted-test", node.name, node)
    elif isinstance(node, _INCLUDING):
        yield sighting("includes-file", _included(node), node)
    elif type(node) not in _ORDINARY:
        yield sighting("unlisted-node", type(node).__name__, node)


def _constants(values: Values) -> list[str | None]:
    """The known values, in a fixed order; `None` stands for the others."""
    found = {str(atom.value) if isinstance(atom, Const) else None for atom in values}
    return sorted(found, key=str)


def _included(node: nodes.Node) -> str:
    template = getattr(node, "template", None)
    return str(template.value) if isinstance(template, nodes.Const) else "…"
