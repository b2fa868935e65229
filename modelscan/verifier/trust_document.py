"""The tables `[trust]` of a configuration: who may sign, and for which models.

    [[trust.signer]]
    name = "acme"
    key = "keys/acme.pub"

    [[trust.rule]]
    models = ["hf:acme/*"]
    signers = ["acme"]
    required = true

Invariants: a name means one signer in all files together, so that no file can exchange another's;
a signer is trusted only by a rule, for the models of that rule; a file that cannot be used is an
error and never a signer who is silently not trusted. Files are relative to the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

from modelscan.errors import UsageError, did_you_mean
from modelscan.verifier.freshness import Seen
from modelscan.verifier.trust import Party, SigstoreSigner
from modelscan.verifier.trust_policy import SigningRule, TrustPolicy
from modelscan.verifier.trustfiles import read_small, trust_from_files

Text = Annotated[str, msgspec.Meta(min_length=1)]
Pin = Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class SigstoreEntry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`sigstore = {identity = …, issuer = …}`."""

    identity: Text
    """E-mail address or URI, or a pattern with `*` and `?`."""
    issuer: Text
    """URL of the identity provider."""
    owner_id: Text | None = None
    """Number of the owner of the source repository."""


class SignerEntry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """`[[trust.signer]]`: somebody, by one or more means."""

    name: Text
    key: Text | None = None
    """File with a public key."""
    pin: Pin | None = None
    """Digest of a public key, for signatures that bring a certificate with that key."""
    ca: Text | None = None
    """File with certificate authorities; needs `identity`."""
    identity: Text | None = None
    """Whose certificates of that authority: a pattern with `*` and `?`."""
    sigstore: SigstoreEntry | None = None
    revoked: Text | None = None
    """Why nothing that they sign is accepted any more."""


class RuleEntry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[[trust.rule]]`: who may speak for which models. The first that fits a model counts."""

    models: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    """Patterns of `hf:org/name`, or of `file:name` for what lies on a disk."""
    signers: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    threshold: Annotated[int, msgspec.Meta(ge=1)] = 1
    """How many of them must have signed all of the model."""
    required: bool = False
    """A model without these signatures fails, also in a scan."""
    signed_since: date | None = None
    """The first day, UTC, on which a signature may have been made: an older release, replayed with
    its own signature, will not do."""


class TrustTable(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab",
    omit_defaults=True,
):  # fmt: skip
    """`[trust]`."""

    signer: tuple[SignerEntry, ...] = ()
    rule: tuple[RuleEntry, ...] = ()
    root: Text | None = None
    """File with sigstore's roots, instead of those that come with the library."""
    pins: Text | None = None
    """File in which `verify --pin-signer` writes down who signed a model first."""


Lines = Callable[[tuple[str | int, ...]], str]
"""`file:line` of the keys that lead to a value."""


class Placed(msgspec.Struct, frozen=True):
    """A table, and the file that it stands in."""

    path: Path
    table: TrustTable
    lines: Lines | None = None

    def at(self, *keys: str | int) -> str:
        """How messages name a place in the file: with its line, where that is known."""
        return self.lines(("trust", *keys)) if self.lines else str(self.path)


def trust_policy(tables: Sequence[Placed]) -> TrustPolicy:
    """The trust that the files say together, the organisation's first.

    Raises:
        UsageError: a file that is named cannot be used, or the tables contradict themselves.
    """
    parties: dict[str, Party] = {}
    rules: list[SigningRule] = []
    root = pins = None
    for placed in tables:
        path, table = placed.path, placed.table
        for index, entry in enumerate(table.signer):
            if entry.name in parties:
                raise UsageError(
                    f"{placed.at('signer', index)}: trust.signer: {entry.name!r} is named twice",
                    "a signer has one definition, in the configuration or in what it extends",
                )
            parties[entry.name] = _party(entry, path, placed.at("signer", index))
        if root is None and table.root:
            root = path.parent / table.root
            if not root.is_file():  # its contents are read when a bundle needs them
                what = f"{placed.at('root')}: trust.root: {root} is not there"
                raise UsageError(what, "sigstore's trusted_root.json")
        pins = pins or (path.parent / table.pins if table.pins else None)
    for placed in tables:
        rules += [
            _rule(entry, placed.at("rule", index), parties)
            for index, entry in enumerate(placed.table.rule)
        ]
    return TrustPolicy(parties, tuple(rules), root, pins, read_pins(pins) if pins else {})


class _Written(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What is written down of a model. Who signed it first may stand there alone, as a text."""

    signer: Text
    statement: Pin | None = None
    signed: str = ""
    older: tuple[Pin, ...] = ()


def read_pins(path: Path) -> dict[str, Seen]:
    """What was written down of each model's signatures.

    Raises:
        UsageError: the file is there and cannot be used.
    """
    if not path.exists():
        return {}
    try:
        found = msgspec.json.decode(read_small(path), type=dict[str, Text | _Written])
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path}: {error}", "delete it to forget who signed what") from None
    return {
        model: Seen(one)
        if isinstance(one, str)
        else Seen(one.signer, one.statement or "", one.signed, one.older)
        for model, one in found.items()
    }


def encode_pins(pins: Mapping[str, Seen]) -> bytes:
    """The same as bytes for a file, sorted, so that a change is seen in review."""
    written = {
        model: _Written(
            signer=one.signer, statement=one.statement or None, signed=one.signed, older=one.older
        )
        for model, one in sorted(pins.items())
    }
    return msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n"


def _party(entry: SignerEntry, path: Path, place: str) -> Party:
    """A signer, with the files that are named read.

    Raises:
        UsageError: one cannot be used, or nothing says who it is.
    """
    where = f"{place}: trust.signer {entry.name!r}"
    if not (entry.key or entry.pin or entry.ca or entry.sigstore):
        raise UsageError(f"{where}: nothing says who that is", "give key, pin, ca or sigstore")
    signers: Iterable[SigstoreSigner] = ()
    if entry.sigstore:
        owner = entry.sigstore.owner_id or ""
        signers = [SigstoreSigner(entry.sigstore.identity, entry.sigstore.issuer, owner)]
    try:
        trust = trust_from_files(
            keys=[path.parent / entry.key] if entry.key else (),
            authorities=[path.parent / entry.ca] if entry.ca else (),
            identities=[entry.identity] if entry.identity else (),
            sigstore=tuple(signers),
        )
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from None
    pins = (entry.pin,) if entry.pin else ()
    return Party(entry.name, msgspec.structs.replace(trust, pins=pins), entry.revoked or "")


def _rule(entry: RuleEntry, place: str, parties: Mapping[str, Party]) -> SigningRule:
    for name in entry.signers:
        if name not in parties:
            hint = did_you_mean(name, parties) or "add a [[trust.signer]] of that name"
            raise UsageError(f"{place}: trust.rule: there is no signer {name!r}", hint)
    if entry.threshold > len(set(entry.signers)):
        raise UsageError(
            f"{place}: trust.rule: {entry.threshold} signatures by "
            f"{len(set(entry.signers))} signers"
        )
    since = entry.signed_since.isoformat() if entry.signed_since else ""
    return SigningRule(entry.models, entry.signers, entry.threshold, entry.required, since)
