from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.torch import TorchReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import TorchCheckpoint
from tests.forge.archives import INERT_PICKLE, Zip, python_zip, torch_zip


def _layouts(data: bytes) -> list[str]:
    artifact = BytesArtifact("pytorch_model.bin", data)
    if not TorchReader().recognises(Glimpse(artifact)):
        return []
    items = list(TorchReader().read(artifact, Budget()))
    return [item.layout for item in items if isinstance(item, TorchCheckpoint)]


@pytest.mark.parametrize("root", ["archive", "pytorch_model", "ü"])
def test_checkpoint(root: str) -> None:
    assert _layouts(torch_zip(root=root)) == ["zip"]


@pytest.mark.parametrize("record", ["constants.pkl", "code/__torch__.py"])
def test_torchscript(record: str) -> None:
    assert _layouts(torch_zip({record: b"1"})) == ["torchscript"]


def test_pickle_that_is_not_the_first_record() -> None:
    members = {"archive/data/0": bytes(range(256)) * 90, "archive/data.pkl": INERT_PICKLE}
    assert _layouts(python_zip(members)) == ["zip"]


def test_checkpoint_whose_directory_hides_the_pickle() -> None:
    data = Zip().member("archive/data.pkl", INERT_PICKLE, listed=False).member("b", b"1").build()
    assert _layouts(data) == ["zip"]


@pytest.mark.parametrize(
    "data",
    [b"", python_zip({"data.pkl": b"1"}), python_zip({"a/b/data.pkl": b"1"}),
     python_zip({"x": b"archive/data.pkl"}), b"archive/data.pkl"],
)  # fmt: skip
def test_other_zips(data: bytes) -> None:
    assert _layouts(data) == []


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=9)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_mutated_checkpoints(edits: list[tuple[float, bytes]]) -> None:
    data = bytearray(torch_zip())
    for where, patch in edits:
        at = int(where * len(data))
        data[at : at + len(patch)] = patch
    with suppress(ReadError):
        _layouts(bytes(data))
