"""What the user asks of the verifier, and what that needs of the pass over the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelscan.errors import UsageError
from modelscan.verifier.check import Check
from modelscan.verifier.checks import Releases
from modelscan.verifier.checksums import Checksums, find_lists
from modelscan.verifier.expected import Expected
from modelscan.verifier.listed import ListedBytes
from modelscan.verifier.own_manifests import OwnSets
from modelscan.verifier.signature_files import (
    Signature,
    Watcher,
    find_signatures,
    read_signatures,
)
from modelscan.verifier.signatures import Signatures
from modelscan.verifier.signed import LIMIT, SignatureFile
from modelscan.verifier.stated import StatedDigests
from modelscan.verifier.trust import Trust
from modelscan.verifier.trust_policy import LOCAL, TrustPolicy
from modelscan.vocabulary.snapshot import Snapshot

if TYPE_CHECKING:
    from modelscan.verifier.attested.scan import Wanted


class Plan(msgspec.Struct, frozen=True):
    """The checks of one model, decided before its files are read."""

    checks: tuple[Check, ...]
    signatures: Signatures
    lists: Checksums = Checksums()
    expected: Expected | None = None
    stated: StatedDigests = StatedDigests()
    sets: OwnSets = OwnSets()
    usual: bool = False
    """No check needs more of a file than the usual digests: so it is with nearly every model."""

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """Algorithms besides the usual ones that the checks need of a file."""
        expected = self.expected.algorithms_for(size, name) if self.expected else ()
        stated = self.stated.algorithms_for(name)
        listed = self.lists.algorithms_for(name)
        own = self.sets.algorithms_for(size, name)
        return (*self.signatures.algorithms_for(name), *listed, *expected, *stated, *own)

    def watchers(self, name: str, size: int) -> Sequence[Watcher]:
        """What wants to see the bytes of a file go by, once and in order."""
        return self.signatures.watchers(name, size)


class Request(msgspec.Struct, frozen=True):
    """What the user asks of the verifier. Empty asks for what needs no choice."""

    trust: Trust = Trust()
    """Whom the command line names."""
    policy: TrustPolicy = TrustPolicy()
    """Whom the configuration names, for which models."""
    pinning: bool = False
    """Whoever signed a model is to be written down, with what they state of it."""
    signed_since: str = ""
    """The first day on which it may have been signed, ISO 8601; empty for any."""
    signature: SignatureFile | None = None
    """A signature that lies elsewhere, or one of several."""
    expected: Expected | None = None
    """What the user thinks that the model is."""
    sets: OwnSets = OwnSets()
    """Lists of releases beside the shipped ones."""
    attestation: Wanted | None = None
    """A statement about a scan of the model that must be there."""

    def plan(self, snapshot: Snapshot, takes: Callable[[str], bool]) -> Plan:
        """The checks for a model.

        Args:
            snapshot: the model.
            takes: whether a file is looked at.
        """
        found = find_signatures(snapshot.files)
        identity = self.identity(snapshot)
        bound = self.policy.bind(
            identity, self.trust, pinning=self.pinning, since=self.signed_since
        )
        lists = Checksums(find_lists(snapshot.files))
        signatures = Signatures(
            found.signatures,
            bound,
            _named(self.signature) if self.signature else (),
            others=found.others,
            asked=takes,
            lone=snapshot.source.kind == "file",
            lists=lists,
        )
        releases: Check = Releases(self.sets.index)
        if self.expected:
            releases = self.expected.among(self.sets.index)
        stated = StatedDigests(snapshot.facts)
        checks: tuple[Check, ...] = (releases, signatures, lists, stated)
        if snapshot.source.kind == "hub":
            checks += (ListedBytes(snapshot.source.endpoint or "the hub", snapshot.facts),)
        if self.attestation:
            from modelscan.verifier.attested.scan import ScanAttested  # lazy: only when asked for

            lone = snapshot.source.kind == "file"
            checks += (ScanAttested(self.attestation, bound.trust, lone=lone),)
        usual = not any((signatures, lists, self.expected, stated, self.sets))
        return Plan(checks, signatures, lists, self.expected, stated, self.sets, usual)

    def identity(self, snapshot: Snapshot) -> str:
        """What a model is called here: by the user, by its source, or on the disk."""
        expected = self.expected.ref if self.expected else ""
        named = expected if ":" in expected else snapshot.claimed
        return named or LOCAL + snapshot.ref


def _named(file: SignatureFile) -> Sequence[Signature]:
    """The signatures in a file that the user named: at least one, if only a broken one."""
    from modelscan.verifier.oms.signing import Signing  # lazy: hardly a signature is named

    return read_signatures(file) or (Signing.of(file),)


def read_signature(path: Path) -> SignatureFile:
    """A signature that the user named.

    Raises:
        UsageError: it cannot be read, or is no signature's size.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or type(error).__name__).lower()}") from None
    return SignatureFile(path.name, data, inside=False)
