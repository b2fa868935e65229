"""Names and digests, as summaries have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

NOTHING: Final = "none"
_COMMIT: Final = 40
_SHA256: Final = 64
_SHORT: Final = 12
_NAMED: Final = 3


def short(text: str) -> str:
    """A commit or a digest by its first digits; anything else as it is."""
    digits = text.removeprefix("sha256:")
    if len(digits) in {_COMMIT, _SHA256} and all(digit in "0123456789abcdef" for digit in digits):
        return text[: len(text) - len(digits)] + digits[:_SHORT]
    return text


def listed(names: Sequence[str]) -> str:
    """A few of some names, and how many more there are; `none` for none."""
    if not names:
        return NOTHING
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
