"""Callables whose arguments decide, one by one."""

from __future__ import annotations

import pickle

import pytest

from modelscan.budget import Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.vocabulary.artifact import BytesArtifact, SliceArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import PickleCall, PickleImport
from tests.forge import pickles as forge
from tests.forge.pickles import Assembler
from tests.formats.pickle.test_reader import oddities, read

PAYLOAD = forge.call("os", "system", "echo hi").stop()


def bad(out: Assembler) -> list[str]:
    """What a pickle is reported for: calls that are not listed, and oddities."""
    items = read(out.stop())
    return [c.callable for c in items if isinstance(c, PickleCall)
            and c.disposition in {"denied", "unknown"}] + oddities(items)  # fmt: skip


def test_a_reviewed_class_is_filled_and_not_called() -> None:
    listed = ("lightgbm.basic", "Booster")
    assert not bad(Assembler(2).global_(*listed).empty_tuple().newobj().empty_dict().build())
    assert not bad(Assembler(2).mark().inst(*listed))
    assert not bad(Assembler(2).mark().global_(*listed).obj())
    assert bad(Assembler(2).global_(*listed).text("file").tuple1().reduce())
    assert bad(Assembler(2).global_(*listed).empty_tuple().reduce())
    assert bad(Assembler(2).mark().text("file").inst(*listed))


@pytest.mark.parametrize(
    ("cls", "expected"),
    [(("acme", "Model"), ["acme.Model"]), (("os", "_wrap_close"), ["os._wrap_close"]),
     (("collections", "OrderedDict"), [])],
)  # fmt: skip
def test_a_class_that_a_state_sets_is_made_an_instance_of(
    cls: tuple[str, str], expected: list[str]
) -> None:
    made = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
    made.none().empty_dict().text("__class__").global_(*cls).setitem().tuple2()
    assert bad(made.build()) == expected
    # as an attribute like any other, it is only kept
    kept = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj().empty_dict()
    kept.text("__class__").global_("acme", "Model").setitem()
    assert bad(kept.build()) == []


@pytest.mark.parametrize(
    "name", ["slice", "SliceType", "MethodType", "NoneType", "dict", "ValueError"]
)
def test_dill_names_types(name: str) -> None:
    assert not bad(Assembler(2).global_("dill._dill", "_load_type").text(name).tuple1().reduce())


@pytest.mark.parametrize(
    "name", ["CodeType", "FunctionType", "function", "CellType", "map", "getattr"]
)
def test_dill_names_types_that_run_code(name: str) -> None:
    assert bad(Assembler(2).global_("dill._dill", "_load_type").text(name).tuple1().reduce())


@pytest.mark.parametrize("name", ["EnumMeta", "EnumType"])
def test_a_class_of_classes_is_named_and_not_called(name: str) -> None:
    assert not bad(Assembler(2).global_("enum", name))
    made = Assembler(2).global_("enum", name).text("X").empty_tuple().empty_dict()
    assert bad(made.raw(b"\x87").reduce())


def test_dill_evaluates_text() -> None:
    def evaluated(text: str) -> list[str]:
        out = Assembler(2).global_("dill._dill", "_eval_repr").text(text)
        return bad(out.tuple1().reduce())

    assert not evaluated("NotImplemented")
    assert not evaluated("range(0, 3)")
    assert evaluated("range(0, 3) or __import__('os')")
    assert evaluated("range(0, 3)\n")
    assert bad(Assembler(2).global_("dill._dill", "_eval_repr").number(1).tuple1().reduce())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (("numpy._core.multiarray", "_reconstruct"), []),
        (("os", "system"), ["os.system"]),
        (("acme", "f"), ["acme.f", "callable-argument"]),
    ],
)
def test_what_a_function_is_told_to_call_is_judged(
    function: tuple[str, str], expected: list[str]
) -> None:
    out = Assembler(2).global_("dill._dill", "_create_array").mark().global_(*function)
    out.global_("numpy", "ndarray").number(0).tuple1().text("b").raw(b"\x87").none().tuple_()
    assert bad(out.reduce()) == expected


def test_a_method_is_bound_and_not_called() -> None:
    def bound(module: str, name: str) -> Assembler:
        out = Assembler(4).stack_global("types", "MethodType").stack_global(module, name)
        out.stack_global("torch.nn.modules.linear", "Linear").empty_tuple().newobj()
        return out.tuple2().reduce()

    assert not bad(bound("torch.nn.modules.linear", "Linear.reset_parameters"))
    assert bad(bound("torch.nn.modules.linear", "Linear.__init__"))
    assert bad(bound("os", "system"))
    assert bad(Assembler(4).stack_global("types", "MethodType").number(1).tuple1().reduce()) == []
    called = bound("torch.nn.modules.linear", "Linear.reset_parameters").empty_tuple().reduce()
    assert bad(called) == ["the result of types.MethodType(…)"]


