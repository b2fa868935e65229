"""From a target to its fingerprint: what `manifest fingerprint` and the public door call."""

from __future__ import annotations

from contextlib import closing
from typing import Protocol

import msgspec

from modelscan.errors import SourceError
from modelscan.fetcher.options import FetchOptions
from modelscan.fetcher.sources import take
from modelscan.lineage.families import Family, families
from modelscan.lineage.fingerprint import fingerprint
from modelscan.lineage.fitting import fitted
from modelscan.lineage.opening import open_weights
from modelscan.lineage.prints import Fingerprint
from modelscan.lineage.safetensors_weights import header_digests
from modelscan.lineage.signs import PUBLIC, Seed
from modelscan.vocabulary.ref import ModelRef


class Watcher(Protocol):
    """Whoever wants to watch."""

    def start(self, ref: str, files: int, size: int) -> None:
        """A model of `files` files and `size` bytes of weights is about to be read."""

    def advance(self, size: int) -> None:
        """So many more bytes have been read."""


def fingerprint_of(
    target: str,
    *,
    k: int | None = None,
    seed: Seed = PUBLIC,
    source: str = "",
    which: str = "",
    fetch: FetchOptions | None = None,
    progress: Watcher | None = None,
) -> Fingerprint:
    """Read a model and make its fingerprint.

    Args:
        target: what a person typed: a folder, a file, a reference.
        k: side of the sketches; chosen by the model's size when not given.
        seed: of signs and sample positions.
        source: what it was taken from; by default what the source itself claims.
        which: the path, without extension, of one of several sets of weights; the one that a
            loader would take when empty.
        fetch: how to reach what is not on this machine.
        progress: told what is being read.

    Raises:
        SourceError: the target cannot be read, has no weights, or not all of them can be taken in:
            an official fingerprint with a gap would call every copy different.
    """
    with closing(take(ModelRef.parse(target), fetch or FetchOptions())) as snapshot:
        family = _chosen(families(snapshot.files), which)
        if progress and family:
            progress.start(snapshot.ref, len(family.files), family.size)
        with open_weights(snapshot.files, family) as weights:
            made = fingerprint(
                weights,
                k=k,
                seed=seed,
                source=source or snapshot.claimed or snapshot.ref,
                progress=progress.advance if progress else None,
            )
            made = msgspec.structs.replace(made, headers=header_digests(weights))
    gaps = [gap for gap in made.skipped if gap.needed]
    if gaps:
        more = f", and {len(gaps) - 1:,} more" if len(gaps) > 1 else ""
        raise SourceError(
            f"not all weights could be read: {gaps[0].name}: {gaps[0].reason}{more}",
            "a fingerprint is made of whole models",
        )
    return fitted(made)


def _chosen(found: list[Family], which: str) -> Family | None:
    """The family of that name; `None` lets `open_weights` say that there is none."""
    if not which:
        return found[0] if found else None
    for family in found:
        if which in {family.name, *family.files}:
            return family
    names = ", ".join(family.name for family in found[:5]) or "none"
    raise SourceError(f"no weights named {which}", f"there are: {names}")
