"""What the worst documents cost in memory: each kind of content, for every reader of a tree.

One process reads them all; what it may take in the end is what the whole command may take.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forge import gguf, onnx, protobuf, safetensors

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


LARGE = 7 << 20
"""Bytes of a vocabulary; the largest real ones have five times as many."""


def _tokens(form: bytes, between: bytes = b",") -> bytes:
    """Tokens with their numbers, as many as make up a large vocabulary."""
    count = LARGE // (len(form) + 8)
    return between.join([form % (number, number) for number in range(count)])


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


def _vocabularies() -> dict[str, bytes]:
    """Tables of as many tokens as real models have, and documents that only seem to be some."""
    table = b"{" + _tokens(b'"\xc4\xa0%x":%d') + b"}"
    pairs = _tokens(b'["\xc4\xa0%x","%d"]')
    pieces = b"".join(
        b"\n\x0f\n\x08\xe2\x96\x81%05x\x15\0\0\x80\xbf" % number for number in range(LARGE // 17)
    )
    names = [f"t{number:x}" for number in range(LARGE // 20)]
    return {
        "table!tokenizer.json": b'{"model":{"vocab":' + table + b"}}",
        "merged!tokenizer.json": b'{"model":{"vocab":' + table + b',"merges":[' + pairs + b"]}}",
        "scored!tokenizer.json": b'{"model":{"vocab":[' + _tokens(b'["%x",-%d.5]') + b"]}}",
        "equal!tokenizer.json": _numbered(b'{"model":{"vocab":{', b'"%x":1', b"}}}"),
        "around!tokenizer.json": b'{"added_tokens":' + b"[" * SIZE + b',"model":' + table,
        "table!vocab.json": table,
        "list!vocab.txt": _tokens(b"%x%d", b"\n"),
        "letters!vocab.txt": b"a\n" * SIZE,
        "list!merges.txt": b"#version: 0.2\n" + _tokens(b"%x %d", b"\n"),
        "list!a.tiktoken": _tokens(b"AAAA%08x %d", b"\n"),
        "pieces!tokenizer.model": b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02" + pieces,
        "merged!a.gguf": gguf.GGUF.file([
            ("general.architecture", "llama"),
            ("tokenizer.ggml.tokens", names),
            ("tokenizer.ggml.merges", [f"{name} {name}" for name in names]),
        ]),
    }  # fmt: skip


def _notebooks() -> dict[str, bytes]:
    cell = b'{"cell_type":"code","source":["a = 1\\n"],"outputs":['
    return {
        "lists!a.ipynb": _many(b'{"cells":[],"x":[', b"[]", b"]}"),
        "outputs!a.ipynb": _many(b'{"cells":[' + cell, b'{"text":["b"]}', b"]}]}"),
        "image!a.ipynb": b'{"cells":[' + cell + b'"' + b"A" * LARGE + b'"]}]}',
        "cells!a.ipynb": _many(b'{"cells":[', cell + b"]}", b"]}"),
        "code!a.ipynb": b'{"cells":[' + cell + _many(b'],"source":[', b'"a=1\\n"', b"]}]}"),
        "large!a.json": b'{"_target_":"a.b","x":[' + b",".join([b"[]"] * (LARGE // 3)) + b"]}",
        "nested!a.json": b'{"_target_":"a.b","x":' + b"[" * 400 + b"]" * 400 + b"," * SIZE + b"}",
    }


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="asks Linux for the peak")
@pytest.mark.parametrize("made", [_json, _others, _vocabularies, _notebooks])
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
