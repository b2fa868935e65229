"""Builds GGUF, GGML and llamafile samples, honest and broken ones. Tensor bytes are ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.forge.archives import python_zip

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_FORMATS = {
    U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q",
    I64: "q", F64: "d",
}  # fmt: skip
FLOAT, HALF, Q4_0, Q4_K = 0, 1, 2, 12
_BLOCKS = {FLOAT: (1, 4), HALF: (1, 2), Q4_0: (32, 18), Q4_K: (256, 144)}


class Tensor(NamedTuple):
    name: str | bytes
    shape: Sequence[int]
    kind: int = FLOAT
    offset: int | None = None
    """Where it says it lies; behind the one before it unless given."""
    size: int | None = None
    """Bytes written for it; what its shape and type need unless given."""


class Raw(NamedTuple):
    """A value whose bytes are given."""

    kind: int
    data: bytes


class Forge:
    """One byte order and version."""

    def __init__(self, version: int = 3, order: str = "<") -> None:
        self.version = version
        self.order = order
        self._count = "I" if version == 1 else "Q"

    def pack(self, form: str, *values: Any) -> bytes:
        return struct.pack(self.order + form, *values)

    def count(self, value: int) -> bytes:
        return self.pack(self._count, value)

    def string(self, text: str | bytes) -> bytes:
        raw = text.encode() if isinstance(text, str) else text
        return self.count(len(raw)) + raw

    def value(self, value: Any) -> tuple[int, bytes]:
        """The type and bytes of a Python value; whole numbers have 32 bits."""
        if isinstance(value, Raw):
            return value
        if isinstance(value, str | bytes):
            return STRING, self.string(value)
        if isinstance(value, list):
            items = [self.value(item) for item in value]
            kind = items[0][0] if items else STRING
            return ARRAY, self.array(kind, len(items), b"".join(item[1] for item in items))
        kind = BOOL if isinstance(value, bool) else U32 if isinstance(value, int) else F32
        return kind, self.pack(_FORMATS[kind], value)

    def array(self, kind: int, count: int, data: bytes) -> bytes:
        return self.pack("I", kind) + self.count(count) + data

    def pair(self, key: str | bytes, value: Any) -> bytes:
        kind, data = self.value(value)
        return self.string(key) + self.pack("I", kind) + data

    def tensor(self, tensor: Tensor, offset: int) -> bytes:
        shape = b"".join(self.count(extent) for extent in tensor.shape)
        head = self.string(tensor.name) + self.pack("I", len(tensor.shape)) + shape
        return head + self.pack("IQ", tensor.kind, offset)

    def header(self, pairs: Sequence[tuple[str | bytes, Any]], count: int, table: bytes) -> bytes:
        keys = b"".join(self.pair(key, value) for key, value in pairs)
        counts = self.count(count) + self.count(len(pairs))
        return b"GGUF" + self.pack("I", self.version) + counts + keys + table

    def file(
        self,
        pairs: Sequence[tuple[str | bytes, Any]] = (),
        tensors: Sequence[Tensor] = (),
        *,
        alignment: int = 32,
        padding: bytes = b"\0",
        behind: bytes = b"",
    ) -> bytes:
        """A whole file: tensors one after the other, each padded to the alignment."""
        table, data = b"", b""
        for tensor in tensors:
            place = len(data) if tensor.offset is None else tensor.offset
            table += self.tensor(tensor, place)
            size = needed(tensor) if tensor.size is None else tensor.size
            data += b"\1" * size + padding * (-size % alignment)
        head = self.header(pairs, len(tensors), table)
        return head + padding * (-len(head) % alignment) + data + behind


def needed(tensor: Tensor) -> int:
    """Bytes that a tensor's shape and type need."""
    block, size = _BLOCKS.get(tensor.kind, (1, 4))
    elements = 1
    for extent in tensor.shape:
        elements *= extent
    return elements // block * size


GGUF = Forge()

PAIRS: tuple[tuple[str, Any], ...] = (
    ("general.architecture", "llama"),
    ("general.name", "Tiny"),
    ("general.license", "apache-2.0"),
    ("general.file_type", 2),
    ("llama.rope.freq_base", 10000.0),
    ("llama.attention.causal", True),
    ("tokenizer.ggml.tokens", ["<s>", "a", "b"]),
    ("tokenizer.ggml.scores", [0.0, 1.0, 2.0]),
    ("tokenizer.ggml.token_type", [1, 1, 1]),
)
TENSORS = (
    Tensor("token_embd.weight", [32, 3], Q4_0),
    Tensor("blk.0.attn_norm.weight", [5]),
    Tensor("output.weight", [256, 2], Q4_K),
)


def small(*pairs: tuple[str, Any], forge: Forge = GGUF) -> bytes:
    """A small honest model."""
    return forge.file([*PAIRS, *pairs], TENSORS)


def ggml_tensor(
    name: str, shape: Sequence[int], kind: int, size: int, *, at: int | None = None
) -> bytes:
    """A record of a GGML file; aligned to 32 when its place is given."""
    raw = name.encode()
    head = struct.pack(f"<III{len(shape)}I", len(shape), len(raw), kind, *shape) + raw
    padding = b"" if at is None else bytes(-(at + len(head)) % 32)
    return head + padding + b"\1" * size


def ggml_words(count: int, *, scored: bool = False) -> bytes:
    word = struct.pack("<I", 2) + b"ab" + (bytes(4) if scored else b"")
    return word * count


def llamafile(head: bytes = b"MZqFpD='\n", **members: bytes) -> bytes:
    """A program with an archive behind it; `model` becomes `model.gguf`."""
    inside = {name + ".gguf": data for name, data in (members or {"model": small()}).items()}
    return head + b"\0" * 500 + python_zip(inside)
