from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.lfs import LfsReader
from modelscan.formats.reader import Glimpse
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import FileFormat, LfsPointer
from modelscan.vocabulary.lists import NameLists
from tests.forge import cards

READER = LfsReader()
EXTENSION = f"ext-0-foo sha256:{cards.OID}\n"


def _recognised(data: bytes) -> bool:
    return READER.recognises(Glimpse(BytesArtifact("model.safetensors", data)))


def _everything(name: str, data: bytes) -> list[Any]:
    return list(Reading(BytesArtifact(name, data), readers_for(NameLists()), Budget()))


@pytest.mark.parametrize(
    "data",
    [
        cards.pointer(),
        cards.pointer(size=0),
        cards.pointer(extra=EXTENSION),
        cards.pointer().replace(b"\n", b"\r\n"),
        cards.pointer().rstrip(),
        cards.pointer().replace(b"git-lfs.github.com", b"hawser.github.com"),
    ],
)
def test_pointers(data: bytes) -> None:
    assert _recognised(data)
    fact, gap = READER.read(BytesArtifact("model.safetensors", data), Budget())
    assert isinstance(fact, LfsPointer)
    assert fact.oid == cards.OID
    assert isinstance(gap, Coverage)
    assert gap.needed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        cards.pointer(oid="53aa"),
        cards.pointer(oid=cards.OID.upper()),
        cards.pointer(size=-1),
        cards.pointer(size=10**18),
        cards.pointer() + b"cposix\nsystem\n",
        b"\n" + cards.pointer(),
        cards.pointer(extra="import os\n"),
        cards.pointer(extra=EXTENSION * 12),
        cards.pointer().replace(b"git-lfs.github.com", b"example.org"),
        cards.pointer().replace(b"sha256", b"sha512"),
        cards.pointer() + b"\n" * 1024,
    ],
)
def test_what_is_not_all_pointer_is_none(data: bytes) -> None:
    assert not _recognised(data)


def test_what_is_no_pointer_cannot_be_read_as_one() -> None:
    with pytest.raises(ReadError):
        list(READER.read(BytesArtifact("x", b"words"), Budget()))


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "pytorch_model.bin", "model.pkl", "model.gguf", "config.json", "model.py",
     "README.md", "model", "model.safetensors.index.json", "model.pt", "a.zip", "x.txt"],
)  # fmt: skip
def test_one_gap_whatever_the_name_promises(name: str) -> None:
    items = _everything(name, cards.pointer())
    gaps = [item for item in items if isinstance(item, Coverage)]
    assert [(gap.status, gap.needed) for gap in gaps] == [("skipped", True)]
    assert "90,868,376 bytes" in gaps[0].reason
    assert "git lfs pull" in gaps[0].reason
    assert not [item for item in items if isinstance(item, FileFormat)]


@pytest.mark.parametrize("name", ["picture.png", "PAPER.PDF"])
def test_a_missing_picture_is_not_needed(name: str) -> None:
    gaps = [item for item in _everything(name, cards.pointer()) if isinstance(item, Coverage)]
    assert [(gap.status, gap.needed) for gap in gaps] == [("skipped", False)]


def test_a_malformed_pointer_is_an_unreadable_model() -> None:
    items = _everything("model.safetensors", cards.pointer(oid="0"))
    assert [item.status for item in items if isinstance(item, Coverage)] == ["unreadable"]


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    for document in (data, cards.pointer() + data, cards.pointer()[: len(data)]):
        recognised = _recognised(document)
        try:
            items = list(READER.read(BytesArtifact("x", document), Budget()))
        except ReadError:
            assert not recognised
        else:
            assert recognised
            assert len(items) == 2
