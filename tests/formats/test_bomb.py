"""Bombs: bounded in memory and in work, and never a pass."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan import api
from modelscan.budget import Limits
from tests.forge import archives as forge
from tests.forge import sevenzip
from tests.forge.archives import INERT_PICKLE, TAR_END, Zip, python_zip, tar_member

SIZE = 72 << 20
"""Bytes that a bomb inflates to: more than any ratio is allowed for."""
STRICT = Limits(members=10_000, ratio=100, ratio_floor=4 << 20)
"""The same limits, reached sooner."""
ROOM = 64 << 20
"""Bytes of memory that a folder of bombs may cost."""


def _zeros(size: int) -> bytes:
    """That many zeros as gzip, made in little memory."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def _nested_zip(levels: int, each: int) -> bytes:
    """Like the well-known 42.zip: archives of archives, and a bomb in each leaf."""
    data = python_zip({"leaf": bytes(SIZE)})
    for level in range(levels):
        data = python_zip({f"{level}-{number}.zip": data for number in range(each)})
    return data


def _nested_gzip(times: int) -> bytes:
    data = _zeros(SIZE)
    for _ in range(times):
        data = gzip.compress(data)
    return data


def _giant_sparse_member() -> bytes:
    records = forge.pax(
        ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(1 << 40))
    )
    data = b"1\n0\n9\n".ljust(512, b"\0") + b"\x80\x02cposix\n"
    return tar_member("x", records, type=b"x") + tar_member("m.pkl", data) + TAR_END


def _giant_stored_member() -> bytes:
    extra = struct.pack("<2H2Q", 1, 16, 1 << 50, 1 << 50)
    full = 0xFFFFFFFF
    return Zip().member("a.pkl", INERT_PICKLE, size=full, packed=full, extra=extra).build()


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros.gz": lambda: _zeros(SIZE),
    "zeros.bz2": lambda: bz2.compress(bytes(SIZE)) * 4,
    "zeros.xz": lambda: lzma.compress(bytes(SIZE)) * 4,
    "zeros.zlib": lambda: zlib.compress(bytes(SIZE)) * 4,
    "nested.gz": lambda: _nested_gzip(4),
    "deep.gz": lambda: _nested_gzip(12),
    "zeros.zip": lambda: python_zip({"a.pkl": bytes(SIZE)}),
    "zeros.7z": lambda: sevenzip.seven_zip(sevenzip.Group({"a.pkl": bytes(SIZE)})),
    "nested.zip": lambda: _nested_zip(2, 6),
    "overlapping.zip": lambda: forge.overlapping_zip(bytes(21 << 20), 3000),
    "sparse.tar": _giant_sparse_member,
    "stored.zip": _giant_stored_member,
    "marks.zip": lambda: b"PK\3\4" * 500_000,
    "ends.zip": lambda: b"PK\3\4" + b"PK\5\6" * 500_000,
    "hidden.zip": lambda: bytes(Zip().member("e", b"x", listed=False).body) * 30_000,
    "streams.gz": lambda: gzip.compress(b"") * 10_001,
    "dictionary.joblib": lambda: b"\x5d" + struct.pack("<IQ", 1 << 31, (1 << 64) - 1) + bytes(40),
}
"""File names and what makes the files."""

_MEASURE = """
import json, pathlib, sys
from modelscan import api

def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10

api.scan(sys.argv[1])
before = peak()
report = api.scan(sys.argv[2])
print(json.dumps([peak() - before, report.decision.exit_code]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bombs")
    for name, make in BOMBS.items():
        (made / name).write_bytes(make())
    return made


@pytest.mark.parametrize("name", BOMBS)
def test_never_passes(folder: Path, name: str) -> None:
    assert api.scan(folder / name, limits=STRICT).decision.exit_code in {1, 3}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no such measure here")
def test_memory_is_bounded(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(INERT_PICKLE)
    (tmp_path / "a.zip").write_bytes(python_zip({"a.pkl": INERT_PICKLE}))
    command = [sys.executable, "-c", _MEASURE, str(tmp_path), str(folder)]
    root = Path(api.__file__).parents[2]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=root)
    grown, code = json.loads(made.stdout)
    assert code in {1, 3}
    assert grown < ROOM


def test_a_bomb_is_given_up(folder: Path) -> None:
    (report,) = api.scan(folder / "nested.zip", limits=STRICT).models
    assert "given up" in report.coverage[-1].reason
    assert len(report.coverage) < 100
