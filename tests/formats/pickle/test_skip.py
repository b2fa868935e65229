from __future__ import annotations

import itertools
import pickle
import pickletools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.pickle import skip
from modelscan.formats.pickle.opcodes import CODES, HOT, INVALID, NAMES, SHAPES, STOP
from modelscan.formats.pickle.skip import skip_inert
from modelscan.formats.pickle.window import Blob, Window, decode
from modelscan.vocabulary.artifact import BytesArtifact

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
    | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=6) | st.tuples(inner, inner)
    | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


def outcome(data: bytes, *, fast: bool) -> tuple[int, bool] | None:
    """Where the run ends; the same whether it is told on the way what is fetched."""
    plainly = skipped(data, fast=fast)
    assert plainly == skipped(data, fast=fast, fetched=[])
    return plainly


def skipped(
    data: bytes, *, fast: bool, fetched: list[bytes] | None = None
) -> tuple[int, bool] | None:
    try:
        window = Window(BytesArtifact("m", data))
        return skip_inert(window, 0, Budget(), fast=fast, fetched=fetched)[:2]
    except ReadError:
        return None


def fetches(data: bytes, *, fast: bool) -> list[bytes]:
    skipped(data, fast=fast, fetched=(fetched := list[bytes]()))
    return fetched


def by_decoder(data: bytes) -> tuple[int, bool] | None:
    try:
        for code, _, at in decode(Window(BytesArtifact("m", data)), 0):
            if code in HOT:
                return at, True
            if code == STOP:
                return at + 1, False
    except ReadError:
        return None
    raise AssertionError


def agrees(decoded: tuple[int, bool] | None, skipped: tuple[int, bool] | None) -> bool:
    """The skipper stops at a hot opcode before it looks whether its argument is complete."""
    return decoded == skipped or (decoded is None and skipped is not None and skipped[1])


def test_the_table_knows_every_opcode() -> None:
    assert {ord(op.code): op.name for op in pickletools.opcodes} == NAMES
    assert len(CODES) == len(NAMES)
    for op in pickletools.opcodes:
        width = op.arg.n if op.arg else 0
        shape = SHAPES[ord(op.code)]
        assert shape == width if width >= 0 else INVALID < shape < 0
    assert sum(shape == INVALID for shape in SHAPES) == 256 - len(NAMES)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 5))
def test_both_ways_agree_with_the_standard_disassembler(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    hot = [at for op, _, at in pickletools.genops(data) if at is not None and ord(op.code) in HOT]
    expected = (hot[0], True) if hot else (len(data), False)
    assert outcome(data, fast=True) == outcome(data, fast=False) == by_decoder(data) == expected


@settings(max_examples=200, deadline=None)
@given(VALUES, st.integers(0, 5), st.integers(1, 40))
def test_what_is_fetched_is_told(value: object, protocol: int, times: int) -> None:
    shared = [value]
    data = pickle.dumps([[shared, n, shared, 0.5, value, shared] for n in range(times)], protocol)
    ops = [(op.name, at) for op, _, at in pickletools.genops(data)]
    expected = []
    for (name, at), (_, end) in itertools.pairwise(ops):
        if CODES[name] in HOT:
            break
        if name in ("GET", "BINGET", "LONG_BINGET"):
            expected.append(data[at:end])
    assert fetches(data, fast=True) == fetches(data, fast=False) == expected


def test_what_is_fetched_is_told_across_pieces_windows_and_frames() -> None:
    shared = [[n] for n in range(300)]
    for protocol in (0, 2, 4):
        data = pickle.dumps([*shared, [shared] * 5000, "x" * 70_000, [*shared] * 200], protocol)
        both = [fetches(data, fast=fast) for fast in (True, False)]
        known = sum(
            op.name in ("GET", "BINGET", "LONG_BINGET") for op, _, _ in pickletools.genops(data)
        )
        assert len(both[1]) == known
        assert both[0] == both[1][: len(both[0])]
        assert sum(map(len, both[0])) > skip.LOOK // 4


@settings(max_examples=300, deadline=None)
@given(VALUES, st.integers(0, 5), st.data())
def test_both_ways_agree_on_damage(value: object, protocol: int, data: st.DataObject) -> None:
    damaged = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    assert outcome(cut, fast=True) == outcome(cut, fast=False)
    assert fetches(cut, fast=True) == fetches(cut, fast=False)
    assert agrees(by_decoder(cut), outcome(cut, fast=True))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(sorted(NAMES)) | st.integers(0, 255), max_size=60))
