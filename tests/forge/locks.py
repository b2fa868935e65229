"""Builds locks and code bases that have one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from modelscan.dependencies import lockfile
from modelscan.vocabulary.lock import Lock, LockedFile, LockedModel
from tests.forge import codebases, models

COMMIT = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
NEWER = "9f21b2a01c447d3b5c0a6f1a2b3c4d5e6f708192"


def file(path: str, text: str = "", file_format: str = "") -> LockedFile:
    """A locked file whose bytes are a text, by default its own name."""
    data = (text or path).encode()
    digest = hashlib.sha256(data).hexdigest()
    return LockedFile(path=path, size=len(data), sha256=digest, format=file_format)


def model(ref: str = "hf:acme/chat-7b", **changes: Any) -> LockedModel:
    """A model of a hub, with weights in safetensors and a card."""
    values: dict[str, Any] = {
        "revision": COMMIT,
        "licence": ("apache-2.0",),
        "author": "acme",
        "created": "2024-05-01T09:00:00Z",
        "committed": "2025-01-10T09:00:00Z",
        "object_id": "663100aa",
        "since": "2025-01-11",
        "files": (
            file("README.md", file_format="model card"),
            file("config.json", file_format="json"),
            file("model.safetensors", file_format="safetensors"),
        ),
    }
    return LockedModel(ref=ref, **(values | changes))


def other(before: LockedModel, **changes: Any) -> LockedModel:
    """The same model with something otherwise."""
    return msgspec.structs.replace(before, **changes)


def write(folder: Path, *entries: LockedModel) -> Path:
    """A lock in a folder."""
    path = folder / lockfile.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lockfile.encode(Lock(model=entries)))
    return path


def application(folder: Path) -> Path:
    """A small code base: a hub's model, pinned, and a local one."""
    code = f"""
        from transformers import AutoModel

        AutoModel.from_pretrained("acme/chat-7b", revision="{COMMIT}")
        AutoModel.from_pretrained("models/mini")
    """
    codebases.write(folder, "app/main.py", code)
    models.plain(folder / "models/mini")
    (folder / ".git").mkdir(exist_ok=True)
    return folder


def hub_cache(folder: Path, name: str = "acme/chat-7b", commit: str = COMMIT) -> Path:
    """A hub's cache with one model; `main` is that commit."""
    repository = folder / ("models--" + name.replace("/", "--"))
    models.plain(repository / "snapshots" / commit)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return folder


def remote_code(folder: Path, text: str = "class Model: ...\n") -> Path:
    """A model that brings its own Python."""
    models.plain(folder)
    config = {"model_type": "own", "auto_map": {"AutoModel": "modeling_own.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_own.py").write_text(text)
    return folder
