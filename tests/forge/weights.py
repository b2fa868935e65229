"""Weights of small models, made by numpy from a seed: LLaMA-like, BERT-like, GPT-2-like.

They are float32 arrays under the hub's names. The values are as uneven as real ones are: each
matrix has heavy tails, a few strong directions and outlier channels, embeddings share a common
offset, and norms scatter around one. Two seeds give independent models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Tensors = dict[str, Array]


class Config(NamedTuple):
    """Sizes of a model. The defaults make a grouped-query model of 0.5 million parameters."""

    layers: int = 4
    width: int = 96
    heads: int = 6
    kv_heads: int = 2
    inner: int = 256
    vocabulary: int = 512
    tied: bool = False

    @property
    def head(self) -> int:
        return self.width // self.heads

    @property
    def keys(self) -> int:
        """Rows of the key and value matrices."""
        return self.kv_heads * self.head

    def hub(self) -> dict[str, Any]:
        """What stands in `config.json`."""
        return {
            "model_type": "llama",
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "intermediate_size": self.inner,
            "vocab_size": self.vocabulary,
            "tie_word_embeddings": self.tied,
        }


TINY = Config()


class Maker:
    """Draws matrices."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def matrix(self, rows: int, columns: int) -> Array:
        """Heavy-tailed noise, a few strong directions, outlier channels."""
        random = self.random
        noise = random.standard_t(6, size=(rows, columns))
        left, right = random.standard_normal((rows, 4)), random.standard_normal((4, columns))
        channels = np.exp(0.3 * random.standard_normal(columns))
        values = (noise + 0.5 * left @ right) * channels / np.sqrt(columns)
        return np.asarray(values, np.float32)

    def norm(self, width: int) -> Array:
        return np.asarray(1 + 0.2 * self.random.standard_normal(width), np.float32)

    def bias(self, width: int) -> Array:
        return np.asarray(0.05 * self.random.standard_normal(width), np.float32)

    def embedding(self, rows: int, width: int) -> Array:
        common = 0.02 * self.random.standard_normal(width)
        return np.asarray(self.matrix(rows, width) + common, np.float32)


def llama(seed: int = 0, config: Config = TINY) -> Tensors:
    """A decoder with RMS norms, grouped queries and a gated MLP."""
    make = Maker(seed)
    width, inner = config.width, config.inner
    tensors: Tensors = {
        "model.embed_tokens.weight": make.embedding(config.vocabulary, width),
        "model.norm.weight": make.norm(width),
    }
    for layer in range(config.layers):
        tensors |= {
            f"model.layers.{layer}.{name}.weight": values
            for name, values in {
                "self_attn.q_proj": make.matrix(width, width),
                "self_attn.k_proj": make.matrix(config.keys, width),
                "self_attn.v_proj": make.matrix(config.keys, width),
                "self_attn.o_proj": make.matrix(width, width),
                "mlp.gate_proj": make.matrix(inner, width),
                "mlp.up_proj": make.matrix(inner, width),
                "mlp.down_proj": make.matrix(width, inner),
                "input_layernorm": make.norm(width),
                "post_attention_layernorm": make.norm(width),
            }.items()
        }
    if not config.tied:
        tensors["lm_head.weight"] = make.embedding(config.vocabulary, width)
    return tensors


def bert(seed: int = 0, layers: int = 2, width: int = 64, vocabulary: int = 300) -> Tensors:
    """An encoder with LayerNorm behind each block, and biases everywhere."""
    make = Maker(seed)
    tensors: Tensors = {
        "embeddings.word_embeddings.weight": make.embedding(vocabulary, width),
        "embeddings.position_embeddings.weight": make.matrix(64, width),
        "embeddings.token_type_embeddings.weight": make.matrix(2, width),
        "embeddings.LayerNorm.weight": make.norm(width),
        "embeddings.LayerNorm.bias": make.bias(width),
        "pooler.dense.weight": make.matrix(width, width),
        "pooler.dense.bias": make.bias(width),
    }
    sizes = {
        "attention.self.query": (width, width),
        "attention.self.key": (width, width),
        "attention.self.value": (width, width),
        "attention.output.dense": (width, width),
        "intermediate.dense": (4 * width, width),
        "output.dense": (width, 4 * width),
    }
    for layer in range(layers):
        before = f"encoder.layer.{layer}."
        for name, (rows, columns) in sizes.items():
            tensors[f"{before}{name}.weight"] = make.matrix(rows, columns)
            tensors[f"{before}{name}.bias"] = make.bias(rows)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"{before}{name}.weight"] = make.norm(width)
            tensors[f"{before}{name}.bias"] = make.bias(width)
    return tensors


