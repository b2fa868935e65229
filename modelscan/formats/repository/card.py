"""The model card against the files: is there one, and do its licence and theirs agree?

Absence is stated for repositories with weights only, and never as a hazard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelscan.formats.model_card import NAMES
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, ModelClaim, RepositoryCheck

_WEIGHTS = frozenset(
    {".bin", ".ckpt", ".gguf", ".h5", ".keras", ".msgpack", ".onnx", ".pt", ".pth", ".safetensors",
     ".tflite"}
)  # fmt: skip
_DESCRIPTION = re.compile(r"(?:readme|model[_-]?card)(?:\.\w+)?$", re.IGNORECASE)
"""Names of files, at the top, that say what the model is, in whatever format."""
_TERMS = re.compile(r"licen[cs]e|copying|use[_-]policy|terms", re.IGNORECASE)
"""Names of files that hold the terms of use."""
_UNSAID = frozenset({"other", "unknown", "none"})
"""Licences that a card states without naming one."""
_WORD = re.compile(r"[a-z0-9]+")
_FILLER = frozenset({"licence", "license", "the", "version", "v"})


class CardRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State a missing card, missing terms, and licences that contradict each other."""
        if not view.folder:
            return
        claims = [claim for claim in facts.of(ModelClaim) if claim.claim == "licence"]
        if _has_weights(view):
            if not any(_DESCRIPTION.match(name) for name in view.names):
                yield RepositoryCheck(status="absent", kind="no-card")
            if not claims and not any(_TERMS.search(_base(name)) for name in view.names):
                yield RepositoryCheck(status="absent", kind="no-licence")
        yield from _differences(claims)


def _has_weights(view: RepositoryView) -> bool:
    names = (_base(name).lower() for name in view.files)
    return any(name[name.rfind(".") :] in _WEIGHTS for name in names if "." in name)


def _differences(claims: list[ModelClaim]) -> Iterator[Fact]:
    """Licences that files state and that the card does not; once for each."""
    card = [claim for claim in claims if claim.location.file.lower() in NAMES]
    stated = {_plain(claim.value) for claim in card}
    if not stated or not stated.isdisjoint(_UNSAID):
        return
    names = ", ".join(claim.value for claim in card)
    for claim in claims:
        words = _plain(claim.value)
        if claim not in card and words not in stated and words not in _UNSAID:
            stated.add(words)
            yield RepositoryCheck(
                location=claim.location, kind="licence-differs", value=claim.value, other=names
            )


def _plain(licence: str) -> str:
    """Spellings of one licence made equal: `Apache License, Version 2.0` and `apache-2.0`."""
    return "".join(word for word in _WORD.findall(licence.lower()) if word not in _FILLER)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
