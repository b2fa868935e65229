"""Opens models that the forge has written, as the command does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelscan.fetcher.sources import take
from modelscan.lineage.fingerprint import fingerprint, samples_only
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.weights import Weights
from modelscan.vocabulary.ref import ModelRef


@contextmanager
def opened(path: Path) -> Iterator[Weights]:
    with open_weights(take(ModelRef.parse(str(path))).files) as weights:
        yield weights


def printed(path: Path, **options: Any) -> Fingerprint:
    """The fingerprint of a folder or file."""
    with opened(path) as weights:
        return fingerprint(weights, **options)


def sampled(path: Path) -> Fingerprint:
    """The fingerprint of samples alone."""
    with opened(path) as weights:
        return samples_only(weights)
