"""Which signer may speak for which model: the user's rules, evaluated for one model.

Invariants: a rule trusts only the signers that it names, for the models that it names; who was
revoked is refused everywhere; a model whose first signer was written down is trusted only when the
same one has signed it. What a model calls itself is the source's claim or the user's word
(`--expect`): a rule that should hold for everything names `*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from modelscan.verifier.trust import Party, Trust
from modelscan.vocabulary.fact import SignatureExpectation

LOCAL = "file:"
"""What the identity of a model begins with that says only how it is called on a disk."""


class SigningRule(NamedTuple):
    """Who may speak for some models."""

    models: tuple[str, ...]
    signers: tuple[str, ...]
    threshold: int = 1
    required: bool = False

    def fits(self, identity: str) -> bool:
        """Whether it is about a model: `hf:org/name`, in any case, as hubs treat names."""
        location = identity.partition("@")[0].casefold()
        return any(
            fnmatchcase(location, pattern.casefold().replace("[", "[[]")) for pattern in self.models
        )


class Vote(NamedTuple):
    """A signature over the whole model that was checked."""

    party: str
    """The configuration's name of the signer; empty for somebody else."""
    anchor: str
    """What identifies them."""


class Bound(NamedTuple):
    """What is asked of the signatures of one model."""

    trust: Trust
    identity: str = ""
    rule: SigningRule | None = None
    pin: str = ""
    """Who signed it first."""
    pinning: bool = False
    """Whoever has signed it now is to be written down."""

    def shortfall(self, votes: Sequence[Vote]) -> str:
        """Why trusted signatures are not enough; empty when they are."""
        if self.rule is None or self.rule.threshold < 2:  # noqa: PLR2004 - one is there anyhow
            return ""
        there = {vote.party for vote in votes if vote.party}
        if len(there) >= self.rule.threshold:
            return ""
        missing = ", ".join(name for name in self.rule.signers if name not in there)
        return f"{len(there)} of {self.rule.threshold} needed signatures; not by {missing}"

    def expectation(self, votes: Sequence[Vote], *, trusted: bool) -> SignatureExpectation | None:
        """What became of the signature that this model should have; `None` when none is asked."""
        if self.pin and votes and all(vote.anchor != self.pin for vote in votes):
            return SignatureExpectation(
                outcome="changed",
                model=self.identity,
                expected=(self.pin,),
                found=tuple(dict.fromkeys(vote.anchor for vote in votes)),
            )
        anchors = tuple(dict.fromkeys(vote.anchor for vote in votes))
        if self.pinning and len(anchors) == 1:
            return SignatureExpectation(outcome="first", model=self.identity, found=anchors)
        if not self.pin and (self.rule is None or not self.rule.required):
            return None
        return SignatureExpectation(
            outcome="met" if trusted else "missing",
            model=self.identity,
            expected=self.rule.signers if self.rule else (self.pin,),
            found=tuple(dict.fromkeys(vote.party or vote.anchor for vote in votes)),
        )


class TrustPolicy(NamedTuple):
    """What the user's configuration says of signers."""

    parties: Mapping[str, Party] = {}
    rules: tuple[SigningRule, ...] = ()
    root: Path | None = None
    pins_file: Path | None = None
    pins: Mapping[str, str] = {}
    """By model, who signed it first."""

    def bind(self, identity: str, given: Trust, *, pinning: bool = False) -> Bound:
        """What holds for one model.

        Args:
            identity: `hf:org/name`, or `file:name`.
            given: whom the command line names; then the rules are not asked, except who was
                revoked.
            pinning: whoever signed the model now is to be written down.
        """
        revoked = tuple(party for party in self.parties.values() if party.reason)
        base = given._replace(revoked=revoked, trusted_root=given.trusted_root or self.root)
        if given.asked:
            return Bound(base, identity)
        rule = next((rule for rule in self.rules if rule.fits(identity)), None)
        named = [self.parties[name] for name in rule.signers] if rule else []
        parties = tuple(party for party in named if not party.reason)
        pin = self.pins.get(identity.partition("@")[0], "")
        return Bound(base._replace(parties=parties), identity, rule, pin, pinning and not pin)

    @property
    def speaks(self) -> bool:
        """True when it says anything."""
        return bool(self.parties or self.rules or self.pins or self.root)
