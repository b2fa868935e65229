from __future__ import annotations

import collections
import contextlib
import datetime as dt
import pickle
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle.reader import PickleReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    Fact,
    PickleCall,
    PickleImport,
    PickleOddity,
    PickleStream,
    TorchCheckpoint,
)
from modelscan.vocabulary.lists import PickleGlobals
from tests.forge import pickles as forge

LIST = Path(__file__).parents[3] / "rules" / "lists" / "pickle-globals.yaml"
NAMES = msgspec.convert(yaml.safe_load(LIST.read_text(encoding="utf-8")), PickleGlobals)
READER = PickleReader(NAMES)

Item = Fact | Coverage | Artifact


def read(data: bytes, limits: Limits | None = None) -> list[Item]:
    return list(READER.read(BytesArtifact("m.pkl", data), Budget(limits)))


def calls(items: list[Item], disposition: str = "denied") -> list[PickleCall]:
    return [i for i in items if isinstance(i, PickleCall) and i.disposition == disposition]


def oddities(items: list[Item]) -> list[str]:
    return [i.kind for i in items if isinstance(i, PickleOddity)]


def recognised(data: bytes, name: str = "m.bin") -> bool:
    return READER.recognises(Glimpse(BytesArtifact(name, data)))


@pytest.mark.parametrize("name", forge.malicious())
def test_malicious_pickles_are_recognised_by_content(name: str) -> None:
    assert recognised(forge.malicious()[name])


@pytest.mark.parametrize("name", forge.malicious())
def test_malicious_pickles_have_exactly_one_denied_call(name: str) -> None:
    items = read(forge.malicious()[name])
    assert len(calls(items)) == 1
    uncalled = [
        i for i in items
        if isinstance(i, PickleImport) and not i.called and i.disposition in {"denied", "unknown"}
    ]  # fmt: skip
    assert not uncalled


def test_a_call_says_what_runs_and_where() -> None:
    [call] = calls(read(forge.malicious()["reduce"]))
    assert (call.callable, call.arguments, call.opcode) == ("os.system", "'echo hi'", "REDUCE")
    assert (call.location.offset, call.at) == (2, 27)


def test_names_of_python_2_are_mapped() -> None:
    [call] = calls(read(forge.malicious()["python2-name"]))
    assert call.callable == "builtins.eval"


def test_names_of_python_2_are_not_mapped_since_protocol_3() -> None:
    [stream, *_] = [
        i for i in read(forge.call("__builtin__", "eval", protocol=3).stop())
        if isinstance(i, PickleImport)
    ]  # fmt: skip
    assert stream.module == "__builtin__"


def test_a_payload_far_behind_the_window_is_found() -> None:
    padding = forge.Assembler(4).binary(b"\0" * 3_000_000).pop()
    data = padding.stack_global("os", "system").short_text("echo hi").tuple1().reduce().stop()
    [call] = calls(read(data))
    assert call.location.offset == len(data) - 13


def test_a_broken_end_keeps_what_was_found_and_is_stated() -> None:
    items = read(forge.malicious()["broken"])
    assert calls(items)
    assert oddities(items) == ["broken-stream"]
    [gap] = [i for i in items if isinstance(i, Coverage)]
    assert (gap.status, gap.needed) == ("truncated", True)


def test_a_broken_end_without_imports_is_an_error() -> None:
    with pytest.raises(ReadError):
        read(b"\x80\x04K\x01")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            forge.call("builtins", "str", "os").text("system").raw(b"\x93").stop(),
            "computed-name",
        ),
        (forge.Assembler(2).global_("os", "environ").empty_dict().build().stop(),
         "overwritten-state"),
        (forge.Assembler(2).global_("sys", "modules").text("a").none().setitem().stop(),
         "overwritten-state"),
        (forge.Assembler(2).raw(b"\x82\x07").empty_tuple().reduce().stop(), "extension-code"),
        (forge.Assembler(4).stack_global("pathlib", "fnmatch.filter").stop(), "dotted-name"),
        (forge.Assembler(2).text("x").binpersid().stop(), "persistent-id"),
        (forge.Assembler(2).none().stop() + b"\x00hidden", "trailing-data"),
        (
            forge.Assembler(2).global_("collections", "defaultdict").global_("acme", "f").tuple1()
            .reduce().stop(),
            "callable-argument",
        ),
        (forge.Assembler(4).text("os").text("path.os." * 300 + "system")
         .raw(b"\x93").stop(), "computed-name"),
    ],
)  # fmt: skip
def test_what_no_pickler_writes_is_odd(data: bytes, kind: str) -> None:
    assert oddities(read(data)) == [kind]


