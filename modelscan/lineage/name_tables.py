"""What the tensors of the common architectures are called, and what each one does.

Three dialects: the hub's (transformers and its many families), llama.cpp's GGUF, and the files of
Meta's own reference code ("consolidated"). Names without `.weight` or `.bias`. The families share
one table, since none of these names means two things; the few that do are decided in `names`.

Sources: the modeling files of transformers, the tensor name tables of llama.cpp's `gguf` package,
and Meta's reference implementation of Llama.
"""

from __future__ import annotations

from typing import Final

ROOT: Final = {
    "embed_tokens": "embedding", "tok_embeddings": "embedding", "token_embd": "embedding",
    "wte": "embedding", "embed_in": "embedding", "word_embeddings": "embedding",
    "embeddings.word_embeddings": "embedding", "embeddings.tok_embeddings": "embedding",
    "embedding.word_embeddings": "embedding", "shared": "embedding",
    "wpe": "embedding.position", "embed_positions": "embedding.position",
    "embeddings.position_embeddings": "embedding.position", "position_embd": "embedding.position",
    "embeddings.token_type_embeddings": "embedding.type", "token_types": "embedding.type",
    "embeddings.LayerNorm": "embedding.norm", "embeddings.norm": "embedding.norm",
    "word_embeddings_layernorm": "embedding.norm", "emb_ln": "embedding.norm",
    "token_embd_norm": "embedding.norm",
    "norm": "norm", "ln_f": "norm", "norm_f": "norm", "final_layer_norm": "norm",
    "final_layernorm": "norm", "final_norm": "norm", "output_norm": "norm",
    "lm_head": "output", "output": "output", "embed_out": "output",
    "output_layer": "output",
    "pooler.dense": "pooler",
}  # fmt: skip
"""Tensors outside the layers."""

_ATTENTION: Final = {
    "q": "self_attn.q_proj attention.self.query attention.wq attn_q attn.q_proj attention.q_lin "
    "attn.attention.q_proj attention.attn.q self_attention.q_proj attention.q_proj "
    "attention.attention.query",
    "k": "self_attn.k_proj attention.self.key attention.wk attn_k attn.k_proj attention.k_lin "
    "attn.attention.k_proj attention.attn.k self_attention.k_proj attention.k_proj "
    "attention.attention.key",
    "v": "self_attn.v_proj attention.self.value attention.wv attn_v attn.v_proj attention.v_lin "
    "attn.attention.v_proj attention.attn.v self_attention.v_proj attention.v_proj "
    "attention.attention.value",
    "o": "self_attn.o_proj attention.output.dense attention.wo attn_output attn.out_proj "
    "attention.out_lin attn.attention.out_proj attention.attn.o self_attn.out_proj attn.c_proj "
    "self_attn.dense attention.dense self_attention.dense attn.Wo attention.o_proj",
    "qkv": "self_attn.qkv_proj attn.c_attn attention.query_key_value attn_qkv attn.Wqkv "
    "self_attention.query_key_value attention.wqkv self_attn.W_pack attn.qkv_proj",
    "norm": "input_layernorm attention_norm attn_norm ln_1 norm_1 self_attn_layer_norm ln_attn "
    "layer_norm1 layernorm_before",
    "post_norm": "attention.output.LayerNorm attn_output_norm sa_layer_norm post_attention_norm "
    "norm1",
    "q_norm": "self_attn.q_norm attn_q_norm self_attn.q_layernorm",
    "k_norm": "self_attn.k_norm attn_k_norm self_attn.k_layernorm",
    "sinks": "self_attn.sinks attn_sinks",
}
_MLP: Final = {
    "gate": "mlp.gate_proj feed_forward.w1 ffn_gate mlp.w1 mlp.fc12",
    "up": "mlp.up_proj feed_forward.w3 ffn_up intermediate.dense mlp.dense_h_to_4h mlp.c_fc fc1 "
    "mlp.fc1 mlp.fc_in ffn.lin1 ffn.up_proj mlp.w3 mlp.fc11",
    "down": "mlp.down_proj feed_forward.w2 ffn_down output.dense mlp.dense_4h_to_h mlp.c_proj fc2 "
    "mlp.fc2 mlp.fc_out ffn.lin2 ffn.down_proj mlp.w2 mlp.Wo",
    "gate_up": "mlp.gate_up_proj mlp.Wi",
    "norm": "ffn_norm ln_2 norm_2 mlp_norm pre_feedforward_layernorm ln_mlp layer_norm2 "
    "layernorm_after",
    "post_norm": "output.LayerNorm layer_output_norm output_layer_norm post_feedforward_layernorm "
    "post_ffw_norm norm2",
    "router": "block_sparse_moe.gate mlp.gate ffn_gate_inp mlp.router feed_forward.gate "
    "feed_forward.router",
    "shared.gate": "mlp.shared_expert.gate_proj mlp.shared_experts.gate_proj ffn_gate_shexp "
    "feed_forward.shared_expert.gate_proj",
    "shared.up": "mlp.shared_expert.up_proj mlp.shared_experts.up_proj ffn_up_shexp "
    "feed_forward.shared_expert.up_proj",
    "shared.down": "mlp.shared_expert.down_proj mlp.shared_experts.down_proj ffn_down_shexp "
    "feed_forward.shared_expert.down_proj",
}
LAYER: Final = {
    name: f"{block}.{role}"
    for block, roles in (("attention", _ATTENTION), ("mlp", _MLP))
    for role, names in roles.items()
    for name in names.split()
}
"""Tensors of a layer."""

