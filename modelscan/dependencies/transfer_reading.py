"""Takes a bundle in: see `transfer`.

1. The receipt comes first. If keys are trusted, one of them has to have signed it.
2. Every part is written into a private folder and hashed as it comes in; each has the digest and
   the size that the receipt states, none is missing, and there is nothing else.
3. The model is scanned here, by the rules and the policy of this site, whatever was found there.
4. If the policy passes, the lock is written; the records and the model appear.

Invariants: nothing is believed for lying in a bundle: its report, manifests and keys are put beside
the model as records, and used only by whoever names them; what it says of the model's place is held
against this site's lock first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from modelscan.dependencies import changes, lockfile, locking, pull, staging, transfer
from modelscan.dependencies.pull import Job, Pulled
from modelscan.dependencies.resolving import Resolved
from modelscan.dependencies.staging import Staging
from modelscan.dependencies.transfer import Receipt, broken
from modelscan.dependencies.transfer_archive import Member, members
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.local import list_folder
from modelscan.vocabulary.lock import Lock, LockedModel
from modelscan.vocabulary.ref import HubRef
from modelscan.vocabulary.snapshot import Source

if TYPE_CHECKING:
    from modelscan.verifier.trust import Trust

RECORDS: Final = ".records"
"""How the folder beside the model is called that holds everything else of the bundle."""


def receive(bundle: Path, folder: Path, job: Job, trust: Trust, *, force: bool = False) -> Pulled:
    """Take a bundle in.

    Args:
        bundle: a file or a folder.
        folder: where the model shall appear; the records appear beside it.
        job: how it is looked at.
        trust: who may have signed the receipt; nobody asks for no signature.
        force: replace folders that are there, whole.

    Raises:
        SourceError: it is no bundle, or not as its receipt says, or not signed as it has to be.
        UsageError: something is there already, or the lock is broken or being written.
    """
    target = staging.place(folder, force=force)
    beside = staging.place(target.with_name(target.name + RECORDS), force=force)
    before = lockfile.read(job.lock) if job.lock.is_file() else Lock()
    with staging.staging(beside) as records, staging.staging(target) as stage:
        receipt, note = _unpack(bundle, stage, records, trust)
        stated = _stated(records.model / transfer.LOCK, receipt)
        snapshot = list_folder(
            stage.model,
            root=stage.model,
            ref=receipt.predicate.ref,
            source=Source(kind="directory"),
            claimed=_claimed(receipt.predicate.ref),
        )
        known = next((each for each in before.model if each.key == stated.key), None)
        facts = () if known is None else changes.changes(known, stated)
        snapshot = msgspec.structs.replace(snapshot, facts=(*snapshot.facts, *facts), path="")
        with closing(snapshot):
            looked = pull.scan_copies(snapshot, receipt.model, job)
        if not looked.passes:
            return Pulled(looked.report, None, None, note)
        found = list(pull.local_entry(looked, target, job.lock))
        if not stated.local:
            found.append(Resolved(stated.ref, stated.asked, stated, looked.scanned.report))
        locking.put(job.lock, found)
        records.publish()
        stage.publish()
    return Pulled(looked.report, target, job.lock, note, records=beside)


def _unpack(bundle: Path, stage: Staging, records: Staging, trust: Trust) -> tuple[Receipt, str]:
    """Write every part of a bundle to its place."""
    found = members(bundle)
    with closing(found):
        member = next(found, None)
        if member is None or member.name != transfer.RECEIPT:
            raise broken(f"it does not begin with {transfer.RECEIPT}")
        data = _small(member)
        member = next(found, None)
        signature = None
        if member is not None and member.name == transfer.SIGNATURE:
            signature = _small(member)
            member = next(found, None)
        note = _authenticated(data, signature, trust)
        receipt = transfer.parse(data)
        stage.room_for(sum(receipt.predicate.sizes.values()))
        pending: dict[str, list[str]] = {}
        for name, sha256 in receipt.parts.items():
            pending.setdefault(sha256, []).append(name)
        while member is not None:
            names = pending.pop(member.name.removeprefix(transfer.BLOBS), None)
            if names is None:
                raise broken(f"it holds {member.name}, which its receipt does not name")
            _put(member, names, receipt, stage, records)
            member = next(found, None)
        if pending:
            raise broken(f"{min(pending.values())[0]!r} is missing")
    records.write(transfer.RECEIPT, [data])
    if signature is not None:
        records.write(transfer.SIGNATURE, [signature])
    return receipt, note


def _put(
    member: Member, names: list[str], receipt: Receipt, stage: Staging, records: Staging
) -> None:
    """Write one content under each of its names."""
    if any(receipt.size(name) != member.size for name in names):
        raise broken(f"{names[0]!r} has another length than its receipt says")
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for piece in member.pieces:
            digest.update(piece)
            yield piece

    first: Path | None = None
    for name in names:
        inside = name.removeprefix(transfer.MODEL)
        folder = stage if inside != name else records
        try:
            if first is None:
                first = folder.write(inside, hashed())
            else:
                with first.open("rb") as file:
                    folder.write(inside, iter(lambda: file.read(1 << 20), b""))
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise SourceError(f"{name!r} cannot be written: {why}") from None
    if digest.hexdigest() != receipt.parts[names[0]]:
        raise broken(f"{names[0]!r} has other bytes than its receipt says")


def _small(member: Member) -> bytes:
    if member.size > transfer.LONGEST:
        raise broken(f"{member.name} is longer than {transfer.LONGEST >> 20} MiB")
    return b"".join(member.pieces)


def _authenticated(receipt: bytes, signature: bytes | None, trust: Trust) -> str:
    """Who signed the receipt, in words.

    Raises:
        SourceError: nobody who is trusted did, and somebody has to have.
    """
    if not trust.asked:
        if signature is None:
            return "the receipt is not signed"
        return "the receipt is signed, and nobody checked by whom: --key FILE"
    if signature is None:
        raise broken("its receipt is not signed")
    from modelscan.verifier.oms.bundle import parse_bundle  # lazy: only for signed receipts
    from modelscan.verifier.oms.failures import BrokenSignatureError, UncheckableError
    from modelscan.verifier.oms.methods import authenticate

    try:
        signed = parse_bundle(signature)
        if signed.payload != receipt:
            raise broken("its signature is of another receipt")
        authority = authenticate(signed, trust)
    except (BrokenSignatureError, UncheckableError) as error:
        raise broken(f"its signature is not valid: {error.message}") from None
    if not authority.trusted:
        raise broken(f"its receipt is {authority.reason}")
    return f"the receipt is signed by {authority.signer}"


def _stated(path: Path, receipt: Receipt) -> LockedModel:
    """The one model of a bundle's lock.

    Raises:
        SourceError: it is about something else.
    """
    try:
        models = lockfile.read(path).model
    except UsageError as error:
        raise broken(error.message) from None
    if len(models) != 1:
        raise broken(f"{transfer.LOCK} does not have one model")
    (model,) = models
    listed = {file.path: file.sha256 for file in model.files if not file.declared}
    if listed != dict(receipt.model):
        raise broken(f"{transfer.LOCK} is about other files than the receipt")
    if model.allow_remote_code:  # consent is given where code runs, and by nobody else
        return msgspec.structs.replace(model, allow_remote_code=False)
    return model


def _claimed(ref: str) -> str:
    """What the model is said to be, if that is a commit of a hub."""
    found = HubRef.parse(ref)
    return ref if found is not None and found.pinned and not found.family else ""
