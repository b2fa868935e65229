"""Jupyter notebooks: cells of Python, and lines of shell in them.

The cells are read as one module, so that a constant of one is known in the next; when they do not
parse together, each is read by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from modelscan.discovery.finder import CodeFile
from modelscan.discovery.mention import Mention
from modelscan.discovery.python import finder as python
from modelscan.discovery.python.modules import Module
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.python_code.notebook import Cell, code_cells
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage

_HF: Final = (b"hf ", b"huggingface-cli", b"wget ", b"curl ", b"git clone", b"--model")


class NotebookFinder:
    """Jupyter notebooks."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        return "notebook" if file.extension == ".ipynb" else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`.

        Raises:
            ReadError: it is no notebook.
        """
        if not python.HINTS(file.data) and not any(word in file.data for word in _HF):
            return
        artifact = BytesArtifact(file.path, file.data)
        cells = list(code_cells(artifact, file.budget))
        for cell in cells:
            for line, command in cell.commands:
                for mention in python.shell(command, file, line):
                    yield mention._replace(member=f"cell {cell.number}")
        yield from _python(cells, file)


def _python(cells: list[Cell], file: CodeFile) -> Iterator[Mention]:
    whole = "\n".join(cell.python for cell in cells)
    try:
        Module(file.path, whole, file.budget)
    except BudgetError:
        raise
    except ReadError:
        for cell in cells:
            for mention in python.read(cell.python, file.path, file.code_base, file.budget):
                yield mention._replace(member=f"cell {cell.number}")
        return
    starts = [0]
    for cell in cells:
        starts.append(starts[-1] + cell.python.count("\n") + 1)
    for mention in python.read(whole, file.path, file.code_base, file.budget):
        index = bisect_left(starts, mention.line, hi=len(cells)) - 1
        number = cells[index].number
        yield mention._replace(line=mention.line - starts[index], member=f"cell {number}")
