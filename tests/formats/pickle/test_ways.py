"""The quicker ways to follow a pickle say what the thorough one says, and cost little."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle import machine
from modelscan.formats.pickle.follow import follow as follow_opcodes
from modelscan.formats.pickle.ledger import Ledger
from modelscan.formats.pickle.machine import Machine
from modelscan.formats.pickle.skip import skip_inert
from modelscan.formats.pickle.state import State
from modelscan.formats.pickle.window import Window
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import Fact, PickleCall, PickleImport, PickleOddity
from modelscan.vocabulary.lists import PickleGlobals
from tests.forge import pickles as forge
from tests.formats.pickle.test_reader import NAMES, calls, oddities, read

ROWS = [
    {"id": n, "name": f"row {n}", "tags": ["a", n % 7, None], "span": (n, n + 1), "sub": {"b": n}}
    for n in range(12_000)
]
"""Some 600 KB of plain data."""
OBJECTS = {
    "at-the-end": [ROWS, collections.OrderedDict(a=1)],
    "at-the-start": [collections.OrderedDict(a=1), ROWS],
    "around": collections.OrderedDict(rows=ROWS),
    "again-and-again": [ROWS[:4000], collections.OrderedDict(a=1)] * 2
    + [ROWS[4000:], collections.OrderedDict(b=2), collections.Counter("aab")],
    "counter": collections.Counter({f"w{n}": n for n in range(60_000)}),
    "state": argparse.Namespace(rows=ROWS, kind=int),
    "dates": [dt.timedelta(n) for n in range(30_000)],
    "defaults": collections.defaultdict(list, rows=ROWS),
}


def follow(data: bytes, *, lean: bool, names: PickleGlobals = NAMES) -> list[Fact]:
    artifact, budget = BytesArtifact("m", data), Budget()
    ledger = Ledger(artifact, names, budget)
    window = Window(artifact)
    run = skip_inert(window, 0, budget, fast=True)
    end = Machine(window, ledger, budget, lean=lean).run(0, run)
    assert end == len(data)
    ledger.end_stream(0, 0)
    return [item for item in ledger.drain() if isinstance(item, Fact)]


def said(facts: list[Fact]) -> set[tuple[str, ...]]:
    """What matters of the facts: not how arguments are abbreviated."""
    return {
        *((f.callable, f.disposition) for f in facts if isinstance(f, PickleCall)),
        *((f.callable, str(f.called)) for f in facts if isinstance(f, PickleImport)),
        *((f.kind, f.detail) for f in facts if isinstance(f, PickleOddity)),
    }


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", OBJECTS)
def test_all_ways_agree_on_large_objects(name: str, protocol: int) -> None:
    data = pickle.dumps(OBJECTS[name], protocol)
    quick, thorough = follow(data, lean=True), follow(data, lean=False)
    assert said(quick) == said(thorough)
    assert not [f for f in quick if isinstance(f, PickleOddity)]


PLAIN = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | st.binary(max_size=9) | st.floats()
    | st.sampled_from([int, range(3), dt.timedelta(2), collections.Counter("ab")]),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner, inner)
    | st.dictionaries(st.text(max_size=4), inner, max_size=9)
    | st.builds(collections.OrderedDict, st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PLAIN, st.integers(0, 5))
def test_all_ways_agree_on_any_object(value: object, protocol: int) -> None:
    data = pickle.dumps([value, collections.OrderedDict(a=1)], protocol)
    assert said(follow(data, lean=True)) == said(follow(data, lean=False))


@pytest.mark.parametrize("way", ["lean", "thorough"])
def test_a_full_memo_keeps_what_is_fetched_again(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CROWDED", 50)
    monkeypatch.setattr(machine, "_LARGE", 100)
    monkeypatch.setattr(machine, "_BATCH", 64)
    shared = [dt.timedelta(1)]
    data = pickle.dumps([[shared, dt.timedelta(n), str(n)] for n in range(3000)], 4)
    assert said(follow(data, lean=way == "lean")) == {
        ("datetime.timedelta", "inert"),
        ("datetime.timedelta", "True"),
    }


@pytest.mark.parametrize("name", ["add", "append"])
def test_an_item_named_like_a_hook_is_only_an_item(name: str) -> None:
    layers = collections.OrderedDict([(name, int), ("b", collections.OrderedDict())])
    assert not oddities(read(pickle.dumps(layers, 4)))


def wrapped(name: bytes) -> bytes:
    """An array of joblib's in which a plain loader would see STOP; what is before is fetched later.

    Args:
        name: the last opcodes of how the class of the wrapper is imported.
    """
    out = forge.Assembler(4).short_text("joblib.numpy_pickle").raw(name, b"\x93").memoize()
    out.empty_tuple().newobj().empty_dict().mark().short_text("shape").number(1).tuple1()
    out.short_text("dtype").stack_global("numpy", "dtype").short_text("f8").false().true()
    out.raw(b"\x87").reduce().setitems().build().raw(b"\x94N.\0\0\0\0\0")
    out.stack_global("acme", "f").get(0).raw(b"0").empty_tuple().reduce()
    return out.stop()


@pytest.mark.parametrize("lean", [True, False])
def test_what_is_fetched_behind_an_array_is_kept(
    lean: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "_LARGE", 8)
    monkeypatch.setattr(machine, "_CROWDED", 0)
    monkeypatch.setattr(machine, "_BATCH", 4)
    items = follow(wrapped(b"\x8c\x11NumpyArrayWrapper"), lean=lean)
    assert [call.callable for call in calls([*items], "unknown")] == ["acme.f"]


def test_a_value_that_was_let_go_is_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LARGE", 8)
    with pytest.raises(BudgetError):
        read(wrapped(b"VNumpyArrayWr\\u0061pper\n"))


@pytest.mark.parametrize("before", [b"cacme\nf\n0", b""])
def test_entries_out_of_order_are_followed_in_large_pickles(before: bytes) -> None:
    padding = b"(" + b"J\x01\x02\x03\x04" * 250_000 + b"t0"
    names = b"X\x02\x00\x00\x00osq\x090X\x06\x00\x00\x00systemq\x050h\x09h\x05\x93"
    items = read(b"\x80\x04" + before + padding + names + b"X\x01\x00\x00\x00x\x85R.")
    assert [call.callable for call in calls(items, "denied")] == ["os.system"]


@pytest.mark.parametrize("limit", [30_000, 60_000])
def test_counters_in_a_dictionary_need_no_room_for_all(limit: int) -> None:
    table = collections.defaultdict[str, collections.Counter[str]](collections.Counter)
    for number in range(20_000):
        table[str(number // 3)][str(number)] += 1
    assert not oddities(read(pickle.dumps(table, 4), Limits(values=limit)))


def test_values_that_were_dropped_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_WORTH_IT", 1 << 40)
    out = forge.Assembler(2).global_("collections", "OrderedDict").empty_tuple().reduce()
    assert not oddities(read(out.raw(b"K\x01\x85\x850" * 50_000).stop(), Limits(values=20_000)))
    out = forge.Assembler(2).global_("acme", "f").empty_tuple().reduce()
    items = read(out.raw(b"](K\x01]K\x02e0" * 50_000).stop(), Limits(values=20_000))
    assert len(calls(items, "unknown")) == 1


def test_300_000_objects_stay_within_the_budget() -> None:
    rows = [{"a": n, "b": [n]} for n in range(300_000)]
    items = read(pickle.dumps([rows, collections.OrderedDict(a=1)], 4))
    assert [i.callable for i in items if isinstance(i, PickleCall)] == ["collections.OrderedDict"]


def test_many_values_of_an_unknown_class_reach_the_budget() -> None:
    out = forge.Assembler(4).stack_global("acme", "f").raw(b"(" + b"]" * 30_000)
    with pytest.raises(BudgetError):
        read(out.broken(), Limits(values=3000))


PADDING = b"(" + b"K\x01K\x02" * 60_000 + b"l"


def padded(before: forge.Assembler, after: bytes) -> bytes:
    """A stretch of plain data between an opcode and what uses it."""
    return before.raw(PADDING, after).stop()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        # the class that a state is set on lies below the stretch
        (padded(forge.Assembler(2).global_("collections", "OrderedDict"), b"0}b"),
         "overwritten-state"),
        # ... and is fetched by it
        (padded(forge.Assembler(2).global_("collections", "OrderedDict").put(0).pop(),
                b"0h\0" + b"}(" + b"K\x01K\x02" * 60_000 + b"ub"), "overwritten-state"),
        # an attribute that the unpickler calls is set in it
        (forge.Assembler(2).global_("collections", "OrderedDict").put(0).pop()
         .global_("argparse", "Namespace").empty_tuple().newobj().empty_dict()
         .text("append").get(0).setitem().text("x").raw(PADDING).setitem().build()
         .number(1).raw(b"a").stop(), "overwritten-state"),
        # a name is put together behind it from what it holds
        (forge.Assembler(4).stack_global("collections", "OrderedDict").empty_tuple().reduce()
         .mark().short_text("os").put(9).raw(b"K\x01" * 60_000).get(9).raw(PADDING)
         .raw(b"0").short_text("system").raw(b"\x93").stop(), None),
        # its items are handed to a function that would call them
        (padded(forge.Assembler(2).global_("collections", "defaultdict").global_("acme", "f"),
                b"0\x85R"), "callable-argument"),
    ],
)  # fmt: skip
def test_nothing_hides_behind_a_stretch(data: bytes, kind: str | None) -> None:
    items = read(data)
    if kind is None:
        assert "os.system" in {i.callable for i in items if isinstance(i, PickleImport)}
    else:
        assert oddities(items) == [kind]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # text that is turned into another, and was written before the stretch
        (padded(forge.Assembler(2).global_("_codecs", "encode").text("bf"),
                b"0X\5\0\0\0rot13\x86R"), ["_codecs.encode"]),
        # the first item above a mark is the function
        (padded(forge.Assembler(2).mark().global_("os", "system"), b"0X\4\0\0\0echoo"),
         ["os.system"]),
        # an id for the loader
        (padded(forge.Assembler(2).global_("collections", "OrderedDict").text("x"), b"0Q"),
         ["persistent-id"]),
        # an attribute that the unpickler calls, set where the instance is out of sight
        (padded(forge.Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
                .global_("collections", "OrderedDict").put(0).pop(),
                b"0}X\6\0\0\0appendh\0sbK\1a"), ["overwritten-state"]),
        (padded(forge.Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
                .global_("collections", "OrderedDict").put(0).pop().empty_dict(),
                b"0X\6\0\0\0appendh\0sbK\1a"), ["overwritten-state"]),
        # a frame ends in the middle of an opcode
        (padded(forge.Assembler(4).raw(b"\x95", (200_001).to_bytes(8, "little"))
                .global_("collections", "OrderedDict"), b"0"), ["frame-mismatch"]),
    ],
)  # fmt: skip
def test_what_is_needed_from_a_stretch_is_looked_up(data: bytes, expected: list[str]) -> None:
    items = read(data)
    bad = [call.callable for call in (*calls(items), *calls(items, "unknown"))]
    assert bad + oddities(items) == expected


@pytest.mark.parametrize("function", ["os.system", "acme.f", "collections.Counter"])
def test_a_function_below_a_stretch_is_found(function: str) -> None:
    module, _, name = function.rpartition(".")
    items = read(padded(forge.Assembler(2).global_(module, name), b"\x85R"))
    assert [i.callable for i in items if isinstance(i, PickleCall)] == [function]


def test_which_of_two_listed_functions_is_called_makes_no_difference() -> None:
    out = forge.Assembler(2).global_("collections", "Counter").global_("collections", "deque")
    imports = [i for i in read(padded(out, b"\x85R")) if isinstance(i, PickleImport)]
    assert {i.called for i in imports} == {True}


def test_an_array_behind_a_stretch_is_stepped_over() -> None:
    out = forge.Assembler(2).global_("joblib.numpy_pickle", "NumpyArrayWrapper").empty_tuple()
    out.newobj().empty_dict().mark().text("pad").raw(PADDING).text("shape").number(2).tuple1()
    out.text("dtype").global_("numpy", "dtype").text("f8").false().true().raw(b"\x87").reduce()
    assert not oddities(read(out.setitems().build().raw(b"cos\nsystem\n.....").stop()))


def test_a_broken_stretch_is_found_where_it_breaks() -> None:
    out = forge.Assembler(2).global_("collections", "OrderedDict").raw(PADDING + b"\xff")
    items = read(out.broken())
    assert oddities(items) == ["broken-stream"]
    [odd] = [i for i in items if isinstance(i, PickleOddity)]
    assert odd.location.offset == len(out.broken()) - 1


def test_an_unfollowable_pickle_is_a_read_error() -> None:
    artifact, budget = BytesArtifact("m", b"\x80\x02N."), Budget()
    run = Machine(Window(artifact), Ledger(artifact, NAMES, budget), budget)
    run._ways = ()
    with pytest.raises(ReadError):
        run.run(0)


@pytest.mark.parametrize("gap", [PADDING, PADDING * 2])
def test_the_second_way_goes_on_where_the_first_one_skipped(
    gap: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    follow_on = follow_opcodes

    def noted(state: State, *rest: Any) -> None:
        begun.append(state.resume)
        follow_on(state, *rest)

    monkeypatch.setattr(machine, "follow", noted)
    objects = b"carray\narray\n(X\x01\x00\x00\x00d]tR0" * 2000
    out = forge.Assembler(2).raw(objects).global_("argparse", "Namespace").empty_tuple().newobj()
    out.empty_dict().text("a").raw(gap).setitem().build()
    items = read(out.stop())
    assert not oddities(items)
    assert begun.count(0) == 1
