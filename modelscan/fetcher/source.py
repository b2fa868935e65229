"""What a source is: it takes a reference and presents a model."""

from __future__ import annotations

from typing import Protocol

from modelscan.fetcher.options import FetchOptions
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot


class ModelSource(Protocol):
    """One place that models live in."""

    def accepts(self, ref: ModelRef) -> bool:
        """True when this source is the one to ask for the reference."""
        ...

    def snapshot(self, ref: ModelRef, options: FetchOptions) -> Snapshot:
        """List the model's files without opening them.

        Raises:
            SourceError: the model is missing or cannot be listed.
        """
        ...
