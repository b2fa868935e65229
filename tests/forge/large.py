"""Files whose structure is as large as is asked for, in the worst shapes that each format has.

Not what a library writes: hundreds of thousands of entries where there are dozens, so that whatever
a reader keeps of each of them is seen in its memory. A unit is written over and over, each time
with another number where `MARK` stands: writing has to be quick, since the tests write them all.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import struct
import tarfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Final

from tests.forge import flatbuffers, gguf, hdf5, onnx, protobuf, safetensors, tflite
from tests.forge.archives import Zip, central_header, local_header, python_zip
from tests.forge.r_data import Xdr
from tests.forge.sevenzip import seven_zip

MARK: Final = "########"
"""Stands for eight digits."""
_VECTOR: Final = b"THE VECTOR"
Made = Callable[[int], bytes]
"""A file of about so many bytes."""


def repeated(unit: bytes, size: int) -> bytes:
    """The same over and over."""
    return unit * max(size // len(unit), 1)


def numbered(unit: bytes | str, size: int) -> bytes:
    """The same over and over, but for its number."""
    raw = unit.encode() if isinstance(unit, str) else unit
    parts = raw.split(MARK.encode())
    return b"".join([(b"%08x" % number).join(parts) for number in range(size // len(raw) or 1)])


def _counted(unit: bytes, size: int) -> tuple[int, bytes]:
    """How many there are, and all of them."""
    made = numbered(unit, size)
    return len(made) // len(unit), made


def _grown(model: bytes, unit: dict[int, tflite.Slot], size: int) -> bytes:
    """A FlatBuffer in which a vector of tables stands instead of the text `_VECTOR`."""
    text_at = model.index(_VECTOR) - 4
    slot = next(
        at
        for at in range(text_at - 4, 0, -4)  # the nearest, which no other number resembles
        if at + struct.unpack_from("<I", model, at)[0] == text_at
    )
    table = tflite.buffer(unit, b"....")
    block = table + bytes(-len(table) % 8)
    (inside,) = struct.unpack_from("<I", block)
    count, blocks = _counted(block, size)
    out = bytearray(model + bytes(-len(model) % 8) + bytes(4))
    vector = len(out)
    first = vector + 4 + 4 * count
    first += -first % 8
    places = (
        first + number * len(block) + inside - (vector + 4 + 4 * number) for number in range(count)
    )
    out += struct.pack(f"<I{count}I", count, *places)
    out += bytes(first - len(out)) + blocks
    struct.pack_into("<I", out, slot, vector - slot)
    return bytes(out)


def _safetensors(size: int) -> bytes:
    return safetensors.assemble(
        safetensors.header({f"t{n}": ("U8", [1]) for n in range(size // 60)})
    )


def _safetensors_keys(size: int) -> bytes:
    keys = {"__metadata__": {f"k{n}": "v" for n in range(size // 16)}}
    return safetensors.assemble(keys | safetensors.header({"t": ("U8", [1])}))


def _gguf(pairs: tuple[int, bytes], tensors: tuple[int, bytes] = (0, b"")) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors[0], pairs[0]) + pairs[1] + tensors[1]


def _gguf_list(kind: int, items: tuple[int, bytes]) -> bytes:
    raw = gguf.Raw(gguf.ARRAY, gguf.GGUF.array(kind, *items))
    return _gguf((1, gguf.GGUF.pair("tokenizer.ggml.tokens", raw)))


def _gguf_tensors(size: int) -> bytes:
    table = _counted(gguf.GGUF.tensor(gguf.Tensor(MARK, [1]), 0), size)
    return _gguf((0, b""), table)


def _ggml(size: int) -> bytes:
    words = min(size // 12, 500_000)
    head = b"lmgg" + struct.pack("<7I", words, *[2] * 6) + gguf.ggml_words(words)
    return head + repeated(gguf.ggml_tensor("t", [1], 0, 4), size // 2)


def _numpy(size: int) -> bytes:
    head = b"{'descr': [" + numbered(f"('{MARK}','<f4'),", size)
    head += b"], 'fortran_order': False, 'shape': (1,), }"
    return b"\x93NUMPY\2\0" + struct.pack("<I", len(head)) + head


def _hdf5_old(size: int) -> bytes:
    """Groups of a hundred datasets."""
    file = hdf5.File()
    groups = {}
    for group in range(max(size // 300 // 100, 1)):
        inside = {f"d{n}": file.dataset(1) for n in range(100)}
        groups[f"g{group}"] = file.header(file.old_group(inside))
    return file.close(file.header(file.old_group(groups)))


def _hdf5_new(size: int) -> bytes:
    """One group of datasets."""
    file = hdf5.File(2)
    links = [hdf5.link(f"d{n}", file.dataset(1, modern=True)) for n in range(size // 120)]
    return file.close(file.header(*file.new_group(*links), modern=True))


def _hdf5_attributes(size: int) -> bytes:
    file = hdf5.File(2)
    one = hdf5.attribute(MARK, hdf5.U8, hdf5.dataspace(1), b"x")
    named = [(one[0], one[1].replace(MARK.encode(), b"%08d" % n), 0) for n in range(size // 64)]
    return file.close(file.header(*named, modern=True))


def _hdf5_texts(size: int) -> bytes:
    """An attribute with a thousand texts of the largest heap that is read."""
    file = hdf5.File(2)
    heap = file.global_heap(*[b"x" * 200] * min(size // 224, 65_000))
    places = b"".join(
        hdf5.number(200, 4) + hdf5.number(heap) + hdf5.number(number, 4)
        for number in range(1, 1001)
    )
    text = hdf5.attribute("layer_names", hdf5.TEXT, hdf5.dataspace(1000), places, version=3)
    return file.close(file.header(text, modern=True))


def _onnx(field: int, unit: bytes, size: int) -> bytes:
    """A model whose graph holds one node and many of the others."""
    many = numbered(protobuf.data(field, unit), size)
    return onnx.model(protobuf.data(1, onnx.node("Relu")) + many)


def _onnx_files(size: int) -> bytes:
    place = onnx.place(MARK, offset="0", length="4")
    return _onnx(5, onnx.tensor(MARK, [1], external=place), size)


def _onnx_functions(size: int) -> bytes:
    each = protobuf.data(25, onnx.function(MARK, "own", onnx.node("Relu")))
    return onnx.model(behind=numbered(each, size))


def _onnx_attributes(size: int) -> bytes:
    each = numbered(protobuf.data(5, onnx.attribute(MARK, 4, "v")), size)
    return onnx.model(protobuf.data(1, onnx.node("Own", "own") + each))


def _ort_attributes(size: int) -> bytes:
    node = flatbuffers.ort_node("Own", "own")
    model = flatbuffers.ort({**node, 10: _VECTOR})
    return _grown(model, {0: MARK.encode(), 5: b"v"}, size)


def _ort_nodes(size: int) -> bytes:
    model = tflite.buffer({0: b"6", 1: {2: b"", 3: b"", 7: {0: [], 2: _VECTOR}}}, b"ORTM")
    return _grown(model, flatbuffers.ort_node(MARK, "own"), size)


def _tflite(slot: int, unit: dict[int, tflite.Slot], size: int) -> bytes:
    """A model with one vector of many tables: codes, buffers, or a graph's tensors."""
    graph: tflite.Slot = {
        0: _VECTOR if slot == 0 else [],
        3: _VECTOR if slot == 3 else [{0: 0}],
    }  # SubGraph
    root: dict[int, tflite.Slot] = {0: 3, 1: [{3: 9}], 2: [graph], 3: b"forge", 4: [{}]}
    if slot in (1, 4):
        root[slot] = _VECTOR
    return _grown(tflite.buffer(root, b"TFL3"), unit, size)


