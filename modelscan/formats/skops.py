"""skops archives: a zip whose `schema.json` says which class each part is an object of.

Invariants: the zip reader speaks for the archive and its members; this reader judges the tree of
nodes. skops itself asks for unlisted types to be trusted one by one; a node that is used for what
it was not made for gets around that question, and is stated whatever it names.

Sources: skops, "Secure persistence with skops"; CVE-2025-54412 (an operator node that names another
class than it loads), CVE-2025-54413 (a method node that reaches any attribute), CVE-2025-54886
(model cards that fall back to joblib).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.pieces import tables_of
from modelscan.formats.objects.tree import SHADOWED, Table
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Fact
from modelscan.vocabulary.lists import PickleGlobals

_NAME: Final = "schema.json"
_LOADER: Final = "__loader__"
_MARK: Final = b"__loader__"
_MAX_SCHEMA: Final = 24 << 20
_MADE_FOR: Final = {
    "DictNode": "builtins.dict", "ListNode": "builtins.list", "SetNode": "builtins.set",
    "TupleNode": "builtins.tuple", "BytesNode": "builtins.bytes", "SliceNode": "builtins.slice",
    "BytearrayNode": "builtins.bytearray", "JsonNode": "builtins.str",
    "PartialNode": "functools.partial", "DefaultDictNode": "collections.defaultdict",
}  # fmt: skip
"""Kinds of node that are made for one type, where a dangerous other one would be a lie."""
_OPERATORS: Final = frozenset({"operator.attrgetter", "operator.itemgetter"})
"""What an operator node holds in honest files; `methodcaller` calls any method."""
_NODES: Final = frozenset(_MADE_FOR) | {
    "FunctionNode", "TypeNode", "ConstructorFromReduceNode", "ObjectNode", "MethodNode",
    "OperatorFuncNode", "NdArrayNode", "MaskedArrayNode", "RandomStateNode", "RandomGeneratorNode",
    "DTypeNode", "SparseMatrixNode", "TreeNode", "LossNode", "SGDNode", "QuantileForestNode",
    "CachedNode", "_DictWithDeprecatedKeysNode", "ZoneInfoNode",
}  # fmt: skip


class SkopsReader:
    """The schema of a skops archive.

    Args:
        names: what the list says of each importable name.
    """

    format = "json"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = Names(names)

    def recognises(self, glimpse: Glimpse) -> bool:
        """By its name, which is the only one that skops looks for."""
        return glimpse.name == _NAME

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the classes that are not plainly data, each once.

        Raises:
            ReadError: the schema is not JSON.
            BudgetError: it is too large.
        """
        if artifact.size > _MAX_SCHEMA:
            raise BudgetError(f"a schema of {artifact.size:,} bytes")
        budget.header(artifact.size)
        data = artifact.read_at(0, artifact.size)
        if _MARK not in data and b"\\u" not in data:
            return
        seen = set[tuple[str, str]]()
        for path, node in tables_of(data, budget):
            for kind, name, detail in self._node(node):
                if (kind, name) not in seen:
                    seen.add((kind, name))
                    budget.fact()
                    yield ActiveContent(
                        location=place(artifact),
                        format="skops",
                        kind=kind,
                        name=name[:200],
                        detail=f"{detail} at {path or 'the root'}"[:200],
                    )

    def _node(self, node: Table) -> Iterator[tuple[Any, str, str]]:
        """Kind, name and detail of what one node does, when it is more than data."""
        loader = node.get(_LOADER)
        if not isinstance(loader, str):
            return
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if SHADOWED in node:
            yield "loader-mismatch", name, f"{loader} with a key that stands twice"
        if loader == "MethodNode":
            content = node.get("content")
            method = content.get("func") if isinstance(content, dict) else None
            yield "loader-mismatch", f"{name}.{method}", loader
            return
        if loader == "OperatorFuncNode" and name not in _OPERATORS:
            yield "loader-mismatch", name, loader
            return
        expected = _MADE_FOR.get(loader)
        verdict = self._judge(name)
        if verdict == "denied":
            mismatch = expected is not None and name != expected
            yield "loader-mismatch" if mismatch else "constructs-denied", name, loader
        elif loader not in _NODES:
            yield "constructs-unknown", loader, "a kind of node that skops does not have:"
        elif verdict == "unknown":
            yield "constructs-unknown", name, loader

    def _judge(self, name: str) -> str:
        """What the name can do. Types and functions of data libraries are what skops is for."""
        if name in {*_OPERATORS, "functools.partial", "builtins.NoneType", "zoneinfo.ZoneInfo"}:
            return "inert"
        return self._names.judge(name)
