"""Digest algorithms: which ones prove something, and the digest of a model as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

STRONG = ("sha256", "sha384", "sha512", "blake2b", "blake3")
"""Algorithms whose equality proves equal bytes. SHA-1, MD5 and shortened digests never do."""


def model_digest(files: Iterable[tuple[str, int, str]]) -> str:
    """The identity of a model: `sha256:` over its sorted `[name, size, sha256]` rows.

    Names are part of it: two models that hold the same bytes under swapped names differ, which the
    root digest of OpenSSF Model Signing does not notice (it concatenates the digests only).

    Args:
        files: name, size in bytes, and hexadecimal SHA-256 of each file.
    """
    rows = json.dumps(sorted(files), ensure_ascii=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(rows.encode()).hexdigest()
