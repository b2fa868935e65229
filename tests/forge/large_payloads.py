"""Files of any length that hold next to nothing: a beginning, a hole, and an end.

On the disk they are some kilobytes, since a hole costs nothing; whoever reads them gets zeros.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.forge import (
    flatbuffers,
    gguf,
    hdf5,
    large,
    numpy_arrays,
    onnx,
    protobuf,
    safetensors,
    tflite,
)
from tests.forge.archives import INERT_PICKLE, Zip, central_header, local_header

FOUR: Final = 4 << 30
"""Bytes of the hole."""


class Payload(NamedTuple):
    """How a file begins, and how it ends."""

    head: bytes
    tail: Callable[[int], bytes] = lambda _: b""
    """Gets the place where it begins."""


def write(path: Path, payload: Payload, hole: int) -> None:
    """Write one."""
    with path.open("wb") as file:
        file.write(payload.head)
        file.seek(hole, 1)
        file.write(payload.tail(file.tell()))
        file.truncate()


def _ends(tail: bytes) -> Callable[[int], bytes]:
    return lambda _: tail


def _tar(name: str) -> Payload:
    info = tarfile.TarInfo(name)
    info.size = FOUR
    return Payload(info.tobuf(tarfile.GNU_FORMAT), _ends(bytes(1024)))


def _zip(*small: str, large: str) -> Payload:
    """An archive with small members, and a stored one that is the hole."""
    archive = Zip()
    for name in small:
        archive.member(name, INERT_PICKLE)
    head_at = len(archive.body)
    fields = {
        "name": large.encode(), "flags": 0, "method": 0, "crc": 0, "packed": 0xFFFFFFFF,
        "size": 0xFFFFFFFF, "mode": 0, "system": 3, "offset": head_at,
        "extra": struct.pack("<HHQQ", 1, 16, FOUR, FOUR),
    }  # fmt: skip
    head = bytes(archive.body) + local_header(fields)
    listed = bytes(archive.directory) + central_header(fields)
    count = archive.count + 1

    def tail(at: int) -> bytes:
        wide = struct.pack(
            "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listed), at
        ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(listed), 1)
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        return listed + wide + end

    return Payload(head, tail)


def _hdf5() -> Payload:
    file = hdf5.File()
    dataset = file.dataset(FOUR, kind=hdf5.U8, layout=hdf5.contiguous(4096, FOUR))
    head = file.close(file.header(file.old_group({"w": dataset})), end=4096 + FOUR)
    return Payload(head + bytes(4096 - len(head)))


def _sqlite() -> Payload:
    leaf = b"\x0d" + bytes(7)
    return Payload(b"SQLite format 3\0" + b"\x10\0\1\1\0" + bytes(79) + leaf)


_SHAPE: Final = {"w": {"dtype": "U8", "shape": [FOUR], "data_offsets": [0, FOUR]}}
_RAW: Final = protobuf.varint(9 << 3 | 2) + protobuf.varint(FOUR)
_TENSOR: Final = protobuf.data(8, "w") + protobuf.number(2, 2) + protobuf.number(1, FOUR) + _RAW
_GRAPH: Final = (
    protobuf.data(1, onnx.node("Relu"))
    + protobuf.varint(5 << 3 | 2)
    + protobuf.varint(len(_TENSOR) + FOUR)
    + _TENSOR
)
_ONNX: Final = (
    protobuf.number(1, 8)
    + protobuf.varint(7 << 3 | 2)
    + protobuf.varint(len(_GRAPH) + FOUR)
    + _GRAPH
)
_TORCH7: Final = (
    struct.pack("<III", 4, 1, 3) + b"V 1" + struct.pack("<I", 17) + b"torch.ByteStorage"
)

WEIGHTS: Final[dict[str, Payload]] = {
    "a.safetensors": Payload(safetensors.assemble(_SHAPE, b"")),
    "b.safetensors": Payload(safetensors.small()),
    "a.gguf": Payload(gguf.small()),
    "b.gguf": Payload(gguf.GGUF.file(gguf.PAIRS, [gguf.Tensor("w", [FOUR // 4], size=0)])),
    "a.ggml": Payload(
        b"lmgg"
        + struct.pack("<7I", 1, *[2] * 6)
        + gguf.ggml_words(1)
        + gguf.ggml_tensor("w", [1 << 30], 0, 0)
    ),
    "a.npy": Payload(numpy_arrays.npy("|u1", (FOUR,), b"")),
    "a.h5": _hdf5(),
    "a.onnx": Payload(_ONNX),
    "b.onnx": Payload(onnx.model()),
    "a.pb": Payload(large.TF_FIRST),
    "a.meta": Payload(b'node { name: "a" op: "Relu" }\n'),
    "a.index": Payload(b"\0", _ends((0xDB4775248B80FB57).to_bytes(8, "little"))),
    "a.data-00000-of-00001": Payload(b"\0"),
    "a.tflite": Payload(tflite.model([tflite.Code(builtin=3)])),
    "a.ort": Payload(flatbuffers.ort(flatbuffers.ort_node("Relu"))),
    "a.pte": Payload(flatbuffers.executorch()),
    "a.nemo": _tar("model_weights.ckpt"),
    "a.mar": _zip("MAR-INF/MANIFEST.json", large="model.bin"),
    "a.pt": _zip("a/data.pkl", "a/version", large="a/data/0"),
    "a.zip": _zip("a", large="b"),
    "a.tar": _tar("weights.bin"),
    "a.gz": Payload(b"\x1f\x8b\x08\0\0\0\0\0\0\3"),
    "a.7z": Payload(b"7z\xbc\xaf\x27\x1c\0\4\0\0\0\0" + struct.pack("<2QI", FOUR - 99, 90, 0)),
    "a.sqlite": _sqlite(),
    "a.parquet": Payload(b"PAR1", _ends(b"schema" + struct.pack("<I", 6) + b"PAR1")),
    "a.arrow": Payload(b"ARROW1\0\0"),
    "a.msgpack": Payload(b"\x81\xa1w\xc6\xff\xff\xff\xf0"),
    "a.mlmodel": Payload(b"\x08\x04"),
    "a.pdmodel": Payload(protobuf.data(1, b"")),
    "a.prototxt": Payload(b'name: "x"'),
    "a.rds": Payload(b"X\n\0\0\0\2\0\3\0\0\0\2\3\0\0\0\0\x18\x7f\xff\xff\xff"),
    "a.ser": Payload(b"\xac\xed\0\5t\0\1x"),
    "a.t7": Payload(_TORCH7 + struct.pack("<Q", FOUR)),
    "a.cbm": Payload(b"CBM1"),
    "a.txt": Payload(b"tree\nversion=v4\n"),
    "a.pkl": Payload(b"\x80\x04\x8e\0\0\0\xff\0\0\0\0"),
    "a.llamafile": Payload(b"MZqFpD='\n" + bytes(500)),
}
"""Weights, and what else is as long as it likes: the hole is a tensor, a member, a tree."""
