"""Whatever `zipfile`, `tarfile` or Info-ZIP's `unzip` get out of a damaged or forged archive, our
readers have yielded, or they have said that something needed was not read.

The environment variable `MODELASSAY_DIFFERENTIAL` asks for more archives than the usual number.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import subprocess
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelscan.budget import Budget, Limits
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse, Reader
from modelscan.formats.tar import TarReader
from modelscan.formats.zip import ZipReader
from modelscan.formats.zip_within import ZipWithinReader
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, stream
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from tests.forge.archives import (
    Zip,
    pax,
    python_tar,
    python_zip,
    sealed,
    streamed_zip,
    tar_member,
    torch_zip,
)

COUNT = int(os.environ.get("MODELASSAY_DIFFERENTIAL", "600"))
LONGEST = 1 << 20
ZIP_MARKS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\7\x08", b"PK\6\6")

Extracted = set[bytes]
Readers = tuple[Reader, ...]
ZIP_READERS: Readers = (ZipReader(), ZipWithinReader())


class Ours:
    """What our readers make of an archive, those that recognise it."""

    def __init__(self, readers: Readers, data: bytes) -> None:
        self.recognised = False
        self.members: Extracted = set()
        self.gap = False
        self._end = data
        self.defects = False
        self._read(readers, BytesArtifact("archive", data))

    def _read(self, readers: Readers, artifact: Artifact) -> None:
        for reader in readers:
            if not reader.recognises(Glimpse(artifact)):
                continue
            self.recognised = True
            budget = Budget(Limits(members=2000, inflated_bytes=1 << 27))
            try:
                for item in reader.read(artifact, budget):
                    if isinstance(item, Coverage):
                        self.gap |= item.needed
                    elif isinstance(item, Fact):
                        self.defects = True
                    elif isinstance(reader, ZipWithinReader):  # goes round
                        self.defects = True
                        self._read(readers, item)
                    else:
                        self.members.add(b"".join(stream(item)))
            except ReadError:
                self.gap = True

    def has(self, data: bytes) -> bool:
        """True when `data` was yielded.

        Where a defect is stated, a part of a member counts, nothing but zeros, and a member that
        reaches the end of the archive: `unzip` goes on with what its buffer held before.
        """
        if data in self.members:
            return True
        if not self.defects:
            return False
        ends = [member for member in self.members if member and self._end.endswith(member)]
        return (
            not data.strip(b"\0")
            or any(data in member for member in self.members)
            or any(member in data for member in ends)
        )


def _by_zipfile(data: bytes) -> Extracted:
    found: Extracted = set()
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            pieces = b""
            with contextlib.suppress(Exception), archive.open(info) as member:
                while len(pieces) < LONGEST and (piece := member.read(64)):
                    pieces += piece
            found.add(pieces)
    return found


def _by_tarfile(data: bytes) -> Extracted:
    found: Extracted = set()
    with (
        contextlib.suppress(Exception),
        tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive,
    ):
        for member in archive:
            with contextlib.suppress(Exception):
                opened = archive.extractfile(member) if member.isreg() else None
                found.add(opened.read(LONGEST) if opened else b"")
    return found


def _by_unzip(data: bytes, folder: Path) -> Extracted:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "a.zip").write_bytes(data)
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            ["unzip", "-qq", "-o", "-P", "x", "a.zip", "-d", "out"],
            cwd=folder, check=False, timeout=1, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    found: Extracted = set()
    for path in (folder / "out").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            found.add(path.read_bytes())
    return found


# -- archives that somebody tampered with ------------------------------------------------------


def _zip(chance: random.Random) -> bytes:
    members = {
        f"f{at}.{suffix}": b"member %d " % at * chance.choice([1, 3, 40])
        for at, suffix in enumerate(["pkl", "txt", "bin"])
    }
    makers: list[Callable[[], bytes]] = [
        lambda: python_zip(members, zipfile.ZIP_STORED),
        lambda: python_zip(members),
        lambda: python_zip(members, zipfile.ZIP_BZIP2),
        lambda: python_zip(members, zipfile.ZIP_LZMA),
        lambda: streamed_zip(members),
        torch_zip,
        lambda: python_zip(members) + python_zip({"g.pkl": b"other" * 9}),
        lambda: b"#!junk\n" * 3 + python_zip(members),
        lambda: b"junk" * chance.randrange(1, 99) + _forged(chance, members) + b"junk" * 3,
        lambda: b"junk" + python_zip(members) + b"j" * chance.choice([1, 600, 5000]),
        lambda: _forged(chance, members),
        lambda: _forged(chance, members),
    ]
    data = bytearray(chance.choice(makers)())
    marks = [at for at in range(len(data)) if data.startswith(ZIP_MARKS, at)]
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        at = chance.choice(marks) + chance.randrange(4, 50) if marks else 0
        _edit(chance, data, at if chance.random() < 0.85 else chance.randrange(len(data)))
    return bytes(data)


def _forged(chance: random.Random, members: dict[str, bytes]) -> bytes:
    archive = Zip()
    for name, data in members.items():
        views: dict[str, Any] = {}
        field = chance.choice(["name", "flags", "method", "crc", "packed", "size", "offset", ""])
        values = {
            "name": b"alt.pkl", "flags": chance.choice([1, 8, 0x40, 0x2000]),
            "method": chance.choice([0, 8]), "crc": 5, "packed": chance.choice([0, 1, 30, 500]),
            "size": chance.choice([0, 1, 30, 500]), "offset": chance.randrange(200),
        }  # fmt: skip
        if field:
            view = "central" if field == "offset" else chance.choice(["local", "central"])
            views[view] = {field: values[field]}
        archive.member(
            name, data, deflate=chance.random() < 0.5, listed=chance.random() < 0.9,
            descriptor=chance.choice(["", "marked", "bare"]), **views,
        )  # fmt: skip
        if chance.random() < 0.2:
            archive.raw(b"gap" * 5)
    comment = chance.choice([b"", Zip().build(), python_zip({"c.pkl": b"in the comment"})])
    after = chance.choice([b"", b"", b"tail" * 4])
    wide = chance.random() < 0.3
    return archive.build(comment=comment, after=after, wide=wide, base=chance.choice([0, 0, 10]))


def _edit(chance: random.Random, data: bytearray, at: int) -> None:
    if at >= len(data):
        return
    kind = chance.random()
    if kind < 0.6:
        old = data[at]
        data[at] = chance.choice([0, 1, 2, 8, 255, old ^ 1, (old + 1) & 255, (old - 1) & 255])
    elif kind < 0.75:
        value = chance.choice([0, 0xFFFFFFFF, chance.randrange(len(data))])
        data[at : at + 4] = value.to_bytes(4, "little")
    elif kind < 0.85:
        data[at:at] = bytes(chance.randrange(8))
    elif kind < 0.95:
        del data[at : at + chance.randrange(8)]
    else:
        start = chance.randrange(len(data))
        data[at:at] = data[start : start + chance.randrange(200)]


def _tar(chance: random.Random) -> bytes:
    members = {f"f{at}.pkl": b"member %d " % at * chance.choice([0, 1, 60, 200]) for at in range(3)}
    members["d" * 90 + "/" + "f" * chance.choice([3, 90])] = b"long" * 9
    data = python_tar(members, chance.choice([0, 1, 2]))
    size = [("size", "1024")]
    whole = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "99")]
    sparse = [("GNU.sparse.size", "99"), ("GNU.sparse.map", "0,5,20,4")]
    records = chance.choice([size, whole, sparse, None, None])
    if records:
        data = tar_member("x", pax(*records), type=chance.choice([b"x", b"x", b"g"])) + data
    if chance.random() < 0.2:
        data += python_tar({"g.pkl": b"after"})
    edited = bytearray(data)
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        _edit_header(chance, edited, chance.randrange(len(edited) // 512) * 512)
    return bytes(edited)


def _edit_header(chance: random.Random, data: bytearray, at: int) -> None:
    kind = chance.random()
    if kind < 0.5:
        field, length = chance.choice(
            [(0, 12), (124, 12), (148, 8), (156, 1), (157, 12), (257, 8), (345, 12), (482, 1)]
        )
        value = chance.choice([0, 48, 49, 50, 51, 55, 83, 120, 76, 103, 128, 255])
        data[at + field + chance.randrange(length)] = value
    elif kind < 0.7:
        data[at + 156] = chance.choice(b"0123456789LKSxgXVMND\0")
    elif kind < 0.85:
        words = [b"%011o\0" % chance.randrange(3000), b"0o17", b"1_0", b"", b"-1"]
        sizes = [b"\x80" + bytes(9) + b"\2\1", *(word.ljust(12) for word in words)]
        data[at + 124 : at + 136] = chance.choice(sizes)
    elif kind < 0.93:
        data[at:at] = bytes(512)
    else:
        data[at:at] = data[at : at + 512]
    if chance.random() < 0.8:
        data[at : at + 512] = sealed(data[at : at + 512])


# -- the comparison ----------------------------------------------------------------------------


def _missed(
    readers: Readers, archives: Iterator[bytes], *others: Callable[[bytes], Extracted]
) -> Any:
    extracted = 0
    for number, data in enumerate(archives):
        ours = Ours(readers, data)
        for other in others:
            theirs = other(data) - {b""}
            extracted += len(theirs)
            missing = [] if ours.gap else [found for found in theirs if not ours.has(found)]
            if missing or (theirs and not ours.recognised):
                return number, data, missing
    assert extracted > COUNT // 3  # else the comparison says nothing
    return None


def test_what_zipfile_extracts() -> None:
    chance = random.Random(20)  # noqa: S311  # samples, no secrets
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of duplicates
        assert _missed(ZIP_READERS, (_zip(chance) for _ in range(COUNT)), _by_zipfile) is None


@pytest.mark.skipif(not shutil.which("unzip"), reason="Info-ZIP is not installed")
def test_what_unzip_extracts(tmp_path: Path) -> None:
    chance = random.Random(21)  # noqa: S311  # samples, no secrets
    archives = (_zip(chance) for _ in range(COUNT // 3))  # a process for each
    assert _missed(ZIP_READERS, archives, lambda data: _by_unzip(data, tmp_path / "it")) is None


def test_what_tarfile_extracts() -> None:
    chance = random.Random(22)  # noqa: S311  # samples, no secrets
    assert _missed((TarReader(),), (_tar(chance) for _ in range(COUNT)), _by_tarfile) is None
