"""The table of sources, in the order in which they are asked.

Those that a local path never goes to are imported when a reference is of their kind.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from modelscan.errors import SourceError
from modelscan.fetcher.local import LocalPath
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.source import ModelSource
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot


class _Later:
    """A source that is imported when a reference may be for it.

    Args:
        may_accept: false for a reference that the source never accepts.
        make: imports the source.
    """

    def __init__(
        self, may_accept: Callable[[ModelRef], bool], make: Callable[[], ModelSource]
    ) -> None:
        self._may_accept = may_accept
        self._make = make

    def accepts(self, ref: ModelRef) -> bool:
        """See `ModelSource.accepts`."""
        return self._may_accept(ref) and self._make().accepts(ref)

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """See `ModelSource.snapshot`."""
        return self._make().snapshot(ref, options)


def _hub() -> ModelSource:
    from modelscan.fetcher.hub.source import HuggingFaceHub  # lazy: see above

    return HuggingFaceHub()


def _cache() -> ModelSource:
    from modelscan.fetcher.hubcache import HubCache  # lazy: see above

    return HubCache()


def _registry() -> ModelSource:
    from modelscan.fetcher.oci import OciRegistry  # lazy: see above

    return OciRegistry()


def _address() -> ModelSource:
    from modelscan.fetcher.web import WebFile  # lazy: see above

    return WebFile()


def _store() -> ModelSource:
    from modelscan.fetcher.stores import ObjectStore  # lazy: see above

    return ObjectStore()


def _ollama() -> ModelSource:
    from modelscan.fetcher.ollama import OllamaStore  # lazy: see above

    return OllamaStore()


def _layout() -> ModelSource:
    from modelscan.fetcher.oci_layout import OciLayout  # lazy: see above

    return OciLayout()


def _may_be_cache(ref: ModelRef) -> bool:
    """A path with the folder of a repository in it, `models--org--name`, or with a revision."""
    return ref.kind == "path" and ("@" in ref.text or "models--" in os.path.realpath(ref.text))


def _may_be_ollama(ref: ModelRef) -> bool:
    """A reference, a store's folder, or a manifest in one: `…/manifests/<registry>/…/<tag>`."""
    path = os.path.realpath(ref.text)
    return ref.kind == "ollama" or (
        ref.kind == "path"
        and (f"{os.sep}manifests{os.sep}" in path or os.path.isdir(f"{path}/manifests"))  # noqa: PTH112  # strings are cheaper than paths here
    )


def _may_be_layout(ref: ModelRef) -> bool:
    return ref.kind == "path" and os.path.exists(f"{ref.text}/oci-layout")  # noqa: PTH110  # the same


SOURCES: tuple[ModelSource, ...] = (
    _Later(lambda ref: ref.kind == "hub", _hub),
    _Later(lambda ref: ref.kind == "oci", _registry),
    _Later(lambda ref: ref.kind == "url", _address),
    _Later(lambda ref: ref.kind == "store", _store),
    _Later(_may_be_cache, _cache),
    _Later(_may_be_ollama, _ollama),
    _Later(_may_be_layout, _layout),
    LocalPath(),
)
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
