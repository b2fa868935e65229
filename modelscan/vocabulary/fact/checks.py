"""Facts of the verifier: digests, signatures and expectations, as they turned out."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class HashCheck(Fact, frozen=True, kw_only=True, tag="hash.check"):
    """One file held against one published release."""

    outcome: Literal["matches", "differs", "denied", "hint"]
    """`matches` and `denied` rest on a strong digest; `differs` is a file that the release lists
    at this path with another digest; `hint` is a name and a short prefix, which prove nothing."""
    release: str
    """The release's id."""
    assurance: str
    """Who states the digest: `publisher-signed`, `publisher-stated`, `third-party-recorded`,
    `self-pinned`."""
    algorithm: str
    """The digest algorithm compared."""
    expected: str
    """The published digest, hexadecimal."""
    found: str
    """The digest of the bytes, hexadecimal."""
    tampered: bool = False
    """For `differs`: true when the file is otherwise the release's (see `modified` in the docs), so
    that another release or a fine-tune does not explain the difference."""
    note: str = ""
    """Why a digest is denied, or what a hint rests on."""
    void: str = ""
    """Why what states the digest is no good news any more: it is older than is allowed."""


class SignatureCheck(Fact, frozen=True, kw_only=True, tag="signature.check"):
    """A signature over the model, or its absence."""

    outcome: Literal[
        "unsigned", "not-checked", "valid-trusted", "valid-untrusted", "unknown-key", "invalid"
    ]
    """`not-checked` is a signature that this version cannot verify: never a pass. `unknown-key`
    names the files that are here, and needs a key that nobody gave to be verified."""
    method: str = ""
    """The signing method or the kind of signature file."""
    signer: str = ""
    """The identity, once it is known."""
    note: str = ""
    """Why, in one line."""
    part: bool = False
    """It says nothing of the files that it does not name: a signature over single files, or a
    statement about a build."""
    anchor: str = ""
    """What identifies the signer wherever the signature comes from: `sha256:` and the digest of the
    public key, or a sigstore identity and its issuer."""
    root: str = ""
    """What trust in the signer rests on: digest and age of sigstore's roots."""
    differing: tuple[str, ...] = ()
    """Files whose bytes are not the signed ones."""
    missing: tuple[str, ...] = ()
    """Signed files that are not there."""
    added: tuple[str, ...] = ()
    """Files that are there and not signed."""
    left_out: tuple[str, ...] = ()
    """Files that are there and that the signer left out on purpose."""
    statement: str = ""
    """What is stated of the files, names included: `sha256:` and a digest that does not depend on
    how the statement is written down."""
    signed: str = ""
    """When it was signed, UTC, as far as somebody says it: sigstore's certificate, or the signer
    inside what is signed."""


class ExpectationCheck(Fact, frozen=True, kw_only=True, tag="expected.check"):
    """The model held against the release that the user said it is."""

    outcome: Literal["as-expected", "otherwise"]
    """`as-expected` means every listed file, and of a complete release no other."""
    release: str
    """The release's id."""
    assurance: str
    """Who states its digests."""
    note: str = ""
    """How it is otherwise, in one line."""
    differing: tuple[str, ...] = ()
    """Listed files with other bytes."""
    missing: tuple[str, ...] = ()
    """Listed files that are not there."""
    extra: tuple[str, ...] = ()
    """Files that the release does not have."""


class ChecksumList(Fact, frozen=True, kw_only=True, tag="checksum.list"):
    """A list of checksums that comes with the model, such as `SHA256SUMS`: its packer's word."""

    outcome: Literal["matches", "differs", "weak", "not-compared"]
    """`weak` holds MD5 or SHA-1 alone, which are not compared; `not-compared` names no file that
    was read."""
    algorithm: str
    """The algorithms of its digests."""
    listed: int
    """How many files it names."""
    same: int
    """How many of them have the stated digest."""
    differing: tuple[str, ...] = ()
    """Files with another digest than the stated one."""
    missing: tuple[str, ...] = ()
    """Files that it names and that are not there."""


class SignatureExpectation(Fact, frozen=True, kw_only=True, tag="signature.expected"):
    """The signature that a model should have: as the user's configuration or the release says."""

    outcome: Literal["met", "missing", "changed", "first", "next"]
    """`changed` is a model that somebody else signed than the one who did so first; `first` is one
    whose signer is to be written down, and `next` one by the same signer that is to be written down
    as their newest."""
    model: str
    """The model's identity that the expectation is bound to."""
    expected: tuple[str, ...] = ()
    """Who should have signed it."""
    found: tuple[str, ...] = ()
    """Who has."""
    statement: str = ""
    """For `first` and `next`: what is stated, as `signature.check` has it."""
    signed: str = ""
    """For `first` and `next`: when it was signed, UTC; empty when nobody says it."""


class FreshnessCheck(Fact, frozen=True, kw_only=True, tag="freshness.check"):
    """Whether a newer release than this one is known: a signature says nothing of that."""

    outcome: Literal["newest", "older", "named", "unknown"]
    """`newest`: whoever was asked knows none that is newer; `named`: the one that the user named,
    however old; `unknown`: nobody can say."""
    note: str
    """Why, in one line."""
    known_by: Literal["releases", "earlier-signature", "signed-since", ""] = ""
    """Who says so: lists of releases, what was written down of this signer, or a day that the user
    asked for."""
    release: str = ""
    """The release that is here: its id, or what its signature states."""
    newer: str = ""
    """The one that replaced it, in the same way; empty when it was withdrawn without another."""


class AttestationCheck(Fact, frozen=True, kw_only=True, tag="attestation.check"):
    """A signed statement that this model was scanned, which the user asked for."""

    outcome: Literal["accepted", "refused", "not-checked"]
    """`accepted`: by somebody trusted, about this very model, and as was asked for."""
    note: str
    """Why, in one line."""
    signer: str = ""
    """Who signed the statement."""
    verifier: str = ""
    """What made the scan, as the statement says."""
    policies: tuple[str, ...] = ()
    """Names, addresses and digests of the policies of the scan."""
    properties: tuple[str, ...] = ()
    """What the model passed, as the statement says."""
    made: str = ""
    """When, UTC; empty when it is not said."""


class UnlistedFiles(Fact, frozen=True, kw_only=True, tag="release.unlisted"):
    """Files beside a release that loaders take for weights or code, and that it does not list."""

    release: str
    """The release's id."""
    files: tuple[str, ...]
    """Their paths."""
