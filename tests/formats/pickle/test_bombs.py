from __future__ import annotations

import pickle

import pytest

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


BOMBS = {
    "memo": reference_bomb(), "dup": duplicated(), "laughing": laughing(), "written": written(),
    "keyed": keyed(), "broken": reference_bomb()[:-1] + b"00",
    "lists": b"\x80\x04" + b"]" * 30_000 + b"a" * 29_999 + b".",
    "tuples": b"\x80\x04N" + b"\x85" * 30_000 + b".",
    "behind-a-name": Assembler(2).global_("collections", "OrderedDict").pop()
    .raw(reference_bomb()[2:-1]).stop(),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_told(name: str) -> None:
    try:
        found = oddities(read(BOMBS[name]))
    except Exception:  # noqa: BLE001  # a broken one without imports says so, too
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
    try:
        found = oddities(read(data))
    except Exception:  # noqa: BLE001  # they break, one way or the other
        return
    assert "reference-bomb" not in found
