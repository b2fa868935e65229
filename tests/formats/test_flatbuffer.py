"""FlatBuffers that no writer makes."""

from __future__ import annotations

import struct

import pytest

from modelscan.budget import Budget
from modelscan.errors import BudgetError, ReadError
from modelscan.formats import flatbuffer_graphs
from modelscan.formats.flatbuffer import Flatbuffer
from modelscan.formats.flatbuffer_graphs import OutOfBounds
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import flatbuffers, reading
from tests.forge.tflite import buffer

MANY = 3000


def _folded() -> bytes:
    """A table with a vector of thousands of offsets, all of which lead back to it."""
    made = bytearray(buffer({0: []}, b"TEST"))
    (root,) = struct.unpack_from("<I", made)
    vector = len(made)
    struct.pack_into("<I", made, root + 4, vector - root - 4)
    made += struct.pack("<I", MANY)
    for number in range(MANY):
        made += struct.pack("<I", (root - (vector + 4 + 4 * number)) % (1 << 32))
    return bytes(made)


def test_offsets_lead_forwards_alone() -> None:
    folded = Flatbuffer(BytesArtifact("a", _folded()), Budget())
    with pytest.raises(ReadError, match="outside the file"):
        list(folded.root().tables(0))


def test_tables_over_each_other_end() -> None:
    made = buffer({0: [], 1: {0: []}}, b"TEST") + bytes(4000)
    flat = Flatbuffer(BytesArtifact("a", made), Budget())
    child = flat.root().child(1)
    assert child is not None
    with pytest.raises(BudgetError, match="tables lie over each other"):
        [flat.table(child.at) for _ in range(MANY)]


@pytest.mark.parametrize("what", ["operators", "delegates"])
def test_parts_that_instructions_refer_to_are_bounded(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(flatbuffer_graphs, "MOST_KINDS", 3)
    program = (
        flatbuffers.executorch([f"aten::{number}" for number in range(5)])
        if what == "operators"
        else flatbuffers.executorch(delegates=[("XnnpackBackend", 0, 0)] * 5)
    )
    assert reading.gaps(program, "a.pte") == [f"more than 3 {what}"]


def test_defects_are_bounded() -> None:
    artifact = BytesArtifact("a", bytes(10))
    defects = OutOfBounds(artifact, "tflite")
    defects.span("inside", 2, 8)
    for number in range(50):
        defects.span(f"{number}", 8, 3)
    found = list(defects.facts())
    assert (len(found), found[0].detail) == (20, "bytes 8 to 11 of 10")
