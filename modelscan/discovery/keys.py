"""Keys of configuration that name a model: in YAML, JSON, TOML, the environment and flags.

`modelId`, `MODEL_ID`, `--model-id` and `model.id` are the same key to a person, and here. A key is
judged by how it ends; words before it say whose model it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from modelscan.discovery.naming import Usual

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR: Final = re.compile(r"[-.\s]+")
_LONGEST: Final = 80

_STRONG: Final = (
    "model_id", "modelid", "hf_model", "hf_model_id", "hf_model_name", "hf_repo", "hf_repo_id",
    "hf_id", "hf_hub_id", "hub_model_id", "huggingface_model", "huggingface_model_id",
    "huggingface_repo", "huggingface_repo_id", "hugging_face_model", "repo_id", "model_repo",
    "model_repo_id", "model_repository_id", "model_name_or_path", "pretrained_model_name_or_path",
    "tokenizer_name_or_path", "adapter_name_or_path", "model_or_path", "pretrained_model",
    "pretrained_model_name", "pretrained_name", "source_model_name", "model_name_or_id", "hf_path",
    "hf_hub_model_id", "hugging_face_model_id", "transformer_model_name", "lora_repo",
)  # fmt: skip
_WEAK: Final = (
    "model", "model_name", "modelname", "base_model", "tokenizer", "tokenizer_name",
    "tokenizer_path", "checkpoint", "pretrained", "adapter", "adapter_path", "lora", "lora_path",
    "model_path", "model_file", "model_url", "model_weights", "weights", "llm", "encoder_name",
    "embedder", "reranker", "embeddings", "model_location", "model_ref", "models", "ckpt_path",
    "checkpoint_path", "ckpt", "pickled_model", "model_binary", "model_source", "lora_model",
    "draft_model", "speculative_model", "vae", "unet", "text_encoder", "controlnet", "model_data",
)  # fmt: skip
_ADDRESS: Final = ("storage_uri", "model_uri", "artifact_uri", "model_data_url", "source_uri")
_REVISIONS: Final = (
    "revision", "model_revision", "hf_revision", "hf_model_revision", "commit", "commit_hash",
    "model_commit", "source_model_revision", "commit_sha", "hub_revision", "model_version_hash",
)  # fmt: skip
_SWITCHES: Final = frozenset(
    {"trust_remote_code", "weights_only", "use_safetensors", "subfolder", "filename",
     "local_files_only", "allow_pickle", "tokenizer_revision", "code_revision", "gguf_file",
     "safe_serialization", "load_format"}
)  # fmt: skip
_NOT: Final = re.compile(r"(?:^|_)(?:data|user|view|auth|domain|object|pricing|threat)_model$")


class Role(NamedTuple):
    """What a key asks for."""

    usual: Usual
    strict: bool
    """True when the same key is used for other things."""


@lru_cache(maxsize=4096)
def plain(key: str) -> str:
    """The key in lower case, its words joined by `_`."""
    return _SEPARATOR.sub("_", _CAMEL.sub("_", key.strip().lstrip("-"))).lower()


@lru_cache(maxsize=4096)
def role(key: str) -> Role | None:
    """What a key asks for; `None` when it names no model."""
    if len(key) > _LONGEST:
        return None
    name = plain(key)
    if _NOT.search(name):
        return None
    if name.endswith(_ADDRESS):
        return Role("url", strict=True)
    if _ends(name, _STRONG):
        return Role("ollama" if "ollama" in name else "hub", strict=False)
    if _ends(name, _WEAK):
        if "ollama" in name:
            return Role("ollama", strict=False)
        path = name.endswith(("_file", "_weights", "weights", "pickled_model", "model_binary"))
        return Role("path" if path else "hub", strict=True)
    return None


def option(key: str) -> str | None:
    """The option that a key sets, by its usual name."""
    name = plain(key)
    return name if name in _SWITCHES else None


def is_revision(key: str) -> bool:
    """True for a key that holds the revision of the model beside it."""
    return _ends(plain(key), _REVISIONS)


def options_of(table: dict[Any, Any]) -> dict[str, Any]:
    """The options that stand beside a model in the same table."""
    found = {}
    for key, value in table.items():
        name = option(key) if isinstance(key, str) else None
        if name and isinstance(value, str | bool):
            found[name] = truth(value) if isinstance(value, str) else value
    return found


def revision_of(table: dict[Any, Any], model_key: str) -> str | None:
    """The revision that stands beside a model: the one with the same words before it, else any."""
    found = {
        plain(key): str(value)
        for key, value in table.items()
        if isinstance(key, str) and isinstance(value, str | int) and is_revision(key)
    }
    if not found:
        return None
    first = plain(model_key).partition("_")[0]
    alike = [value for key, value in found.items() if key.startswith(first)]
    alone = [value for key, value in found.items() if key in _REVISIONS]
    return next(iter([*alike, *alone]), None)


def truth(text: str) -> str | bool:
    """`True` and `False` for the words that flags and the environment use for them."""
    word = text.strip().lower()
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        word, str(text)
    )


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return any(name == ending or name.endswith("_" + ending) for ending in endings)