def test_both_ways_agree_on_any_bytes(codes: list[int]) -> None:
    data = bytes(codes)
    assert outcome(data, fast=True) == outcome(data, fast=False)
    assert fetches(data, fast=True) == fetches(data, fast=False)
    assert agrees(by_decoder(data), outcome(data, fast=True))


@pytest.mark.parametrize("fast", [True, False])
def test_windows_change_nothing(fast: bool) -> None:
    pieces = ["x" * n for n in range(0, 3000, 7)] * 3 + ["y" * 2_000_000, b"z" * 3_000_000]
    for protocol in (0, 2, 4):
        data = pickle.dumps([pieces, list(range(300_000))], protocol)
        hot = next((a for o, _, a in pickletools.genops(data) if a and ord(o.code) in HOT), None)
        expected = (len(data), False) if hot is None else (hot, True)
        assert outcome(data, fast=fast) == expected


def test_long_literals_are_not_copied() -> None:
    data = pickle.dumps(b"z" * 3_000_000, 4)
    arguments = [
        a
        for _, (_, a, _) in zip(range(4), decode(Window(BytesArtifact("m", data)), 0), strict=False)
    ]
    assert Blob(len(data) - 3_000_000 - 2, 3_000_000) in arguments


LENGTHS = st.sampled_from([0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 300, 5000])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LENGTHS, st.booleans()), max_size=12), st.integers(0, 5), st.data())
def test_rows_of_texts_agree_as_well(
    lengths: list[tuple[int, bool]], protocol: int, data: st.DataObject
) -> None:
    """Texts and bytes in rows, whole, damaged and cut, with numbers and other things between."""
    texts = [f"{n}".ljust(n, "z") if text else b"y" * n for n, text in lengths]
    value = [texts, dict.fromkeys(map(str, texts), 7), [(text, 1, 300, 70_000) for text in texts]]
    whole = pickle.dumps(value, protocol)
    assert outcome(whole, fast=True) == outcome(whole, fast=False) is not None
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(bytes(damaged), fast=True) == outcome(bytes(damaged), fast=False)


@pytest.mark.parametrize("length", [40, 100, 300, 70_000])
def test_rows_of_texts_reach_across_windows_and_frames(length: int) -> None:
    texts = [f"{n}".ljust(length, "x") for n in range(3_000_000 // length)]
    for protocol in (2, 4):
        data = pickle.dumps([texts, dict.fromkeys(texts, 9), 5], protocol)
        assert outcome(data, fast=True) == outcome(data, fast=False) == (len(data), False)


@pytest.mark.parametrize("length", [0, 15, 16, 63, 64, 127, 128, 255, 256, 4000])
def test_a_text_that_the_end_cuts(length: int) -> None:
    whole = pickle.dumps(["x" * length, 5], 4)
    for cut in range(2, len(whole)):
        assert outcome(whole[:cut], fast=True) == outcome(whole[:cut], fast=False) is None


def test_where_possessive_groups_go_wrong_the_runs_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelscan.formats.repeated.sound", lambda: False)
    monkeypatch.setattr(skip, "_expression", skip._expression.__wrapped__)
    for fetching in (True, False):
        assert b"(?>" in skip._expression(fetching=fetching).pattern
    for value in (list(range(90_000)), [{"k": n, "v": "x" * n} for n in range(300)]):
        data = pickle.dumps([value, print], 4)
        assert outcome(data, fast=True) == outcome(data, fast=False) is not None
        assert fetches(data, fast=True) == fetches(data, fast=False)