STACKED: Final = {
    "ffn_gate_exps": "experts.gate", "ffn_up_exps": "experts.up", "ffn_down_exps": "experts.down",
}  # fmt: skip
"""All experts of a layer in one tensor of experts x outputs x inputs."""
EXPERT: Final = {
    "gate_proj": "experts.gate", "up_proj": "experts.up", "down_proj": "experts.down",
    "w1": "experts.gate", "w3": "experts.up", "w2": "experts.down",
}  # fmt: skip
"""One expert's tensors, behind `experts.<number>.`."""

SUFFIXES: Final = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
"""`gamma` and `beta` are LayerNorm's, in checkpoints that were converted from TensorFlow."""
BUFFERS: Final = (
    "position_ids", "inv_freq", "masked_bias", "attn.bias", "attention.bias", "rope_freqs.weight",
    "rope_factors_long.weight", "rope_factors_short.weight", "rope.freqs", "num_batches_tracked",
)  # fmt: skip
"""Endings of what a loader derives itself: position numbers, masks, frequencies."""

WRITERS: Final = frozenset({"attention.o", "mlp.down", "experts.down", "mlp.shared.down"})
"""Roles whose rows are the residual stream."""
READERS: Final = frozenset(
    {
        "attention.q", "attention.k", "attention.v", "mlp.gate", "mlp.up", "experts.gate",
        "experts.up", "mlp.shared.gate", "mlp.shared.up", "output", "embedding",
    }
)  # fmt: skip
"""Roles whose columns are the residual stream."""

ALTERNATING: Final = frozenset(
    {
        "llama", "llama-embed", "granite", "granitemoe", "arcee", "deci", "baichuan", "internlm2",
        "minicpm", "xverse", "smollm3", "mistral3", "llada", "chameleon", "deepseek", "bailingmoe",
    }
)  # fmt: skip
"""GGUF architectures whose converter reorders the rows of query and key heads."""
SHIFTED: Final = frozenset(
    {"gemma", "gemma2", "gemma3", "gemma-embedding", "nemotron", "qwen3next"}
)
"""GGUF architectures whose converter adds one to the norms: the hub's scale by 1 + weight."""
PER_HEAD: Final = frozenset({"gpt_neox", "bloom", "persimmon", "gpt_neox_japanese"})
"""Hub architectures whose fused rows hold query, key and value head by head."""
PER_GROUP: Final = frozenset({"internlm2", "falcon", "RefinedWeb"})
"""Hub architectures whose fused rows hold, for each key head, its queries, the key, the value."""
UP_FIRST: Final = frozenset({"modernbert"})
"""Hub architectures whose fused gate and up projection begins with what is activated last."""
