"""The licence of a model: what its files claim, what the text beside them is, what its base brings.

Everything but the text is a claim. What the base brings is inferred from its name: it says what to
look at, and is no evidence that the model was made from it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Literal

from modelscan.formats.licence_names import LicenceNames, Named, lost, plain
from modelscan.formats.model_card import NAMES
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import (
    Fact,
    LicenceCheck,
    LicenceStated,
    LicenceText,
    ModelClaim,
)
from modelscan.vocabulary.lists import Licences
from modelscan.vocabulary.location import Location

_WEIGHTS = frozenset({".gguf", ".onnx", ".safetensors", ".tflite", ".keras", ".h5"})
_UNSAID = frozenset({"", "other", "unknown", "none"})
"""Licences that are stated without naming one, and names that are made of no letters."""
_MOST = 100
"""Statements of one model; a card may list a hundred licences, and nobody means that."""


class LicenceRelator:
    """See `Relator`."""

    def __init__(self, table: Licences) -> None:
        self._table = table

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State every licence in one spelling, and which of them do not agree."""
        del view
        claims = [claim for claim in facts.of(ModelClaim) if claim.claim == "licence"]
        texts = [text for text in facts.of(LicenceText) if _speaks(text.location)]
        bases = [claim for claim in facts.of(ModelClaim) if claim.claim == "base"]
        if not claims and not texts and not bases:
            return
        names = LicenceNames(self._table)
        named = list(dict.fromkeys((claim, names.resolve(claim.value)) for claim in claims))
        yield from _stated(named[:_MOST])
        for text in texts[:_MOST]:
            yield LicenceStated(
                location=text.location,
                source="text",
                stated=text.location.file,
                identifier=text.identifier,
                restrictions=text.restrictions,
            )
        inherited = {claim.value: names.of_base(claim.value) for claim in bases[:_MOST]}
        where = {claim.value: claim.location for claim in reversed(bases[:_MOST])}
        for base, licence in inherited.items():
            if licence.identifier:
                yield LicenceStated(
                    location=where[base],
                    status="inferred",
                    source="base",
                    stated=base,
                    identifier=licence.identifier,
                    restrictions=licence.restrictions,
                )
        yield from _claims_differ(named)
        yield from _text_differs(named, texts)
        yield from _base_differs(named, texts, inherited, where)


def _stated(named: list[tuple[ModelClaim, Named]]) -> Iterator[Fact]:
    seen = set[tuple[str, str]]()
    for claim, licence in named:
        source = _source(claim.location.file)
        if (source, claim.value) not in seen:
            seen.add((source, claim.value))
            yield LicenceStated(
                location=claim.location,
                status="declared",
                source=source,
                stated=claim.value,
                identifier=licence.identifier,
                restrictions=licence.restrictions,
            )


def _source(file: str) -> Literal["card", "weights", "file"]:
    if file.lower() in NAMES:
        return "card"
    return "weights" if posixpath.splitext(file)[1].lower() in _WEIGHTS else "file"


def _speaks(where: Location) -> bool:
    """True for a text at the top: one in a folder speaks for that folder."""
    return where.member is None and "/" not in where.file


def _key(claim: ModelClaim, licence: Named) -> frozenset[str]:
    """What makes two claims the same licence; nothing for one that names none."""
    written = plain(claim.value)
    if written in _UNSAID:
        return frozenset()
    return licence.parts or frozenset({written})


def _claims_differ(named: list[tuple[ModelClaim, Named]]) -> Iterator[Fact]:
    """Licences that other files state and that the card does not; once for each."""
    card = [(claim, licence) for claim, licence in named if _source(claim.location.file) == "card"]
    keys = [_key(claim, licence) for claim, licence in card]
    if not card or not all(keys):
        return
    stated = frozenset[str]().union(*keys)
    shown = ", ".join(claim.value for claim, _ in card[:_MOST])
    for claim, licence in named:
        key = _key(claim, licence)
        if key and key.isdisjoint(stated):
            stated |= key
            yield LicenceCheck(
                location=claim.location,
                kind="claims-differ",
                claimed=shown,
                other=claim.value,
                lost=lost((known for _, known in card), licence),
                origin=claim.location.file,
            )


def _known(named: list[tuple[ModelClaim, Named]]) -> list[Named]:
    """The claimed licences, when all of them are known; else nothing can be said against them."""
    keys = [_key(claim, licence) for claim, licence in named]
    known = [licence for _, licence in named if licence.identifier]
    return known if keys and all(keys) and len(known) == len(named) else []


def _text_differs(
    named: list[tuple[ModelClaim, Named]], texts: list[LicenceText]
) -> Iterator[Fact]:
    """The text beside the claims, when it is the text of none of them."""
    claimed = _known(named)
    found = [text for text in texts if text.identifier]
    parts = frozenset[str]().union(*(licence.parts for licence in claimed))
    if not claimed or not found:
        return
    if any(not Named(text.identifier).parts.isdisjoint(parts) for text in found):
        return
    for text in found:
        yield LicenceCheck(
            location=text.location,
            kind="text-differs",
            claimed=_joined(claimed),
            other=text.identifier,
            lost=lost(claimed, Named(text.identifier, text.restrictions)),
            origin=text.location.file,
        )


def _base_differs(
    named: list[tuple[ModelClaim, Named]],
    texts: list[LicenceText],
    inherited: dict[str, Named],
    where: dict[str, Location],
) -> Iterator[Fact]:
    """Terms of the base that restrict what no claimed licence and no text here does."""
    claimed = _known(named)
    held = [Named(text.identifier, text.restrictions) for text in texts if text.identifier]
    if not claimed:
        return
    for base, licence in inherited.items():
        missing = lost([*claimed, *held], licence)
        if missing:
            yield LicenceCheck(
                location=where[base],
                status="inferred",
                kind="base-differs",
                claimed=_joined(claimed),
                other=licence.identifier,
                lost=missing,
                origin=base,
            )


def _joined(licences: list[Named]) -> str:
    return ", ".join(dict.fromkeys(licence.identifier for licence in licences))
