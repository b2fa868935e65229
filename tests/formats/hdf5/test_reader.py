from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.hdf5.reader import Hdf5Reader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Hdf5Defect, Hdf5Reference, TensorHeader
from tests.forge import hdf5, keras, reading
from tests.forge.hdf5 import File, dataspace, message, number


def _read(data: bytes, limits: Limits | None = None) -> list[Any]:
    return list(Hdf5Reader().read(BytesArtifact("model.h5", data), Budget(limits)))


def _header(data: bytes) -> TensorHeader:
    (found,) = (item for item in _read(data) if isinstance(item, TensorHeader))
    return found


def _defects(data: bytes) -> list[tuple[str, str]]:
    return [(item.kind, item.object) for item in _read(data) if isinstance(item, Hdf5Defect)]


def _references(data: bytes) -> list[tuple[str, str, str]]:
    return [
        (item.kind, item.object, item.target)
        for item in _read(data)
        if isinstance(item, Hdf5Reference)
    ]


def _of(*datasets: int, file: File) -> bytes:
    members = {f"d{at}": address for at, address in enumerate(datasets)}
    return file.close(file.header(file.old_group(members)))


def test_the_table_of_contents_is_stated() -> None:
    header = _header(hdf5.weights(dense=3, out=5))
    assert (header.tensors, header.parameters, header.payload) == (2, 16, 64)
    assert header.dtypes == ("f32",)
    assert reading.quiet(hdf5.weights(dense=3), "model.h5")


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("split", [False, True])
def test_every_layout_is_walked(version: int, modern: bool, split: bool) -> None:
    file = File(version)
    inner = file.dataset(4, modern=modern)
    group = file.header(*file.new_group(hdf5.link("w", inner)), modern=modern, split=split)
    root = file.header(*file.new_group(hdf5.link("g", group)), modern=modern, split=split)
    header = _header(file.close(root))
    assert (header.tensors, header.parameters) == (1, 4)


@pytest.mark.parametrize("deep", [False, True])
def test_dense_storage_is_walked(deep: bool) -> None:
    file = File(2)
    links = [hdf5.link(f"w{at}", file.dataset(at + 1)) for at in range(6)]
    links.append(hdf5.external_link("x", "/etc/passwd"))
    document = keras.text(keras.model(keras.lambda_layer()))[:900]
    values = [
        hdf5.attribute("model_config", hdf5.datatype(3, len(document)), dataspace(), document,
                       version=3)[1],
        hdf5.attribute("other", hdf5.F32, dataspace(), bytes(4), version=3)[1],
    ]  # fmt: skip
    root = file.header(
        message(2, b"\0\0" + file.dense(links, kind=5, deep=deep)),
        message(0x15, b"\0\0" + file.dense(values, kind=8, deep=deep)),
        modern=True,
    )
    data = file.close(root)
    header = _header(data)
    assert (header.tensors, header.parameters) == (6, 21)
    assert header.metadata == ("model_config", "other")
    assert _references(data) == [("external-link", "/x", "/etc/passwd")]
    (inner,) = (item for item in _read(data) if isinstance(item, BytesArtifact))
    assert (inner.member, inner.read_at(0, 9999)) == ("@model_config.json", document)


def test_creation_order_moves_nothing() -> None:
    file = File(2)
    inner = file.dataset(4)
    dense = file.dense([hdf5.link("w", inner)], kind=5)
    root = file.header(message(2, b"\0\1" + bytes(8) + dense), modern=True)
    assert _header(file.close(root)).tensors == 1
    file = File(2)
    value = hdf5.attribute("a", hdf5.F32, dataspace(), bytes(4), version=3)[1]
    dense = file.dense([value], kind=8)
    root = file.header(message(0x15, b"\0\1" + bytes(2) + dense), modern=True)
    assert _header(file.close(root)).metadata == ("a",)


def test_the_configuration_of_a_keras_model_goes_on_its_own_way() -> None:
    document = keras.text(keras.model(keras.lambda_layer()))
    data = hdf5.with_attribute("model_config", document)
    assert reading.fails(data, "model.h5") == ["keras-embedded-code"]
    assert reading.fails(data, "weights.bin") == ["keras-embedded-code"]
    honest = hdf5.with_attribute("model_config", keras.text(keras.HONEST))
    assert reading.quiet(honest, "model.h5")


def test_any_attribute_may_be_a_configuration() -> None:
    document = json.dumps({"_target_": "os.system"}).encode()
    assert reading.fails(hdf5.with_attribute("x", document), "model.h5") == [
        "config-calls-dangerous-name"
    ]
    assert reading.quiet(hdf5.with_attribute("x", b"{not json}"), "model.h5")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_attributes_of_every_version_are_read(version: int) -> None:
    file = File()
    value = file.text_attribute("model_config", b"{}", version=version)
    (inner,) = (
        item for item in _read(file.close(file.header(value))) if isinstance(item, BytesArtifact)
    )
    assert inner.read_at(0, 9) == b"{}"


