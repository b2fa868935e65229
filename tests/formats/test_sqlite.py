"""SQLite databases: whatever a shelf or a store keeps in them is read."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.reader import Glimpse
from modelscan.formats.sqlite import SqliteReader
from modelscan.vocabulary.artifact import BytesArtifact, StreamArtifact, stream
from tests.forge import pickles
from tests.forge.reading import fails, gaps, quiet

PAYLOAD = pickles.call("os", "system", "echo hi").stop()
SHELF = "CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)"
"""What `dbm.sqlite3` makes."""


def database(folder: Path, values: Iterable[object], table: str = SHELF, page: int = 4096) -> bytes:
    path = folder / "it.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page}")
        connection.execute(table)
        rows = [(b"%d" % number, value) for number, value in enumerate(values)]
        connection.executemany("INSERT INTO Dict VALUES (?, ?)", rows)
        connection.commit()
    return path.read_bytes()


def members(data: bytes) -> list[bytes]:
    reader, artifact = SqliteReader(), BytesArtifact("it.db", data)
    assert reader.recognises(Glimpse(artifact))
    found = reader.read(artifact, Budget())
    return [b"".join(stream(i)) for i in found if isinstance(i, BytesArtifact | StreamArtifact)]


@pytest.mark.parametrize("page", [512, 4096, 65536])
@pytest.mark.parametrize("table", [SHELF, SHELF.replace("UNIQUE", "PRIMARY KEY") + "WITHOUT ROWID"])
def test_every_value_of_bytes_is_yielded(tmp_path: Path, page: int, table: str) -> None:
    sizes = [4, 35, 400, 461, 477, 478, 3000, 4061, 4062, 70_000, 1_500_000]
    values = [bytes([number]) * size for number, size in enumerate(sizes)]
    values += [b"row %05d" % number for number in range(3000)]
    data = database(tmp_path, [*values, "a text", 7, 1.5, b"ab"], table, page)
    found = members(data)
    assert all(value in found for value in values)
    assert set(found) <= {*values, *(b"%d" % number for number in range(10_000))}


def test_an_honest_shelf_is_quiet(tmp_path: Path) -> None:
    values = [pickle.dumps({"a": [1.5] * 900}), pickle.dumps("x"), b"\x80", b"junk of any kind"]
    assert quiet(database(tmp_path, values), "shelf.db")


@pytest.mark.parametrize("before", [0, 9_000, 100_000])
def test_a_payload_fails(tmp_path: Path, before: int) -> None:
    hidden = b"\x80\x04\x8e" + before.to_bytes(8, "little") + bytes(before) + b"0" + PAYLOAD[2:]
    data = database(tmp_path, [pickle.dumps(1), hidden])
    assert fails(data, "shelf.db") == ["pickle-dangerous-call"]


@pytest.mark.parametrize(
    ("at", "patch"),
    [(16, b"\0\x07"), (4096, b"\xff"), (4096 + 8, b"\xff\xff"), (100, b"\0"), (20, b"\xff")],
)
def test_damage_is_a_gap(tmp_path: Path, at: int, patch: bytes) -> None:
    data = bytearray(database(tmp_path, [bytes(9000)] * 40))
    data[at : at + len(patch)] = patch
    assert gaps(bytes(data), "shelf.db")
    assert gaps(bytes(data[:6000]), "shelf.db")


def test_rows_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    data = bytearray(database(tmp_path, [bytes(3000)] * 4, "CREATE TABLE Dict (a, value)"))
    leaf = next(at for at in range(4096, len(data), 4096) if data[at] == 13)
    data[leaf + 3 : leaf + 5] = (500).to_bytes(2, "big")
    place = bytes(data[leaf + 8 : leaf + 10])
    data[leaf + 8 : leaf + 1008] = place * 500
    assert gaps(bytes(data), "shelf.db") == ["rows are longer than the file"]


@pytest.mark.parametrize(
    "head",
    [b"\x37\x7f\x06\x82", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", b"\xcf\x9a\x57\x13",
     bytes(12) + b"\x61\x15\x06\x00"],
)  # fmt: skip
def test_other_databases_are_gaps(head: bytes) -> None:
    assert gaps(head + bytes(600), "shelf.db")


@given(st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), max_size=8))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_ends(tmp_path: Path, edits: list[tuple[float, bytes]]) -> None:
    file = tmp_path / "whole"
    if not file.exists():
        values = [bytes(9000), *(bytes(20),) * 300]
        file.write_bytes(database(tmp_path, values, page=512))
    data = bytearray(file.read_bytes())
    for where, patch in edits:
        at = 16 + int(where * 3000)
        data[at : at + len(patch)] = patch
    with suppress(ReadError):
        members(bytes(data))