def _executorch(slot: int, unit: dict[int, tflite.Slot], size: int) -> bytes:
    """A program with one vector of many tables: instructions, operators or delegates."""
    plan: dict[int, tflite.Slot] = {0: b"forward", 5: [{2: []}], 6: [{0: b"aten::add"}], 7: []}
    plan[slot] = [{2: _VECTOR}] if slot == 5 else _VECTOR  # Chain
    root: dict[int, tflite.Slot] = {0: 0, 1: [plan], 3: [], 4: []}
    return _grown(tflite.buffer(root, b"ET12", b"eh00" + struct.pack("<IQQ", 24, 0, 0)), unit, size)


def _tf_node(operator: str, name: str = MARK, inside: bytes = b"") -> bytes:
    return protobuf.data(1, protobuf.data(1, name) + protobuf.data(2, operator) + inside)


TF_FIRST: Final = _tf_node(
    "Relu", "x", protobuf.data(5, protobuf.data(1, "T") + protobuf.data(2, protobuf.number(6, 1)))
)


def _tf_functions(size: int) -> bytes:
    signature = protobuf.data(1, protobuf.data(1, MARK))
    body = protobuf.data(3, protobuf.data(1, "n") + protobuf.data(2, "Relu"))
    return TF_FIRST + protobuf.data(2, numbered(protobuf.data(1, signature + body), size))


