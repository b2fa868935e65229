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
