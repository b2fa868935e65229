from __future__ import annotations

import pytest

from modelscan.formats.engines import ENGINES, Engine
from tests.forge import reading


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.format)
def test_what_is_not_read_is_a_gap(engine: Engine) -> None:
    for extension in engine.extensions:
        assert reading.gaps(b"\xfe" + bytes(64), f"model{extension}") == [
            f"{engine.format}: no reader for this format yet"
        ]
    for offset, magic in engine.magics:
        data = b"\xfe" * offset + magic + bytes(64)
        assert f"{engine.format}: no reader for this format yet" in reading.gaps(
            data, "weights.bin"
        )


def test_each_stands_once() -> None:
    extensions = [extension for engine in ENGINES for extension in engine.extensions]
    assert len(set(extensions)) == len(extensions)
    assert sorted(engine.format for engine in ENGINES) == [engine.format for engine in ENGINES]


@pytest.mark.parametrize("version", ['"ir_version": 8', '"irVersion":"8"'])
def test_a_model_of_onnx_in_json_is_a_gap(version: str) -> None:
    data = b'{%s, "graph": {"node": []}}' % version.encode()
    assert reading.gaps(data, "model.json") == ["a model of ONNX written as text is not read"]
    assert reading.quiet(b'{"ir_version": 8}', "config.json")
    assert reading.quiet(b'{"irVersion": "a", "graph": {}}', "config.json")
