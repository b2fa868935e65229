"""What a chat template is known by, wherever it is written."""

from __future__ import annotations

import hashlib


def template_digest(text: str) -> str:
    """SHA-256 of a template, hexadecimal, whatever the ends of its lines look like.

    Files end in a line feed and texts in documents do not; editors take blanks from the ends of
    lines. None of it changes what is rendered by the usual engines.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    return hashlib.sha256("\n".join(lines).strip("\n").encode("utf-8", "replace")).hexdigest()
