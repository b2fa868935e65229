"""Pins: what a model was when it was used first, held against what it is now.

A pin grants nothing. It goes by the model's name, since all it can do is to object.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelscan.policy.entries import Pin
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import ChatTemplate, PinCheck
from modelscan.vocabulary.location import Location


def check(pins: Sequence[Pin], situation: Situation, model: str) -> Iterator[PinCheck]:
    """What is different from the pins of a model.

    Args:
        pins: of the policy and its floors.
        situation: the model.
        model: its name, without a revision.
    """
    for pin in pins:
        if pin.model == model:
            yield from _signer(pin, situation)
            yield from _templates(pin, situation)


def templates(situation: Situation) -> dict[str, Location]:
    """The chat templates of a model, each once, by digest, and where it is."""
    found: dict[str, Location] = {}
    for fact in situation.facts:
        if isinstance(fact, ChatTemplate):
            found.setdefault(fact.digest, fact.location)
    return found


def _signer(pin: Pin, situation: Situation) -> Iterator[PinCheck]:
    signed = situation.signed
    if pin.signer is None:
        return  # the first signature is good news
    if signed.status not in {"signed-trusted", "signed-untrusted"}:
        yield PinCheck(
            status="absent", kind="signature-lost", model=pin.model, recorded=pin.signer,
            found=signed.status, since=str(pin.since),
        )  # fmt: skip
    elif signed.signer != pin.signer:
        yield PinCheck(
            kind="signer-changed", model=pin.model, recorded=pin.signer,
            found=signed.signer or "a signer without a name", since=str(pin.since),
        )  # fmt: skip


def _templates(pin: Pin, situation: Situation) -> Iterator[PinCheck]:
    for digest, where in templates(situation).items():
        if digest not in pin.templates:
            yield PinCheck(
                location=where, kind="template-changed", model=pin.model,
                recorded=", ".join(pin.templates) or "no template", found=digest,
                since=str(pin.since),
            )  # fmt: skip
