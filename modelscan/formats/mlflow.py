"""MLflow models: the `MLmodel` file of a folder says which Python loads what lies beside it.

MLflow imports `loader_module` and calls its `_load_pyfunc`, after it has put the folder that `code`
names at the head of the search path; a model "from code" is a script that is run. Modules of MLflow
itself are left unsaid: what they unpickle is read where it lies.

Invariants: nothing is imported; a document that cannot be parsed to its end is a needed gap, since
MLflow may read it in another way.

Source: MLflow 3, `mlflow/pyfunc/__init__.py` (`load_model`), `mlflow/models/model.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import front_matter
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RemoteCode

NAME: Final = "MLmodel"
_MARK: Final = b"flavors"
_OWN: Final = "mlflow"
_LOADER, _CODE, _SCRIPT = "loader_module", "code", "model_code_path"
_KEPT: Final = 200
_HARMLESS: Final = frozenset({"alias", "duplicate-key"})
"""Defects that leave no value unread."""


class MlflowReader:
    """The description of a model, by the name that MLflow demands."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "mlflow"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, and by the one key that every such file has."""
        return glimpse.name == NAME and (_MARK in glimpse.head or glimpse.size > len(glimpse.head))

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the Python that loading the model runs.

        Raises:
            ReadError: it is no YAML of the usual kind.
        """
        data = artifact.read_at(0, min(artifact.size, front_matter.LIMIT + 1))
        found = front_matter.parse(b"---\n" + data + b"\n---\n", budget)
        flavors = found.table.get("flavors")
        for name, flavor in flavors.items() if isinstance(flavors, dict) else ():
            for key, reference in _references(flavor if isinstance(flavor, dict) else {}):
                budget.fact()
                yield RemoteCode(
                    location=place(artifact),
                    key=f"flavors.{name}.{key}"[:_KEPT],
                    reference=reference[:_KEPT],
                    repository="",
                )
        for kind, detail in found.defects:
            if kind not in _HARMLESS:
                raise ReadError(f"not the YAML that MLflow writes: {kind} {detail}"[:_KEPT])


def _references(flavor: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of one flavour, and the function that each has called."""
    code = flavor.get(_CODE)
    folder = code.strip("./").replace("/", ".") + "." if isinstance(code, str) and code else ""
    if _LOADER in flavor:
        loader = flavor[_LOADER]
        name = loader if isinstance(loader, str) else "?"
        if name.partition(".")[0] != _OWN:
            yield _LOADER, f"{folder}{name}._load_pyfunc"
    script = flavor.get(_SCRIPT)
    if isinstance(script, str):
        yield _SCRIPT, script.removesuffix(".py").strip("./").replace("/", ".") + ".set_model"