def gpt2(seed: int = 0, layers: int = 2, width: int = 64, vocabulary: int = 300) -> Tensors:
    """A decoder whose matrices are inputs x outputs, with one matrix for query, key and value."""
    make = Maker(seed)
    tensors: Tensors = {
        "wte.weight": make.embedding(vocabulary, width),
        "wpe.weight": make.matrix(64, width),
        "ln_f.weight": make.norm(width),
        "ln_f.bias": make.bias(width),
    }
    sizes = {
        "attn.c_attn": (3 * width, width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (4 * width, width),
        "mlp.c_proj": (width, 4 * width),
    }
    for layer in range(layers):
        for name, (rows, columns) in sizes.items():
            tensors[f"h.{layer}.{name}.weight"] = np.ascontiguousarray(make.matrix(rows, columns).T)
            tensors[f"h.{layer}.{name}.bias"] = make.bias(rows)
        for name in ("ln_1", "ln_2"):
            tensors[f"h.{layer}.{name}.weight"] = make.norm(width)
            tensors[f"h.{layer}.{name}.bias"] = make.bias(width)
    return tensors


# -- types -------------------------------------------------------------------------------------


def bfloat16(values: Array) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bfloat16(bits: NDArray[np.uint16]) -> Array:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def rounded(tensors: Mapping[str, Array], dtype: str) -> Tensors:
    """Every value rounded to `BF16` or `F16`, as float32."""
    if dtype == "BF16":
        return {name: from_bfloat16(bfloat16(values)) for name, values in tensors.items()}
    return {name: values.astype(np.float16).astype(np.float32) for name, values in tensors.items()}


def stored(values: Array, dtype: str) -> bytes:
    """The bytes of an array in a type of safetensors."""
    if dtype == "BF16":
        return bfloat16(values).astype("<u2").tobytes()
    return values.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype]).tobytes()


# -- layouts -----------------------------------------------------------------------------------


def alternated(values: Array, heads: int) -> Array:
    """Rows of each head with its two halves alternating, as Meta and llama.cpp keep them."""
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


_GGUF = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
_META = {
    "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
_ROOTS = {
    "model.embed_tokens.weight": ("token_embd.weight", "tok_embeddings.weight"),
    "model.norm.weight": ("output_norm.weight", "norm.weight"),
    "lm_head.weight": ("output.weight", "output.weight"),
}


def _relaid(
    tensors: Mapping[str, Array], config: Config, layers: Mapping[str, str], before: str, root: int
) -> Iterator[tuple[str, Array]]:
    for name, values in tensors.items():
        if name in _ROOTS:
            yield _ROOTS[name][root], values
            continue
        _, _, layer, rest = name.split(".", 3)
        stem = rest.removesuffix(".weight")
        heads = {"self_attn.q_proj": config.heads, "self_attn.k_proj": config.kv_heads}.get(stem)
        laid = alternated(values, heads) if heads else values
        yield f"{before}.{layer}.{layers[stem]}.weight", laid


def as_gguf(tensors: Mapping[str, Array], config: Config = TINY) -> Tensors:
    """A LLaMA-like model under the names, and with the row order, of llama.cpp."""
    return dict(_relaid(tensors, config, _GGUF, "blk", 0))


def as_consolidated(tensors: Mapping[str, Array], config: Config = TINY) -> Tensors:
    """The same as Meta's reference code keeps it."""
    return dict(_relaid(tensors, config, _META, "layers", 1))


def fused(tensors: Mapping[str, Array], layers: int) -> Tensors:
    """Query, key and value in one matrix, gate and up in another, as Phi-3 keeps them."""
    found = dict(tensors)
    for layer in range(layers):
        before = f"model.layers.{layer}."
        qkv = [found.pop(f"{before}self_attn.{part}_proj.weight") for part in "qkv"]
        both = [found.pop(f"{before}mlp.{part}_proj.weight") for part in ("gate", "up")]
        found[f"{before}self_attn.qkv_proj.weight"] = np.concatenate(qkv)
        found[f"{before}mlp.gate_up_proj.weight"] = np.concatenate(both)
    return found
