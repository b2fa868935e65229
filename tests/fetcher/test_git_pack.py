from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.errors import BudgetError, ReadError
from modelscan.fetcher.git_objects import AlteredError
from modelscan.fetcher.git_pack import PackLimits, read_pack
from modelscan.fetcher.git_protocol import ProtocolError, _pack, packet, packets
from modelscan.vocabulary.snapshot import GitObject
from tests.forge import git

BASE = b"0123456789" * 10
OTHER = b"ab" + BASE[10:60] + b"end"


def _id(data: bytes) -> str:
    return git.object_id("blob", data)


def _change() -> bytes:
    return git.delta(BASE, b"ab", (10, 50), b"end")


def test_whole_objects() -> None:
    found = read_pack(git.pack_of([("blob", BASE), ("tree", b""), ("commit", b"c"), ("tag", b"t")]))
    assert found[_id(BASE)] == GitObject("blob", BASE)
    assert len(found) == 4


def test_changes_by_offset_and_by_id_in_any_order() -> None:
    base = git.whole("blob", BASE)
    found = read_pack(git.pack([base, git.by_offset(len(base), _change())]))
    assert found[_id(OTHER)].data == OTHER
    twice = git.by_id(_id(OTHER), git.delta(OTHER, (0, 2)))
    found = read_pack(git.pack([twice, git.by_id(_id(BASE), _change()), base]))
    assert {_id(BASE), _id(OTHER), _id(b"ab")} == found.keys()


def test_a_change_far_behind_its_base() -> None:
    base, filler = git.whole("blob", BASE), git.whole("blob", bytes(range(256)) * 900)
    noise = git.header(3, 40_000) + zlib.compress(bytes(range(250)) * 160, 0)
    items = [base, noise, filler]
    found = read_pack(git.pack([*items, git.by_offset(sum(map(len, items)), _change())]))
    assert _id(OTHER) in found


@pytest.mark.parametrize(
    "items",
    [
        [git.by_id("1" * 40, _change())],
        [git.by_offset(5, _change())],
        [git.by_offset(1 << 40, _change())],
        [git.whole("blob", BASE), git.by_id(_id(BASE), git.delta(BASE + b"x", (0, 5)))],
        [git.whole("blob", BASE), git.by_id(_id(BASE), git.delta(BASE, (90, 50)))],
        [git.whole("blob", BASE), git.by_id(_id(BASE), git.number(100) + git.number(5) + b"\0")],
        [
            git.whole("blob", BASE),
            git.by_id(_id(BASE), git.number(100) + git.number(5) + b"\x05ab"),
        ],
        [
            git.whole("blob", BASE),
            git.by_id(_id(BASE), git.number(100) + git.number(9) + b"\x02ab"),
        ],
        [
            git.whole("blob", BASE),
            git.by_id(_id(BASE), git.number(100) + git.number(1) + b"\x02ab"),
        ],
        [git.whole("blob", BASE), git.by_id(_id(BASE), b"\xff" * 12)],
        [git.header(3, 5) + zlib.compress(b"longer than five")],
        [git.header(3, 50) + zlib.compress(b"shorter")],
        [git.header(3, 5) + b"not zlib"],
        [git.header(0, 5) + zlib.compress(b"12345")],
        [b"\xb0" + b"\xff" * 12],
        [b"\xb0"],
    ],
)
def test_what_does_not_fit_is_altered(items: list[bytes]) -> None:
    with pytest.raises(AlteredError):
        read_pack(git.pack(items))


@pytest.mark.parametrize("pack", [b"", git.pack([], version=3), git.pack([])[:-1] + b"?"])
def test_no_pack(pack: bytes) -> None:
    with pytest.raises(AlteredError):
        read_pack(pack)


def test_limits() -> None:
    pack = git.pack_of([("blob", BASE), ("blob", b"x")])
    for limits in (PackLimits(objects=1), PackLimits(object_bytes=99), PackLimits(total_bytes=100)):
        with pytest.raises(BudgetError):
            read_pack(pack, limits)
    chain, last = [git.whole("blob", BASE)], BASE
    for number in range(5):
        change = git.delta(last, (0, len(last)), bytes([number + 1]))
        chain.insert(0, git.by_id(_id(last), change))
        last += bytes([number + 1])
    assert _id(last) in read_pack(git.pack(chain))
    with pytest.raises(BudgetError, match="out of order"):
        read_pack(git.pack(chain), PackLimits(passes=3))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_bytes_end_in_objects_or_a_read_error(data: st.DataObject) -> None:
    base = git.whole("blob", BASE)
    items = base + git.by_offset(len(base), _change()) + git.by_id(_id(BASE), _change())
    at = data.draw(st.integers(0, len(items) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=8))
    try:
        found = read_pack(git.pack([items[:at] + noise + items[at + len(noise) :]], count=3))
    except ReadError:
        return
    assert all(git.object_id(each.kind, each.data) == oid for oid, each in found.items())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80))
def test_any_answer_ends_in_lines_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(b"".join(_pack(data)), bytes)


def test_lines() -> None:
    assert packet("done") == b"0009done\n"
    assert list(packets(b"0009done\n0000000100020004")) == [b"done\n", None, None, None, b""]
    for broken in (b"0003", b"zzzz", b"0x10", b"00ffx", b"000"):
        with pytest.raises(ProtocolError):
            list(packets(broken))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([b"packfile\n", b"\3quota\n"], "refuses: quota"),
        ([b"packfile\n", b"\7x"], "band"),
        ([b"acknowledgments\n"], "without a pack"),
        ([b"ERR no\n"], "refuses: no"),
    ],
)
def test_refusals(lines: list[bytes], says: str) -> None:
    data = b"".join(f"{len(each) + 4:04x}".encode() + each for each in lines)
    with pytest.raises(ProtocolError, match=says):
        list(_pack(data))
