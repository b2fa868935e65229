from __future__ import annotations

import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.engine.catalogue import load
from modelscan.formats.candidates import Candidates
from modelscan.formats.light import light_readers
from modelscan.formats.readers import readers_for
from modelscan.formats.routing import Reading
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ArchiveDefect, Fact, PickleCall, TorchParts
from tests.forge import archives, gguf, pickles, safetensors

_READERS = light_readers(Candidates(readers_for(load().lists)))


class _Watched(BytesArtifact):
    """Bytes that remember where they were read."""

    __slots__ = ("reads",)

    def __init__(self, name: str, data: bytes) -> None:
        super().__init__(name, data)
        self.reads: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, offset + length))
        return super().read_at(offset, length)

    def touched(self, start: int, stop: int) -> bool:
        return any(begin < stop and start < end for begin, end in self.reads)


def _read(name: str, data: bytes) -> tuple[_Watched, list[Fact], list[Coverage]]:
    artifact = _Watched(name, data)
    items = list(Reading(artifact, _READERS.choose(artifact), Budget()))
    facts = [item for item in items if isinstance(item, Fact)]
    return artifact, facts, [item for item in items if isinstance(item, Coverage)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.safetensors", safetensors.assemble({"a": {"dtype": "U8", "shape": [1 << 20], "data_offsets": [0, 1 << 20]}})),
        ("model.gguf", gguf.GGUF.file(gguf.PAIRS, [gguf.Tensor("t", [1 << 18])])),
    ],
)  # fmt: skip
def test_the_data_behind_a_header_is_not_read(name: str, data: bytes) -> None:
    artifact, facts, coverage = _read(name, data)
    assert facts
    assert not any(gap.needed for gap in coverage)
    assert not artifact.touched(300_000, len(data))


def test_a_name_alone_does_not_spare_a_file_its_end() -> None:
    data = bytes(100_000) + archives.python_zip({"a.pkl": pickles.malicious()["reduce"]})
    _, facts, _ = _read("model.safetensors", data)
    assert any(isinstance(fact, PickleCall) for fact in facts)


def _checkpoint(**members: bytes) -> bytes:
    storages = {f"archive/data/{number}": bytes(200_000) for number in range(4)}
    named = {name.replace("_", "/", 1): data for name, data in members.items()}
    return archives.python_zip({**named, **storages, "archive/version": b"3\n"}, zipfile.ZIP_STORED)


def test_storages_of_a_checkpoint_are_stepped_over_and_counted() -> None:
    data = _checkpoint(**{"archive_data.pkl": pickles.torch_state_dict()})
    artifact, facts, coverage = _read("pytorch_model.bin", data)
    assert not any(isinstance(fact, ArchiveDefect) for fact in facts)
    assert not artifact.touched(300_000, 400_000)
    (skipped,) = [gap for gap in coverage if gap.status == "header-only"]
    assert skipped.reason.startswith("4 tensors")
    assert not skipped.needed


def test_storages_without_a_pickle_beside_them_are_read() -> None:
    artifact, _, coverage = _read("x.bin", _checkpoint(archive_other=b"x"))
    assert artifact.touched(300_000, 400_000)
    assert not any(gap.status == "header-only" for gap in coverage)


def test_compressed_storages_are_read() -> None:
    members = {"a/data.pkl": pickles.torch_state_dict(), "a/data/0": pickles.malicious()["reduce"]}
    _, facts, _ = _read("x.bin", archives.python_zip(members))
    assert any(isinstance(fact, PickleCall) for fact in facts)


def test_storages_with_one_name_are_a_defect() -> None:
    archive = archives.Zip()
    for name, data in (
        ("a/data.pkl", pickles.torch_state_dict()),
        ("a/data/0", b"1"),
        ("a/data/0", b"2"),
    ):
        archive.member(name, data)
    _, facts, _ = _read("x.bin", archive.build())
    assert "duplicate-member" in {fact.kind for fact in facts if isinstance(fact, ArchiveDefect)}


def test_what_lies_before_the_first_storage_is_looked_at() -> None:
    archive = archives.Zip()
    archive.member("a/data.pkl", pickles.torch_state_dict())
    archive.body += b"hidden" + pickles.malicious()["reduce"]
    archive.member("a/data/0", bytes(100))
    _, facts, _ = _read("x.bin", archive.build())
    assert any(isinstance(fact, ArchiveDefect) for fact in facts)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 1200), st.integers(0, 60))
def test_any_bytes_end_without_an_error(noise: bytes, at: int, cut: int) -> None:
    data = archives.torch_zip()
    data = data[:at] + noise + data[at + cut :]
    _, _, coverage = _read("x.bin", data)
    assert coverage


def test_a_zip_of_nothing_but_its_end() -> None:
    _, _, coverage = _read("x.bin", b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0, 0, 0, 0, 0))
    assert coverage


def test_archives_one_after_the_other_are_left_to_a_full_scan() -> None:
    one = archives.torch_zip()
    _, facts, coverage = _read("__0_0.distcp", one + one)
    assert not any(isinstance(fact, ArchiveDefect) for fact in facts)
    assert [entry.reason for entry in coverage if entry.needed] == [
        "several archives one after the other: a full scan reads them (--full)"
    ]
    _, stated, alone = _read("__0_0.distcp", one)
    assert not any(entry.needed for entry in alone)
    [parts] = [fact for fact in stated if isinstance(fact, TorchParts)]
    assert (parts.offsets, parts.lengths) == ((0,), (len(one),))