def test_many_texts_in_one_attribute() -> None:
    file = File()
    value = file.text_attribute("model_config", b"{}", b"[]")
    data = file.close(file.header(value))
    assert sum(isinstance(item, BytesArtifact) for item in _read(data)) == 2


def test_an_attribute_of_too_many_values_is_a_needed_gap() -> None:
    file = File()
    value = hdf5.attribute("x", hdf5.datatype(3, 1), dataspace(1 << 40), b"abc")
    assert reading.gaps(file.close(file.header(value)), "a.h5")


def test_an_attribute_of_bytes_may_be_a_pickle() -> None:
    file = File()
    data = b"cos\nsystem\n(S'id'\ntR."
    value = hdf5.attribute("x", hdf5.U8, dataspace(len(data)), data)
    whole = file.close(file.header(value))
    assert "pickle-dangerous-call" in reading.fails(whole, "a.h5")


def test_a_pickle_in_an_attribute_or_dataset_is_found() -> None:
    data = b"cos\nsystem\n(S'id'\ntR."
    assert "pickle-dangerous-call" in reading.fails(hdf5.with_attribute("CLASS", data), "t.h5")
    for kind in (hdf5.U8, hdf5.datatype(5, 1), hdf5.datatype(3, 1)):
        file = File()
        stored = file.put(data)
        layout = hdf5.contiguous(stored, len(data))
        whole = _of(file.dataset(len(data), kind=kind, layout=layout), file=file)
        assert "pickle-dangerous-call" in reading.fails(whole, "t.h5")
        file = File()
        inline = file.dataset(len(data), kind=kind, layout=hdf5.compact(data))
        assert "pickle-dangerous-call" in reading.fails(_of(inline, file=file), "t.h5")


def test_objects_of_pytables_are_found() -> None:
    file = File()
    file.global_heap(b"\x80\x04.", b"cos\nsystem\n(S'id'\ntR.", b"x")
    file.put(b"GCOL\1\0\0\0" + number(40) + number(1, 2) + bytes(6) + number(99) + bytes(99))
    sequence = file.dataset(1, kind=hdf5.datatype(9, 16) + hdf5.U8)
    assert "pickle-dangerous-call" in reading.fails(_of(sequence, file=file), "t.h5")


def test_data_in_another_file_is_stated() -> None:
    file = File()
    heap, offsets = file.heap("/proc/self/environ", "second")
    slots = b"".join(number(offset) + number(0) + number(8) for offset in offsets)
    body = b"\1\0\0\0" + number(2, 2) + number(2, 2) + number(heap) + slots
    unstored = hdf5.contiguous(hdf5.NOWHERE, 1 << 50)
    data = _of(file.dataset(1 << 48, layout=unstored, extra=[message(7, body)]), file=file)
    assert _references(data) == [
        ("external-storage", "/d0", "/proc/self/environ"),
        ("external-storage", "/d0", "second"),
    ]
    assert _defects(data) == []
    assert reading.fails(data, "model.h5") == ["hdf5-reads-other-file"]


def test_links_out_of_the_file_are_stated() -> None:
    file = File()
    root = file.header(
        *file.new_group(hdf5.external_link("x", "../other.h5"), hdf5.soft_link("s", "/y"))
    )
    assert _references(file.close(root)) == [
        ("external-link", "/x", "../other.h5"),
        ("soft-link", "/s", "/y"),
    ]
    file = File()
    data = file.close(file.header(file.old_group({}, {"old": "/there"})))
    assert _references(data) == [("soft-link", "/old", "/there")]
    assert reading.quiet(data, "model.h5")


def _virtual(source: str) -> bytes:
    file = File()
    heap = file.global_heap(b"\0" + number(1) + source.encode() + b"\0data\0")
    return _of(file.dataset(4, layout=b"\3\3" + number(heap) + number(1, 4)), file=file)


def test_virtual_datasets_are_stated() -> None:
    data = _virtual("/srv/other.h5")
    assert _references(data) == [("virtual-dataset", "/d0", "/srv/other.h5")]
    assert reading.fails(data, "model.h5") == ["hdf5-reads-other-file"]
    assert reading.quiet(_virtual("."), "model.h5")
    file = File()
    empty = _of(file.dataset(4, layout=b"\3\3" + number(hdf5.NOWHERE) + bytes(4)), file=file)
    assert _references(empty) == [("virtual-dataset", "/d0", "")]


