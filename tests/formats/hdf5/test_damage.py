"""Structure that is not what it should be: a needed gap, and the rest of the file is still read."""

from __future__ import annotations

import pytest

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.hdf5 import header, heaps, trees
from modelscan.formats.hdf5.cursor import Cursor, Space
from modelscan.vocabulary.artifact import BytesArtifact
from tests.forge import hdf5, reading
from tests.forge.hdf5 import File, dataspace, message, number


def _dense(*, deep: bool = False) -> bytes:
    file = File(2)
    links = [hdf5.link(f"w{at}", file.dataset(at + 1)) for at in range(5)]
    value = hdf5.attribute("a", hdf5.F32, dataspace(), bytes(4), version=3)[1]
    root = file.header(
        message(2, b"\0\0" + file.dense(links, kind=5, deep=deep)),
        message(0x15, b"\0\0" + file.dense([value], kind=8)),
        modern=True,
    )
    return file.close(root)


def _space(data: bytes) -> Space:
    return Space(BytesArtifact("a.h5", data), 0, 8, 8)


@pytest.mark.parametrize("mark", [b"FRHP", b"BTHD", b"BTLF", b"BTIN", b"FHIB"])
def test_a_piece_of_dense_storage_without_its_mark(mark: bytes) -> None:
    assert not reading.gaps(_dense(deep=True), "a.h5")
    assert reading.gaps(_dense(deep=True).replace(mark, b"XXXX"), "a.h5")


@pytest.mark.parametrize("mark", [b"HEAP", b"TREE", b"SNOD"])
def test_a_piece_of_a_group_without_its_mark(mark: bytes) -> None:
    assert reading.gaps(hdf5.weights(dense=3).replace(mark, b"XXXX"), "a.h5")


def test_a_continuation_or_global_heap_without_its_mark() -> None:
    file = File(2)
    data = file.close(file.header(message(0, b""), modern=True, split=True))
    assert not reading.gaps(data, "a.h5")
    assert reading.gaps(data.replace(b"OCHK", b"XXXX"), "a.h5")
    data = hdf5.with_attribute("model_config", b"{}")
    assert reading.gaps(data.replace(b"GCOL", b"XXXX"), "a.h5")


@pytest.mark.parametrize("kind", [5, 8])
def test_dense_storage_that_is_not_there_is_empty(kind: int) -> None:
    file = File(2)
    nowhere = number(hdf5.NOWHERE) * 2
    root = file.header(message(2 if kind == 5 else 0x15, b"\0\0" + nowhere), modern=True)
    assert not reading.gaps(file.close(root), "a.h5")
    file = File(2)
    group = file.header(message(0x11, nowhere))
    assert not reading.gaps(file.close(group), "a.h5")


def _heap(*, width: int = 4, filters: int = 0, root: int = hdf5.NOWHERE, rows: int = 0) -> Space:
    head = b"FRHP\0" + number(7, 2) + number(filters, 2) + b"\0" + number(4096, 4)
    head += bytes(4 * 8 + 2 * 8 + 6 * 8)
    head += number(width, 2) + number(512) + number(1024) + number(32, 2) + number(1, 2)
    data = bytearray(20_000)
    head += number(root) + number(rows, 2)
    data[: len(head)] = head
    indirect = b"FHIB\0" + number(0) + number(0, 4)
    children = [8192, 8192, 8192, 8192] * 3 + [12_288] + [hdf5.NOWHERE] * 3
    first = indirect + b"".join(number(child) for child in children)
    data[4096 : 4096 + len(first)] = first
    second = indirect + number(16_384) + number(hdf5.NOWHERE) * 3
    data[12_288 : 12_288 + len(second)] = second
    data[16_384:16_390] = b"inside"
    return _space(bytes(data))


def test_a_heap_may_be_several_levels_deep() -> None:
    space = _heap(root=4096, rows=4)
    heap = heaps.FractalHeap(space, 0, Budget())
    offset = 4 * (512 + 512 + 1024)
    identity = Cursor(b"\0" + number(offset, 4) + number(6, 2), space)
    assert heap.object(identity).data == b"inside"


def test_objects_in_other_kinds_of_storage() -> None:
    space = _heap()
    heap = heaps.FractalHeap(space, 0, Budget())
    assert heap.object(Cursor(b"\x23tiny", space)).data == b"tiny"
    with pytest.raises(ReadError):
        heap.object(Cursor(b"\x10" + bytes(6), space))
    with pytest.raises(ReadError):
        heap.object(Cursor(b"\0" + bytes(6), space))


