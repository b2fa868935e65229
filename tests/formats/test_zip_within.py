from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
from typing import Any

import pytest

from modelscan.budget import Budget
from modelscan.formats.candidates import Candidates
from modelscan.formats.light import light_readers
from modelscan.formats.reader import TAIL, Glimpse, Reader
from modelscan.formats.readers import readers_for
from modelscan.formats.zip_within import ZipWithinReader
from modelscan.vocabulary.artifact import BytesArtifact, stream
from tests.forge import safetensors
from tests.forge.archives import INERT_PICKLE, Zip, python_tar, python_zip
from tests.forge.reading import fails, found, gaps, quiet, read, rules

CALLS = b"cposix\nsystem\n(S'echo planted'\ntR."
ARCHIVE = python_zip({"a.pkl": CALLS})
QUIET = python_zip({"a.pkl": INERT_PICKLE})


def _recognised(data: bytes, name: str = "weights.dat") -> bool:
    return ZipWithinReader().recognises(Glimpse(BytesArtifact(name, data)))


def _archives(data: bytes) -> list[bytes]:
    items: list[Any] = list(ZipWithinReader().read(BytesArtifact("a.dat", data), Budget()))
    return [b"".join(stream(item)) for item in items]


@pytest.mark.parametrize("name", ["weights.dat", "notes.txt", "README", "picture.png", "a.dat"])
@pytest.mark.parametrize("behind", [b"junk", b"\0" * 4000 + b"x", b"j" * 60_000])
def test_what_lies_inside_is_read_whatever_the_name(name: str, behind: bytes) -> None:
    data = b"\x93junk" * 9 + ARCHIVE + behind
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["a.pkl"]
    assert "pickle-dangerous-call" in fails(data, name)
    assert quiet(b"\x93junk" * 9 + QUIET + behind, name)


def test_of_a_large_file_too() -> None:
    noise = random.Random(1).randbytes(300_000)  # noqa: S311  # a sample, no secret
    assert fails(noise + ARCHIVE + noise[: TAIL - 100], "weights.dat") == ["pickle-dangerous-call"]
    assert not _recognised(noise + ARCHIVE + noise[:TAIL])  # where no program looks


def test_two_archives() -> None:
    assert _archives(b"junk" + QUIET + b"between" + ARCHIVE + b"behind") == [QUIET, ARCHIVE]


@pytest.mark.parametrize("view", ["central", "local"])
def test_a_member_that_reaches_past_the_end_takes_the_rest_along(view: str) -> None:
    lies: dict[str, Any] = {view: {"packed": 500}}
    data = b"junk" + Zip().member("a", b"1", **lies).build() + b"behind"
    assert _archives(data) == [data[4:]]


def test_an_archive_whose_beginning_is_missing() -> None:
    whole = Zip().member("a", b"1" * 99).member("b", b"2", central={"packed": 500}).build()
    data = b"PX" + whole[100:] + b"behind"
    assert _archives(data) == [data[: -len(b"behind")]]
    assert gaps(data, "a.dat")


def test_an_archive_in_an_archive_is_left_to_the_outer_one() -> None:
    outer = Zip().member("inner.zip", ARCHIVE).build()
    assert _archives(b"junk" + outer + b"behind") == [outer]
    assert fails(b"junk" + outer + b"behind", "a.bin") == ["pickle-dangerous-call"]


def test_tensors_that_hold_the_marks() -> None:
    noise = bytearray(random.Random(2).randbytes(9000))  # noqa: S311  # a sample, no secret
    record = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, 46, 3000, 0)
    noise[4000:4022] = record
    assert not _recognised(bytes(noise))
    noise[3954:3958] = b"PK\1\2"  # a directory, whose member is not there
    assert not _recognised(bytes(noise))
    noise[3996:4000] = struct.pack("<I", 7)
    noise[961:965] = b"PK\3\4"
    assert _recognised(bytes(noise))


def test_a_pickle_of_an_archive_is_a_pickle() -> None:
    data = pickle.dumps({"model": QUIET, "after": list(range(9))})
    assert _recognised(data)
    assert quiet(data, "model.pkl")
    assert "polyglot-file" not in found(data, "model.pkl")
    hostile = pickle.dumps({"model": ARCHIVE, "after": list(range(9))})
    assert fails(hostile, "model.pkl") == ["pickle-dangerous-call"]


def test_weights_with_an_archive_in_a_tensor() -> None:
    data = safetensors.assemble(
        {"a": {"dtype": "U8", "shape": [len(QUIET) + 9], "data_offsets": [0, len(QUIET) + 9]}},
        b"noisy" + QUIET + b"more",
    )
    assert quiet(data, "model.safetensors")


def test_a_tar_hands_its_members_on_itself() -> None:
    data = python_tar({"a.zip": ARCHIVE, "b": b"behind"})
    assert not _recognised(data)
    assert fails(data, "a.bin") == ["pickle-dangerous-call"]


def test_zips_are_left_to_the_other_reader() -> None:
    for data in (ARCHIVE, ARCHIVE + b"junk", b"junk" + ARCHIVE, b"junk" * 2000, b"PK\5\6", b""):
        assert not _recognised(data)


def test_so_many_entries_that_lead_nowhere() -> None:
    archive = Zip()
    fields = {"name": b"x", "flags": 0, "method": 0, "crc": 0, "packed": 1, "size": 1,
              "extra": b"", "offset": 1 << 30, "mode": 0, "system": 3}  # fmt: skip
    for _ in range(300):
        archive.list(fields)
    assert not _recognised(b"junk" + archive.build() + b"junk")
    for _ in range(800):
        archive.list(fields)
    assert _recognised(b"junk" + archive.build() + b"junk")


def test_a_directory_that_is_too_long_to_be_held() -> None:
    size = 33 << 20
    data = b"junk" + b"PK\1\2" + bytes(size - 4)
    data += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0) + b"junk"
    assert _recognised(data)
    _, coverage = read(data, "a.bin")
    assert any(entry.needed and entry.status == "truncated" for entry in coverage)


def test_remote_weights_are_not_asked_for_their_end() -> None:
    readers: tuple[Reader, ...] = readers_for(rules().lists)
    light = light_readers(Candidates(readers))
    assert any(isinstance(reader, ZipWithinReader) for reader in light.usual)
    assert not any(isinstance(reader, ZipWithinReader) for reader in light.headers)