@pytest.mark.parametrize("protocol", range(6))
def test_ordinary_objects_are_quiet(protocol: int) -> None:
    objects = [
        {"a": [1, 2.5, None, True, 2**80, "é", b"bytes", bytearray(b"x"), {1}, frozenset({2})]},
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.Counter("abc"),
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        Path("a/b"),
        type(None),
        complex(1, 2),
        range(3),
    ]
    items = read(pickle.dumps(objects, protocol))
    assert not [i for i in items if isinstance(i, PickleOddity | Coverage)]
    assert not calls(items)
    assert not calls(items, "unknown")
    assert recognised(pickle.dumps(objects, protocol))


def test_an_own_class_is_told_from_a_call() -> None:
    data = forge.Assembler(2).global_("acme.net", "Net").empty_tuple().newobj().stop()
    [call] = calls(read(data), "unknown")
    assert (call.instantiates, call.own) == (True, True)


def test_the_old_way_to_make_an_object_counts_as_an_instance() -> None:
    data = (
        forge.Assembler(0)
        .raw(b"ccopy_reg\n_reconstructor\n(cacme\nNet\nc__builtin__\nobject\nNtR")
        .stop()
    )
    [call] = calls(read(data), "unknown")
    assert (call.callable, call.instantiates, call.own) == ("acme.Net", True, True)


def test_modules_of_the_standard_library_are_nobodys_own() -> None:
    [call] = calls(read(forge.call("statistics", "mean").stop()), "unknown")
    assert not call.own


def test_only_plain_codecs_are_plain() -> None:
    assert not calls(read(forge.call("_codecs", "encode", "x", "latin1").stop()), "unknown")
    assert calls(read(forge.call("_codecs", "encode", "x", "rot13").stop()), "unknown")


def test_a_member_of_a_listed_class_is_quiet_and_calling_it_is_not() -> None:
    out = forge.Assembler(4).stack_global("builtins", "getattr")
    out.stack_global("pathlib", "PosixPath").short_text("unlink").tuple2().reduce()
    assert not calls(read(out.stop()))
    data = forge.Assembler(4).stack_global("builtins", "getattr")
    data.stack_global("pathlib", "PosixPath").short_text("unlink").tuple2().reduce()
    [call] = calls(read(data.empty_tuple().reduce().stop()), "unknown")
    assert call.callable == "pathlib.PosixPath.unlink"


def test_a_nested_pickle_becomes_an_artifact() -> None:
    inner = forge.malicious()["reduce"]
    outer = forge.Assembler(3).global_("torch.storage", "_load_from_bytes").binary(inner)
    [nested] = [i for i in read(outer.tuple1().reduce().stop()) if isinstance(i, BytesArtifact)]
    assert nested.read_at(0, nested.size) == inner
    assert nested.member is not None
    assert nested.depth == 1


def test_computed_bytes_of_a_nested_pickle_are_denied() -> None:
    out = forge.Assembler(3).global_("torch.storage", "_load_from_bytes")
    out.global_("acme", "f").empty_tuple().reduce().tuple1().reduce()
    assert [c.callable for c in calls(read(out.stop()))] == ["torch.storage._load_from_bytes"]


def test_a_torch_state_dict_is_quiet() -> None:
    items = read(forge.torch_state_dict())
    assert not oddities(items)
    assert not calls(items)
    assert not calls(items, "unknown")


