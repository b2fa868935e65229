"""Makes the workloads that `make bench` measures: the same bytes on every machine.

Nothing written here names a callable; the pickles hold plain data and are never loaded.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MIB = 1 << 20
_BLOCK = 4 * MIB
_LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 2048,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32_000,
}
_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "model_type": "llama",
    "num_hidden_layers": 32,
    "vocab_size": 32_000,
}


def noise(label: str, size: int, block: bytes = b"") -> Iterator[bytes]:
    """`size` bytes that do not compress, made at the speed of memory: one block, rotated.

    Args:
        label: what is drawn depends on it.
        size: in bytes.
        block: what is rotated, by pairs of bytes; random bytes by default.
    """
    random_numbers = random.Random(label)
    block = block or hashlib.shake_128(label.encode()).digest(min(_BLOCK, max(size, 1)))
    while size > 0:
        turn = random_numbers.randrange(len(block)) & ~1
        for part in (block[turn:], block[:turn]):
            piece = part[:size]
            yield piece
            size -= len(piece)


def write_safetensors(path: Path, tensors: dict[str, list[int]], block: bytes = b"") -> None:
    """A safetensors file of BF16 tensors, header padded to 8 bytes; for `block` see `noise`."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (rows, columns) in tensors.items():
        end = offset + 2 * rows * columns
        header[name] = {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb", buffering=MIB) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for piece in noise(path.name, offset, block):
            file.write(piece)


def large(folder: Path, size: int) -> None:
    """One safetensors file of about `size` bytes, with as many tensors as a 7 B language model."""
    path = folder / f"large-{size // MIB}" / "model.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True)
        rows = size // (2 * 4096 * 291)
        write_safetensors(
            path, {f"model.layers.{index}.weight": [rows, 4096] for index in range(291)}
        )


def language_model(folder: Path, size: int) -> None:
    """A LLaMA-like model of about `size` bytes in BF16, with values as a trained one has them.

    Random bits would do for hashing; a value that is no number takes another path when it is
    measured.
    """
    import numpy as np  # the other workloads need none

    path = folder / f"language-{size // MIB}" / "model.safetensors"
    if path.exists():
        return
    path.parent.mkdir(parents=True)
    (path.parent / "config.json").write_text(json.dumps(_LLAMA))
    width, inner, vocabulary = 2048, 5632, _LLAMA["vocab_size"]
    matrices = {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (width, width),
        "self_attn.v_proj": (width, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (inner, width),
        "mlp.up_proj": (inner, width),
        "mlp.down_proj": (width, inner),
    }
    ends = {"model.embed_tokens.weight": (vocabulary, width), "lm_head.weight": (vocabulary, width)}
    layer = 2 * sum(rows * columns for rows, columns in matrices.values())
    count = max(1, (size - 4 * vocabulary * width) // layer)
    shapes = ends | {
        f"model.layers.{index}.{name}.weight": shape
        for index in range(count)
        for name, shape in matrices.items()
    }
    values = np.random.default_rng(0).standard_normal(1 << 22, np.float32) * np.float32(0.02)
    block = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    write_safetensors(path, {name: list(shape) for name, shape in shapes.items()}, block)


def lineage_extremes(folder: Path, size: int, count: int = 100_000) -> None:
    """The shapes at the ends: one tensor of about `size` bytes, and `count` small ones."""
    import numpy as np  # as above

    values = np.random.default_rng(1).standard_normal(1 << 20, np.float32) * np.float32(0.02)
    block = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    path = folder / f"wide-{size // MIB}" / "model.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True)
        write_safetensors(path, {"weight": [size >> 21, 1 << 20]}, block)
    path = folder / f"tensors-{count}" / "model.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True)
        shapes = {f"model.layers.{n // 100}.part_{n % 100}.weight": [16, 16] for n in range(count)}
        write_safetensors(path, shapes, block)


def many(folder: Path, count: int = 5_000) -> None:
    """`count` small files: 30 % configurations, 30 % pickles, 30 % safetensors, 10 % text."""
    root = folder / f"many-{count}"
    if root.exists():
        return
    for index in range(count):
        place = root / f"m{index // 100:03d}" / f"v{index // 10 % 10}"
        place.mkdir(parents=True, exist_ok=True)
        numbers = random.Random(index)
        kind = index % 10
        if kind < 3:
            document = _CONFIG | {"_id": index, "pad": [numbers.random() for _ in range(40)]}
            (place / f"config_{index}.json").write_text(json.dumps(document, indent=2))
        elif kind < 6:
            data = {
                "name": f"estimator{index}",
                "coef": [numbers.random() for _ in range(200)],
                "nested": [{"k": k, "v": str(k)} for k in range(50)],
            }
            (place / f"model_{index}.pkl").write_bytes(pickle.dumps(data, 2 + index % 4))
        elif kind < 9:
            layers = {
                f"layer.{n}.{part}": [16, 8] for n in range(12) for part in ("weight", "bias")
            }
            write_safetensors(place / f"adapter_{index}.safetensors", layers)
        else:
            text = "# model card\n" + "a line about training data\n" * 100
            (place / f"README_{index}.md").write_text(text)


def opcodes(folder: Path, size: int = 50_000_000) -> None:
    """One protocol 4 pickle of many small objects, about `size` bytes, without any callable."""
    path = folder / "opcodes" / "objects.pkl"
    if path.exists():
        return
    path.parent.mkdir(parents=True)
    numbers = random.Random("opcodes")

    def row(index: int) -> dict[str, object]:
        return {
            "id": index,
            "name": f"token_{index}",
            "score": numbers.random(),
            "tags": [f"x{index % 97}", "y", None, True],
            "span": (index, index + 3, index % 255),
            "sub": {"a": index * 7, "b": str(index % 1000)},
        }

    each = len(pickle.dumps([row(index) for index in range(1000)], 4)) / 1000
    path.write_bytes(pickle.dumps([row(index) for index in range(int(size / each))], 4))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    large(target, int(sys.argv[2]) * MIB)
    language_model(target, int(sys.argv[3]) * MIB)
    lineage_extremes(target, int(sys.argv[3]) * MIB)
    many(target)
    opcodes(target)
