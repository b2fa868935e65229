from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.pickle.window import Window
from modelscan.lineage import torch_weights
from modelscan.lineage.prints import Skipped
from modelscan.lineage.stored import Stored
from modelscan.lineage.torch_pickle import read
from modelscan.lineage.torch_values import OTHER, Unread, View, tensors
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import archives
from tests.forge.pickles import Assembler, malicious, torch_legacy
from tests.forge.weights import Array, Maker, bert
from tests.forge.weights_files import torch_legacy_bytes, torch_zip_bytes


def value(data: bytes, limits: Limits | None = None) -> object:
    return read(Window(BytesArtifact("m", data)), 0, Budget(limits)).value


def zipped(data: bytes) -> list[Stored | Skipped]:
    return list(torch_weights.zipped(BytesArtifact("m", data), Budget()))


def view(
    program: Assembler,
    *,
    storage: str = "FloatStorage",
    size: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
    key: str = "0",
    function: str = "_rebuild_tensor_v2",
) -> Assembler:
    program.global_("torch._utils", function).mark().mark().text("storage")
    program.global_("torch", storage).text(key).text("cpu").number(6).raw(b"tQ").number(offset)
    for extents in (size, strides):
        program.mark()
        for extent in extents:
            program.number(extent)
        program.raw(b"t")
    return program.false().empty_dict().raw(b"tR")


def one(stored: bytes = bytes(24), **options: Any) -> Stored | Skipped:
    """What becomes of a checkpoint of one tensor."""
    program = view(Assembler(2).empty_dict().text("w"), **options).setitem()
    [found] = zipped(archives.torch_zip({"data.pkl": program.stop(), "data/0": stored}))
    return found


def test_plain_and_turned_views_are_taken() -> None:
    plain = one()
    assert isinstance(plain, Stored)
    assert (plain.dtype, plain.shape, plain.column_major) == ("f32", (2, 3), False)
    turned = one(size=(3, 2), strides=(1, 3))
    assert isinstance(turned, Stored)
    assert turned.column_major
    vector = one(size=(3,), strides=(1,), offset=3)
    assert isinstance(vector, Stored)
    assert vector.offset == 12
    single = one(size=(1, 3), strides=(77, 1))
    assert isinstance(single, Stored)
    assert not single.column_major
    half = one(storage="BFloat16Storage", stored=bytes(12))
    assert isinstance(half, Stored)
    assert (half.dtype, half.width) == ("bf16", 2)


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        ("do not follow each other", {"strides": (6, 2)}),
        ("do not follow each other", {"strides": (0, 1)}),
        ("reaches outside", {"offset": 1}),
        ("reaches outside", {"size": (1 << 30, 1 << 30), "strides": (1 << 30, 1)}),
        ("not in the file", {"key": "absent"}),
        ("are not read", {"storage": "QInt8Storage"}),
    ],
)
def test_what_is_not_plainly_a_tensor_is_said(reason: str, options: dict[str, Any]) -> None:
    found = one(**options)
    assert isinstance(found, Skipped)
    assert found.name == "w"
    assert found.needed
    assert reason in found.reason


def test_a_parameter_is_its_tensor() -> None:
    program = Assembler(2).empty_dict().text("w").global_("torch._utils", "_rebuild_parameter")
    program = view(program.mark()).true().empty_dict().raw(b"tR").setitem()
    [found] = tensors(value(program.stop())).values()
    assert isinstance(found, View)
    assert found.shape == (2, 3)


def test_a_tensor_of_a_stated_type_is_taken() -> None:
    program = Assembler(2).empty_dict().text("w").global_("torch._utils", "_rebuild_tensor_v3")
    program.mark().mark().text("storage").global_("torch", "UntypedStorage").text("0").text("cpu")
    program.number(6).raw(b"tQ").number(0).mark().number(6).raw(b"t").mark().number(1).raw(b"t")
    program.false().empty_dict().global_("torch", "float8_e4m3fn").raw(b"tR").setitem()
    [found] = zipped(archives.torch_zip({"data.pkl": program.stop(), "data/0": bytes(6)}))
    assert isinstance(found, Stored)
    assert (found.dtype, found.shape) == ("f8_e4m3", (6,))


