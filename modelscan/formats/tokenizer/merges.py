"""Merges, wherever they are written: in `tokenizer.json`, in a GGUF file, or in `merges.txt`.

Invariant: of a list nothing is kept but its length and a digest, which two files can be held
against each other by.

Source: transformers, `GPT2Tokenizer`: the first line of `merges.txt` says its version, and each
other line is two parts with a blank between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from modelscan.vocabulary.fact import TokenizerMerges
from modelscan.vocabulary.location import Location

FILE: Final = "merges.txt"
_VERSION: Final = "#version"


def described(merges: Sequence[str | tuple[str, str]], where: Location) -> TokenizerMerges:
    """The fact about a list of merges.

    Args:
        merges: both parts, with a blank between them or as a pair.
        where: the file.
    """
    lines = (one if isinstance(one, str) else " ".join(one) for one in merges)
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    return TokenizerMerges(location=where, count=len(merges), digest=digest)


def lines(data: bytes) -> list[str]:
    """The merges of `merges.txt`."""
    found = data.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    return found[1:] if found[0].startswith(_VERSION) else [line for line in found if line]
