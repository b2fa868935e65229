"""The same weights twice: as a pickle and as safetensors.

By the names that the libraries give them; whether the numbers are equal is not compared here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RepositoryCheck
from modelscan.vocabulary.location import Location

_SAFE = ".safetensors"
_PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl"})
_FORMATS = frozenset({"pytorch", "pickle", "zip", "tar"})
"""What the content of such a file is when it is a pickle; `.bin` alone means nothing."""
_NUMBERED = re.compile(r"-\d+-of-\d+$")


class TwinRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each pickle that has a safetensors file of the same name beside it."""
        del facts
        if not view.folder:
            return
        pickles = [name for name, entry in view.files.items() if entry.format in _FORMATS]
        if not pickles:
            return
        safe: dict[str, str] = {}
        for name in sorted([name for name in view.files if name.endswith(_SAFE)]):
            safe.setdefault(_weights(name.removesuffix(_SAFE)), name)
        if not safe:
            return
        stated = set[str]()
        for name in pickles:
            stem, extension = posixpath.splitext(name)
            if extension not in _PICKLES:
                continue
            weights = _weights(stem)
            if weights in safe and weights not in stated:
                stated.add(weights)
                yield RepositoryCheck(
                    location=Location(name), kind="pickle-twin", value=safe[weights]
                )


def _weights(stem: str) -> str:
    """One name for the weights: shards are parts of one, and transformers has two names for it."""
    if "-of-" in stem:
        stem = _NUMBERED.sub("", stem)
    folder, slash, name = stem.rpartition("/")
    return folder + slash + ("model" if name == "pytorch_model" else name)
