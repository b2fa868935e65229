"""The signatures among a model's files: found by name, told apart by content.

Only files that are named like signatures are opened before the pass over all files, because what
they need (other digests, shards) must be taken in that pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from modelscan.errors import ReadError
from modelscan.verifier import kinds
from modelscan.verifier.oms.bundle import LIMIT, looks_like_bundle
from modelscan.verifier.oms.shards import ShardDigests
from modelscan.verifier.oms.signing import NAME, Scope, SignatureFile, Signing, Verdict
from modelscan.verifier.trust import Trust
from modelscan.vocabulary.snapshot import SourceFile


class Signature(Protocol):
    """One signature, read before the pass over the files and judged after it."""

    file: SignatureFile
    base: str
    """The folder that it is about, with its slash; empty for the model's root."""
    problem: str
    """Why it is broken; empty when its shape is right."""
    partial: bool
    """It says nothing of the files that it does not cover."""

    @property
    def method(self) -> str:
        """What reports call it."""
        ...

    def algorithm_for(self, path: str) -> str:
        """The algorithm besides SHA-256 that it needs of a file; empty for none."""
        ...

    def watch(self, path: str, size: int) -> ShardDigests | None:
        """What wants to see the bytes of a file go by; `None` when nothing has to."""
        ...

    def judge(self, scope: Scope, trust: Trust) -> Verdict:
        """Hold it against the model and the user's trust."""
        ...


class Found(NamedTuple):
    """The signatures of a model."""

    signatures: tuple[Signature, ...] = ()
    others: Mapping[str, str] = {}
    """By path, the kind of a file that is named like a signature and that nothing here verifies;
    empty for one that turned out to be none."""


def find_signatures(files: Iterable[SourceFile]) -> Found:
    """The signatures among a model's files."""
    signatures: list[Signature] = []
    others: dict[str, str] = {}
    for file in files:
        if not kinds.named_like_signature(file.name) or not file.size:
            continue
        try:
            with file.open() as artifact:
                data = artifact.read_at(0, LIMIT + 1)
        except ReadError:
            continue  # it is met again in the pass over all files, which records it
        read = read_signatures(SignatureFile(file.name, data, inside=True))
        signatures += read
        if not read:
            others[file.name] = _kind(file.name, data[: kinds.HEAD])
    return Found(tuple(signatures), others)


def read_signatures(file: SignatureFile) -> tuple[Signature, ...]:
    """The signatures in a file; none when it is of a kind that is not verified here."""
    # lazy: hardly a model comes with a signature
    from modelscan.verifier.attested.attestation import attestations_in, looks_like_attestation

    if looks_like_bundle(file.data):
        signing = Signing.of(file)
        # Under the name of a model's signature it must be one. Anywhere else a bundle may sign a
        # single file, or state how a model was built.
        named = file.name.rsplit("/", 1)[-1].lower() == kinds.MODEL_SIGNING
        if not signing.problem or named or not (signing.foreign or _is_message(file.data)):
            return (signing,)
        return attestations_in(file)
    return attestations_in(file) if looks_like_attestation(file.data) else ()


def kind_of(path: str) -> str:
    """What a file's name says of the signature in it; empty for a name that no signature has."""
    if path.rsplit("/", 1)[-1].lower() == kinds.MODEL_SIGNING:
        return NAME
    return kinds.kind_by_name(path)


def _kind(path: str, head: bytes) -> str:
    """What kind of signature a file is; empty for none."""
    return "" if kinds.is_public_key(head) else kinds.kind_by_content(head) or kind_of(path)


def _is_message(data: bytes) -> bool:
    return b'"messageSignature"' in data or data.count(b"\n{") > 0
