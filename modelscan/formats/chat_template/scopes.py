"""Which variable a name means: jinja2's scopes, resolved once for the whole template.

Loops, macros and the other blocks below have variables of their own; `if` has none. Every name
gets a key that tells equal names of different scopes apart. The walk keeps its own stack, since a
hostile tree can be deeper than Python recurses.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

_LOCAL = (
    nodes.For, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.With, nodes.AssignBlock,
    nodes.Block, nodes.Scope,
)  # fmt: skip
_IMPLIED = ("varargs", "kwargs", "caller")
"""Names that every macro has without declaring them."""


class Scope:
    """The variables of one block, and the block around it."""

    __slots__ = ("loop", "names", "number", "outer")

    def __init__(self, outer: Scope | None, number: int, loop: nodes.For | None) -> None:
        self.names: set[str] = set()
        self.outer = outer
        self.number = number
        self.loop = loop

    def key(self, name: str) -> str:
        """The key of a name that is used here; the bare name when the template does not set it."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return f"{name}@{scope.number}"
            scope = scope.outer
        return name


class Scopes:
    """The names of a template, resolved.

    Args:
        template: the syntax tree.
    """

    def __init__(self, template: nodes.Template) -> None:
        self.nodes: list[nodes.Node] = []
        """All nodes, in document order."""
        self._scope_of: dict[int, Scope] = {}
        self._inner: dict[int, Scope] = {}
        self._collect(template)

    def key(self, name: nodes.Name) -> str:
        """The key of the variable that a name stands for."""
        return self._scope_of[id(name)].key(name.name)

    def own(self, block: nodes.Node, name: str) -> str:
        """The key of a name inside a block with variables of its own."""
        return self._inner[id(block)].key(name)

    def macro_key(self, macro: nodes.Macro) -> str:
        """The key of the variable that a macro is bound to."""
        return self._scope_of[id(macro)].key(macro.name)

    def is_set(self, name: nodes.Name) -> bool:
        """True when the template itself gives the name a value."""
        return "@" in self.key(name)

    def loop(self, node: nodes.Node) -> nodes.For | None:
        """The innermost loop that a node is in."""
        return self._scope_of[id(node)].loop

    def inputs(self) -> list[str]:
        """Names that the template takes from its caller, sorted."""
        loaded = (node for node in self.nodes if isinstance(node, nodes.Name))
        return sorted({node.name for node in loaded if not self.is_set(node)})

    def _collect(self, template: nodes.Template) -> None:
        pending: list[tuple[nodes.Node, Scope]] = [(template, Scope(None, 0, None))]
        count = 0
        while pending:
            node, scope = pending.pop()
            self.nodes.append(node)
            self._scope_of[id(node)] = scope
            if isinstance(node, nodes.Name) and node.ctx in ("store", "param"):
                scope.names.add(node.name)
            inner = scope
            if isinstance(node, nodes.Macro):
                scope.names.add(node.name)
            if isinstance(node, _LOCAL):
                count += 1
                loop = node if isinstance(node, nodes.For) else scope.loop
                inner = self._inner[id(node)] = Scope(scope, count, loop)
                if isinstance(node, nodes.Macro):
                    inner.names.update(_IMPLIED)
            pending.extend(reversed([(child, at) for child, at in _children(node, scope, inner)]))


def _children(node: nodes.Node, scope: Scope, inner: Scope) -> Iterator[tuple[nodes.Node, Scope]]:
    """The children of a node with their scopes: what a block is given belongs outside."""
    outside: tuple[nodes.Node, ...] = ()
    if isinstance(node, nodes.For):
        outside = (node.iter,)
    elif isinstance(node, nodes.AssignBlock):
        outside = (node.target,)
    elif isinstance(node, nodes.CallBlock):
        outside = (node.call,)
    elif isinstance(node, nodes.With):
        outside = tuple(node.values)
    for child in node.iter_child_nodes():
        yield child, scope if any(child is one for one in outside) else inner
