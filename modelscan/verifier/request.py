"""What the user asks of the verifier, and what that needs of the pass over the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from modelscan.errors import UsageError
from modelscan.verifier.check import Check
from modelscan.verifier.checks import Releases
from modelscan.verifier.expected import Expected
from modelscan.verifier.oms.bundle import LIMIT
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.signing import SignatureFile, Signing
from modelscan.verifier.signatures import Signatures, find_signings
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.snapshot import Snapshot


class Plan(NamedTuple):
    """The checks of one model, decided before its files are read."""

    checks: tuple[Check, ...]
    signatures: Signatures
    expected: Expected | None = None

    def algorithms_for(self, size: int, name: str) -> tuple[str, ...]:
        """Algorithms besides the usual ones that the checks need of a file."""
        expected = self.expected.algorithms_for(size, name) if self.expected else ()
        return (*self.signatures.algorithms_for(name), *expected)

    def watchers(self, name: str, size: int) -> Sequence[ShardDigests]:
        """What wants to see the bytes of a file go by, once and in order."""
        return self.signatures.watchers(name, size)


class Request(NamedTuple):
    """What the user asks of the verifier. Empty asks for what needs no choice."""

    trust: Trust = Trust()
    signature: SignatureFile | None = None
    """A signature that lies elsewhere, or one of several."""
    expected: Expected | None = None
    """What the user thinks that the model is."""

    def plan(self, snapshot: Snapshot, takes: Callable[[str], bool]) -> Plan:
        """The checks for a model.

        Args:
            snapshot: the model.
            takes: whether a file is looked at.
        """
        signatures = Signatures(
            find_signings(snapshot.files),
            self.trust,
            Signing.of(self.signature) if self.signature else None,
            asked=takes,
            lone=snapshot.source.kind == "file",
        )
        releases = self.expected or Releases()
        return Plan((releases, signatures), signatures, self.expected)


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
