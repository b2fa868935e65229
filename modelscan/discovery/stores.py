"""Where tools keep models on a disk, and what the folders claim them to be.

Sources: huggingface_hub's cache-system reference (`models--<org>--<name>/snapshots/<commit>/`),
Ollama's store (`manifests/<host>/<namespace>/<name>/<tag>` over `blobs/sha256-<hex>`), LM Studio
(`models/<publisher>/<repository>/<file>`). Names of folders are claims and prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.discovery.walking import Found, Tree
from modelscan.errors import ReadError
from modelscan.vocabulary.coverage import Coverage

_SNAPSHOT: Final = re.compile(r"(?:^|/)models--(?P<id>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})/")
_CACHED: Final = re.compile(r"(?:^|/)models--(?P<id>[^/]+)/")
_LM_STUDIO: Final = re.compile(
    r"(?:^|/)(?:\.lmstudio|lm-studio|LM Studio)/(?:hub/)?models/(?P<id>[^/]+/[^/]+)/"
)
_MANIFEST: Final = re.compile(
    r"(?P<store>(?:.*/)?)manifests/(?P<host>[^/]+)/(?P<space>[^/]+)/(?P<name>[^/]+)/(?P<tag>[^/]+)"
)
_WEIGHTS: Final = re.compile(r"application/vnd\.ollama\.image\.(?:model|adapter|projector|tensor)")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_LIMIT: Final = 4 << 20


class Blob(NamedTuple):
    """A layer of an Ollama model."""

    path: str
    ref: str


def claim(path: str) -> str | None:
    """What the folders around a file claim it to be.

    Args:
        path: with as many of the folders above the root as are known.
    """
    found = _SNAPSHOT.search(path)
    if found:
        return f"hf:{_identity(found['id'])}@{found['commit']}"
    found = _CACHED.search(path)
    if found:
        return f"hf:{_identity(found['id'])}"
    found = _LM_STUDIO.search(path)
    return f"hf:{found['id']}" if found else None


def ollama(tree: Tree) -> Iterator[Blob | Coverage]:
    """The weights of every model in Ollama stores below a path."""
    for file in tree.files:
        found = _MANIFEST.fullmatch(file.path)
        if found is None or not tree.holds(f"{found['store']}blobs"):
            continue
        try:
            layers = _layers(tree, file)
        except ReadError as error:
            yield Coverage(file=file.path, status="unreadable", needed=True, reason=error.message)
            continue
        for digest in layers:
            path = f"{found['store']}blobs/{digest.replace(':', '-')}"
            if tree.holds(path):
                yield Blob(path, _ref(found))
            else:
                reason = f"names {digest}, which is not in the store"
                yield Coverage(file=file.path, status="unreadable", needed=True, reason=reason)


def _ref(found: re.Match[str]) -> str:
    host, space, name, tag = found["host"], found["space"], found["name"], found["tag"]
    if host in {"hf.co", "huggingface.co"}:
        return f"hf:{space}/{name}:{tag}"
    where = "" if host == "registry.ollama.ai" else f"{host}/"
    owner = "" if space == "library" and not where else f"{space}/"
    return f"ollama:{where}{owner}{name}:{tag}"


def _layers(tree: Tree, file: Found) -> list[str]:
    """Digests of the layers that hold weights.

    Raises:
        ReadError: the manifest is none.
    """
    try:
        root: Any = msgspec.json.decode(tree.read(file, _LIMIT))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ReadError(f"not a manifest of Ollama: {error}") from None
    layers = root.get("layers") if isinstance(root, dict) else None
    found = []
    for layer in layers if isinstance(layers, list) else []:
        if isinstance(layer, dict) and _WEIGHTS.match(str(layer.get("mediaType"))):
            digest = str(layer.get("digest"))
            if _DIGEST.fullmatch(digest):
                found.append(digest)
    return found


def _identity(folder: str) -> str:
    return "/".join(folder.split("--"))