def _tf_attribute(unit: bytes, size: int) -> bytes:
    """One node with a list of many values."""
    many = protobuf.data(1, numbered(unit, size))
    entry = protobuf.data(5, protobuf.data(1, "k") + protobuf.data(2, many))
    return TF_FIRST + _tf_node("PartitionedCall", "y", entry)


def _tf_attributes(size: int) -> bytes:
    value = protobuf.data(2, protobuf.data(2, "v"))
    many = numbered(protobuf.data(5, protobuf.data(1, MARK) + value), size)
    return TF_FIRST + _tf_node("Const", "y", many)


def _tf_meta(unit: bytes, size: int) -> bytes:
    head = protobuf.data(1, protobuf.data(5, "2.0")) + protobuf.data(2, TF_FIRST)
    return head + numbered(unit, size)


def _zip(size: int) -> bytes:
    fields = {
        "name": MARK.encode(), "flags": 0, "method": 0, "crc": 0, "packed": 0, "size": 0,
        "extra": b"", "offset": 0, "mode": 0, "system": 3,
    }  # fmt: skip
    local, central = local_header(fields), central_header(fields)
    count, body = _counted(local, size * 2 // 5)
    head, tail = central[:42], central[46:].split(MARK.encode())[1]
    listed = b"".join(
        head + struct.pack("<I", number * len(local)) + b"%08x" % number + tail
        for number in range(count)
    )
    ends = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), len(body)
    ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body) + len(listed), 1)
    record = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return body + listed + ends + record


