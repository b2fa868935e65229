"""Repositories of a hub that a model card names: what its code loads, and what its text links to.

A card that was copied goes on to name the repository that it was written for. Only names are
collected here; whether one means anything is for whoever knows what the repository itself is
called.

Invariants: at most `LONGEST` bytes are read and `_MOST` names returned; the patterns look at each
character a bounded number of times.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 256 << 10
_MOST: Final = 50
_NAME: Final = rb"([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
_LINK: Final = rb"(?:huggingface\.co|hf\.co)/"
_MENTIONS: Final = re.compile(
    rb"(?:" + _LINK + rb"|[\"'`]|(?:serve|download|--model|--repo-id|--model-id|-m)[ =])" + _NAME
)
_NOT_MODELS: Final = frozenset(
    {b"datasets", b"spaces", b"docs", b"blog", b"papers", b"collections"}
)


def repositories(data: bytes) -> tuple[str, ...]:
    """The names, as `owner/model`, in the order in which they first stand there.

    Args:
        data: the card.
    """
    found: dict[bytes, None] = {}
    for match in _MENTIONS.finditer(data[:LONGEST]):
        name = match[1].rstrip(b".")
        if name.partition(b"/")[0] not in _NOT_MODELS:
            found[name] = None
        if len(found) >= _MOST:
            break
    return tuple(name.decode() for name in found)
