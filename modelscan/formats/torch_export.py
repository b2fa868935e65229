"""Programs that `torch.export` saves, `.pt2`: JSON that names operators, beside tensors in a zip.

The loader looks up each operator by its dotted name in PyTorch, in `operator` and in `math`: names
that lead elsewhere are stated. An archive may also carry libraries that were compiled ahead of time
(AOTInductor), which are loaded into the process: that is stated, and that nobody reads what they do
stays a gap besides. The reader of zip archives reads the members, and the reader of JSON the
documents: this one adds what they mean.

Source: `torch/_export/serde/schema.py` and `serialize.py`; `torch/export/pt2_archive/constants.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats import zip_records
from modelscan.formats.graph_operators import OperatorLedger, Use
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.pieces import tables_of
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.formats.torch_operators import TorchOperators
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ActiveContent, Behaviour, Fact, GraphModel
from modelscan.vocabulary.lists import NameLists

_PROGRAM: Final = re.compile(rb'"graph_module"\s*:\s*\{')
_ARCHIVE: Final = b"/archive_format"
_OLD_ARCHIVE: Final = b"serialized_exported_program.json"
_COMPILED: Final = re.compile(
    r"(?:^|/)data/aotinductor/.*\.(?:so|dll|dylib|pyd|o|cubin|hsaco|spv)$"
)
_OPERATORS: Final = "torch.ops."
_SYMBOLIC: Final = re.compile(r"torch\.sym_\w+|(?:_operator|operator|math)\.\w+")
_HANDING: Final = frozenset({"attrgetter", "call", "itemgetter", "methodcaller"})
"""Of `operator`: what calls or reaches into what it is given."""
_LOADING: Final = "torch.ops.load_library"
_MAX_DOCUMENT: Final = 24 << 20
_MAX_OPERATORS: Final = 2_000
_MAX_COMPILED: Final = 20


class TorchExportReader:
    """The JSON of a program, and the archive around it.

    Args:
        lists: what operators do, and what importable names stand for.
    """

    format = "torch export"

    def __init__(self, lists: NameLists) -> None:
        self._operators = TorchOperators(lists.graph_operators)
        self._names = Names(lists.pickle_globals)

    def recognises(self, glimpse: Glimpse) -> bool:
        """The document by its first key, the archive by the member that says what it is."""
        head = glimpse.head
        if glimpse.extension == ".json":
            return _PROGRAM.search(head) is not None
        if not head.startswith(zip_records.LOCAL_MARK):
            return False
        return any(
            mark in head or (glimpse.size > HEAD and mark in glimpse.tail)
            for mark in (_ARCHIVE, _OLD_ARCHIVE)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State compiled libraries, or the operators of the program.

        Raises:
            ReadError: it is not JSON.
            BudgetError: the document is too large.
        """
        if artifact.read_at(0, len(zip_records.LOCAL_MARK)) == zip_records.LOCAL_MARK:
            yield from self._archive(artifact, budget)
        else:
            yield from self._program(artifact, budget)

    def _archive(self, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
        found = set[str]()
        for directory in zip_records.directories(artifact):
            data = zip_records.load(artifact, directory)
            budget.step(directory.count)
            for _, entry in zip_records.entries(data, directory.base):
                if _COMPILED.search(entry.text) and len(found) < _MAX_COMPILED:
                    found.add(entry.text)
        for name in sorted(found):
            budget.fact()
            yield ActiveContent(
                location=place(artifact),
                format=self.format,
                kind="code",
                name=name[:300],
                detail="(a compiled library, loaded with the model)",
            )

    def _program(self, artifact: Artifact, budget: Budget) -> Iterator[Fact]:
        if artifact.size > _MAX_DOCUMENT:
            raise BudgetError(f"a program of {artifact.size:,} bytes in JSON")
        budget.header(artifact.size)
        ledger = OperatorLedger(artifact, budget, "torch-export")
        used = set[str]()
        nodes = 0
        version = None
        for path, table in tables_of(artifact.read_at(0, artifact.size), budget):
            if not path:
                version = table.get("torch_version")
            target = table.get("target")
            if isinstance(target, str) and "inputs" in table:
                nodes += 1
                used.add(target[:200])
                behaviour = self._judge(target)
                if behaviour is not None:
                    ledger.add(Use(target.removeprefix(_OPERATORS), behaviour))
        yield _model(artifact, nodes, used, version)
        yield from ledger.facts()

    def _judge(self, target: str) -> Behaviour | None:
        """What calling a target does beyond computing."""
        if target.startswith(_OPERATORS) and target != _LOADING:
            return self._operators.behaviour(target.removeprefix(_OPERATORS))
        if _SYMBOLIC.fullmatch(target):
            return "runs-code" if target.rpartition(".")[2] in _HANDING - {"itemgetter"} else None
        denied = target == _LOADING or self._names.judge(target) == "denied"
        return "runs-code" if denied else "custom"


def _model(artifact: Artifact, nodes: int, used: set[str], version: Any) -> GraphModel:
    said = f"PyTorch {version}"[:100] if isinstance(version, str) else ""
    return GraphModel(
        location=place(artifact),
        framework="torch-export",
        form="model",
        producer=said,
        nodes=nodes,
        functions=0,
        operators=tuple(sorted(used)[:_MAX_OPERATORS]),
    )
