from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import ReadError
from modelscan.formats.executorch import ExecutorchReader
from modelscan.vocabulary.fact import GraphDefect, GraphModel
from tests.forge import flatbuffers as forge
from tests.forge import graphs, reading

READER = ExecutorchReader(graphs.OPERATORS)


def _read(raw: bytes) -> list[Any]:
    return graphs.read(READER, raw, "model.pte")


def _defects(raw: bytes) -> list[str]:
    return [fact.detail for fact in _read(raw) if isinstance(fact, GraphDefect)]


def test_an_honest_program_is_stated_and_quiet() -> None:
    raw = forge.executorch(
        ["aten::add", "quantized_decomposed::quantize_per_tensor"],
        calls=[0, 1, 0],
        delegates=[("XnnpackBackend", 1, 0)],
        delegate_calls=[0],
        segments=[(0, 16)],
        base=64,
    )
    assert graphs.recognised(READER, raw)
    items = _read(raw)
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.nodes, model.operators) == (
        4, ("aten::add", "quantized_decomposed::quantize_per_tensor"),
    )  # fmt: skip
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    ("operator", "behaviour", "fails"),
    [
        ("aten::from_file", "reads-file", True),
        ("acme::blur", "custom", False),
        ("acme::run_shell", "custom-telling", True),
    ],
)
def test_operators_that_do_more(operator: str, behaviour: str, fails: bool) -> None:
    items = _read(forge.executorch([operator]))
    assert graphs.behaviours(items) == [(operator, behaviour, "")]
    assert graphs.fails(items) is fails


@pytest.mark.parametrize(
    ("backend", "behaviour", "fails"),
    [
        ("QnnBackend", "native-code", False),
        ("AcmeBackend", "custom", False),
        ("ShellExecBackend", "custom-telling", True),
    ],
)
def test_backends(backend: str, behaviour: str, fails: bool) -> None:
    items = _read(forge.executorch(delegates=[(backend, 0, 0)], inline=1))
    assert graphs.behaviours(items) == [(backend, behaviour, "")]
    assert graphs.fails(items) is fails


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (forge.executorch(calls=[7]), "operator 7 of 1"),
        (forge.executorch(calls=[-1]), "operator -1 of 1"),
        (forge.executorch(delegate_calls=[0]), "delegate 0 of 0"),
        (forge.executorch(delegates=[("XnnpackBackend", 1, 0)]), "data 0 of 0"),
        (forge.executorch(delegates=[("XnnpackBackend", 0, 3)], inline=1), "data 3 of 1"),
    ],
)
def test_what_leads_nowhere_is_a_defect(raw: bytes, detail: str) -> None:
    assert _defects(raw) == [detail]
    assert graphs.fails(_read(raw))


def test_segments_lie_in_the_file() -> None:
    raw = forge.executorch(segments=[(0, 1 << 40)])
    assert _defects(raw) == [f"bytes 0 to 1,099,511,627,776 of {len(raw):,}"]
    (past,) = _defects(forge.executorch(segments=[(0, 1)], base=1 << 40))
    assert past.startswith("bytes 1,099,511,627,776")


def test_thousands_of_defects_are_no_flood() -> None:
    assert len(_defects(forge.executorch(calls=[9] * 100))) == 20


def test_without_an_extended_header_places_count_from_the_start() -> None:
    raw = forge.executorch(segments=[(0, 4)]).replace(b"eh00", b"none")
    assert _defects(raw) == []


def test_without_its_magic_it_is_none() -> None:
    assert graphs.recognised(READER, bytes(64), "x.pte")
    with pytest.raises(ReadError, match="does not begin"):
        _read(bytes(64))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_bytes_end_in_facts_or_a_read_error(data: st.DataObject) -> None:
    raw = bytearray(
        forge.executorch(delegates=[("A", 0, 0)], delegate_calls=[0], segments=[(0, 1)])
    )
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        items = _read(bytes(raw[: data.draw(st.integers(8, len(raw)))]))
    except ReadError:
        return
    assert items


def _tensor_file(*, base: int = 96, size: int = 16) -> bytes:
    header = b"FH01" + struct.pack("<IQQQQ", 40, 48, 48, base, size)
    return b"\x30\0\0\0FT01" + header + bytes(112 - 8 - len(header))


def test_tensors_in_a_file_of_their_own_are_data() -> None:
    assert reading.quiet(_tensor_file(), "model.ptd")
    assert reading.gaps(_tensor_file(), "data.bin") == []
    assert reading.fails(_tensor_file(size=17), "model.ptd") == [
        "torch-program-structure-contradicts"
    ]
    assert reading.gaps(_tensor_file()[:40], "model.ptd")
    assert reading.gaps(b"else", "model.ptd")
