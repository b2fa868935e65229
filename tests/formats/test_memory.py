"""What the worst documents cost in memory: each kind of content, for every reader of a tree.

One process reads them all; what it may take in the end is what the whole command may take.

Left out are vocabularies: a table of a million tokens, as real models have, is held whole.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forge import flatbuffers, gguf, numpy_arrays, onnx, protobuf, safetensors, tflite

SIZE = 3 << 20
"""Bytes of a document: a tree of it takes up to thirty times as much."""
CEILING = 96 << 20
"""Bytes that a process may take, the interpreter and all of the command included."""

PROGRAM = """
import sys
from pathlib import Path
from modelscan import api

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10

for path in sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()):
    (model,) = api.scan(path).models
    statuses = {entry.status for entry in model.coverage if entry.needed}
    if any("failed" in entry.reason for entry in model.coverage):
        print(path.name, "fault", sorted(entry.reason for entry in model.coverage))
    if peak() > int(sys.argv[2]):
        print(path.name, peak() >> 20, "MiB", sorted(statuses))
        break
"""


def _many(head: bytes, unit: bytes, tail: bytes = b"") -> bytes:
    """A unit over and over, with commas between."""
    count = (SIZE - len(head) - len(tail)) // (len(unit) + 1)
    return head + b",".join([unit] * count) + tail


def _numbered(head: bytes, unit: bytes, tail: bytes = b"") -> bytes:
    """A unit with another number each time, with commas between."""
    count = SIZE // (len(unit) + 6)
    return head + b",".join([unit % number for number in range(count)]) + tail


STRUCTURE = """
import sys
from modelscan.budget import Budget
from modelscan.engine import catalogue
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.formats.candidates import Candidates
from modelscan.formats.readers import deferred_readers
from modelscan.formats.routing import Reading
from modelscan.vocabulary.ref import ModelRef

readers = Candidates(deferred_readers(catalogue.load().lists))
for file in take(ModelRef.parse(sys.argv[1]), FetchOptions()).files:
    with file.open() as artifact:
        reading = Reading(artifact, readers, Budget())
        list(reading)
        print(file.name, reading.format)
lines = open("/proc/self/status").read().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10
if peak > int(sys.argv[2]):
    print(peak >> 20, "MiB")
