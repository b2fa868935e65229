"""What a check is: it holds a model's files against something, and says what that established."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from modelscan.vocabulary.evidence import Evidence
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.result import FileEntry


class Check(Protocol):
    """One source of evidence. A check reads no file: the pipeline hashed and read them once."""

    @property
    def name(self) -> str:
        """What the check is called where it fails."""
        ...

    @property
    def answer(self) -> Literal["official_bytes", "signed"]:
        """The answer that is an error when the check fails."""
        ...

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
        """Hold the model against it. Any exception becomes the status `error`.

        Args:
            files: the model's files with their digests.
            facts: what the readers stated.
            claimed: the identity that the model's source claims, such as `hf:org/name`; a claim.
        """
        ...
