"""A model of which everything was read, for a statement about it: a manifest or a signature.

Invariant: all or nothing. Somebody who signs or pins a model means all of it, so that a file which
cannot be read, or a link out of the model, is an error and never left out silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from modelscan.errors import ReadError, SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.vocabulary.artifact import stream
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot, SourceFile


class Sink(Protocol):
    """Takes the bytes of a file as they go by, such as a digest."""

    def update(self, data: bytes, /) -> object:
        """Take the next piece."""


def whole_snapshot(target: str, fetch: FetchOptions | None = None) -> Snapshot:
    """A model of which everything can be opened; the caller closes it.

    Args:
        target: a folder, a file, a hub cache folder, or a reference.
        fetch: how it is fetched when it is not on this machine; without it, nothing is.

    Raises:
        SourceError: it cannot be listed, or something in it is no plain file.
    """
    options = msgspec.structs.replace(fetch or FetchOptions(offline=True), full=True)
    snapshot = take(ModelRef.parse(target), options)
    gap = next((gap for gap in snapshot.coverage if gap.needed), None)
    if gap is not None:
        snapshot.close()
        hint = "a statement about a model is about all of it: remove what is no file of it"
        raise SourceError(f"{gap.file}: {gap.reason}", hint)
    return snapshot


def pour(file: SourceFile, sinks: Callable[[int], tuple[Sink, ...]]) -> int:
    """Read a file once, to its end.

    Args:
        file: which.
        sinks: what takes the bytes, given the size of the open file.

    Returns:
        Its size in bytes.

    Raises:
        SourceError: it cannot be read, or changed meanwhile.
    """
    try:
        with file.open() as artifact:
            taking = sinks(artifact.size)
            seen = 0
            for chunk in stream(artifact):
                seen += len(chunk)
                for sink in taking:
                    sink.update(chunk)
            changed = seen != artifact.size or artifact.changed()
    except ReadError as error:
        raise SourceError(f"{file.name}: {error.message}") from None
    if changed:
        raise SourceError(f"{file.name}: changed while it was being read")
    return seen