def test_what_is_rebuilt_in_another_way_is_said() -> None:
    program = view(Assembler(2).empty_dict().text("q"), function="_rebuild_qtensor").setitem()
    program = (
        view(
            program.text("p").global_("torch._utils", "_rebuild_parameter").mark(),
            function="_rebuild_sparse_tensor",
        )
        .true()
        .empty_dict()
        .raw(b"tR")
        .setitem()
    )
    program.text("n").global_("numpy.core.multiarray", "_reconstruct").empty_tuple().reduce()
    program = view(program.setitem().text("w")).setitem()
    found = zipped(archives.torch_zip({"data.pkl": program.stop(), "data/0": bytes(24)}))
    assert [item for item in found if isinstance(item, Skipped)] == [
        Skipped("q", "rebuilt by torch._utils._rebuild_qtensor"),
        Skipped("p", "rebuilt by torch._utils._rebuild_sparse_tensor"),
        Skipped("n", "rebuilt by numpy.core.multiarray._reconstruct", needed=False),
    ]
    assert len(found) == 4


def test_a_subclass_is_the_tensor_in_it() -> None:
    program = Assembler(2).empty_dict().text("w").global_("torch._tensor", "_rebuild_from_type_v2")
    program.mark().global_("torch._utils", "_rebuild_tensor_v2").global_("torch", "Tensor").mark()
    program.mark().text("storage").global_("torch", "FloatStorage").text("0").text("cpu")
    program.number(6).raw(b"tQ").number(0).mark().number(6).raw(b"t").mark().number(1).raw(b"t")
    program.false().empty_dict().raw(b"t").empty_dict().raw(b"tR").setitem()
    [found] = tensors(value(program.stop())).values()
    assert isinstance(found, View)
    assert found.shape == (6,)


def test_tables_in_tables_are_found() -> None:
    inner = view(Assembler(2).empty_dict().text("a").empty_dict().text("w")).setitem().setitem()
    assert set(tensors(value(inner.stop()))) == {"w"}
    both = view(Assembler(2).empty_dict().text("a").empty_dict().text("w")).setitem().setitem()
    both = view(both.text("b")).setitem()
    assert set(tensors(value(both.stop()))) == {"a.w", "b"}
    two = view(Assembler(2).empty_dict().text("a").empty_dict().text("w")).setitem().setitem()
    two = view(two.text("c").empty_dict().text("w")).setitem().setitem()
    assert set(tensors(value(two.stop()))) == {"a.w", "c.w"}


def test_a_table_within_itself_ends() -> None:
    program = view(Assembler(2).empty_dict().put(1).text("w")).setitem()
    program.get(1).text("self").get(1).setitem()
    found = tensors(value(program.stop()))
    assert "w" in found
    assert len(found) < 10


def test_tables_that_refer_to_each_other_end() -> None:
    program = view(Assembler(2).empty_dict().put(1).text("w")).setitem()
    for number in range(200):
        program.get(1).text(f"k{number}").get(1).setitem().pop()
    assert set(tensors(value(program.stop()))) == {"w"}


def test_what_replaces_a_tensor_removes_it() -> None:
    program = view(Assembler(2).empty_dict().text("w")).setitem().text("w").number(3).setitem()
    assert tensors(value(program.stop())) == {}


@pytest.mark.parametrize("name", malicious())
def test_nothing_runs_and_nothing_is_a_tensor(name: str) -> None:
    try:
        found = value(malicious()[name])
    except ReadError:
        return
    assert tensors(found) == {}


@pytest.mark.parametrize("protocol", range(6))
def test_what_python_pickles_is_followed(protocol: int) -> None:
    data = {"a": [1, 2.5, None, True, "x" * 300], "b": (1, 2, 3, 4), "c": {1, 2}, "d": b"x",
            "e": OrderedDict(f={"g": -(1 << 70)}), "h": frozenset("ab")}  # fmt: skip
    found = value(pickle.dumps(data, protocol))
    assert isinstance(found, dict)
    assert tensors(found) == {}


@pytest.mark.parametrize(
    "data",
    [b".", b"0.", b"(.", b"]a.", b"e.", b"t.", b"}s.", b"R.", b"h\x05.", b"\x85.", b"2.", b"q\0.",
     b"", b"}", b"\xff", b"1.", b"\x98.", b"\x92."],
)  # fmt: skip
def test_what_breaks_the_unpickler_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        value(data)


