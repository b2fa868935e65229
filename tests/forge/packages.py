"""Builds packaged models: manifests and blobs of OCI, Docker and Ollama, as they lie on a disk."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.forge import gguf

OLLAMA = "application/vnd.ollama.image."
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
TITLE = "org.opencontainers.image.title"
FILEPATH = "org.cncf.model.filepath"


class Layer(NamedTuple):
    media_type: str
    data: bytes
    annotations: Mapping[str, str] | None = None
    extra: Mapping[str, Any] | None = None


class Image(NamedTuple):
    manifest: bytes
    blobs: dict[str, bytes]
    """By digest."""

    @property
    def digest(self) -> str:
        return digest(self.manifest)


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mediaType": layer.media_type,
        "digest": digest(layer.data),
        "size": len(layer.data),
    }
    if layer.annotations:
        found["annotations"] = dict(layer.annotations)
    return found | dict(layer.extra or {})


def image(
    layers: Sequence[Layer], config: Mapping[str, Any] | None = None, kind: str = OCI_CONFIG
) -> Image:
    """A manifest over its layers."""
    text = json.dumps(config or {}).encode()
    configured = Layer(kind, text)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(configured),
        "layers": [descriptor(layer) for layer in layers],
    }
    blobs = {digest(layer.data): layer.data for layer in (configured, *layers)}
    return Image(json.dumps(document).encode(), blobs)


def index(images: Mapping[str, Image]) -> bytes:
    """An index; the keys are platforms, `linux/arm64`."""
    entries = []
    for platform, each in images.items():
        system, _, machine = platform.partition("/")
        entry: dict[str, Any] = {
            "mediaType": OCI_MANIFEST, "digest": each.digest, "size": len(each.manifest),
        }  # fmt: skip
        if system:
            entry["platform"] = {"os": system, "architecture": machine}
        entries.append(entry)
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def ollama_image(**parts: bytes) -> Image:
    """A model of Ollama with a template; the keywords replace or add parts, `model`, `system` …"""
    usual = {"model": gguf.small(), "template": b"{{ .System }}<|user|>{{ .Prompt }}<|end|>"}
    layers = [Layer(OLLAMA + name, data) for name, data in {**usual, **parts}.items()]
    config = {"model_format": "gguf", "model_family": "llama", "model_families": ["llama"]}
    return image(layers, config, DOCKER_CONFIG)


def ollama_store(root: Path, **models: Image) -> Path:
    """A store; the keywords are tags of the model `tiny`."""
    (root / "blobs").mkdir(parents=True)
    for tag, each in models.items():
        place = root / "manifests" / "registry.ollama.ai" / "library" / "tiny" / tag
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(each.manifest)
        for name, data in each.blobs.items():
            (root / "blobs" / name.replace(":", "-")).write_bytes(data)
    return root


def layout(root: Path, top: bytes, *images: Image) -> Path:
    """An image layout; `top` is its `index.json`."""
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (root / "index.json").write_bytes(top)
    for each in images:
        for name, data in {**each.blobs, each.digest: each.manifest}.items():
            (blobs / name.partition(":")[2]).write_bytes(data)
    return root


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
