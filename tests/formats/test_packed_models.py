"""Models packed for one program: named as what they are, and opened like any archive."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan.api import scan
from tests.forge import pickles
from tests.forge.archives import python_tar, python_zip, torch_zip
from tests.forge.reading import fails, quiet

PAYLOAD = pickles.call("os", "system", "echo hi").stop()
MANIFEST = b'{"runtime": "python", "model": {"handler": "handler.py"}, "archiverVersion": "0.12"}'
HANDLER = b"def handle(data, context):\n    return data\n"


def _nemo(weights: bytes) -> bytes:
    return python_tar({"./model_config.yaml": b"name: x\n", "./model_weights.ckpt": weights})


def _mar(weights: bytes) -> bytes:
    members = {"MAR-INF/MANIFEST.json": MANIFEST, "handler.py": HANDLER, "model.pt": weights}
    return python_zip(members)


@pytest.mark.parametrize(
    ("name", "form", "make"),
    [
        ("m.nemo", "nemo", _nemo),
        ("m.nemo", "nemo", lambda weights: gzip.compress(_nemo(weights))),
        ("m.mar", "torchserve archive", _mar),
        ("m.mar", "torchserve archive", lambda weights: gzip.compress(_nemo(weights))),
    ],
)
def test_packed_models(
    tmp_path: Path, name: str, form: str, make: Callable[[bytes], bytes]
) -> None:
    good, bad = make(torch_zip()), make(torch_zip({"data.pkl": PAYLOAD}))
    assert quiet(good, name)
    assert fails(bad, name) == ["pickle-dangerous-call"]
    (tmp_path / name).write_bytes(good)
    (model,) = scan(tmp_path / name, jobs=1).models
    assert [entry.format for entry in model.files] == [form]


def test_other_content_under_these_names() -> None:
    disguised = ["disguised-executable-format", "pickle-dangerous-call"]
    assert fails(PAYLOAD, "m.nemo") == disguised
    assert fails(PAYLOAD, "m.mar") == ["pickle-dangerous-call"]