@pytest.mark.parametrize(
    ("arguments", "harmless"),
    [
        (Assembler().empty_list().tuple1(), True),
        (Assembler().empty_list().none().tuple2(), False),
        (Assembler().global_("os", "getpid").number(1).tuple2(), False),
    ],
)
def test_an_iterator_over_a_function_calls_it(arguments: Assembler, harmless: bool) -> None:
    out = Assembler(2).global_("builtins", "iter").raw(arguments.broken()).reduce()
    assert (not bad(out)) == harmless


def test_attributes_are_read_from_listed_things_only() -> None:
    def read_from(*pieces: bytes) -> Assembler:
        out = Assembler(4).stack_global("builtins", "getattr").raw(*pieces)
        return out.reduce()

    listed = Assembler().stack_global("re", "_compile").short_text("x").number(0).tuple2().reduce()
    name = Assembler().short_text("finditer").broken()
    assert not bad(read_from(listed.broken(), name, b"\x86"))
    assert bad(read_from(listed.broken(), Assembler().short_text("__class__").broken(), b"\x86"))
    assert bad(read_from(listed.broken(), b"\x85"))
    assert bad(read_from(Assembler().number(1).broken(), name, b"\x86"))
    unknown = Assembler().stack_global("statistics", "mean").broken()
    assert bad(read_from(unknown, name, b"\x86")) == ["dotted-name"]


def test_types_of_singletons_are_harmless() -> None:
    assert not bad(Assembler(2).global_("builtins", "type").none().tuple1().reduce())
    singleton = Assembler(2).global_("builtins", "type").global_("builtins", "Ellipsis")
    assert not bad(singleton.tuple1().reduce())
    assert bad(Assembler(2).global_("builtins", "type").number(1).tuple1().reduce())
    assert bad(
        Assembler(2).global_("builtins", "type").text("X").none().none().raw(b"\x87").reduce()
    )


def nested(out: Assembler) -> list[bytes]:
    found = [i for i in read(out.stop()) if isinstance(i, BytesArtifact | SliceArtifact)]
    return [item.read_at(0, item.size) for item in found]


def test_nested_pickles_are_found_wherever_their_loader_takes_them() -> None:
    spacy = Assembler(4).stack_global("spacy.tokens.doc", "unpickle_doc").none().binary(PAYLOAD)
    assert nested(spacy.binary(b"doc").raw(b"\x87").reduce()) == [PAYLOAD]
    big = PAYLOAD.replace(b"echo hi", b"echo hi" + b" " * 400)
    loader = Assembler(3).global_("torch.storage", "_load_from_bytes")
    assert nested(loader.binary(big).tuple1().reduce()) == [big]


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("size", [10, 400])
def test_nested_pickles_are_found_as_old_protocols_write_them(protocol: int, size: int) -> None:
    data = bytes(range(256)) * 2
    text = pickle.dumps(data[:size], protocol)
    body = text[2:-1] if protocol == 2 else text[:-1]
    out = Assembler(protocol or None).global_("torch.storage", "_load_from_bytes")
    assert nested(out.raw(body).tuple1().reduce()) == [data[:size]]


@pytest.mark.parametrize(
    "argument",
    [
        Assembler().number(1),
        Assembler().text("text"),
        Assembler().global_("_codecs", "encode").text("\u20ac").text("latin1").tuple2().reduce(),
        Assembler().global_("_codecs", "encode").empty_tuple().reduce(),
        Assembler().global_("collections", "OrderedDict").empty_tuple().reduce(),
    ],
)
def test_what_a_nested_loader_cannot_be_shown_to_take_is_denied(argument: Assembler) -> None:
    out = Assembler(3).global_("torch.storage", "_load_from_bytes").raw(argument.broken())
    assert "torch.storage._load_from_bytes" in bad(out.tuple1().reduce())


def test_a_loader_of_pickles_is_not_handed_on() -> None:
    out = Assembler(2).global_("functools", "partial").global_("torch.storage", "_load_from_bytes")
    assert bad(out.tuple1().reduce()) == ["callable-argument"]


def test_the_same_nested_pickle_is_one_artifact() -> None:
    out = Assembler(3).global_("torch.storage", "_load_from_bytes").binary(PAYLOAD).tuple1()
    out.reduce().global_("acme", "f").empty_tuple().reduce()
    artifacts = [item for item in read(out.stop()) if isinstance(item, BytesArtifact)]
    assert len(artifacts) == 1


