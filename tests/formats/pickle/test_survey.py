from __future__ import annotations

import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle import survey
from modelscan.formats.pickle.opcodes import CODES, HOT, STOP
from modelscan.formats.pickle.window import WHOLE, Window, decode
from modelscan.vocabulary.artifact import BytesArtifact
from tests.formats.pickle.test_skip import VALUES


def window(data: bytes) -> Window:
    return Window(BytesArtifact("m", data))


def fetched(data: bytes, *, arrays: bool = False) -> list[int] | None:
    found = survey.fetched(window(data), 0, Budget(), arrays=arrays)
    return found if found is None else list(found)


def by_decoder(data: bytes) -> tuple[int, list[int], set[int], bool]:
    """MEMOIZEs, puts, gets, and whether anything is hot, up to STOP."""
    memoized, puts, gets, hot = 0, list[int](), set[int](), False
    for code, argument, _ in decode(window(data), 0):
        if code == STOP:
            break
        hot |= code in HOT
        memoized += code == CODES["MEMOIZE"]
        for names, add in (
            (("BINPUT", "LONG_BINPUT"), puts.append),
            (("BINGET", "LONG_BINGET"), gets.add),
        ):
            if code in {CODES[name] for name in names}:
                assert isinstance(argument, bytes)
                add(int.from_bytes(argument, "little"))
        for name, add in (("PUT", puts.append), ("GET", gets.add)):
            if code == CODES[name]:
                assert isinstance(argument, bytes)
                add(int(argument))
    return memoized, puts, gets, hot


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 5), st.sampled_from([16, 64, 1 << 14]))
def test_it_sees_what_the_decoder_sees(value: object, protocol: int, size: int) -> None:
    data = pickle.dumps([value, value, {"a": "b" * 300, "c": "b"}], protocol)
    memoized, puts, gets, hot = by_decoder(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survey, "_PIECE", size)
        pieces = list(survey._pieces(window(data), 0, Budget()))
        whole = survey.Stretch(0)
        for piece in pieces:
            whole.take(piece)
        assert (whole.memoized, set(whole.puts)) == (memoized, set(puts))
        assert list(whole.gets) == sorted(gets)
        assert (pieces[-1].end, pieces[-1].stopped) == (len(data) - 1, True)
        assert all(piece.misframed is None for piece in pieces)
        assert any(entry[0] in HOT for piece in pieces for entry in piece.found) == hot
        assert fetched(data) == sorted(gets)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 5), st.data())
def test_damage_ends_in_nothing_but_a_read_error(
    value: object, protocol: int, data: st.DataObject
) -> None:
    damaged = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    survey.fetched(window(bytes(damaged)), 0, Budget())
    survey.inert_stretch(window(bytes(damaged)), 0, Budget(), 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"N", b"\xff", b"g" + b"1" * 30 + b"\n.", b"G\0\0", b"X\xff\0\0\0a."],
)
def test_what_breaks_has_no_fetched_entries(data: bytes) -> None:
    assert fetched(data) is None
    with pytest.raises(ReadError):
        list(survey._pieces(window(data), 0, Budget()))


@pytest.mark.parametrize("protocol", range(6))
def test_behind_arrays_all_that_looks_like_a_fetch_counts(protocol: int) -> None:
    shared = [[number] for number in range(600)]
    data = pickle.dumps([shared, "NumpyArrayWrapper", *shared[::-1]], protocol)
    for gap in range(6):  # bytes in which a decoder would lose its way
        torn = b"j" * gap + data
        found = fetched(torn, arrays=True)
        assert found is not None
        assert by_decoder(data)[2] <= {*found}
        assert len(found) < 1500


def test_fetches_across_the_parts_that_are_looked_at_count() -> None:
    fetch = b"j" + struct.pack("<I", 70_000)
    for before in range(WHOLE - 6, WHOLE + 1):
        data = b"NumpyArrayWrapper".ljust(before, b" ") + fetch + b" " * 9
        found = fetched(data, arrays=True)
        assert found is not None
        assert 70_000 in found


@pytest.mark.parametrize(
    ("puts", "keys"),
    [
        ([5, 6, 7], range(5, 8)),
        ([6, 7], None),
        ([5, 7], None),
        ([5, 5], range(5, 6)),
        ([], range(5, 5)),
    ],
)
def test_entries_count_when_they_are_in_order(puts: list[int], keys: range | None) -> None:
    data = b"N" + b"".join(b"r" + struct.pack("<I", n) for n in puts) + b"."
    stretch = survey.Stretch(0)
    for piece in survey._pieces(window(data), 0, Budget()):
        stretch.take(piece)
    assert stretch.keys(5) == keys


@pytest.mark.parametrize(
    "hot", [b"P" + b"x" * 40_000 + b"\n", b"c" + b"x" * 40_000 + b"\ny\n", b"R", b"\x82\x01"]
)
def test_a_hot_opcode_is_never_missed(hot: bytes) -> None:
    data = b"N0" * 60_000 + hot + b"."
    stretch = survey.inert_stretch(window(data), 0, Budget(), 0)
    assert stretch is not None
    assert stretch.end <= 120_000


def test_frames_are_held_against_their_opcodes() -> None:
    sound = b"\x95" + struct.pack("<Q", 4) + b"N0N0" + b"N."
    cut = b"\x95" + struct.pack("<Q", 3) + b"N0K\x01" + b"."
    inside = b"\x95" + struct.pack("<Q", 30) + b"\x95" + struct.pack("<Q", 0) + b"N."
    wrong = [
        [piece.misframed for piece in survey._pieces(window(data), 0, Budget())]
        for data in (sound, cut, inside)
    ]
    assert not any(each is not None for each in wrong[0])
    assert any(each is not None for each in wrong[1])
    assert any(each is not None for each in wrong[2])