def _zip_names(size: int) -> bytes:
    """Members with names as long as names can be."""
    archive = Zip()
    for number in range(max(size // 120_000, 1)):
        archive.member(f"{number:08}" + "n" * 60_000, b"")
    return archive.build()


def _sqlite(size: int) -> bytes:
    """A table of short values."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table shelf (key, value)")
        rows = ((number, b"abcd") for number in range(size // 16))
        database.executemany("insert into shelf values (?, ?)", rows)
        database.commit()
        return database.serialize()


def _sqlite_tables(size: int) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        for number in range(min(size // 5_000 + 1, 2_000)):
            database.execute(f"create table t{number} (value)")
        database.commit()
        return database.serialize()


def _tar(size: int) -> bytes:
    made = (tarfile.TarInfo(f"{number:08}").tobuf() for number in range(size // 512))
    return b"".join(made) + bytes(1024)


def _tar_records(size: int) -> bytes:
    """A member with many properties."""
    unit = f"{len(MARK) + 7} {MARK}=vv\n"
    while len(unit) != int(unit.partition(" ")[0]):
        unit = f"{len(unit)} {MARK}=vv\n"
    records = numbered(unit, size)
    head = tarfile.TarInfo("p")
    head.type, head.size = tarfile.XHDTYPE, len(records)
    return head.tobuf() + records + bytes(-len(records) % 512) + _tar(512)


def _torch_tensors(size: int) -> bytes:
    target = io.BytesIO()
    target.write(b"\x80\x02}(" + numbered(f"X\10\0\0\0{MARK}K\1", size) + b"u.")
    return target.getvalue()


def _msgpack(unit: bytes, size: int) -> bytes:
    count, values = _counted(unit, size)
    return b"\xdf" + struct.pack(">I", count) + values


def _parquet(size: int) -> bytes:
    footer = numbered(f"\x18\x08{MARK}", size)
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def _coreml(unit: bytes, size: int) -> bytes:
    return protobuf.number(1, 4) + protobuf.data(500, numbered(protobuf.data(1, unit), size))


def _rds(kind: int, unit: bytes, size: int) -> bytes:
    stream = Xdr()
    count, items = _counted(unit, size)
    return stream.head(2) + stream.integer(kind) + stream.integer(count) + items


def _rds_pairs(size: int) -> bytes:
    stream = Xdr()
    pairs = repeated(stream.integer(2) + stream.integer(254), size)
    return stream.head(2) + pairs + stream.integer(254)


def _torch7(size: int) -> bytes:
    """A table of numbers."""
    count, items = _counted(struct.pack("<IdId", 1, 1.0, 1, 1.0), size)
    return struct.pack("<III", 3, 1, count) + items


def _torch7_odd(size: int) -> bytes:
    """Tables whose indexes run backwards."""
    count = size // 24
    tables = (struct.pack("<IdIII", 1, 1.0, 3, (1 << 30) - n, 0) for n in range(count))
    return struct.pack("<III", 3, 1, count) + b"".join(tables)


_SYMBOL: Final = struct.pack(">III", 1, 9, 8) + MARK.encode()
_TEXT: Final = struct.pack(">II", 9, 8) + MARK.encode()
_OWN_LAYER: Final = protobuf.data(500, protobuf.data(10, MARK))

STRUCTURES: Final[dict[str, Made]] = {
    "table!a.safetensors": _safetensors,
    "metadata!a.safetensors": _safetensors_keys,
    "strings!a.gguf": lambda size: _gguf_list(gguf.STRING, _counted(gguf.GGUF.string("a"), size)),
    "words!a.gguf": lambda size: _gguf_list(gguf.STRING, _counted(gguf.GGUF.string(MARK), size)),
    "lists!a.gguf": lambda size: _gguf_list(
        gguf.ARRAY, _counted(struct.pack("<IQB", gguf.U8, 1, 1), size)
    ),
    "pairs!a.gguf": lambda size: _gguf(_counted(gguf.GGUF.pair(MARK, 1), size)),
    "text!a.gguf": lambda size: _gguf((1, gguf.GGUF.pair("general.description", b"x" * size))),
    "tensors!a.gguf": _gguf_tensors,
    "words!a.ggml": _ggml,
    "fields!a.npy": _numpy,
    "old!a.h5": _hdf5_old,
    "new!a.h5": _hdf5_new,
    "attributes!a.h5": _hdf5_attributes,
    "texts!a.h5": _hdf5_texts,
    "nodes!a.onnx": lambda size: _onnx(1, onnx.node("Relu"), size),
    "own!a.onnx": lambda size: _onnx(1, onnx.node(MARK, "own"), size),
    "long!a.onnx": lambda size: _onnx(1, onnx.node("o" * 4000 + MARK, "d" * 4000), size),
    "types!a.onnx": lambda size: _onnx(
        5, protobuf.number(2, 1 << 40) + protobuf.data(8, MARK), size
    ),
    "weights!a.onnx": lambda size: _onnx(5, onnx.tensor(MARK, [1]), size),
    "dims!a.onnx": lambda size: _onnx(
        5, repeated(protobuf.data(1, protobuf.varint(1) * 64), size), size
    ),
    "files!a.onnx": _onnx_files,
    "functions!a.onnx": _onnx_functions,
    "attributes!a.onnx": _onnx_attributes,
    "keys!a.onnx": lambda size: onnx.model(
        behind=numbered(protobuf.data(14, protobuf.data(1, MARK)), size)
    ),
    "nodes!a.ort": _ort_nodes,
    "attributes!a.ort": _ort_attributes,
    "codes!a.tflite": lambda size: _tflite(1, {1: MARK.encode(), 3: 32}, size),
    "tensors!a.tflite": lambda size: _tflite(0, {2: 9, 3: MARK.encode()}, size),
    "operators!a.tflite": lambda size: _tflite(3, {0: 0x23232323}, size),
    "buffers!a.tflite": lambda size: _tflite(4, {1: (1 << 40, 8), 2: (9, 8)}, size),
    "calls!a.pte": lambda size: _executorch(5, {0: 1, 1: {0: 0x23232323}}, size),
    "operators!a.pte": lambda size: _executorch(6, {0: MARK.encode()}, size),
    "delegates!a.pte": lambda size: _executorch(7, {0: MARK.encode(), 1: {0: 1, 1: 9}}, size),
    "nodes!a.pb": lambda size: TF_FIRST + repeated(_tf_node("Relu", "n"), size),
    "texts!a.pb": lambda size: (
        TF_FIRST
        + numbered(
            _tf_node(
                "Const",
                inside=protobuf.data(
                    5,
                    protobuf.data(1, "value")
                    + protobuf.data(
                        2, protobuf.data(8, protobuf.number(1, 7) + protobuf.data(8, "x" * 4000))
                    ),
                ),
            ),
            size,
        )
    ),
    "own!a.pb": lambda size: TF_FIRST + numbered(_tf_node(MARK), size),
    "constants!a.pb": lambda size: TF_FIRST + numbered(_tf_node("Const"), size),
    "files!a.pb": lambda size: TF_FIRST + numbered(_tf_node("ReadFile"), size),
    "functions!a.pb": _tf_functions,
    "calls!a.pb": lambda size: _tf_attribute(protobuf.data(9, protobuf.data(1, MARK)), size),
    "attributes!a.pb": _tf_attributes,
    "inputs!a.pb": lambda size: (
        TF_FIRST + _tf_node("Relu", "y", numbered(protobuf.data(3, MARK), size))
    ),
    "collections!a.meta": lambda size: _tf_meta(protobuf.data(4, protobuf.data(1, MARK)), size),
    "savers!a.meta": lambda size: _tf_meta(protobuf.data(3, protobuf.data(1, MARK)), size),
    "assets!a.meta": lambda size: _tf_meta(
        protobuf.data(6, protobuf.data(1, protobuf.data(1, MARK)) + protobuf.data(2, MARK)), size
    ),
    "nodes!a.pbtxt": lambda size: numbered(f'node {{ name: "{MARK}" op: "O{MARK}" }}\n', size),
    "index!a.index": lambda size: numbered(MARK, size) + (0xDB4775248B80FB57).to_bytes(8, "little"),
    "members!a.zip": _zip,
    "members!a.mar": _zip,
    "names!a.zip": _zip_names,
    "rows!a.sqlite": _sqlite,
    "tables!a.sqlite": _sqlite_tables,
    "streams!a.xz": lambda size: repeated(lzma.compress(b"a"), size),
    "streams!a.bz2": lambda size: repeated(bz2.compress(b"a"), size),
    "members!a.tar": _tar,
    "members!a.nemo": _tar,
    "records!a.tar": _tar_records,
    "members!a.7z": lambda size: seven_zip(empty=[f"{n:08}" for n in range(size // 20)]),
    "streams!a.gz": lambda size: repeated(gzip.compress(b"a", mtime=0), size),
    "frames!a.zst": lambda size: repeated(b"\x50\x2a\x4d\x18\4\0\0\0abcd", size) + b"(\xb5/\xfd",
    "footer!a.parquet": _parquet,
    "keys!a.msgpack": lambda size: _msgpack(
        f"\x7f{MARK}".encode()[1:].join((b"\xa8", b"\xc0")), size
    ),
    "types!a.msgpack": lambda size: _msgpack(b"\xa1k\xd4#\0", size),
    "pickles!a.msgpack": lambda size: _msgpack(b"\xa1k\xc4\4\x80\2N.", size),
    "layers!a.mlmodel": lambda size: _coreml(protobuf.data(140, b""), size),
    "own!a.mlmodel": lambda size: _coreml(_OWN_LAYER, size),
    "own!model.mil": lambda size: numbered(f'a = custom_layer(class_name = "{MARK}");\n', size),
    "operators!a.pdmodel": lambda size: protobuf.data(
        1, numbered(protobuf.data(4, protobuf.data(3, MARK)), size)
    ),
    "texts!a.rds": lambda size: _rds(16, _TEXT, size),
    "symbols!a.rds": lambda size: _rds(19, _SYMBOL, size),
    "pairs!a.rds": _rds_pairs,
    "deep!a.rds": lambda size: Xdr().head(2) + repeated(struct.pack(">II", 19, 2), size),
    "classes!a.ser": lambda size: b"\xac\xed\0\5" + numbered(f"r\0\10{MARK}", size),
    "objects!a.t7": _torch7,
    "odd!a.t7": _torch7_odd,
    "trees!a.txt": lambda size: b"tree\nversion=v4\n" + numbered(f"Tree={MARK}\n", size),
    "trees!a.ubj": lambda size: (
        b"{L\0\0\0\0\0\0\0\x07learner" + numbered(f"L\0\0\0\0\0\0\0\10{MARK}Z", size)
    ),
    "trees!a.cbm": lambda size: b"CBM1" + repeated(struct.pack("<I", 4), size),
    "inside!a.dat": lambda size: repeated(b"\x93junk", size) + python_zip({"a": b"b"}) + b"junk",
    "numbers!bytecode.pkl": lambda size: b"\x80\x02](" + repeated(b"K\1", size) + b"e.",
    "numbers!a.pkl": lambda size: b"\x80\x02](" + repeated(b"K\1", size) + b"e.",
    "keys!a.pkl": _torch_tensors,
}
"""By a label and the name of the file, by which a reader may go."""

_DOCUMENTS: Final[dict[str, tuple[str, str, str]]] = {
    "config.json": ('{"auto_map": {"A": "b.C"}, "x": {', f'"{MARK}": 1,', '"a": 1}}'),
    "model.json": ('{"modelTopology": {"node": [', f'{{"op": "O{MARK}"}},', '{"op": "Relu"}]}}'),
    "paddle.json": ('{"base_code": {"magic": "pir"}, "x": [', f'{{"#": "1.{MARK}"}},', "{}]}"),
    "onnx.json": ('{"ir_version": 8, "graph": {"node": [', f'{{"name": "{MARK}"}},', "{}]}}"),
    "export.json": ('{"graph_module": {}, "x": [', f'{{"target": "{MARK}"}},', "{}]}"),
    "package.config.json": ('{"x": [', f'"{MARK}",', '"a"]}'),
    "a.safetensors.index.json": ('{"weight_map": {', f'"{MARK}": "a",', '"b": "a"}}'),
    "schema.json": ('{"__loader__": "DictNode", "x": [', f'{{"__class__": "{MARK}"}},', "{}]}"),
    "tokenizer.json": ('{"model": {"vocab": {', f'"{MARK}": 1,', '"a": 0}, "merges": []}}'),
    "vocab.json": ("{", f'"{MARK}": 1,', '"a": 0}'),
    "a.tiktoken": ("", f"{MARK} 1\n", ""),
    "package.json": ('{"scripts": {', f'"{MARK}": "x",', '"a": "b"}}'),
    "tasks.json": ('{"tasks": [', f'{{"command": "{MARK}"}},', "{}]}"),
    ".zarray": ('{"filters": [', f'{{"id": "{MARK}"}},', "{}]}"),
    "Manifest.json": ('{"itemInfoEntries": {', f'"{MARK}": {{"path": "{MARK}"}},', '"a": {}}}'),
    "data": ('{"a": {}', f', "k{MARK}": {{":serialized:": "gAROLg=="}}', "}"),
    "MLmodel": ("flavors:\n", f"  f{MARK}: v\n", ""),
    "a.yaml": ("a: !b c\n", f"k{MARK}: !t v\n", ""),
    "pnpm-lock.yaml": ("", f"k{MARK}: v\n", ""),
    "a.xml": ('<net name="m" version="11">', f'<layer type="T{MARK}"/>\n', "</net>"),
    "a.prototxt": ("", f'layer {{ name: "{MARK}" type: "Python" }}\n', ""),
    "a.jinja": ("", f"{{{{ a{MARK} }}}}", ""),
    "template": ("", f"{{{{ .A{MARK} }}}}", ""),
    "Modelfile": ("FROM a\n", f"PARAMETER a{MARK} b\n", ""),
    "README.md": ("---\na: b\n---\n", f"[a](https://e{MARK}.example/)\n", ""),
    "INSTALL.txt": ("", f"pip install a{MARK}\n", ""),
    "LICENSE": ("Apache License\nVersion 2.0, January 2004\n", f"line {MARK}\n", ""),
    "a.py": ("", f"a{MARK} = f{MARK}()\n", ""),
    "a.ipynb": ('{"cells": [', '{"cell_type": "code", "source": ["a"], "outputs": []},', "{}]}"),
    "a.sh": ("#!/bin/sh\n", f"a{MARK} b\n", ""),
    "a.js": ("", f"a{MARK}();\n", ""),
    "a.html": ("<html>", f"<script>a{MARK}()</script>\n", "</html>"),
    "entry_points.txt": ("[a]\n", f"a{MARK} = b:c\n", ""),
    "requirements.txt": ("", f"a{MARK}==1\n", ""),
    "pip.conf": ("[global]\n", f"a{MARK} = b\n", ""),
    "a.env": ("", f"A{MARK}=b\n", ""),
    "a.dir": ("", f"'a{MARK}', (0, 1)\n", ""),
}
"""How a document begins, what stands in it over and over, and how it ends."""


_SOURCE: Final = 128 << 10
"""Bytes of Python: its tree takes two hundred times as many, and people write it."""


def _document(name: str, size: int) -> bytes:
    begin, unit, end = _DOCUMENTS[name]
    size = min(size, _SOURCE) if name == "a.py" else size
    return begin.encode() + numbered(unit, size) + end.encode()


_PIECE: Final = protobuf.data(1, protobuf.data(1, MARK) + protobuf.fixed32(2))

DOCUMENTS: Final[dict[str, Made]] = {
    **{f"document!{name}": partial(_document, name) for name in _DOCUMENTS},
    "pieces!tokenizer.model": lambda size: numbered(_PIECE, size),
    "pointer!a.bin": lambda _: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
    ),
}
"""The same, of text: `test_memory` has the worst of each."""
