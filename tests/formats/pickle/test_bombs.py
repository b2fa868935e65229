from __future__ import annotations

import contextlib
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle import bombs, suspicion
from modelscan.formats.pickle.window import Window
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge.pickles import Assembler, reference_bomb
from tests.formats.pickle.test_reader import oddities, read


def duplicated() -> bytes:
    out = Assembler(4).none()
    for _ in range(40):
        out.dup().tuple2()
    return out.stop()


def laughing() -> bytes:
    out = Assembler(4).text("lol").memoize()
    for level in range(12):
        out.empty_list().memoize().mark()
        for _ in range(10):
            out.get(level)
        out.raw(b"e")
    return out.stop()


def written() -> bytes:
    out = Assembler().raw(b"(lp0\n")
    for level in range(40):
        out.raw(b"(lp%d\ng%d\nag%d\na" % (level + 1, level, level))
    return out.stop()


def keyed() -> bytes:
    out = Assembler(2).none().raw(b"r\0\1\0\0")
    for level in range(40):
        key = bytes([level, 1, 0, 0])
        out.pop().empty_dict().raw(b"j", key).number(1).setitem().pop()
        out.raw(b"j", key, b"j", key, b"\x86r", bytes([level + 1, 1, 0, 0]))
    return out.stop()


def fetch(index: int, way: str) -> bytes:
    written = {
        "g": b"g%d\n" % index,
        "0": b"g%060d\n" % index,
        "j": b"j" + struct.pack("<I", index),
    }
    return written.get(way, b"h%c" % index)


KINDS = {
    "list": (b"]\x94(", b"e"), "late": (b"](", b"e\x94"), "set": (b"\x8f\x94(", b"\x90"),
    "tuple": (b"(", b"t\x94"), "frozenset": (b"(", b"\x91\x94"), "old": (b"(", b"l\x94"),
    "again": (b"](", b"e\x85\x94"), "instance": (b"ccollections\nOrderedDict\n)R](", b"eb\x94"),
    "name": (b"](ccollections\nOrderedDict\n", b"e\x94"),
}  # fmt: skip
"""How a container begins and ends, and is remembered."""
PADDED = b"X\x0a\0\0\0qwertyuiop0"


def chained(levels: int, count: int, kind: str, way: str = "h", padding: bytes = b"") -> bytes:
    """Containers that hold the one before them so many times."""
    begin, end = KINDS[kind]
    each = [begin + (fetch(level, way) + padding) * count + end for level in range(levels)]
    return b"\x80\x04]\x94" + b"".join(each) + b"."


