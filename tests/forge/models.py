"""Builds model folders from the other forges' bytes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.forge import safetensors

ECHO = b"cposix\nsystem\n(S'echo forged'\ntR."
"""A protocol 0 pickle that would run `echo` if anything loaded it. Nothing here does."""

CARD = "---\nlicense: apache-2.0\n---\n# A model\nPlain words about it.\n"


def plain(folder: Path) -> Path:
    """A small, honest model: weights, configuration and a card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(safetensors.small())
    config = {"architectures": ["ForgedModel"], "model_type": "forged", "hidden_size": 2}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text(CARD)
    return folder