def test_heaps_that_make_no_sense_are_errors() -> None:
    for space in (_heap(width=0), _heap(filters=9), _space(bytes(300))):
        with pytest.raises(ReadError):
            heaps.FractalHeap(space, 0, Budget())


def test_names_outside_of_their_heap_are_errors() -> None:
    empty = _space(b"HEAP" + bytes(4) + number(8) + number(0) + number(hdf5.NOWHERE))
    with pytest.raises(ReadError):
        heaps.LocalHeap(empty, 0).text(0)


def test_objects_that_are_not_in_a_global_heap_are_errors() -> None:
    file = File()
    addresses = [file.global_heap(b"one", b"two") for _ in range(6)]
    space = _space(bytes(file.data))
    for address in addresses * 2:
        assert heaps.global_object(space, address, 2, Budget()) == b"two"
    with pytest.raises(ReadError):
        heaps.global_object(space, addresses[0], 3, Budget())


def test_trees_that_make_no_sense_are_errors() -> None:
    def tree(node: int, record: int, depth: int) -> Space:
        head = b"BTHD\0\5" + number(node, 4) + number(record, 2) + number(depth, 2) + bytes(2)
        return _space(head + number(hdf5.NOWHERE) + number(0, 2) + bytes(80))

    for space in (tree(512, 0, 0), tree(8, 11, 0), tree(512, 11, 99), tree(30, 11, 2)):
        with pytest.raises(ReadError):
            list(trees.records(space, 0, Budget()))
    assert list(trees.records(tree(512, 11, 0), 0, Budget())) == []


def test_nodes_that_point_to_themselves_end() -> None:
    node = b"TREE\0\1" + number(1, 2) + number(hdf5.NOWHERE) * 2
    space = _space(node + number(0) + number(0) + number(0))
    assert list(trees.symbols(space, 0, Budget())) == []
    space = _space(node + number(0) + number(hdf5.NOWHERE) + number(0))
    assert list(trees.symbols(space, 0, Budget())) == []
    head = b"BTHD\0\5" + number(64, 4) + number(11, 2) + number(1, 2) + bytes(2)
    head += number(64) + number(1, 2) + bytes(20)
    inner = b"BTIN\0\5" + bytes(11) + (number(64) + number(1, 1)) * 2
    space = _space(head.ljust(64, b"\0") + inner.ljust(64, b"\0"))
    assert len(list(trees.records(space, 0, Budget()))) == 1


def test_headers_that_are_too_long_or_point_to_themselves_end() -> None:
    again = number(0x10, 2) + number(16, 2) + bytes(4) + number(0) + number(100)
    start = b"\1\0" + number(1, 2) + number(1, 4) + number(len(again), 4) + bytes(4)
    assert list(header.messages(_space(start + again), 0, Budget())) == []
    nowhere = number(0x10, 2) + number(16, 2) + bytes(4) + number(hdf5.NOWHERE) + number(100)
    assert list(header.messages(_space(start + nowhere), 0, Budget())) == []
    size = 1 << 20
    many = b"".join(
        number(0x10, 2) + number(16, 2) + bytes(4) + number(200 + at) + number(size)
        for at in range(7)
    )
    start = b"\1\0" + number(7, 2) + number(1, 4) + number(len(many), 4) + bytes(4)
    with pytest.raises(ReadError):
        list(header.messages(_space(start + many + bytes(size)), 0, Budget()))


def test_pieces_of_structure_are_bounded() -> None:
    space = _space(bytes(100))
    with pytest.raises(ReadError):
        space.block(0, 1 << 30)
    with pytest.raises(ReadError):
        space.block(90, 20)
    with pytest.raises(ReadError):
        Cursor(b"ab", space).take(3)
    cursor = Cursor(b"no end", space)
    assert cursor.text() == "no end"
    assert cursor.left == 0


def test_kinds_of_links_that_only_applications_know_are_skipped() -> None:
    file = File(2)
    unknown = b"\1\x08\x05" + b"\1x" + number(0, 2)
    nowhere = hdf5.link("n", hdf5.NOWHERE)
    data = file.close(file.header(*file.new_group(unknown, nowhere), modern=True))
    assert not reading.gaps(data, "a.h5")


def test_too_many_dimensions_are_an_error() -> None:
    file = File()
    broken = file.header(message(1, b"\1\x7f\0"), message(3, hdf5.F32), message(8, hdf5.CHUNKED))
    data = file.close(file.header(*file.new_group(hdf5.link("x", broken))))
    assert reading.gaps(data, "a.h5")
