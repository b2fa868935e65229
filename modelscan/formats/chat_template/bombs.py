"""Templates that cost far more to render than they look: huge numbers, and loops within loops.

jinja2's sandbox refuses a `range` of more than 100,000 (`MAX_RANGE`), but not every engine renders
in a sandbox, and nothing bounds repetition, padding or nesting (CWE-400).
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes

from modelscan.formats.chat_template.folding import Folder
from modelscan.formats.chat_template.sightings import Sighting, sighting
from modelscan.formats.chat_template.values import Const, Seq, Values

_HUGE = 1_000_000
"""Items or characters that no prompt is made of."""
_PADDING = {"center": 0, "indent": 0, "ljust": 0, "rjust": 0, "zfill": 0, "batch": 0, "slice": 0}
"""Filters and methods that pad up to a size, and the position of the argument."""
_GROWING = (nodes.Concat, nodes.Add, nodes.Mul)


class Bombs:
    """Checks sizes node by node; loops are checked with the loops around them.

    Args:
        folder: knows what expressions can be.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._loops: dict[int, int] = {}
        """Rounds that the body of each known loop makes, the loops around it counted in."""

    def check(self, node: nodes.Node, around: nodes.For | None) -> Iterator[Sighting]:
        """What is too large about one node.

        Args:
            node: the node.
            around: the innermost loop that it is in; it has been checked before.
        """
        outer = self._loops.get(id(around), 1)
        if isinstance(node, nodes.For):
            rounds = outer * self._rounds(node.iter)
            self._loops[id(node)] = min(rounds, _HUGE**2)
            if rounds > _HUGE >= outer:
                yield sighting("bomb", "for", node, f"{rounds:,} rounds of nested loops")
        elif isinstance(node, nodes.Mul):
            yield from self._repeated(node)
        elif isinstance(node, nodes.Call | nodes.Filter):
            yield from self._call(node)
        elif isinstance(node, nodes.Pow):
            exponent = _largest(self._folder.value(node.right))
            if exponent > 10_000:  # noqa: PLR2004  # digits beyond any use
                yield sighting("bomb", "**", node, f"to the power of {exponent:,}")
        elif isinstance(node, nodes.Assign) and around is not None:
            yield from self._doubling(node)

    def _rounds(self, iterated: nodes.Node) -> int:
        if isinstance(iterated, nodes.Call) and _function(iterated) == "range":
            return max(1, self._range(iterated))
        sizes = (len(atom.items) for atom in self._folder.value(iterated) if isinstance(atom, Seq))
        return max(sizes, default=1) or 1

    def _range(self, call: nodes.Call) -> int:
        """How many numbers a `range` counts, 0 when it depends on the caller."""
        arguments, _ = self._folder.arguments(call)
        bounds = [_largest(argument) for argument in arguments[:2]]
        if len(bounds) == 2:  # noqa: PLR2004  # range(start, stop)
            return max(bounds[1] - min(bounds[0], 0) if bounds[0] < 0 else bounds[1], 0)
        return bounds[0] if bounds else 0

    def _call(self, node: nodes.Call | nodes.Filter) -> Iterator[Sighting]:
        name = node.name if isinstance(node, nodes.Filter) else _function(node)
        if name == "range" and isinstance(node, nodes.Call):
            size = self._range(node)
        elif name in _PADDING:
            arguments, named = self._folder.arguments(node)
            size = max((_largest(value) for value in (*arguments[:1], *named.values())), default=0)
        else:
            return
        if size > _HUGE:
            yield sighting("bomb", name, node, f"{size:,} items or characters")

    def _repeated(self, node: nodes.Mul) -> Iterator[Sighting]:
        left, right = self._folder.value(node.left), self._folder.value(node.right)
        for things, times in ((left, _largest(right)), (right, _largest(left))):
            if times > _HUGE and any(
                not (isinstance(atom, Const) and isinstance(atom.value, int | float))
                for atom in things
            ):
                yield sighting("bomb", "*", node, f"repeated {times:,} times")

    def _doubling(self, node: nodes.Assign) -> Iterator[Sighting]:
        """`set x = x ~ x` in a loop doubles its size in every round."""
        target = node.target
        if not isinstance(target, nodes.Name | nodes.NSRef):
            return
        if isinstance(node.node, _GROWING) and _uses(node.node, target) > 1:
            yield sighting("bomb", target.name, node, "doubles in every round of a loop")


def _uses(expression: nodes.Node, target: nodes.Name | nodes.NSRef) -> int:
    """How often an expression adds the value of the target to itself."""
    count = 0
    pending: list[nodes.Node] = [expression]
    while pending:
        node = pending.pop()
        if isinstance(target, nodes.NSRef) and isinstance(node, nodes.Getattr):
            base = node.node
            count += (
                node.attr == target.attr
                and isinstance(base, nodes.Name)
                and base.name == target.name
            )
        elif isinstance(target, nodes.Name) and isinstance(node, nodes.Name):
            count += node.name == target.name
        if isinstance(node, nodes.Concat | nodes.BinExpr):
            pending.extend(node.iter_child_nodes())
    return count


def _function(call: nodes.Call) -> str:
    function = call.node
    if isinstance(function, nodes.Name):
        return str(function.name)
    return str(function.attr) if isinstance(function, nodes.Getattr) else ""


def _largest(values: Values) -> int:
    """The largest number among the values; 0 when there is none."""
    numbers = (
        atom.value for atom in values if isinstance(atom, Const) and isinstance(atom.value, int)
    )
    return max(numbers, default=0)
