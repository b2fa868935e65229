"""The signatures among a model's files: found by name, told apart by content.

Only files that are named like signatures are opened before the pass over all files, because what
they need (other digests, shards) must be taken in that pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from modelscan.errors import ReadError
from modelscan.verifier import kinds
from modelscan.verifier.signed import LIMIT, NAME, Scope, SignatureFile, Verdict
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.naming import mentioned
from modelscan.vocabulary.snapshot import SourceFile

if TYPE_CHECKING:
    from modelscan.verifier.attested.detached import Room


_TOGETHER = 128 << 20
"""Bytes of a model's signatures that are held until they are judged."""
_MOST = 5_000
"""Signatures of a model that are judged."""
_MOST_WHOLE = 64
"""Those among them that are each held against all files."""


class Watcher(Protocol):
    """What wants to see the bytes of a file go by, once and in order."""

    def update(self, chunk: bytes) -> None:
        """Take the next piece of the file."""
        ...


class Signature(Protocol):
    """One signature, read before the pass over the files and judged after it."""

    file: SignatureFile
    base: str
    """The folder that it is about, with its slash; empty for the model's root."""
    problem: str
    """Why it is broken; empty when its shape is right."""
    partial: bool
    """It says nothing of the files that it does not cover."""
    bare: bool
    """Any bytes could pass for it: it is a file like others, which a signature over all files must
    cover."""

    @property
    def method(self) -> str:
        """What reports call it."""
        ...

    def algorithm_for(self, path: str) -> str:
        """The algorithm besides SHA-256 that it needs of a file; empty for none."""
        ...

    def watch(self, path: str, size: int) -> Watcher | None:
        """What wants to see the bytes of a file go by; `None` when nothing has to."""
        ...

    def judge(self, scope: Scope, trust: Trust) -> Verdict:
        """Hold it against the model and the user's trust."""
        ...


class Found(msgspec.Struct, frozen=True):
    """The signatures of a model."""

    signatures: tuple[Signature, ...] = ()
    others: Mapping[str, str] = {}
    """By path, the kind of a file that is named like a signature and that nothing here verifies;
    empty for one that turned out to be none."""


def find_signatures(files: Sequence[SourceFile]) -> Found:
    """The signatures among a model's files."""
    if not mentioned(kinds.ENDINGS, [file.name for file in files]):
        return Found()
    signatures: list[Signature] = []
    others: dict[str, str] = {}
    room: Room | None = None
    held = whole = 0
    for file in files:
        if not kinds.named_like_signature(file.name) or not (file.size or _is_model_sig(file.name)):
            continue
        if held > _TOGETHER or len(signatures) > _MOST or whole > _MOST_WHOLE:
            others[file.name] = f"{_kind(file.name, b'')}, among too many"
            continue
        try:
            with file.open() as artifact:
                data = artifact.read_at(0, LIMIT + 1)
        except ReadError:
            continue  # it is met again in the pass over all files, which records it
        held += len(data)
        from modelscan.verifier.attested.detached import Room  # lazy: hardly a model is signed

        room = room or Room()
        read = read_signatures(SignatureFile(file.name, data, inside=True), room)
        signatures += read
        whole += sum(not each.partial for each in read)
        if not read:
            others[file.name] = _kind(file.name, data[: kinds.HEAD])
    return Found(tuple(signatures), others)


def read_signatures(file: SignatureFile, room: Room | None = None) -> tuple[Signature, ...]:
    """The signatures in a file; none when it is of a kind that is not verified here.

    Args:
        file: named like a signature.
        room: how much may be kept of the files that bare signatures are over; shared by a model's.
    """
    # lazy: hardly a model comes with a signature
    from modelscan.verifier.attested.attestation import attestations_in, looks_like_attestation
    from modelscan.verifier.attested.detached import Room, detached_in
    from modelscan.verifier.oms.bundle import looks_like_bundle
    from modelscan.verifier.oms.signing import Signing

    if looks_like_bundle(file.data):
        signing = Signing.of(file)
        # Under the name of a model's signature it must be one. Anywhere else a bundle may sign a
        # single file, or state how a model was built.
        named = _is_model_sig(file.name)
        if not signing.problem or named or not (signing.foreign or _is_message(file.data)):
            return (signing,)
        return attestations_in(file)
    if looks_like_attestation(file.data):
        return attestations_in(file)
    if _is_model_sig(file.name):
        # It should be a bundle over all of the model. What is empty or other JSON is a broken one;
        # what is of another kind is not checked here.
        return (Signing.of(file),) if file.data.strip()[:1] in {b"", b"{", b"["} else ()
    return detached_in(file, room or Room())


def kind_of(path: str) -> str:
    """What a file's name says of the signature in it; empty for a name that no signature has."""
    if _is_model_sig(path):
        return NAME
    return kinds.kind_by_name(path)


def misplaced(specials: Iterable[str]) -> tuple[Signature, ...]:
    """Links out of the model, pipes and the like where a model's signature should be: broken ones.

    Args:
        specials: paths of all such things in a model.
    """
    found = [path for path in specials if _is_model_sig(path)]
    if not found:
        return ()
    from modelscan.verifier.oms.signing import Signing  # lazy: as above

    return tuple(
        Signing.broken(SignatureFile(path, b"", inside=True), "it is no file of the model's")
        for path in found
    )


def _is_model_sig(path: str) -> bool:
    return path.rsplit("/", 1)[-1].lower() == kinds.MODEL_SIGNING


def _kind(path: str, head: bytes) -> str:
    """What kind of signature a file is; empty for none."""
    return "" if kinds.is_public_key(head) else kinds.kind_by_content(head) or kind_of(path)


def _is_message(data: bytes) -> bool:
    return b'"messageSignature"' in data or data.count(b"\n{") > 0
