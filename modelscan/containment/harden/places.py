"""Where the files of a served model lie inside of a container, so that they can be verified there.

Sources: the layout of the hub's cache (`models--ORG--NAME`, below `HF_HUB_CACHE` or `HF_HOME/hub`),
Ollama's store (`manifests/HOST/NAMESPACE/NAME/TAG`), KServe's `/mnt/models`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from modelscan.containment.controls.loading import is_far
from modelscan.containment.harden import launch, words
from modelscan.containment.harden.words import STORE, Locked
from modelscan.containment.view import Serving

KSERVE: Final = "/mnt/models"
"""Where KServe mounts what `storageUri` names."""
_CACHES: Final = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE")
_FLAGS: Final = ("--download-dir", "--huggingface-hub-cache")
_AT_DATA: Final = frozenset({"tgi", "tei"})
"""Servers whose images keep the hub's cache where `/data` is mounted."""


def target(each: Serving, stores: list[str], env: Mapping[str, Any], locked: Locked | None) -> str:
    """The path of the model's files.

    Args:
        each: the server.
        stores: where its contained copy mounts models.
        env: the variables of its contained copy.
        locked: the model that was agreed on.
    """
    if KSERVE in stores:
        return KSERVE
    store = stores[0] if stores else STORE
    if locked is not None and locked.name.startswith("ollama:"):
        return f"{env.get('OLLAMA_MODELS') or store}/manifests/{_ollama(locked.name)}"
    for model in each.models:
        if model.ref.startswith("/"):
            return launch.relocated(model.ref, each)
        if is_far(model.ref):
            return launch.stored(model.ref)
    if locked is None:
        return store
    if each.server.hub and "/" in locked.name:
        return f"{cache(each, store, env)}/models--{locked.name.replace('/', '--')}"
    return launch.folder_of(locked) if launch.file_of(locked) else store


def cache(each: Serving, store: str, env: Mapping[str, Any]) -> str:
    """The folder of the hub's cache."""
    flag = each.container.flag(*_FLAGS)
    named = [str(env[name]) for name in _CACHES if env.get(name)]
    if flag:
        return flag[1].text
    if named:
        return named[0].rstrip("/")
    return f"{str(env['HF_HOME']).rstrip('/')}/hub" if env.get("HF_HOME") else store


def lead(each: Serving, stores: list[str], env: Mapping[str, Any]) -> dict[str, str]:
    """The variable that leads a server to a store that nothing names."""
    by_name = any(model.ref.startswith("hf:") for model in each.models)
    led = any(env.get(name) for name in (*_CACHES, "HF_HOME")) or each.container.flag(*_FLAGS)
    usual = each.server.name in _AT_DATA and "/data" in stores
    if not (each.server.hub and by_name and stores) or led or usual:
        return {}
    return {words.home(each.server): stores[0]}


def _ollama(name: str) -> str:
    """The path of a model's manifest in Ollama's store."""
    path, colon, tag = name.removeprefix("ollama:").rpartition(":")
    if not colon or "/" in tag:
        path, tag = name.removeprefix("ollama:"), "latest"
    *before, last = path.split("/")
    host, space = (["registry.ollama.ai", "library"][: max(0, 2 - len(before))] + before)[-2:]
    return f"{host}/{space}/{last}/{tag}"
