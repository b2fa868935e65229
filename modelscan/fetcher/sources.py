"""The table of sources, in the order in which they are asked."""

from __future__ import annotations

from modelscan.errors import SourceError
from modelscan.fetcher.hub.source import HuggingFaceHub
from modelscan.fetcher.hubcache import HubCache
from modelscan.fetcher.local import LocalPath
from modelscan.fetcher.oci import OciRegistry
from modelscan.fetcher.oci_layout import OciLayout
from modelscan.fetcher.ollama import OllamaStore
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.source import ModelSource
from modelscan.fetcher.stores import ObjectStore
from modelscan.fetcher.web import WebFile
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot

SOURCES: tuple[ModelSource, ...] = (
    HuggingFaceHub(), OciRegistry(), WebFile(), ObjectStore(),
    HubCache(), OllamaStore(), OciLayout(), LocalPath(),
)  # fmt: skip
_DEFAULTS = FetchOptions()


def take(ref: ModelRef, options: FetchOptions = _DEFAULTS) -> Snapshot:
    """The snapshot of a reference, from the first source that accepts it.

    Args:
        ref: what a person typed.
        options: how to fetch it, when it is not on this machine.

    Raises:
        SourceError: no source accepts it, or the one that does cannot list it.
    """
    for source in SOURCES:
        if source.accepts(ref):
            return source.snapshot(ref, options)
    raise SourceError(
        f"this version reads files, folders and hub caches, not {ref.kind} references",
        "download the model first and scan the folder; a path that looks like a reference "
        f"is written ./{ref.text}",
    )
