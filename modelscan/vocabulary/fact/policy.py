"""Facts about the policy itself, judged by rules like any others."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class PolicyWaiver(Fact, frozen=True, kw_only=True, tag="policy.waiver"):
    """A waiver of the policy that does not do its work, or does too much."""

    problem: Literal[
        "expired",  # its last day is over, so the finding counts again
        "unused",  # it is about this model, and there is nothing to waive
        "over-broad",  # it covers the models of more than one publisher
        "refused",  # what it is about is proven, and it does not say that it means that
    ]
    """What is wrong with it."""
    rule: str
    """The rule whose finding it waives."""
    bound_to: str
    """The digest or purl glob that it is bound to."""
    owner: str
    """Who answers for it."""
    end: str
    """The last day on which it holds, `2027-03-01`."""


class PolicyBreach(Fact, frozen=True, kw_only=True, tag="policy.breach"):
    """A line of the policy that the model does not keep."""

    policy: str
    """The policy's name."""
    line: str
    """The line, as a configuration writes it: `requirements.signed`, `formats.pickle`."""
    level: Literal["warn", "deny"]
    """What the policy says to that."""
    detail: str
    """What is missing, or what is there."""
