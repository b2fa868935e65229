"""Python source that comes with a model: what it can do, and what of that on import alone.

Invariants: nothing is imported, compiled or run; only the syntax tree is looked at. A file that
does not parse is a needed gap, since another version of Python may run it.

Sources: transformers' custom models (`auto_map` imports these files), `handler.py` of inference
servers, `.pth` files of the `site` module, whose lines that begin with `import` are run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import torchscript
from modelscan.formats.python_code import source
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CodeBehaviour, CodeSource, Fact

if TYPE_CHECKING:
    from modelscan.formats.python_code.analysis import Analysis
    from modelscan.formats.python_code.judged import Judged
    from modelscan.formats.python_code.reach import When

_EXTENSIONS: Final = frozenset({".py", ".pyw"})
_START_UP: Final = ".pth"
_IMPORTS: Final = re.compile(rb"^import[ \t]", re.MULTILINE)
_RUN: Final = ("import ", "import\t")
"""How lines of a `.pth` file begin that `site` runs; the others are paths."""
_SHEBANG: Final = re.compile(rb"#!\s*/\S*[\s/]python[\d.]*\b")
_TORCHSCRIPT: Final = re.compile(r"(?:^|[/!])code/__torch__(?:\.py$|/)")
_HIDDEN_SHOWN: Final = 20
_ARGUMENT: Final = 300


class PythonReader:
    """Python modules and scripts."""

    @property
    def format(self) -> str:
        """See `Reader.format`."""
        return "python source"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension; without one by its first line; `.pth` when it is text that imports."""
        if glimpse.extension in _EXTENSIONS:
            return True
        if glimpse.extension == _START_UP:
            return b"\0" not in glimpse.head and _IMPORTS.search(glimpse.head) is not None
        return not glimpse.extension and _SHEBANG.match(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`.

        TorchScript's own code looks like Python and is compiled by torch, never run by Python.
        """
        # lazy: most models bring no code, and need no analysis of it
        from modelscan.formats.python_code.analysis import Analysis

        if artifact.size > source.MAX_SOURCE:
            raise BudgetError(f"Python source of {artifact.size:,} bytes")
        text = source.decode(artifact.read_at(0, artifact.size))
        script = artifact.member is not None and _TORCHSCRIPT.search(artifact.member) is not None
        yield from hidden_text(text, artifact, budget)
        if base_name(artifact).lower().endswith(_START_UP):
            text = "\n".join(line if line.startswith(_RUN) else "" for line in text.splitlines())
        if artifact.member is not None and torchscript.is_source(artifact.member):
            yield from torchscript.operators(text, artifact, budget)
        try:
            analysis = Analysis(text, budget)
        except BudgetError:
            raise
        except ReadError as error:
            if not script:
                yield CodeSource(location=place(artifact), kind="module", lines=text.count("\n"))
                raise
            reason = f"TorchScript code: {error.message}"
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="unsupported",
                needed=True,
                reason=reason,
            )
            return
        if not script:
            yield CodeSource(
                location=place(artifact),
                kind="module",
                lines=text.count("\n") + (not text.endswith("\n") and bool(text)),
                imports=analysis.imports(),
            )
        yield from behaviours(analysis, artifact, budget)


def hidden_text(
    text: str, artifact: Artifact, budget: Budget, when: When = "import"
) -> Iterator[Fact]:
    """Lines that an editor shows in another order than they are run."""
    for line in source.hidden_lines(text)[:_HIDDEN_SHOWN]:
        budget.fact()
        yield CodeBehaviour(location=place(artifact, line=line), behaviour="hidden-text", when=when)


def _known(judged: Judged) -> bool:
    """True for packages, and for servers that connections are led to, which everybody uses."""
    from modelscan.formats import known_places  # lazy: as in `PythonReader.read`

    if judged.behaviour == "installs-packages":
        return known_places.usual_packages(judged.argument)
    leads = judged.behaviour == "leads-elsewhere"
    return leads and known_places.well_known(judged.argument.partition("=")[2])


def behaviours(analysis: Analysis, artifact: Artifact, budget: Budget) -> Iterator[CodeBehaviour]:
    """Each behaviour of a module as a fact."""
    for found in analysis.run():
        budget.fact()
        yield CodeBehaviour(
            location=place(artifact, line=found.line),
            behaviour=found.judged.behaviour,
            call=found.judged.call,
            argument=found.judged.argument[:_ARGUMENT],
            when=found.when,
            within=found.within,
            known_place=_known(found.judged),
        )