@pytest.mark.parametrize(
    ("dims", "layout", "kind"),
    [
        ((1 << 20, 1 << 20), hdf5.CHUNKED, "shape-bomb"),
        ((1 << 40,), hdf5.contiguous(hdf5.NOWHERE, 1 << 42), "shape-bomb"),
        ((1 << 60,) * 8, hdf5.CHUNKED, "shape-bomb"),
        ((1 << 20,), hdf5.contiguous(96, 8), "shape-bomb"),
        ((1 << 20,), hdf5.compact(b"abcd"), None),
        ((4,), hdf5.contiguous(1 << 40, 16), "out-of-bounds"),
        ((1 << 20,), hdf5.CHUNKED, None),
    ],
)
def test_what_the_file_has_no_room_for(
    dims: tuple[int, ...], layout: bytes, kind: str | None
) -> None:
    file = File()
    data = _of(file.dataset(*dims, layout=layout), file=file)
    assert [found for found, _ in _defects(data)] == ([kind] if kind else [])


def test_many_small_promises_add_up() -> None:
    file = File()
    datasets = [file.dataset(10 << 20, layout=hdf5.CHUNKED) for _ in range(8)]
    assert _defects(_of(*datasets, file=file)) == [("shape-bomb", "/d6")]


def test_compressed_data_may_be_much_larger_than_the_file() -> None:
    file = File()
    file.put(bytes(1 << 20))
    deflate = message(0x0B, b"\2\1" + number(1, 2) + number(0, 2) + number(1, 2) + number(9, 4))
    dataset = file.dataset(100 << 20, layout=hdf5.CHUNKED, extra=[deflate])
    assert _defects(_of(dataset, file=file)) == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\2\1" + number(40000, 2) + number(4, 2) + bytes(2) + number(0, 2) + b"evil",
         "40000 evil"),
        (b"\1\1" + bytes(6) + number(99, 2) + number(0, 2) + bytes(2) + number(1, 2) + bytes(8),
         "99"),
        (b"\2\1" + number(32001, 2) + number(0, 2) + bytes(2) + number(0, 2), None),
        (b"\1\1" + bytes(6) + number(1, 2) + number(8, 2) + bytes(2) + number(1, 2) + b"deflate\0"
         + bytes(8), None),
    ],
)  # fmt: skip
def test_filters_that_are_plug_ins_are_stated(body: bytes, name: str | None) -> None:
    file = File()
    data = _of(file.dataset(4, extra=[message(0x0B, body)]), file=file)
    found = [item.detail for item in _read(data) if isinstance(item, Hdf5Defect)]
    assert found == ([name] if name else [])


def _old_layout(kind: int, *sizes: int, tail: bytes = b"") -> bytes:
    address = b"" if kind == 0 else number(96)
    dims = b"".join(number(size, 4) for size in sizes)
    return bytes([1, len(sizes), kind]) + bytes(5) + address + dims + tail


def test_layouts_of_old_versions_are_read() -> None:
    file = File()
    datasets = [
        file.dataset(2, layout=_old_layout(1, 8)),
        file.dataset(2, layout=_old_layout(0, 2, tail=number(8, 4) + bytes(8))),
        file.dataset(2, layout=_old_layout(2, 2, 4)),
        file.dataset(1 << 20, layout=_old_layout(1, 1 << 20, 4)),
    ]
    assert _defects(_of(*datasets, file=file)) == [("out-of-bounds", "/d3")]


def test_shared_types_are_followed() -> None:
    file = File()
    committed = file.header(message(3, hdf5.datatype(1, 8)))
    space = message(1, dataspace(4))
    layout = message(8, hdf5.contiguous(96, 32))
    for body in (b"\1\0" + bytes(6) + number(committed), b"\2\0" + number(committed)):
        shared = file.header(space, message(3, body, 2), layout)
        assert _header(_of(shared, file=file)).dtypes == ("f64",)
    value = hdf5.attribute("model_config", b"\3\2" + number(committed), dataspace(), bytes(8),
                           version=3, flags=1)  # fmt: skip
    assert _header(file.close(file.header(value))).metadata == ("model_config",)


@pytest.mark.parametrize("body", [b"\3\1" + bytes(8), b"\2\0" + number(hdf5.NOWHERE)])
def test_types_out_of_reach_are_a_needed_gap(body: bytes) -> None:
    file = File()
    layout = message(8, hdf5.contiguous(96, 32))
    shared = file.header(message(1, dataspace(4)), message(3, body, 2), layout)
    assert reading.gaps(_of(shared, file=file), "a.h5")
    value = hdf5.attribute("x", body, dataspace(), bytes(8), version=3, flags=1)
    file = File()
    assert reading.gaps(file.close(file.header(value)), "a.h5")


def test_a_shared_shape_of_an_attribute_is_followed() -> None:
    file = File()
    committed = file.header(message(1, dataspace()))
    value = hdf5.attribute("model_config", hdf5.datatype(3, 2), b"\2\0" + number(committed), b"{}",
                           version=3, flags=2)  # fmt: skip
    (inner,) = (
        item for item in _read(file.close(file.header(value))) if isinstance(item, BytesArtifact)
    )
    assert inner.read_at(0, 9) == b"{}"


