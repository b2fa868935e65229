"""Shelves: a file of pickles, each in a block of its own, with what older values left between."""

from __future__ import annotations

import pickle
import shelve
from pathlib import Path
from typing import Any

import pytest

from modelscan.api import scan
from tests.forge import pickles
from tests.forge.reading import fails, found, quiet

PAYLOAD = pickles.call("os", "system", "echo hi").stop()
PLAIN = pickle.dumps({"a": [1.5] * 90})


def block(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def test_what_python_writes_is_quiet(tmp_path: Path) -> None:
    dumb = pytest.importorskip("dbm.dumb")
    shelf: shelve.Shelf[Any] = shelve.Shelf(dumb.open(str(tmp_path / "shelf"), "n"))
    with shelf:
        shelf["weights"] = [0.5] * 500
        shelf["labels"] = {"cat": 1}
        shelf["weights"] = "short"  # the rest of the old value stays
        shelf["more"] = [1] * 3
    data = (tmp_path / "shelf.dat").read_bytes()
    assert quiet(data, "shelf.dat")
    assert scan(tmp_path, jobs=1).decision.exit_code == 0


@pytest.mark.parametrize(
    "data",
    [
        block(PLAIN) + PAYLOAD,
        block(PLAIN) + block(PLAIN) + block(PAYLOAD) + PLAIN,
        block(pickle.dumps(1) + PLAIN[30:]) + block(b"") + PAYLOAD,
    ],
)
def test_every_value_is_read(data: bytes) -> None:
    assert fails(data, "shelf.dat") == ["pickle-dangerous-call"]


def test_a_pickle_behind_padding_is_read_in_any_file() -> None:
    assert fails(PLAIN + bytes(99) + PAYLOAD, "model.pkl") == ["pickle-dangerous-call"]
    assert quiet(PLAIN + bytes(99) + PLAIN, "model.pkl")


def test_blocks_mean_nothing_elsewhere() -> None:
    data = block(pickle.dumps(1) + b"\xffhidden") + PLAIN
    assert "pickle-trailing-data" in found(data, "model.pkl")
    assert quiet(data, "shelf.dat")


def test_a_value_inside_another_is_read() -> None:
    hidden = pickles.Assembler(4).binary(bytes(505) + PAYLOAD).stop()
    assert hidden[512:].startswith(PAYLOAD)
    assert fails(hidden, "shelf.dat") == ["pickle-dangerous-call"]
    assert quiet(hidden, "model.pkl")


@pytest.mark.parametrize("name", ["shelf.dir", "shelf.bak"])
def test_an_index_points_to_blocks(name: str) -> None:
    assert quiet(b"'weights', (0, 700)\n'labels', (1024, 30)\n", name)
    assert quiet(b"'it\\'s', (512, 3)", name)
    assert fails(b"'weights', (0, 700)\n'labels', (1030, 30)\n", name) == ["pickle-misplaced-value"]


def test_an_index_that_breaks_is_incomplete(tmp_path: Path) -> None:
    for text in (b"'a', (0, 7)\nb = 1\n", b"'a', (0, 7)\n" + b"x" * (2 << 20)):
        file = tmp_path / "shelf.dir"
        file.write_bytes(text)
        assert scan(file, jobs=1).decision.exit_code == 3
