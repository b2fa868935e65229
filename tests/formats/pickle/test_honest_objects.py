"""What turned up when random objects of real libraries were saved, small ones and large ones."""

from __future__ import annotations

import pickle
import struct

import pytest

from modelscan.budget import Limits
from modelscan.vocabulary.fact import PickleCall
from tests.forge.pickles import Assembler
from tests.forge.reading import fails, found, read
from tests.formats.pickle.test_special_calls import bad

_LONG = 100_000
_TEXTS = {
    "written": b"V" + b"a" * _LONG + b"\n",
    "binary": b"X" + struct.pack("<I", _LONG) + b"a" * _LONG,
}
_BEFORE = {
    "made": b"ccollections\nOrderedDict\n0",
    "kept": b"ccollections\nOrderedDict\n",
    "encoded": b"(c_codecs\nencode\n",
}
_CALL = b"0cos\nsystem\n(S'echo hi'\ntR."


@pytest.mark.parametrize("text", _TEXTS)
@pytest.mark.parametrize("before", _BEFORE)
def test_a_call_behind_an_import_and_a_long_text_is_found(before: str, text: str) -> None:
    assert fails(_BEFORE[before] + _TEXTS[text] + _CALL, "weights")


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize("value", [[b"\0" * _LONG], "x" * _LONG, [bytes(range(256)) * 400]])
def test_a_pickle_behind_another_may_begin_with_a_long_text(value: object, protocol: int) -> None:
    data = [pickle.dumps(item, protocol) for item in (value, 1, value)]
    assert not {"pickle-trailing-data", "pickle-broken-stream"} & set(
        found(b"".join(data), "m.pkl")
    )


@pytest.mark.parametrize("module", ["torch._utils", "torch.nn.modules.module"])
def test_a_memory_format_is_seen_from_any_module_of_torch(module: str) -> None:
    assert not bad(Assembler(4).stack_global(module, "torch.channels_last"))
    assert bad(Assembler(4).stack_global(module, "torch.strange"))


@pytest.mark.parametrize("holder", [("builtins", "set"), ("collections", "Counter")])
def test_what_only_keeps_a_function_does_not_call_it(holder: tuple[str, str]) -> None:
    def held(module: str, name: str) -> Assembler:
        out = Assembler(2).global_(*holder).empty_list().global_(module, name).raw(b"a")
        return out.tuple1().reduce()

    assert not bad(held("heapq", "merge"))
    assert bad(held("heapq", "merge").empty_tuple().reduce())


@pytest.mark.parametrize(
    ("module", "name"),
    [("pandas.core.frame", "DataFrame"), ("networkx.classes.graph", "Graph")],
)
def test_a_factory_of_empty_containers_is_none_of_calls(module: str, name: str) -> None:
    out = Assembler(2).global_("collections", "defaultdict").global_(module, name)
    assert not bad(out.tuple1().reduce())
    out = Assembler(2).global_("collections", "defaultdict").global_("acme", "f")
    assert bad(out.tuple1().reduce())


def test_a_factory_of_filled_arrays_is_none_of_calls() -> None:
    def made(module: str, name: str) -> Assembler:
        out = Assembler(2).global_("collections", "defaultdict")
        out.global_("functools", "partial").global_(module, name).tuple1().reduce()
        return out.tuple1().reduce()

    assert not bad(made("numpy", "zeros"))
    assert bad(made("torch.nn.modules.linear", "Linear"))


def test_dill_names_the_getters_of_items() -> None:
    def getter(name: str) -> Assembler:
        out = Assembler(2).global_("dill._dill", "_load_type").text(name).tuple1().reduce()
        return out.text("column").tuple1().reduce()

    assert not bad(getter("ItemGetterType"))
    assert bad(getter("MethodCallerType"))


def test_many_tensors_in_a_plain_pickle_are_all_read() -> None:
    """Each has a pickle of its own in it, that imports the same names."""
    inner = Assembler(2).global_("collections", "OrderedDict").empty_tuple().reduce().stop() * 5
    last = Assembler(2).global_("os", "system").text("echo hi").tuple1().reduce().stop()
    out = Assembler(4).mark()
    for part in (*[inner] * 300, last):
        out.stack_global("torch.storage", "_load_from_bytes").binary(part).tuple1().reduce()
    data = out.raw(b"l").stop()
    facts, coverage = read(data, "m.pkl", Limits(facts=40))
    assert not any(entry.needed for entry in coverage)
    assert {fact.callable for fact in facts if isinstance(fact, PickleCall)} == {
        "torch.storage._load_from_bytes", "collections.OrderedDict", "os.system",
    }  # fmt: skip
    _, coverage = read(data, "m.pkl", Limits(members=200))
    assert [entry.reason for entry in coverage if entry.needed] == ["more than 200 archive members"]
