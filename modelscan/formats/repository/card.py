"""The model card and the terms of use: are there any?

Absence is stated for repositories with weights only, and never as a hazard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, ModelClaim, RepositoryCheck
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.naming import mentioned

_WEIGHTS = frozenset(
    {".bin", ".ckpt", ".gguf", ".h5", ".keras", ".msgpack", ".onnx", ".pt", ".pth", ".safetensors",
     ".tflite"}
)  # fmt: skip
_DESCRIPTION = re.compile(r"(?:readme|model[_-]?card)(?:\.\w+)?$", re.IGNORECASE)
"""Names of files, at the top, that say what the model is, in whatever format."""
_PARTS = ("licence", "base", "dataset", "language", "task", "library")
"""Claims that the metadata of a card usually make."""
_TERMS = ("licence", "license", "copying", "use-policy", "use_policy", "terms")
"""What stands in the names of files that hold the terms of use."""


class CardRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State a missing card, and missing terms."""
        if not view.folder:
            return
        claims = [claim for claim in facts.of(ModelClaim) if claim.claim == "licence"]
        if _has_weights(view):
            cards = [name for name in view.files if "/" not in name and _DESCRIPTION.match(name)]
            if cards:
                yield from _missing(min(cards), facts)
            elif not any("/" not in name and _DESCRIPTION.match(name) for name in view.names):
                yield RepositoryCheck(status="absent", kind="no-card")
            if not claims and not _has_terms(view):
                yield RepositoryCheck(status="absent", kind="no-licence")


def _missing(card: str, facts: Facts) -> Iterator[Fact]:
    """The parts that no claim of the card fills."""
    stated = {claim.claim for claim in facts.of(ModelClaim) if claim.location.file == card}
    missing = [part for part in _PARTS if part not in stated]
    if missing:
        where = Location(card)
        parts = ", ".join(missing)
        yield RepositoryCheck(
            location=where, status="absent", kind="card-parts-missing", value=parts
        )


def _has_weights(view: RepositoryView) -> bool:
    return any(name[name.rfind(".") :].lower() in _WEIGHTS for name in view.files)


def _has_terms(view: RepositoryView) -> bool:
    return mentioned(_TERMS, view.names) and mentioned(_TERMS, map(_base, view.names))


def _base(name: str) -> str:
    return name.rpartition("/")[2]
