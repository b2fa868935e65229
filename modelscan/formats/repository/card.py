"""The model card and the terms of use: are there any?

Absence is stated for repositories with weights only, and never as a hazard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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


class CardRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State a missing card, and missing terms."""
        if not view.folder:
            return
        claims = [claim for claim in facts.of(ModelClaim) if claim.claim == "licence"]
        if _has_weights(view):
            if not any(_DESCRIPTION.match(name) for name in view.names):
                yield RepositoryCheck(status="absent", kind="no-card")
            if not claims and not any(_TERMS.search(_base(name)) for name in view.names):
                yield RepositoryCheck(status="absent", kind="no-licence")


def _has_weights(view: RepositoryView) -> bool:
    names = (_base(name).lower() for name in view.files)
    return any(name[name.rfind(".") :] in _WEIGHTS for name in names if "." in name)


def _base(name: str) -> str:
    return name.rpartition("/")[2]
