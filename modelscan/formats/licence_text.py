"""Texts of licences: which one a file such as `LICENSE` holds, told by phrases of its wording.

Invariants: the text is compared without case and punctuation; a permissive text with a phrase that
no permissive text has is another licence, and not recognised; where a file holds several texts, the
one that begins first is the model's, the others are notices of third parties.

Phrases, not similarity to whole texts: publishers reword their licences between releases, and what
must not happen is to take one with restrictions for one without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, LicenceText
from modelscan.vocabulary.lists import Licence, Licences

FORMAT = "licence text"

_NAME = re.compile(r"(?:.*[-_. ])?(?:un)?licen[cs]e(?:[-_. ].*)?|copying(?:[-_.].*)?", re.DOTALL)
"""Names of files that hold terms, in lower case: `LICENSE`, `LICENSE-MODEL`."""
_LONGEST = 1 << 20
"""Bytes that are compared; the longest licence of a model has about 60,000."""
_GAP = re.compile(r"[^a-z0-9+]+")


class LicenceTextReader:
    """Files that by their name hold the terms of use."""

    format = FORMAT

    def __init__(self, table: Licences) -> None:
        self._table = table

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name: no text says where it begins. Bytes that are no text are left to others."""
        if glimpse.extension in {".json", ".py", ".yaml", ".yml"} or b"\0" in glimpse.head:
            return False
        return _NAME.fullmatch(glimpse.name.lower()) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State which licence it is."""
        if artifact.size > _LONGEST:
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="truncated",
                reason=f"compared with known licences up to {_LONGEST:,} bytes",
            )
        data = artifact.read_at(0, min(artifact.size, _LONGEST))
        budget.fact()
        identifier, licence = recognise(data.decode("utf-8", "replace"), self._table)
        yield LicenceText(
            location=place(artifact), identifier=identifier, restrictions=licence.restricts
        )


def recognise(text: str, table: Licences) -> tuple[str, Licence]:
    """The licence that a text is, and what is known of it; an empty name when it is none."""
    words = " " + _GAP.sub(" ", text.lower()).replace("licence", "license") + " "
    found: list[tuple[int, int, str]] = []
    for identifier, licence in table.licences.items():
        for phrases in licence.text:
            at = _position(words, phrases)
            if at >= 0:
                found.append((at, -len(" ".join(phrases)), identifier))
    if not found:
        return "", Licence()
    identifier = min(found)[2]
    licence = table.licences[identifier]
    if not licence.restricts and any(f" {rider} " in words for rider in table.riders):
        return "", Licence()
    return identifier, licence


def _position(words: str, phrases: tuple[str, ...]) -> int:
    """Where the first phrase is, when all of them are there; -1 otherwise."""
    places = [words.find(f" {phrase} ") for phrase in phrases]
    return -1 if min(places) < 0 else places[0]
