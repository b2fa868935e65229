"""PEFT's `adapter_config.json`: the claimed base, and modules that loading the adapter imports.

Sources: peft, `AutoPeftModel.from_pretrained` imports `auto_mapping.parent_library` and takes the
class `base_model_class` from it; LoRA's tensor-parallel layers import `megatron_core`. Any name on
the import path is taken, so a file in the working directory is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelscan.formats import claims
from modelscan.vocabulary.fact import Fact, ModelClaim, RemoteCode
from modelscan.vocabulary.location import Location

NAME = "adapter_config.json"

_STATED: tuple[tuple[str, Any], ...] = (("revision", "base-revision"), ("peft_type", "method"))
_EXPECTED = frozenset(
    {"__main__", "builtins", "diffusers", "megatron", "peft", "sentence_transformers", "timm",
     "torch", "torchvision", "transformers"}
)  # fmt: skip
"""Top-level packages that adapters ordinarily name; `__main__` is the author's training script, and
importing it again runs nothing."""


def facts(root: dict[str, Any], where: Location) -> Iterator[Fact]:
    """What an adapter's configuration claims and asks for.

    Args:
        root: the document.
        where: the file.
    """
    yield from claims.base(root.get("base_model_name_or_path"), "adapter", where)
    for key, claim in _STATED:
        value = root.get(key)
        if isinstance(value, str) and value.strip():
            yield ModelClaim(location=where, status="declared", claim=claim, value=value.strip())
    mapping = root.get("auto_mapping")
    if isinstance(mapping, dict):
        yield from _imported(
            "auto_mapping.parent_library",
            mapping.get("parent_library"),
            mapping.get("base_model_class"),
            where,
        )
    yield from _imported("megatron_core", root.get("megatron_core"), None, where)


def _imported(key: str, module: Any, name: Any, where: Location) -> Iterator[Fact]:
    if isinstance(module, str) and module and module.partition(".")[0] not in _EXPECTED:
        reference = f"{module}.{name}" if isinstance(name, str) else module
        yield RemoteCode(location=where, key=key, reference=reference, repository="")
