from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.torch_export import TorchExportReader
from modelscan.vocabulary.fact import GraphModel
from tests.forge import graphs, reading
from tests.forge.archives import python_zip

READER = TorchExportReader(graphs.SHIPPED.lists)


def _program(*targets: str, nested: str = "") -> bytes:
    nodes: list[dict[str, Any]] = [{"target": one, "inputs": [], "outputs": []} for one in targets]
    if nested:
        inner = {"graph": {"nodes": [{"target": nested, "inputs": []}]}, "name": "body"}
        argument = {"arg": {"as_graph": inner}}
        nodes.append({"target": "torch.ops.higher_order.cond", "inputs": [argument]})
    document = {"graph_module": {"graph": {"nodes": nodes}}, "torch_version": "2.9.0"}
    return json.dumps(document).encode()


def _read(raw: bytes, name: str = "model.json") -> list[Any]:
    return graphs.read(READER, raw, name)


def test_an_honest_program_is_stated_and_quiet() -> None:
    raw = _program("torch.ops.aten.add.Tensor", "_operator.getitem", "torch.sym_max", "math.ceil")
    assert graphs.recognised(READER, raw, "model.json")
    items = _read(raw)
    (model,) = items
    assert isinstance(model, GraphModel)
    assert (model.producer, model.nodes) == ("PyTorch 2.9.0", 4)
    assert graphs.found(items) == set()


@pytest.mark.parametrize(
    ("target", "behaviour", "fails"),
    [
        ("torch.serialization.os.system", "runs-code", True),
        ("torch.hub.load", "runs-code", True),
        ("torch.ops.load_library", "runs-code", True),
        ("_operator.methodcaller", "runs-code", True),
        ("torch.ops.aten.from_file.default", "reads-file", True),
        ("torch.ops.image.write_file.default", "writes-file", True),
        ("torch.ops.acme.exec_shell.default", "custom-telling", True),
        ("torch.ops.acme.blur.default", "custom", False),
        ("acme", "custom", False),
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_targets_that_do_more(target: str, behaviour: str, fails: bool, deep: bool) -> None:
    items = _read(_program(nested=target) if deep else _program(target))
    shown = target.removeprefix("torch.ops.")
    assert graphs.behaviours(items) == [(shown, behaviour, "")]
    assert graphs.fails(items) is fails


def test_json_of_another_kind_is_left_alone() -> None:
    assert not graphs.recognised(READER, b'{"model_type": "bert"}', "config.json")
    assert not graphs.recognised(READER, b"PK\3\4" + bytes(60), "x.zip")


def test_a_compiled_library_is_code() -> None:
    raw = python_zip({"m/archive_format": b"pt2", "m/data/aotinductor/model/x.so": b"\x7fELF"})
    assert graphs.recognised(READER, raw, "m.pt2")
    assert reading.fails(raw, "m.pt2") == ["format-runs-code"]


@pytest.mark.parametrize("name", ["m/models/model.json", "serialized_exported_program.json"])
def test_the_program_inside_an_archive_is_judged(name: str) -> None:
    raw = python_zip({"m/archive_format": b"pt2", name: _program("torch.serialization.os.system")})
    assert "torch-program-runs-code" in reading.fails(raw, "m.pt2")
    honest = python_zip({"m/archive_format": b"pt2", name: _program("torch.ops.aten.add.Tensor")})
    assert reading.quiet(honest, "m.pt2")


def test_too_large_a_program_is_refused() -> None:
    with pytest.raises(BudgetError):
        graphs.read(READER, _program(), "model.json", Limits(header_bytes=8))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    for raw in (b'{"graph_module": {' + data, data, b"PK\3\4" + data):
        try:
            items = _read(raw)
        except ReadError:
            continue
        assert all(items)
