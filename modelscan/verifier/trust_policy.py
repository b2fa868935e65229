"""Which signer may speak for which model: the user's rules, evaluated for one model.

Invariants: a rule trusts only the signers that it names, for the models that it names; who was
revoked is refused everywhere; a model whose first signer was written down is trusted only when the
same one has signed it. Where a rule names who may sign, what was written down adds nobody to them.
What a model calls itself is the source's claim or the user's word (`--expect`): a rule that should
hold for everything names `*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from modelscan.verifier.freshness import Seen, Vote, by_signatures
from modelscan.verifier.trust import Party, Trust
from modelscan.vocabulary.fact import FreshnessCheck, SignatureExpectation

LOCAL = "file:"
"""What the identity of a model begins with that says only how it is called on a disk."""


class SigningRule(msgspec.Struct, frozen=True):
    """Who may speak for some models."""

    models: tuple[str, ...]
    signers: tuple[str, ...]
    threshold: int = 1
    required: bool = False
    since: str = ""
    """The first day on which a signature may have been made, ISO 8601; empty for any."""

    def fits(self, identity: str) -> bool:
        """Whether it is about a model: `hf:org/name`, in any case, as hubs treat names."""
        location = identity.partition("@")[0].casefold()
        return any(
            fnmatchcase(location, pattern.casefold().replace("[", "[[]")) for pattern in self.models
        )


class Bound(msgspec.Struct, frozen=True):
    """What is asked of the signatures of one model."""

    trust: Trust
    identity: str = ""
    rule: SigningRule | None = None
    seen: Seen | None = None
    """What was written down of its signatures."""
    pinning: bool = False
    """Whoever has signed it now is to be written down."""
    since: str = ""
    """The first day on which it may have been signed; empty for any."""

    @property
    def pin(self) -> str:
        """Who signed it first; empty when nobody knows, or the command line says who may sign."""
        return self.seen.signer if self.seen and not self.named else ""

    @property
    def named(self) -> bool:
        """Whether the command line says who may sign."""
        return self.trust.asked and self.rule is None

    @property
    def first_counts(self) -> bool:
        """Whether who signed first is trusted for that: only where nobody said who may sign."""
        return not self.trust.asked and self.rule is None

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
        written = self._to_write(votes, trusted=trusted)
        if written is not None:
            return written
        if not self.pin and (self.rule is None or not self.rule.required):
            return None
        return SignatureExpectation(
            outcome="met" if trusted else "missing",
            model=self.identity,
            expected=self.rule.signers if self.rule else (self.pin,),
            found=tuple(dict.fromkeys(vote.party or vote.anchor for vote in votes)),
        )

    def _to_write(self, votes: Sequence[Vote], *, trusted: bool) -> SignatureExpectation | None:
        """What is to be written down of these signatures; `None` for nothing."""
        good = [vote for vote in votes if vote.trusted]
        if not self.pinning or not trusted or len({vote.anchor for vote in good}) != 1:
            return None
        newest = max(good, key=lambda vote: vote.signed)
        if self.seen is not None:
            order = self.seen.order(newest)
            if newest.anchor != self.seen.signer or order in {"same", "older"}:
                return None
        return SignatureExpectation(
            outcome="next" if self.seen else "first",
            model=self.identity,
            found=(newest.anchor,),
            statement=newest.statement,
            signed=newest.signed,
        )

    def freshness(self, votes: Sequence[Vote]) -> FreshnessCheck | None:
        """Whether a newer release is known; `None` when nothing that is known here says."""
        needed = self.rule.threshold if self.rule else 1
        return by_signatures(votes, self.seen, self.since, needed)


class TrustPolicy(msgspec.Struct, frozen=True):
    """What the user's configuration says of signers."""

    parties: Mapping[str, Party] = {}
    rules: tuple[SigningRule, ...] = ()
    root: Path | None = None
    pins_file: Path | None = None
    pins: Mapping[str, Seen] = {}
    """By model, what was written down of its signatures."""

    def bind(self, identity: str, given: Trust, *, pinning: bool = False, since: str = "") -> Bound:
        """What holds for one model.

        Args:
            identity: `hf:org/name`, or `file:name`.
            given: whom the command line names; then the rules are not asked, except who was
                revoked.
            pinning: whoever signed the model now is to be written down.
            since: the first day on which it may have been signed, beside what a rule says.
        """
        revoked = tuple(party for party in self.parties.values() if party.reason)
        base = msgspec.structs.replace(
            given, revoked=revoked, trusted_root=given.trusted_root or self.root
        )
        seen = self.pins.get(identity.partition("@")[0])
        if given.asked:
            return Bound(base, identity, None, seen, pinning, since)
        rule = next((rule for rule in self.rules if rule.fits(identity)), None)
        named = [self.parties[name] for name in rule.signers] if rule else []
        parties = tuple(party for party in named if not party.reason)
        since = max(since, rule.since) if rule else since
        base = msgspec.structs.replace(base, parties=parties)
        return Bound(base, identity, rule, seen, pinning, since)

    @property
    def speaks(self) -> bool:
        """True when it says anything."""
        return bool(self.parties or self.rules or self.pins or self.root)
