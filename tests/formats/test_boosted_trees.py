from __future__ import annotations

import pytest

from modelscan.formats.boosted_trees import BoostedTreesReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import reading


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"tree\nversion=v4\nnum_class=1\n", "model.txt"),
        (b"CBM1" + bytes(40), "model.cbm"),
        (b"{L\0\0\0\0\0\0\0\x07learner{", "model.ubj"),
        (b"binf" + bytes(40), "xgb.model"),
    ],
)
def test_trees_are_recognised_and_quiet(data: bytes, name: str) -> None:
    assert BoostedTreesReader().recognises(Glimpse(BytesArtifact(name, data)))
    assert reading.quiet(data, name)
    _, coverage = reading.read(data, name)
    assert [entry.status for entry in coverage] == ["header-only"]


def test_a_pickle_under_their_names_is_one() -> None:
    assert reading.fails(b"cos\nsystem\n(S'id'\ntR.", "model.cbm") == ["pickle-dangerous-call"]
    assert not BoostedTreesReader().recognises(Glimpse(BytesArtifact("a.txt", b"trees grow\n")))
