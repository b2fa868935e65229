"""PyTorch's operators by name, `namespace.operator`, as exported programs use them.

An operator on no list, of a namespace on no list, needs a library that the file does not hold.
"""

from __future__ import annotations

from modelscan.formats.graph_operators import telling
from modelscan.vocabulary.fact import Behaviour
from modelscan.vocabulary.lists import GraphOperators


class TorchOperators:
    """Judges operators.

    Args:
        lists: what operators do, and which namespaces come with the usual libraries.
    """

    def __init__(self, lists: GraphOperators) -> None:
        self._classes = lists.classes("torch")
        self._namespaces = frozenset(lists.torch_namespaces)

    def behaviour(self, name: str) -> Behaviour | None:
        """What an operator does beyond computing; without its overload, or with it."""
        namespace, _, rest = name.partition(".")
        operator = rest.split(".", 1)[0]
        listed = self._classes.get(f"{namespace}.{operator}")
        if listed is not None:
            return None if listed == "compute" else listed
        if namespace in self._namespaces:
            return None
        return "custom-telling" if telling(name) else "custom"
