"""Where something was found."""

from __future__ import annotations

import msgspec

MEMBER_SEPARATOR = "!"
"""Between a container and what lies in it, as in `model.zip!archive/data.pkl`."""


class Location(msgspec.Struct, frozen=True):
    """A file of the model, and optionally a place inside it."""

    file: str = ""
    """Path relative to the model's root, with forward slashes; empty for the model as a whole."""
    member: str | None = None
    """Name inside an archive, nested archives joined by `!`."""
    offset: int | None = None
    """Bytes from the start of the member, or of the file when there is no member."""
    line: int | None = None
    """Line number from 1, for text."""

    def __str__(self) -> str:
        text = self.file or "."
        if self.member is not None:
            text += MEMBER_SEPARATOR + self.member
        if self.line is not None:
            return f"{text}:{self.line}"
        return text if self.offset is None else f"{text} @{self.offset}"