"""
"""Reads the structure of every file of a folder, and leaves out the digests."""

CONTENT: dict[str, Callable[[], bytes]] = {
    "lists": lambda: _many(b'"x":[', b"[]", b"]"),
    "tables": lambda: _many(b'"x":[', b"{}", b"]"),
    "numbers": lambda: _many(b'"x":[', b"1.5", b"]"),
    "texts": lambda: _many(b'"x":[', b'"ab"', b"]"),
    "long-texts": lambda: _many(b'"x":["', b"\\ud83d\\ude00" + b"x" * 40, b'"]'),
    "keys": lambda: _numbered(b'"x":{', b'"%x":1', b"}"),
    "tables-by-key": lambda: _numbered(b'"x":{', b'"%x":{}', b"}"),
    "objects": lambda: _many(b'"x":[', b'{"class_name":"Dense","config":{"a":1}}', b"]"),
    "deep": lambda: b'"x":' + b'{"x":' * (SIZE // 5),
    "twice": lambda: _many(b'"x":{', b'"a":1', b"}"),
}
JSON: dict[str, bytes] = {
    "objects.json": b'"class_name":"Dense","config":{},',
    "model.json": b'"modelTopology":{"node":[{"op":"Relu"}]},',
    "paddle.json": b'"base_code":{"magic":"pir"},',
    "export.json": b'"graph_module":{},',
    "config.json": b'"auto_map":{"AutoModel":"a.B"},',
    "zarr.json": b"",
    "_METADATA": b"",
    "schema.json": b'"__loader__":"DictNode",',
    "a.safetensors.index.json": b'"weight_map":{"a":"b"},',
    "special_tokens_map.json": b"",
    "tokenizer_config.json": b'"chat_template":"x",',
    "added_tokens.json": b"",
}
"""How documents of JSON begin, each with what its reader goes by."""


def _json() -> dict[str, bytes]:
    """Each content and each reader, not all pairs of them."""
    contents = [*CONTENT, *("texts" for _ in range(len(JSON) - len(CONTENT)))]
    pairs = zip(contents, JSON.items(), strict=True)
    return {
        f"{content}!{name}": b"{" + begin + CONTENT[content]() + b"}"
        for content, (name, begin) in pairs
    }


def _others() -> dict[str, bytes]:
    header = b'{"x":{' + _numbered(b"", b'"%x":1') + b"}}"
    yaml = b"a: !x y\n"
    nodes = b"".join(b'node { name: "a%x" op: "Foo%x" }\n' % (n, n) for n in range(SIZE // 32))
    return {
        "stretch!model.json": _many(b'{"modelTopology":{"node":[', b'{"op":"Relu"}', b"]}}"),
        "paths!model.json": _many(b'{"weightsManifest":[{"paths":[', b'"a"', b"]}]}"),
        "map!config.json": b"{" + _numbered(b'"auto_map":{', b'"%x":{}', b"}") + b"}",
        "list!config.json": _many(b"[", b"[]", b"]"),
        "index!a.safetensors.index.json": _numbered(b'{"weight_map":{', b'"%x":"b"', b"}}"),
        "steps!tokenizer.json": _many(b'{"model":{},"normalizer":[', b"{}", b"]}"),
        "added!tokenizer.json": _many(b'{"model":{},"added_tokens":[', b"{}", b"]}"),
        "header!a.safetensors": len(header).to_bytes(8, "little") + header,
        "tensors!a.safetensors": safetensors.assemble(
            safetensors.header({f"t{n}": ("U8", [1]) for n in range(60_000)})
        ),
        "list!a.yaml": yaml + b"b:\n" + b"- a\n" * (SIZE // 4),
        "keys!a.yaml": yaml + b"".join(b"k%x: v\n" % number for number in range(SIZE // 8)),
        "flow!a.yaml": yaml + _many(b"b: [", b"[]", b"]"),
        "tags!a.yaml": b"- !t v\n" * (SIZE // 7),
        "many!a.xml": _many(
            b'<net name="m" version="11"><layers>', b'<layer type="Relu"/>'
        ).replace(b",", b"\n"),
        "many!a.prototxt": b'layer { name: "a" type: "B" }\n' * (SIZE // 30),
        "operators!a.pbtxt": nodes,
        "many!README.md": b"---\na:\n" + b"- a\n" * (SIZE // 4) + b"---\n",
        "many!MLmodel": b"a: b\nc:\n" + b"- a\n" * (SIZE // 4),
        "many!a.onnx": onnx.model(onnx.graph(*(onnx.node(f"Op{n}", "a.b") for n in range(60_000)))),
        "many!a.pb": b"".join(
            protobuf.data(1, protobuf.data(1, f"n{n}") + protobuf.data(2, f"Op{n}"))
            for n in range(SIZE // 24)
        ),
    }


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="asks Linux for the peak")
@pytest.mark.parametrize("made", [_json, _others])
def test_no_document_costs_more_than_the_ceiling(
    tmp_path: Path, made: Callable[[], dict[str, bytes]]
) -> None:
    for label, data in made().items():
        content, _, name = label.rpartition("!")
        folder = tmp_path / content
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(CEILING)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == ""


def _weights() -> dict[str, tuple[str, bytes]]:
    """How a file of each format begins that may be as long as it likes, and its format."""
    four = 4 << 30
    shape = {"w": {"dtype": "U8", "shape": [four], "data_offsets": [0, four]}}
    node = protobuf.data(1, protobuf.data(1, "n") + protobuf.data(2, "Relu"))
    return {
        "a.safetensors": ("safetensors", safetensors.assemble(shape, b"")),
        "b.safetensors": ("safetensors", safetensors.small()),
        "a.gguf": ("gguf", gguf.small()),
        "a.npy": ("numpy", numpy_arrays.npy("|u1", (four,), b"")),
        "a.onnx": ("onnx", onnx.model()),
        "a.pb": ("tensorflow graph", node),
        "a.tflite": ("tflite", tflite.model([tflite.Code(builtin=3)])),
        "a.ort": ("onnx runtime model", flatbuffers.ort(flatbuffers.ort_node("Relu"))),
        "a.pte": ("executorch", flatbuffers.executorch()),
        "a.msgpack": ("msgpack", b"\x81\xa1w\xc6\xff\xff\xff\xf0"),
        "a.arrow": ("arrow", b"ARROW1\0\0"),
        "a.rds": ("rds", b"X\n\0\0\0\2\0\3\0\0\0\2\3\0\0\0\0\x18\x7f\xff\xff\xff"),
        "a.ser": ("java serialization", b"\xac\xed\0\5t\0\1x"),
        "a.mlmodel": ("coreml", b"\x08\x04"),
        "a.pdmodel": ("paddle", protobuf.data(1, b"")),
        "a.prototxt": ("caffe", b'name: "x"'),
        "a.yaml": ("yaml", b"a: !b c"),
        "a.pkl": ("pickle", b"\x80\x04\x8e\0\0\0\xff\0\0\0\0"),
        "a.jinja": ("chat template", b"{{ a }}"),
        "a.py": ("python source", b"a = 1"),
        "a.ipynb": ("notebook", b'{"cells": ['),
    }


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="asks Linux for the peak")
def test_no_file_of_four_gigabytes_costs_more_than_the_ceiling(tmp_path: Path) -> None:
    for name, (_, head) in _weights().items():
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(len(head) + (4 << 30))
    command = [sys.executable, "-c", STRUCTURE, str(tmp_path), str(CEILING)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert told == {name: form for name, (form, _) in _weights().items()}