def test_a_class_beside_its_source_is_the_class() -> None:
    out = Assembler(2).mark().text("module").global_("collections", "OrderedDict").text("x.py")
    out.text("source").tuple_().binpersid().empty_tuple().reduce()
    [call] = [c for c in read(out.stop()) if isinstance(c, PickleCall)]
    assert call.callable == "collections.OrderedDict"


def test_buffers_are_asked_for_and_marked() -> None:
    assert not bad(Assembler(5).raw(b"\x97\x98"))
    with pytest.raises(ReadError):
        read(Assembler(5).raw(b"\x98").stop())


def test_a_protocol_of_the_future_is_broken() -> None:
    with pytest.raises(ReadError):
        read(b"\x80\x02\x8c\x01x\x80\x09cos\nsystem\n.")


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\nI\n.", b"cos\nsystem\nIx\n.", b"cos\nsystem\nFx\n.",
        b"cos\nsystem\nSx\n.", b"cos\nsystem\np1x\n.", b"cos\nsystem\np_\n.",
        b"cos\nsystem\np-1\n.", b"c\xff\nx\n.", b"c\nx\n.", b"cos\nsystem\n(K\x01d.",
        b"cos\nsystem\n}(K\x01u.", b"cos\nsystem\n\x86.", b"cos\nsystem\n0\x85.",
        b"cos\nsystem\n1.", b"cos\nsystem\n00.", b"cos\nsystem\nK\x01K\x02a.",
        b"cos\nsystem\n\x8fK\x01a.", b"cos\nsystem\n)K\x01a.", b"cos\nsystem\nh\x09.",
        b"cos\nsystem\nK\x01)R.", b"K\x01\x8c\x01x\x93.", b"cos\nsystem\n(o.",
        b"cos\nsystem\nL\n.",
    ],
)  # fmt: skip
def test_where_the_unpickler_fails_the_pickle_breaks(data: bytes) -> None:
    try:
        items = read(b"\x80\x02" + data)
    except ReadError:
        assert b"os" not in data
    else:
        assert "broken-stream" in oddities(items)


