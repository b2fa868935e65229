"""Builds model cards, git-LFS pointers and indexes of weights, honest and hostile ones."""

from __future__ import annotations

import json

OID = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

SENTENCES = """\
language: en
license: apache-2.0
library_name: sentence-transformers
tags:
- sentence-transformers
- sentence-similarity
datasets:
- s2orc
- flax-sentence-embeddings/stackexchange_xml
pipeline_tag: sentence-similarity
"""
"""Metadata as a model of sentence embeddings carries it."""

MERGED = """\
base_model:
- acme/one-7b
- acme/two-7b
tags:
- mergekit
- merge
license: other
license_name: acme-community
model-index:
- name: merged-7b
  results:
  - task: &task
      type: text-generation
    metrics:
    - {type: acc, value: 0.5}
  - task: *task
"""


def card(metadata: str, prose: str = "# A model\n", end: str = "\n") -> bytes:
    """A card with metadata between two lines of dashes."""
    return f"---\n{metadata}---\n{prose}".replace("\n", end).encode()


def laughs() -> str:
    """Aliases that would grow to a billion values if they were followed."""
    lines = ["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    return "\n".join([*lines, "datasets: *i", "license: mit", ""])


def pointer(size: int = 90_868_376, oid: str = OID, extra: str = "") -> bytes:
    """A git-LFS pointer."""
    version = "version https://git-lfs.github.com/spec/v1"
    return f"{version}\n{extra}oid sha256:{oid}\nsize {size}\n".encode()


def index(weight_map: dict[str, str], total_size: object = None) -> bytes:
    """An index of shards."""
    metadata = {} if total_size is None else {"total_size": total_size}
    return json.dumps({"metadata": metadata, "weight_map": weight_map}).encode()
