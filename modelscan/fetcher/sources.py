"""The table of sources, in the order in which they are asked."""

from __future__ import annotations

from modelscan.errors import SourceError
from modelscan.fetcher.hubcache import HubCache
from modelscan.fetcher.local import LocalPath
from modelscan.fetcher.source import ModelSource
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

SOURCES: tuple[ModelSource, ...] = (HubCache(), LocalPath())


def take(ref: ModelRef) -> Snapshot:
    """The snapshot of a reference, from the first source that accepts it.

    Raises:
        SourceError: no source accepts it, or the one that does cannot list it.
    """
    for source in SOURCES:
        if source.accepts(ref):
            return source.snapshot(ref)
    raise SourceError(
        f"this version reads files, folders and hub caches, not {ref.kind} references",
        "download the model first and scan the folder; a path that looks like a reference "
        f"is written ./{ref.text}",
    )
