"""git-LFS pointers: small texts that stand where a large file should be.

Invariants: a pointer is told by all of its bytes, never by its name, so nothing that a loader could
run passes for one; the file that it stands for was not looked at, and the scan says so.

Source: git-lfs, docs/spec.md, "The Pointer", version 1 and its forerunners: at most 1024 bytes,
`version` first, then keys in order, each line ended by one line feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats import sniff
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, base_name, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, LfsPointer

_MAX = 1024
_POINTER = re.compile(
    rb"version https?://(?:git-lfs\.github\.com/spec/v1|hawser\.github\.com/spec/v1"
    rb"|git-media\.io/v/2)\r?\n"
    rb"(?:ext-[0-9]-[\w-]+ sha256:[0-9a-f]{64}\r?\n)*"
    rb"oid sha256:([0-9a-f]{64})\r?\n"
    rb"size ([0-9]{1,18})(?:\r?\n)*"
)
"""A checkout on Windows may have turned the line ends."""
_HARMLESS = frozenset({"image", "document"})
"""What the name of the missing file must promise, for it not to matter to a loader."""


class LfsReader:
    """A pointer, whatever the file is called."""

    format = sniff.PLACEHOLDER

    def recognises(self, glimpse: Glimpse) -> bool:
        """By content, all of it."""
        return glimpse.size <= _MAX and _POINTER.fullmatch(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what is missing.

        Raises:
            ReadError: not a pointer.
        """
        found = _POINTER.fullmatch(artifact.read_at(0, _MAX))
        if found is None:
            raise ReadError("not a git-LFS pointer")
        oid, size = found[1].decode(), int(found[2])
        budget.fact()
        yield LfsPointer(location=place(artifact), status="declared", oid=oid, size=size)
        name = base_name(artifact)
        dot = name.rfind(".")
        promise = sniff.declared(name[dot:].lower()) if dot > 0 else None
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="skipped",
            needed=promise is None or promise[0] not in _HARMLESS,
            reason=f"a git-LFS pointer: the file itself is not here ({size:,} bytes, sha256 "
            f"{oid[:12]}…); fetch it with git lfs pull",
        )