@pytest.mark.parametrize(
    "data",
    [
        b"I\0\n", b"I01\n", b"I00\n", b"L5L\n", b"I" + b"9" * 300 + b"\n", b"F1.5\n",
        b"S'a\\x41'\n", b"S'\\101\\n\\q'\n", b"NNp1\n0p2\n0N\x94",
        b"\x96\x01" + b"\0" * 7 + b"xK\0K\1s",
        b"S'" + b"\\101\\n\\q" * 60 + b"'\n", b"V\\u0041\n", b"V\\ud800\n", b"V\\uZZ\n",
        b"V" + b"x" * 300 + b"\n", b"p0\x00junk\n", b"N\x8a\x01\x05", b"\x8b\x02\0\0\0\x01\x02",
        b"\x8b\x2c\x01\0\0" + b"\x01" * 300, b"\x96\x01" + b"\0" * 7 + b"xK\x01a", b"\x88\x89",
        b"NNN\x87", b"(NNt", b"(I1\nI2\nd", b"](K\x01e", b"\x8f(K\x01\x90", b"(K\x01\x91", b"N2",
        b"NN0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("trusted", [True, False])
def test_what_the_unpickler_takes_is_taken(data: bytes, trusted: bool) -> None:
    name = b"ccollections\nOrderedDict\n" if trusted else b"cacme\nNet\n"
    items = read(b"\x80\x05" + name + data + b".")
    assert not oddities(items)
    assert not [item for item in items if isinstance(item, Coverage)]


def test_text_in_escapes_is_a_name() -> None:
    items = read(b"\x80\x04V\\u006fs\nV\\u0073ystem\n\x93.")
    assert [i.callable for i in items if isinstance(i, PickleImport)] == ["os.system"]


def test_deep_nesting_of_pickles_reaches_the_budget() -> None:
    out = Assembler(3).global_("torch.storage", "_load_from_bytes").binary(PAYLOAD).tuple1()
    with pytest.raises(BudgetError):
        read(out.reduce().stop(), Limits(depth=0))


@pytest.mark.parametrize("slots", [False, True])
def test_a_hook_is_one_when_it_is_used(slots: bool) -> None:
    def hooked(after: bytes) -> list[str]:
        out = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
        if slots:
            out.none()
        out.empty_dict().text("add").global_("collections", "OrderedDict").setitem()
        if slots:
            out.tuple2()
        return bad(out.build().raw(after))

    assert not hooked(b"")
    assert hooked(b"(K\x01\x90") == ["overwritten-state"]
    assert hooked(b"}b") == ["overwritten-state"]
    assert not hooked(b"K\x01K\x02s")


def test_a_state_that_cannot_be_seen_is_a_hook_when_it_holds_a_function() -> None:
    out = Assembler(2).global_("argparse", "Namespace").empty_tuple().newobj()
    out.global_("collections", "OrderedDict").empty_tuple().reduce()
    out.text("append").global_("acme", "f").setitem().build()
    assert bad(out.number(1).raw(b"a")) == ["overwritten-state"]


@pytest.mark.parametrize(
    "state",
    [
        Assembler().empty_dict().text("_parse_arg_template").text("import os").setitem(),
        Assembler().empty_dict().text("_parse_arg_template").number(1).setitem(),
        Assembler().empty_dict().number(1).number(2).setitem(),
        Assembler().empty_dict().mark().raw(b"K\x01K\x02" * 20).text("_parse_arg_template")
        .text("import os\n" * 99).setitems(),
        Assembler().empty_dict().mark().raw(b"X\x01\0\0\0aK\x02" * 20)
        .raw(b"V_parse_arg_template\nVimport\\u000aos\n").setitems(),
        Assembler().empty_dict().mark().raw(b"X\x01\0\0\0aK\x02" * 20)
        .global_("numpy", "str_").text("_parse_arg_template").tuple1().reduce().text("x")
        .setitems(),
        Assembler().text("_parse_arg_template").text("import os").tuple2().tuple1(),
        Assembler().global_("collections", "OrderedDict").empty_tuple().reduce(),
    ],
)  # fmt: skip
def test_text_that_scipy_would_run_is_denied(state: Assembler) -> None:
    out = Assembler(2).global_("scipy.stats._continuous_distns", "norm_gen").empty_tuple()
    out.newobj().raw(state.broken()).build()
    assert bad(out) == ["scipy.stats._continuous_distns.norm_gen"]


def test_a_template_is_found_behind_a_stretch() -> None:
    out = Assembler(2).global_("scipy.stats._continuous_distns", "norm_gen").empty_tuple()
    out.newobj().empty_dict().raw(b"(" + b"K\x01K\x02" * 60_000 + b"u")
    out.text("_parse_arg_template").text("import os").setitem().build()
    assert bad(out) == ["scipy.stats._continuous_distns.norm_gen"]


@pytest.mark.parametrize(
    "arguments",
    [
        Assembler().none().tuple1(),
        Assembler().mark().none().number(0).empty_tuple().empty_tuple().tuple_(),
    ],
)
def test_a_tensor_without_a_storage_is_not_judged(arguments: Assembler) -> None:
    out = Assembler(2).global_("torch._utils", "_rebuild_tensor_v2").raw(arguments.broken())
    assert not bad(out.reduce())


@pytest.mark.parametrize(
    "key",
    [
        Assembler().mark().text("storage").tuple_(),
        Assembler().mark().text("storage").none().text("0").text("cpu").number(1).tuple_(),
        Assembler().mark().text("storage").global_("torch", "FloatStorage").text("0").text("cpu")
        .text("many").tuple_(),
    ],
)  # fmt: skip
def test_a_storage_of_unknown_length_is_not_judged(key: Assembler) -> None:
    out = Assembler(2).global_("torch._utils", "_rebuild_tensor_v2").mark().raw(key.broken())
    out.binpersid().number(0).number(9).tuple1().number(1).tuple1().tuple_().reduce()
    assert not bad(out)


@pytest.mark.parametrize(
    ("view", "fits"),
    [
        (b"K\x00(K\x04t(K\x01t", True), (b"K\x00))", True),
        (b"J\xff\xff\xff\xff(K\x01t(K\x01t", False), (b"K\x00(K\x01t(K\x01K\x01t", False),
        (b"K\x00(X\x01\0\0\0at(K\x01t", True), (b"K\x00N(K\x01t", True),
        (b"N(K\x01t(K\x01t", True), (b"K\x00(K\x02K\x02t(K\x02K\x01t", True),
        (b"K\x01(K\x02K\x02t(K\x02K\x01t", False),
    ],
)  # fmt: skip
def test_views_stay_inside_their_storage(view: bytes, fits: bool) -> None:
    out = Assembler(2).global_("torch._utils", "_rebuild_tensor").mark().mark().text("storage")
    out.global_("torch", "FloatStorage").text("0").text("cpu").number(4).tuple_().binpersid()
    assert bad(out.raw(view).tuple_().reduce()) == ([] if fits else ["tensor-outside-storage"])


def test_storages_are_all_there() -> None:
    whole = forge.torch_legacy()
    assert oddities(read(whole[:-5])) == ["storage-mismatch"]
    assert oddities(read(whole + b"\xffhidden")) == ["trailing-data"]
    unknown = forge.torch_legacy(forge.torch_state_dict().replace(b"FloatStorage", b"NovelStorage"))
    assert "storage-mismatch" not in oddities(read(unknown[:-5]))
