"""A manifest of a model that is here: the files that its owner means by its name.

What it states is self-pinned: that the bytes were these when the manifest was made, and nothing
about who published them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from modelscan.errors import SourceError, UsageError
from modelscan.verifier.release import (
    SCHEMA,
    ListedFile,
    Manifest,
    Origin,
    Publisher,
    Release,
    parse_manifest,
)
from modelscan.verifier.whole import pour, whole_snapshot
from modelscan.vocabulary.snapshot import SourceFile

_LENGTH = 8
"""Bytes before a safetensors header, which say its length."""
_LARGEST_HEADER = 100 << 20
"""Bytes of a safetensors header that readers of the format accept."""


def pin(
    target: str,
    *,
    release: str = "",
    location: str = "",
    publisher: str = "self",
    takes: Callable[[str], bool] | None = None,
) -> Manifest:
    """Hash a model and list its files.

    Args:
        target: a folder, a file or a hub cache folder.
        release: id of the release; by default what the source calls it.
        location: where it is published, such as `hf:org/name`; by default the source's claim.
        publisher: who pins it.
        takes: which files; all of them by default, and only then the release is complete.

    Raises:
        SourceError: something of it cannot be read, or there is nothing to list.
        UsageError: a file's name cannot stand in a manifest.
    """
    snapshot = whole_snapshot(target)
    claimed, _, commit = snapshot.claimed.partition("@")
    where = location or claimed
    files = tuple(_listed(file) for file in snapshot.files if takes is None or takes(file.name))
    if not files:
        raise SourceError("no files to list", "check the path")
    manifest = Manifest(
        schema=SCHEMA,
        serial=1,
        issued=datetime.now(UTC).strftime("%Y-%m-%d"),
        publisher=Publisher(id=publisher, name=publisher, verified_how="made by whoever pins it"),
        assurance="self-pinned",
        evidence=(Origin(path=snapshot.ref),),
        releases=(
            Release(
                id=release or snapshot.ref,
                files=files,
                locations=(where,) if where else (),
                revision=commit or None,
                complete=takes is None,
            ),
        ),
    )
    return parse_manifest(encode(manifest), snapshot.ref)


def encode(manifest: Manifest) -> bytes:
    """A manifest as people review it: indented JSON.

    Raises:
        UsageError: a file's name is not Unicode text.
    """
    try:
        return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    except UnicodeEncodeError:
        raise UsageError("a file's name is not Unicode text", "rename it") from None


def _listed(file: SourceFile) -> ListedFile:
    digest, header = hashlib.sha256(), _Header(file.name)
    size = pour(file, lambda _: (digest, header))
    return ListedFile(
        path=file.name,
        digests={"sha256": digest.hexdigest()},
        size=size,
        header_sha256=header.digest(),
    )


class _Header:
    """The header of a safetensors file as its bytes go by; it tells weights from other weights."""

    def __init__(self, name: str) -> None:
        self._wanted = _LENGTH if name.lower().endswith(".safetensors") else 0
        self._known = False
        self._data = bytearray()

    def update(self, data: bytes, /) -> None:
        """See `Sink.update`."""
        missing = self._wanted - len(self._data)
        if missing <= 0:
            return
        self._data += data[:missing]
        if not self._known and len(self._data) == _LENGTH:
            self._known = True
            length = int.from_bytes(self._data, "little")
            self._wanted += length if length <= _LARGEST_HEADER else 0
            self.update(data[missing:])

    def digest(self) -> str | None:
        """SHA-256 over length and header; `None` for a file without."""
        complete = _LENGTH < self._wanted == len(self._data)
        return hashlib.sha256(self._data).hexdigest() if complete else None
