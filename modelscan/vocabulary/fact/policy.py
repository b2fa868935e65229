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
    level: Literal["warn", "incomplete", "deny"]
    """What the policy says to that; `incomplete` where it was kept by what is too old to count."""
    detail: str
    """What is missing, or what is there."""


class PolicyException(Fact, frozen=True, kw_only=True, tag="policy.exception"):
    """An approval or a consent of the policy that does not do its work, or does too much."""

    kind: Literal["approval", "consent"]
    """What it is."""
    problem: Literal[
        "expired",  # its last day is over
        "unused",  # it is about this model, and there is nothing to consent to
        "changed",  # it was given to other code, or to other bytes, of this model
        "over-broad",  # it covers the models of more than one publisher
    ]
    """What is wrong with it."""
    what: str
    """What it was given to: a fingerprint, a repository at a commit, or a pickled name."""
    bound_to: str
    """The digest, purl glob or model that it is bound to; empty for every model."""
    owner: str
    """Who answers for it."""
    end: str
    """The last day on which it holds, `2027-03-01`."""


class PinCheck(Fact, frozen=True, kw_only=True, tag="policy.pin"):
    """A model held against what was recorded when it was used first."""

    kind: Literal[
        "signer-changed",  # somebody else signed it
        "signature-lost",  # it was signed, and is not any more, or not so that it can be checked
        "template-changed",  # a chat template is not one of those recorded
    ]
    """What is different."""
    model: str
    """The model's name in the pin."""
    recorded: str
    """What the pin says."""
    found: str
    """What is there now."""
    since: str
    """The day on which the pin was made."""


class AdvisoryMatch(Fact, frozen=True, kw_only=True, tag="advisory.match"):
    """An advisory that is about this model. The file at the location is the one it names."""

    id: str
    """The advisory's id."""
    severity: Literal["low", "medium", "high", "critical"]
    """As it says, or as its CVSS vector comes to; `high` when it says nothing."""
    summary: str
    """What it says, in one line."""
    by: Literal["file", "weights", "commit", "repository"]
    """What it has in common with the model: the digest of a file, that of the weights' values, the
    commit, or the name of the repository alone."""
    value: str
    """That digest, commit or name."""
    malicious: bool = False
    """True when it says that this is malicious, and not merely vulnerable."""
