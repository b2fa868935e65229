"""Where something was found again, `modelassay-find/1`: who has it, where, and since when.

Its JSON Schema is generated from these types.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.coverage import Coverage

SCHEMA = "modelassay-find/1"
"""Which shape this is; the number changes only when a reader would break."""

Holder = Literal["report", "lock", "cyclonedx", "spdx", "inventory", "document", "file", "code"]
"""What has it: a native report, a lock, a bill of materials, an inventory, another JSON document,
a file on the disk, or code that names it."""
Wanted = Literal["digest", "commit", "repository", "signer", "text"]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One place."""

    holder: Holder
    where: str
    """The file, relative to the path that was searched, that path's last part first."""
    place: str = ""
    """Where in it: a path of keys in a document, a member of an archive, a line."""
    model: str = ""
    """The model that it belongs to, as the holder names it."""
    file: str = ""
    """The file of that model."""
    what: str
    """What matched: `sha256`, `revision`, `weights_root`, `signer`, ..."""
    since: str = ""
    """Since when, as the holder says: an RFC 3339 time, or a day. Of a file on the disk, when it
    was changed last, which anybody can set."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found."""

    schema: str = SCHEMA
    query: str
    """What was looked for."""
    kind: Wanted
    """What it was taken for."""
    hits: tuple[Hit, ...] = ()
    """By holder, then by place."""
    searched: int = 0
    """Files that were looked into."""
    coverage: tuple[Coverage, ...] = ()
    """What was not looked at."""

    @property
    def exit_code(self) -> int:
        """0 found, 3 something could not be read, so that there may be more, 4 not found."""
        if any(gap.needed for gap in self.coverage):
            return 3
        return 0 if self.hits else 4