def test_the_storages_of_an_old_torch_checkpoint_are_not_read_as_pickles() -> None:
    items = read(forge.torch_legacy())
    assert [i.layout for i in items if isinstance(i, TorchCheckpoint)] == ["legacy"]
    assert len([i for i in items if isinstance(i, PickleStream)]) == 5
    assert not oddities(items)


def test_each_pickle_of_an_old_torch_checkpoint_is_read() -> None:
    assert calls(read(forge.torch_legacy(forge.malicious()["reduce"])))


@pytest.mark.parametrize("alignment", [True, False])
def test_what_follows_a_joblib_array_is_read(alignment: bool) -> None:
    raw = b"cos\nsystem\n.\xff\0\0\0" * 2
    out = forge.joblib_array(raw, alignment=alignment)
    assert not oddities(read(out.stop()))
    out = forge.joblib_array(raw, alignment=alignment)
    out.stack_global("os", "system").short_text("echo hi").tuple1().reduce()
    [call] = calls(read(out.stop()))
    assert call.callable == "os.system"


def test_an_array_of_unknown_length_is_needed_coverage() -> None:
    out = forge.Assembler(4).stack_global("joblib.numpy_pickle", "NumpyArrayWrapper")
    items = read(out.empty_tuple().newobj().empty_dict().build().stop())
    assert [(i.status, i.needed) for i in items if isinstance(i, Coverage)] == [("truncated", True)]
    assert not oddities(items)


def test_a_bomb_of_references_costs_nothing() -> None:
    out = forge.Assembler(4).global_("collections", "OrderedDict").pop().empty_list().memoize()
    for _ in range(5000):
        out.dup().tuple2().memoize()
    assert oddities(read(out.stop())) == ["reference-bomb"]


def test_many_values_reach_the_budget() -> None:
    out = forge.Assembler(4).global_("os", "system").raw(b"(" + b"N" * 20_000)
    with pytest.raises(BudgetError):
        read(out.broken(), Limits(values=1000))


def test_many_facts_reach_the_budget() -> None:
    out = forge.Assembler(2)
    for n in range(50):
        out.global_("acme", f"f{n}").empty_tuple().reduce()
    with pytest.raises(BudgetError):
        read(out.stop(), Limits(facts=20))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"\x80\x02", b"\x80\x04cos\nsystem\n"]))
def test_any_bytes_end_in_nothing_but_a_read_error(data: bytes, start: bytes) -> None:
    recognised(start + data)
    try:
        items = read(start + data)
    except ReadError:
        assert b"cos\n" not in start
    else:
        assert any(isinstance(i, PickleStream) for i in items)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_pickles_end_in_nothing_but_a_read_error(data: st.DataObject) -> None:
    sample = bytearray(data.draw(st.sampled_from(sorted(forge.malicious().values()))))
    for _ in range(data.draw(st.integers(1, 4))):
        sample[data.draw(st.integers(0, len(sample) - 1))] = data.draw(st.integers(0, 255))
    recognised(bytes(sample))
    with contextlib.suppress(ReadError):
        read(bytes(sample))


@pytest.mark.parametrize(
    "head", [b".", b"h\x85.", b"\x80\x02.", b"\x80\x04\x95" + b"\0" * 8 + b"\x85."]
)
def test_what_takes_a_value_that_nothing_has_put_there_is_no_pickle(head: bytes) -> None:
    artifact = BytesArtifact("model.pt", head + b"\xff" * 99)
    with pytest.raises(ReadError, match="before any value"):
        list(PickleReader(PickleGlobals()).read(artifact, Budget()))


def test_a_pickle_by_its_name_alone_must_be_one_to_its_end() -> None:
    artifact = BytesArtifact("model.pt", b"N." + b"\xff" * 99)
    with pytest.raises(ReadError, match="by its name alone"):
        list(PickleReader(PickleGlobals()).read(artifact, Budget()))
    assert list(PickleReader(PickleGlobals()).read(BytesArtifact("model.pt", b"N."), Budget()))
