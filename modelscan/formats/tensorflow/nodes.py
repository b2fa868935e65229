"""Nodes of a TensorFlow graph, as every notation of one gives them: binary, text, JSON.

Invariants: a node is kept only when a verdict may need it, since graphs have hundreds of thousands;
of the others, the operator is counted. Where a value comes from is followed through nodes that pass
it on, never computed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from modelscan.formats.held import ENTRY, of_texts

CONST: Final = "Const"
_FREE: Final = frozenset({"Placeholder", "PlaceholderV2", "_Arg", "Arg"})
"""What the caller of the graph provides."""
_PASSING: Final = frozenset({
    "Identity", "IdentityN", "GuaranteeConst", "Snapshot", "StopGradient", "EnsureShape", "Reshape",
    "ExpandDims", "Squeeze", "PlaceholderWithDefault", "Pack", "ConcatV2", "ShardedFilename",
    "ShardedFilespec", "StringJoin", "Select", "SelectV2", "MergeV2Checkpoints",
})  # fmt: skip
"""What hands a path on, whole or in parts."""
_FIRST_ONLY: Final = frozenset({
    "Reshape", "ExpandDims", "Squeeze", "ShardedFilename", "ShardedFilespec", "EnsureShape",
})  # fmt: skip
_CHOOSING: Final = frozenset({"Select", "SelectV2"})
_JOINING: Final = "StringJoin"
CALLS: Final = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
TRACED: Final = frozenset({CONST}) | _FREE | _PASSING | CALLS
"""Operators whose nodes are kept beside those that do more than compute."""

_NONE: Final[list[str]] = []
_NO_TEXTS: Final[dict[str, list[str]]] = {}
"""What all nodes share that have none: half of what a node costs. Nothing changes a kept one."""
_MAX_STEPS: Final = 1_000
"""Nodes that are followed back from one input."""


class Node(msgspec.Struct):
    """One node."""

    name: str
    operator: str
    inputs: list[str]
    texts: dict[str, list[str]]
    """Attributes that are text, lists of texts or tensors of texts, by name."""
    calls: list[str]
    """Functions among its attributes."""
    offset: int | None = None

    @property
    def cost(self) -> int:
        """What it costs to keep it."""
        texts = sum(ENTRY + of_texts((key, *values)) for key, values in self.texts.items())
        return ENTRY + texts + of_texts((self.name, self.operator, *self.inputs, *self.calls))


class Origin(NamedTuple):
    """Where the value of an input comes from."""

    constants: tuple[tuple[str, str], ...]
    """Texts that it is or begins with, each with the name of its node."""
    suffixes: tuple[str, ...]
    """Texts that are joined to its end."""
    arguments: tuple[str, ...]
    """Arguments of the function that it comes from."""
    computed: bool
    """True when something that does not merely pass values on has a part in it."""
    lost: bool = False
    """True when it comes through more nodes than are followed."""


class Scope:
    """The body of one function, or the graph itself."""

    __slots__ = ("_kept", "arguments", "function", "special")

    def __init__(self) -> None:
        self.function = ""
        """The function's name; empty for the graph."""
        self.arguments: tuple[str, ...] = ()
        """Names of its arguments, in their order."""
        self.special: list[Node] = []
        """Nodes that do more than compute, or call functions."""
        self._kept: dict[str, Node] = {}

    def keep(self, node: Node, *, special: bool) -> None:
        """Keep a node for the verdict."""
        node.inputs, node.calls = node.inputs or _NONE, node.calls or _NONE
        node.texts = node.texts or _NO_TEXTS
        self._kept[node.name] = node
        if special:
            self.special.append(node)

    def settle(self) -> int:
        """Forget the nodes from which no value goes to one that does more than compute.

        To be called once all nodes are known. Most constants of a model are numbers of a function.

        Returns:
            What the forgotten ones did cost.
        """
        needed: dict[str, Node] = {}
        pending = [reference for node in self.special for reference in node.inputs]
        while pending:
            name = pending.pop().partition(":")[0]
            node = self._kept.get(name)
            if node is not None and name not in needed:
                needed[name] = node
                pending += node.inputs if node.operator in _PASSING else ()
        special = {id(node) for node in self.special}
        freed = sum(
            node.cost
            for name, node in self._kept.items()
            if name not in needed and id(node) not in special
        )
        self._kept = needed
        return freed

    def origin(self, reference: str) -> Origin:
        """Follow an input back to where its value comes from."""
        constants: list[tuple[str, str]] = []
        suffixes: list[str] = []
        arguments: list[str] = []
        computed = False
        pending = [(reference, True)]
        seen: set[tuple[str, bool]] = set()
        while pending:
            step = pending.pop()
            if step in seen or step[0].startswith("^"):
                continue
            seen.add(step)
            name, leads = step[0].partition(":")[0], step[1]
            node = self._kept.get(name)
            if name in self.arguments:
                arguments.append(name)
            elif node is None or len(seen) > _MAX_STEPS:
                computed = True
            elif node.operator == CONST:
                texts = node.texts.get("value", [])
                constants += ((text, name) for text in texts if leads)
                suffixes += (text for text in texts if not leads)
            elif node.operator in _PASSING:
                pending += _followed(node, leads=leads)
            elif node.operator not in _FREE:
                computed = True
        lost = len(seen) > _MAX_STEPS
        return Origin(tuple(constants), tuple(suffixes), tuple(arguments), computed, lost)


def _followed(node: Node, *, leads: bool) -> list[tuple[str, bool]]:
    """The inputs that a value may come from, and whether they are its beginning."""
    inputs = node.inputs
    if node.operator in _FIRST_ONLY:
        inputs = inputs[:1]
    elif node.operator in _CHOOSING:
        inputs = inputs[1:]
    elif node.operator == _JOINING:
        return [(each, leads and not place) for place, each in enumerate(inputs)]
    return [(each, leads) for each in inputs]
