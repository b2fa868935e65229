"""The ledger of silence: what was read, and what was not."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal[
    "read", "header-only", "skipped", "truncated", "unreadable", "encrypted", "unsupported"
]


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file, or of one member of it."""

    file: str
    """Path relative to the model's root."""
    member: str | None = None
    """Name inside an archive, when the entry is about a member."""
    status: Status
    """How far reading went."""
    needed: bool = False
    """True when a usual loader would execute these bytes or parse them as structure, and nobody
    looked: such a gap makes the scan incomplete. Always false when the bytes were read."""
    reason: str = ""
    """Why, in words; empty when there is nothing to explain."""