SHAPES = [(6, 100), (4, 1000), (40, 2), (28, 3), (14, 8), (12, 12)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_bombs_of_every_shape_are_told(shape: tuple[int, int], kind: str) -> None:
    for way in "hjg0":
        assert oddities(read(chained(*shape, kind, way))) == ["reference-bomb"]
    assert oddities(read(chained(*shape, kind, padding=PADDED))) == ["reference-bomb"]


@pytest.mark.parametrize("kind", ["list", "name"])
def test_a_bomb_of_few_levels_is_told(kind: str) -> None:
    assert oddities(read(chained(3, 100_000, kind))) == ["reference-bomb"]


@pytest.mark.parametrize(
    "before", [b"X\0\x90\1\0" + b"a" * 102_400 + b"0", b"(" + b"K\1" * 50_000 + b"1"]
)
@pytest.mark.parametrize("kind", ["list", "name"])
def test_a_bomb_behind_other_data_is_told(before: bytes, kind: str) -> None:
    data = chained(8, 100, kind)
    assert oddities(read(data[:2] + before + data[2:])) == ["reference-bomb"]


def test_a_bomb_that_mixes_its_ways_to_remember_is_told() -> None:
    levels = b"".join(b"]q%c(" % (n + 1) + fetch(n, "h") * 100 + b"e" for n in range(6))
    assert oddities(read(b"\x80\x04]\x94" + levels + b".")) == ["reference-bomb"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(KINDS)), st.integers(1, 200), st.sampled_from("hjg0"),
            st.sampled_from([b"", PADDED, b"K\1", b"2", b"h\0"]),
        ),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_whatever_stands_for_too_much_is_weighed(steps: list[tuple[str, int, str, bytes]]) -> None:
    """The quick look misses nothing that the weighing would tell."""
    parts = []
    for level, (kind, count, way, padding) in enumerate(steps):
        begin, end = KINDS[kind]
        parts.append(begin + (fetch(level, way) + padding) * count + end)
    data = b"\x80\x04]\x94" + b"".join(parts) + b"."
    heavy = bombs.verdict(Window(BytesArtifact("m.pkl", data)), 0, Budget())
    assert ("reference-bomb" in oddities(read(data))) == bool(heavy)


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_shared_and_holds_nothing_is_no_bomb(
    protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, empty, pair = np.dtype("f4"), (), (1, 2)
    rows = [[kind, empty, pair, "word", f"k{n % 90}"] for n in range(3000)]
    table = np.dtype([("a", "f4"), ("b", "i8")])
    arrays = [np.zeros(2, table) for _ in range(300)]
    monkeypatch.setattr(bombs, "verdict", lambda *_: pytest.fail("it was weighed"))
    for value in (rows, [*rows, ValueError("x")], arrays):
        assert not oddities(read(pickle.dumps(value, protocol)))


BOMBS = {
    "memo": reference_bomb(), "dup": duplicated(), "laughing": laughing(), "written": written(),
    "keyed": keyed(), "broken": reference_bomb()[:-1] + b"00",
    "lists": b"\x80\x04" + b"]" * 30_000 + b"a" * 29_999 + b".",
    "tuples": b"\x80\x04N" + b"\x85" * 30_000 + b".",
    "marks": b"\x80\x04N" + b"(" * 30_000 + b"t" * 30_000 + b".",
    "keys": b"\x80\x04" + b"}K\1" * 30_000 + b"s" * 29_999 + b".",
    "behind-a-name": Assembler(2).global_("collections", "OrderedDict").pop()
    .raw(reference_bomb()[2:-1]).stop(),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_told(name: str) -> None:
    try:
        found = oddities(read(BOMBS[name]))
    except ReadError:  # a broken one without imports says so, too
        assert name == "broken"
    else:
        assert found == ["reference-bomb"]


@pytest.mark.parametrize("protocol", range(6))
def test_data_that_repeats_itself_is_quiet(protocol: int) -> None:
    word, pair = "word", ("x", "x")
    rows = [word] * 2000, [pair, pair] * 500, {f"k{n}": [pair, word, word] for n in range(500)}
    assert not oddities(read(pickle.dumps(rows, protocol)))


@pytest.mark.parametrize(
    "data",
    [
        b"(" * 5000 + b"." * 2,
        b"\x80\x04" + b"h\0h\0" * 50 + b".",
        b"\x80\x04N" + b"".join(b"q%ch%ch%c1" % (n, n, n) for n in range(40)) + b".",
        b"\x80\x04(" + b"".join(b"N\x94h%ch%cb\x93Rs" % (n, n) for n in range(40)) + b".",
    ],
)
def test_what_only_looks_like_a_bomb_is_weighed_in_vain(data: bytes) -> None:
    with contextlib.suppress(ReadError):  # some break
        assert "reference-bomb" not in oddities(read(data))


@pytest.mark.parametrize("number", [b"", b"x", b" ", b"+", b"1 1", b"9" * 50, b"-1", b"1_0"])
@pytest.mark.parametrize("opcode", [b"g", b"p"])
def test_numbers_that_no_pickler_writes_end_nothing(opcode: bytes, number: bytes) -> None:
    each = b"(lp0\n(lp1\n" + b"g0\nag1\na" * 40
    suspicion.split(b"\x80\x00" + each + opcode + number + b"\n" + each + b".")


@pytest.mark.parametrize("before", range(16 << 10, (16 << 10) - 12, -1))
def test_what_stands_across_two_pieces_is_counted(before: int) -> None:
    head = b"\x80\x04" + b"N0" * 9000
    chained = b"".join(b"](h%ch%ce\x94" % (level, level) for level in range(40))
    at = before - 2
    data = head[: at - at % 2] + b"N" * (at % 2) + b"]\x94" + chained + b"."
    assert suspicion.split(data)
