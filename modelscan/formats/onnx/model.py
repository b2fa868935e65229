"""One ONNX model: its graphs, and what its operators amount to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats import outside
from modelscan.formats.graph_operators import OperatorLedger, Use
from modelscan.formats.held import cost
from modelscan.formats.onnx.functions import UNFOLDED
from modelscan.formats.onnx.operators import Operators
from modelscan.formats.onnx.walk import Node, Walk
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    Fact,
    GraphDefect,
    GraphFile,
    GraphModel,
    ModelClaim,
    TensorHeader,
)
from modelscan.vocabulary.lists import GraphOperators

_LICENCES: Final = frozenset({"license", "licence"})
_MAX_VALUE: Final = 500
_MAX_OPERATORS: Final = 2_000
_MAX_WAITING: Final = 20_000
"""Different operators that the functions of a model may yet define; real models define hundreds."""


class Model:
    """One model, and what its operators amount to."""

    def __init__(self, artifact: Artifact, budget: Budget, lists: GraphOperators) -> None:
        self.walk = Walk(artifact, budget, self._node)
        self.form: Any = "model"
        self._artifact = artifact
        self._operators = Operators(lists)
        self._ledger = OperatorLedger(artifact, budget, "onnx")
        self._used: set[str] = set()
        self._waiting: dict[tuple[str, str, str], tuple[Use, int]] = {}

    def facts(self) -> Iterator[Fact | Coverage]:
        """Everything that was found."""
        walk = self.walk
        where = place(self._artifact)
        if walk.graphs or walk.tensors:
            yield GraphModel(
                location=where,
                framework="onnx",
                form=self.form,
                producer=" ".join(filter(None, walk.producer))[:_MAX_VALUE],
                nodes=walk.nodes,
                functions=len(walk.functions),
                operators=tuple(sorted(self._used)),
            )
            yield TensorHeader(
                location=where,
                format="onnx",
                tensors=walk.tensors,
                parameters=walk.parameters,
                payload=walk.payload,
                dtypes=tuple(sorted(walk.dtypes)),
                digest="sha256:" + walk.digest.hexdigest(),
                metadata=tuple(sorted({key for key, _ in walk.metadata})),
            )
        for key, value in walk.metadata:
            if key.lower() in _LICENCES and value.strip():
                text = value.strip()[:_MAX_VALUE]
                yield ModelClaim(location=where, status="declared", claim="licence", value=text)
        for use, count in self._waiting.values():  # functions may stand behind the graph
            if (use.domain, use.operator) not in walk.functions:
                self._ledger.add(use, count)
        self._shadows()
        yield from self._ledger.facts()
        yield from self._ledger.coverage()
        yield from self._context_files()
        yield from walk.external.facts(where)
        if walk.external.more:
            yield Coverage(
                file=self._artifact.name,
                member=self._artifact.member,
                status="truncated",
                needed=True,
                reason="tensors lie in more files than are listed",
            )
        yield from self._unfolding()

    def _node(self, node: Node, function: str) -> None:
        domain, operator = node.key
        name = f"{domain}.{operator}" if domain else operator
        if len(self._used) < _MAX_OPERATORS:
            self._used.add(name[:_MAX_VALUE])
        behaviour, argument = self._operators.judge(node)
        if behaviour is None:
            return
        use = Use(operator, behaviour, domain, node.name, function, argument, node.offset)
        key = (name, behaviour, argument)
        if key not in self._waiting and len(self._waiting) >= _MAX_WAITING:
            raise BudgetError(f"more than {_MAX_WAITING:,} operators that are not of ONNX")
        first, count = self._waiting.get(key, (use, 0))
        self._waiting[key] = (first, count + 1)
        if not count:
            self.walk.held.add(cost(name, operator, domain, node.name, function, argument))

    def _context_files(self) -> Iterator[Fact]:
        """Compiled contexts beside the model: the runtime opens them by these names."""
        for path, name in self._operators.contexts.items():
            yield GraphFile(
                location=place(self._artifact),
                status="declared",
                framework="onnx",
                kind=outside.problem(path) or "inside",
                path=path,
                name=name,
                tensors=0,
            )

    def _shadows(self) -> None:
        """Functions of the model that have the name of a standard operator."""
        for domain, name in sorted(self.walk.functions):
            if not domain and name in self._operators.standard:
                self._ledger.add(Use(name, "shadows-standard", function=name))

    def _unfolding(self) -> Iterator[Fact]:
        """Functions that never end, or that unfold into more than anything can hold."""
        sizes = self.walk.unfolding.sizes(frozenset(self.walk.functions))
        for (_, name), size in sizes.items():
            kind: Any = "recursive-function" if size is None else "function-bomb"
            if size is None or size > UNFOLDED:
                yield GraphDefect(
                    location=place(self._artifact), framework="onnx", kind=kind, name=name
                )
                return  # the rest follow from the first