def test_a_null_dataset_holds_nothing() -> None:
    file = File()
    space = message(1, dataspace(version=2, null=True))
    empty = file.header(space, message(3, hdf5.F32), message(8, hdf5.contiguous(96, 0)))
    assert _header(_of(empty, file=file)).parameters == 0
    file = File()
    space = message(1, dataspace(3, version=2))
    other = file.header(space, message(3, hdf5.F32), message(8, hdf5.contiguous(96, 12)))
    assert _header(_of(other, file=file)).parameters == 3


def test_a_user_block_is_stated_and_read() -> None:
    script = b"cos\nsystem\n(S'id'\ntR.".ljust(512, b"\0")
    file = File(before=script)
    data = file.close(file.header(file.old_group({"w": file.dataset(2)})))
    assert ("user-block", "/") in _defects(data)
    assert _header(data).tensors == 1
    assert "pickle-dangerous-call" in reading.fails(data, "model.h5")
    assert "pickle-dangerous-call" in reading.fails(data, "model.bin")
    blank = File(before=bytes(1024))
    assert _defects(blank.close(blank.header(blank.old_group({})))) == []


def test_bytes_behind_the_end_are_stated_and_read() -> None:
    data = hdf5.weights(dense=3) + b"cos\nsystem\n(S'id'\ntR."
    assert _defects(data) == [("trailing-data", "/")]
    assert "pickle-dangerous-call" in reading.fails(data, "model.h5")
    file = File()
    root = file.header(file.old_group({}))
    assert _defects(file.close(root, end=hdf5.NOWHERE)) == []


def test_a_file_that_is_cut_off_is_stated() -> None:
    data = hdf5.weights(dense=3, out=100)
    assert ("out-of-bounds", "/") in _defects(data[:-16])


def test_what_breaks_in_one_object_spares_the_others() -> None:
    file = File()
    root = file.header(
        *file.new_group(hdf5.link("bad", 1 << 40), hdf5.link("good", file.dataset(4)))
    )
    items = _read(file.close(root))
    (gap,) = (item for item in items if isinstance(item, Coverage))
    assert gap.needed
    assert gap.reason.startswith("/bad: ")
    assert _header(file.close(root)).tensors == 1


def test_a_group_that_contains_itself_ends() -> None:
    file = File()
    address = len(file.data)
    root = file.header(*file.new_group(hdf5.link("again", address)))
    assert root == address
    assert _header(file.close(root)).tensors == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        hdf5.SIGNATURE,
        b"not hdf5",
        hdf5.SIGNATURE + b"\7" + bytes(90),
        hdf5.SIGNATURE + bytes([2, 3, 8]) + bytes(90),
        File(2).close(hdf5.NOWHERE),
    ],
)
def test_what_has_no_superblock_is_an_error(data: bytes) -> None:
    with pytest.raises(ReadError):
        _read(data)


def test_recognition() -> None:
    def recognised(data: bytes, name: str) -> bool:
        return Hdf5Reader().recognises(Glimpse(BytesArtifact(name, data)))

    assert recognised(b"", "a.h5")
    assert recognised(hdf5.SIGNATURE, "a")
    assert recognised(bytes(1024) + hdf5.SIGNATURE, "a")
    assert not recognised(bytes(700) + hdf5.SIGNATURE, "a")


def test_the_walk_is_paid_for() -> None:
    data = hdf5.weights(**{f"l{at}": 2 for at in range(50)})
    with pytest.raises(BudgetError):
        _read(data, Limits(members=20))
    with pytest.raises(BudgetError):
        _read(data, Limits(steps=20))


def _samples() -> list[bytes]:
    file = File(2)
    value = hdf5.attribute("model_config", hdf5.datatype(3, 2), dataspace(), b"{}", version=3)
    links = [hdf5.link(f"w{at}", file.dataset(at + 1)) for at in range(5)]
    root = file.header(
        message(2, b"\0\0" + file.dense(links, kind=5, deep=True)),
        message(0x15, b"\0\0" + file.dense([value[1]], kind=8)),
        modern=True,
    )
    return [
        hdf5.weights(a=2, b=3),
        hdf5.with_attribute("model_config", b"{}"),
        file.close(root),
        _virtual("x"),
    ]


SAMPLES = _samples()


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=12),
    st.integers(0, 9000),
)
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_in_facts_or_a_read_error(
    sample: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(sample)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        _read(bytes(damaged[: len(damaged) - cut if cut < 200 else None]), Limits(steps=200_000))
    except ReadError:
        return


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _read(hdf5.SIGNATURE + data)
    except ReadError:
        return
