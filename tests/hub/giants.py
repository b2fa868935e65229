"""Models of many gigabytes, of which only the headers exist."""

from __future__ import annotations

import io
import json
import struct
import zipfile

from tests.forge import pickles
from tests.hub.content import Content

_LAYERS = 3


def shard(number: int, size: int) -> Content:
    """A safetensors shard of `size` bytes, with a header such as large models have."""
    names = [
        f"model.layers.{number * _LAYERS + layer}.{part}.weight"
        for layer in range(_LAYERS)
        for part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                     "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj", "input_layernorm")
    ]  # fmt: skip
    room = (size - 65_536) // len(names) & ~1
    table = {
        name: {
            "dtype": "BF16",
            "shape": [room // 2],
            "data_offsets": [index * room, (index + 1) * room],
        }
        for index, name in enumerate(names)
    }
    head = json.dumps({"__metadata__": {"format": "pt"}, **table}, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return Content(len(head).to_bytes(8, "little") + head, 8 + len(head) + room * len(names))


def model(shards: int = 30, size: int = 4_700_000_000) -> dict[str, bytes | Content]:
    """A repository of shards, with the small files that surround them."""
    files: dict[str, bytes | Content] = {}
    weights: dict[str, str] = {}
    total = 0
    for number in range(shards):
        name = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        content = shard(number, size)
        files[name] = content
        length = int.from_bytes(content.head[:8], "little")
        header = json.loads(content.head[8 : 8 + length])
        weights |= dict.fromkeys((key for key in header if key != "__metadata__"), name)
        total += content.size - 8 - length
    index = {"metadata": {"total_size": total}, "weight_map": weights}
    return files | {
        "model.safetensors.index.json": json.dumps(index).encode(),
        "config.json": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
        "generation_config.json": b'{"do_sample": true}',
        "tokenizer_config.json": b'{"model_max_length": 131072}',
        "README.md": b"---\nlicense: apache-2.0\n---\n# A large model\n",
        "LICENSE": b"words " * 2000,
        ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
    }


def checkpoint(storages: int, size: int) -> bytes:
    """A torch checkpoint as a zip: a pickle, and `storages` of `size` bytes each."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickles.torch_state_dict())
        archive.writestr("archive/byteorder", b"little")
        for number in range(storages):
            archive.writestr(f"archive/data/{number}", bytes(size))
        archive.writestr("archive/version", b"3\n")
    return file.getvalue()


def legacy(elements: int) -> Content:
    """A checkpoint as torch before 1.6 wrote it: five pickles, then one raw storage."""
    out = pickles.Assembler(2).global_("collections", "OrderedDict").empty_tuple().reduce().mark()
    out.text("weight").global_("torch._utils", "_rebuild_tensor_v2").mark().mark().text("storage")
    out.global_("torch", "FloatStorage").text("0").text("cpu").number(elements).tuple_()
    out.binpersid().number(0).number(elements).tuple1().number(1).tuple1().false()
    out.global_("collections", "OrderedDict").empty_tuple().reduce().tuple_().reduce()
    head = pickles.torch_legacy(out.setitems().stop())
    head = head[: -len(pickles.storage(b"cos\nsystem\n" * 4))] + struct.pack("<Q", elements)
    return Content(head, len(head) + 4 * elements)
