"""Writes weights as files: safetensors, GGUF, torch, NumPy. Nothing of torch is needed."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.forge import archives, gguf, safetensors
from tests.forge.pickles import TORCH_MAGIC, Assembler
from tests.forge.weights import TINY, Array, Config, stored
from tests.forge.weights_quants import QUANTISERS

_KINDS = {"F32": 0, "F16": 1, "BF16": 30, "F64": 28}
_STORAGES = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage",
             "F64": "DoubleStorage"}  # fmt: skip
_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8}


def safetensors_bytes(tensors: Mapping[str, Array], dtype: str = "F32") -> bytes:
    table = safetensors.header(
        {name: (dtype, list(values.shape)) for name, values in tensors.items()}, {"format": "pt"}
    )
    payload = b"".join(stored(values, dtype) for values in tensors.values())
    return safetensors.assemble(table, payload)


def write_model(
    folder: Path,
    tensors: Mapping[str, Array],
    dtype: str = "F32",
    *,
    config: Mapping[str, Any] | None = None,
    shards: int = 1,
) -> Path:
    """A folder as the hub has it: `config.json` and one or several safetensors files."""
    folder.mkdir(parents=True, exist_ok=True)
    document = TINY.hub() if config is None else config
    (folder / "config.json").write_text(json.dumps(document))
    if shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors, dtype))
        return folder
    names = list(tensors)
    index: dict[str, str] = {}
    for number in range(shards):
        file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
        mine = names[number::shards]
        index |= dict.fromkeys(mine, file)
        data = safetensors_bytes({name: tensors[name] for name in mine}, dtype)
        (folder / file).write_bytes(data)
    document = {"metadata": {}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(document))
    return folder


def gguf_bytes(
    tensors: Mapping[str, Array],
    kind: str = "F32",
    config: Config = TINY,
    *,
    architecture: str = "llama",
    pairs: Sequence[tuple[str, Any]] = (),
) -> bytes:
    """A GGUF file of tensors under their GGUF names; vectors stay float32, as llama.cpp keeps them.

    Matrices whose rows are no whole number of blocks stay float32 as well.
    """
    metadata: list[tuple[str, Any]] = [
        ("general.architecture", architecture),
        (f"{architecture}.attention.head_count", config.heads),
        (f"{architecture}.attention.head_count_kv", config.kv_heads),
        *pairs,
    ]
    table, data = b"", b""
    for name, values in tensors.items():
        code, raw = gguf_tensor(values, kind)
        table += gguf.GGUF.tensor(gguf.Tensor(name, values.shape[::-1], code), len(data))
        data += raw + bytes(-len(raw) % 32)
    head = gguf.GGUF.header(metadata, len(tensors), table)
    return head + bytes(-len(head) % 32) + data


def gguf_tensor(values: Array, kind: str) -> tuple[int, bytes]:
    """The type's number and the bytes of a tensor."""
    quantiser = QUANTISERS.get(kind)
    if values.ndim == 1 or (quantiser and values.shape[-1] % quantiser.block):
        return 0, stored(values, "F32")
    if quantiser is None:
        return _KINDS[kind], stored(values, kind)
    return quantiser.number, quantiser.quantise(values)


def torch_zip_bytes(
    tensors: Mapping[str, Array],
    dtype: str = "F32",
    *,
    turned: Sequence[str] = (),
    within: str = "",
) -> bytes:
    """A zipped checkpoint.

    Args:
        tensors: what it holds.
        dtype: of all of them.
        turned: matrices that are views with their strides exchanged, as `.t()` leaves them.
        within: the table is the value of this key of another one.
    """
    program = Assembler(2).empty_dict()
    if within:
        program.text(within).empty_dict()
    members: dict[str, bytes] = {}
    for number, (name, values) in enumerate(tensors.items()):
        laid = values.T if name in turned else values
        members[f"data/{number}"] = stored(np.ascontiguousarray(laid), dtype)
        _view(program.text(name), str(number), dtype, values, turned=name in turned).setitem()
    if within:
        program.setitem()
    return archives.torch_zip({"data.pkl": program.stop(), "byteorder": b"little", **members})


def torch_legacy_bytes(tensors: Mapping[str, Array], dtype: str = "F32") -> bytes:
    """A checkpoint of torch before 1.6: five pickles, then the storages."""
    magic = Assembler(2).number(TORCH_MAGIC).stop()
    protocol = Assembler(2).number(1001).stop()
    system = Assembler(2).empty_dict().text("little_endian").true().setitem().stop()
    program = Assembler(2).empty_dict()
    for number, (name, values) in enumerate(tensors.items()):
        _view(program.text(name), str(number), dtype, values, legacy=True).setitem()
    keys = Assembler(2).raw(b"]").mark()
    for number in range(len(tensors)):
        keys.text(str(number))
    data = b"".join(
        struct.pack("<q", values.size) + stored(values, dtype) for values in tensors.values()
    )
    return magic + protocol + system + program.stop() + keys.raw(b"e").stop() + data


def _view(
    program: Assembler,
    key: str,
    dtype: str,
    values: NDArray[Any],
    *,
    turned: bool = False,
    legacy: bool = False,
) -> Assembler:
    """The opcodes of `_rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())`."""
    shape = values.shape
    strides = [int(np.prod(shape[at + 1 :])) for at in range(len(shape))]
    if turned:
        strides = [1, shape[0]]
    program.global_("torch._utils", "_rebuild_tensor_v2").mark()
    program.mark().text("storage").global_("torch", _STORAGES[dtype]).text(key).text("cpu")
    program.number(values.size)
    if legacy:
        program.none()
    program.raw(b"tQ").number(0)
    for extents in (shape, strides):
        program.mark()
        for extent in extents:
            program.number(int(extent))
        program.raw(b"t")
    program.false().global_("collections", "OrderedDict").raw(b")R")
    return program.raw(b"tR")


def npz_bytes(tensors: Mapping[str, Array]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **tensors)  # type: ignore[arg-type]  # its signature has a flag among the names
    return out.getvalue()