def test_rare_opcodes_are_nothing() -> None:
    for data in (b"P1\n.", b"\x82\x01.", b"\x97.", b"\x97\x98.", b"(cos\nsystem\no.", b"NNN\x92.",
                 b"(l.", b"(d.", b"\x8f.", b"(\x91.", b"N(i.\nx\n0."):  # fmt: skip
        try:
            value(data)
        except ReadError:
            pytest.fail(f"{data!r} was refused")
    assert value(b"(\x91.") is OTHER


def test_memory_and_time_are_bounded() -> None:
    many = Assembler(2).empty_dict()
    for _ in range(3000):
        many.number(1)
    with pytest.raises(BudgetError):
        value(many.raw(b"0" * 9000).stop(), Limits(values=100))
    with pytest.raises(BudgetError):
        value(b"N0" * 50_000 + b"N.", Limits(steps=5000))


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(list(b"(}])NKtQRbsuacq2h\x85\x86\x93.")), max_size=60).map(bytes)
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_or_are_refused(data: bytes) -> None:
    try:
        tensors(value(data, Limits(steps=10_000)))
    except ReadError:
        return


def test_an_archive_with_two_pickles_is_refused() -> None:
    twice = archives.python_zip({"a/data.pkl": b"}.", "b/data.pkl": b"}."})
    with pytest.raises(ReadError, match="2 pickles"):
        zipped(twice)
    with pytest.raises(ReadError):
        zipped(b"no archive at all")


def test_a_member_that_stands_twice_is_no_storage() -> None:
    data = torch_zip_bytes({"w": Maker(1).matrix(2, 3)})
    archive = archives.Zip()
    program = view(Assembler(2).empty_dict().text("w")).setitem().stop()
    for name, content in (("data.pkl", program), ("data/0", bytes(24)), ("data/0", b"\1" * 24)):
        archive.member(f"archive/{name}", content)
    [found] = zipped(archive.build())
    assert isinstance(found, Skipped)
    assert isinstance(zipped(data)[0], Stored)


def _old(data: bytes) -> Iterator[Stored | Skipped]:
    return torch_weights.legacy(BytesArtifact("m", data), Budget())


def test_the_old_layout_is_read() -> None:
    model: dict[str, Array] = bert(1, layers=1)
    found = {tensor.name: tensor for tensor in _old(torch_legacy_bytes(model, "F16"))}
    assert list(found) == list(model)
    for name, tensor in found.items():
        assert isinstance(tensor, Stored)
        values = np.frombuffer(tensor.read(0, tensor.elements), "<f2").reshape(tensor.shape)
        assert np.array_equal(values, model[name].astype(np.float16))


def test_the_old_layout_cut_short_is_said() -> None:
    data = torch_legacy_bytes({"a": Maker(1).matrix(4, 4), "b": Maker(1).matrix(4, 4)})
    first, second = _old(data[:-10])
    assert isinstance(first, Stored)
    assert isinstance(second, Skipped)
    assert len(list(_old(torch_legacy()))) == 1
    for other in (b"cos\nsystem\n.", b"", torch_legacy(b"}.")):
        with pytest.raises(ReadError):
            list(_old(other))


def test_a_view_knows_its_storage() -> None:
    program = view(Assembler(2).empty_dict().text("w"), function="_rebuild_tensor").setitem()
    [found] = tensors(value(program.stop())).values()
    assert isinstance(found, View)
    assert (found.storage.key, found.storage.elements, found.strides) == ("0", 6, (3, 1))
    part = Assembler(2).mark().text("storage").global_("torch", "FloatStorage").text("0")
    part = part.text("cpu").number(6).mark().text("1").number(0).number(3).raw(b"ttQ")
    storage: Any = value(part.stop())
    assert not storage.whole
    assert value(Assembler(2).mark().text("module").raw(b"tQ").stop()) is OTHER
    odd = Assembler(2).mark().text("storage").number(1).text("0").text("cpu").number(6).raw(b"tQ")
    assert value(odd.stop()) is OTHER


@pytest.mark.parametrize(
    "arguments",
    [("x",), ("x", "y", "z", "w")],
)
def test_calls_with_other_arguments_are_said(arguments: tuple[str, ...]) -> None:
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_tensor_v3"):
        program = Assembler(2).global_("torch._utils", name).mark()
        for argument in arguments:
            program.text(argument)
        assert value(program.raw(b"tR").stop()) == Unread(f"torch._utils.{name}")
