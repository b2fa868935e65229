"""Method `sigstore`: a certificate of ten minutes, and a public log that says when it was used.

Offline, by the sigstore library, against an explicit trusted root: a file that the user named or
the one installed with the library, read from there. Never `Verifier.production`, which trusts a
copy in the user's cache that anybody who can write there may replace (measured: it then accepts a
home-made bundle under another's name).

A log entry or a certificate that fails is a broken signature when the root's own authority issued
the certificate. A bundle of another sigstore instance is somebody's whom nobody here vouches for.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelscan.errors import UsageError
from modelscan.verifier.dsse import PAYLOAD_TYPE
from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import Message, SignedBundle
from modelscan.verifier.oms.certificate import (
    check_signature,
    identities,
    is_named,
    load_certificate,
)
from modelscan.verifier.oms.failures import BrokenSignatureError, UncheckableError
from modelscan.verifier.oms.statement import stamp
from modelscan.verifier.trust import SigstoreSigner, Trust

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle as SigstoreBundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import VerificationPolicy

_EMBEDDED = "_store/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json"
"""The public instance's roots inside the library's distribution."""
_START = re.compile(rb'"start"\s*:\s*"(\d{4}-\d{2}-\d{2})')
_LARGEST = 4 << 20
_PATTERN = re.compile(r"[*?]")
_ISSUERS = ("1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1")
"""Fulcio's extensions that name the identity provider, the newer one first."""


class Root(NamedTuple):
    """Sigstore's roots, ready to verify with."""

    verifier: Verifier
    issuers: frozenset[bytes]
    """Subjects of the certificate authorities, in DER."""
    description: str
    """Digest and age: what a reader needs to know which root it was."""


def authenticate(bundle: SignedBundle, trust: Trust) -> Authority:
    """Verify certificate, log entry and signature, then the identity.

    Raises:
        BrokenSignatureError: one of them does not fit.
        UncheckableError: the library or its roots are not there.
        UsageError: the user's trusted root is none.
    """
    # (1) The signature fits the certificate: what follows is about who that is.
    leaf = load_certificate(bundle.certificates[0])
    check_signature(leaf, bundle)
    names = identities(leaf)
    signer = names[0] if names else "a certificate without a name"
    # (2) The roots, and the library's own reading of the same bytes.
    root = load_root(trust.trusted_root)
    parsed = _parse(bundle.data)
    # (3) Certificate, log and time, whoever it is.
    problem = verified(root, parsed, _anybody(), bundle)
    if problem:
        if leaf.issuer.public_bytes() in root.issuers:
            raise BrokenSignatureError(f"sigstore: {problem}")
        other = "another sigstore instance signed for it, which the trusted root does not know"
        return Authority(signer, trusted=False, checked=True, reason=other, root=root.description)
    # (4) Whether it is somebody whom the user named.
    anchor = f"{signer} ({issuer_of(leaf)})"
    # The log's time lies within the certificate's ten minutes, or (3) would have refused it.
    signed = stamp(leaf.not_valid_before_utc)
    for wanted in trust.sigstore:
        if not verified(root, parsed, _policy(wanted), bundle):
            reason = f"the identity that you named, says {wanted.issuer}"
            return Authority(
                signer,
                trusted=True,
                checked=True,
                reason=reason,
                root=root.description,
                anchor=anchor,
                signed=signed,
            )
    reason = "nobody was named who may sign"
    if trust.sigstore:
        wanted_names = " or ".join(f"{w.identity} (by {w.issuer})" for w in trust.sigstore)
        reason = f"not {wanted_names}"
    return Authority(
        signer,
        trusted=False,
        checked=True,
        reason=reason,
        root=root.description,
        anchor=anchor,
        signed=signed,
    )


def issuer_of(leaf: Certificate) -> str:
    """Who vouched for the identity in a certificate of sigstore's."""
    from cryptography import x509  # lazy: as above

    for oid in _ISSUERS:
        try:
            extension = leaf.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
        except x509.ExtensionNotFound:
            continue
        raw = extension.public_bytes()
        # The newer one is a DER string, whose tag and length come first; no issuer has 128 letters.
        data = raw[2:] if raw[:1] == b"\x0c" and raw[1:2] == bytes([len(raw) - 2]) else raw
        return data.decode("utf-8", "replace")
    return "nobody"


def load_root(path: Path | None) -> Root:
    """The roots to verify with.

    Args:
        path: a `trusted_root.json`; `None` for the one that comes with the library.

    Raises:
        UncheckableError: the library is not there.
        UsageError: the file is no trusted root.
    """
    try:
        import sigstore  # lazy: it takes a second to import, and most models are not signed so
    except ImportError as error:  # pragma: no cover  # it is a dependency
        raise UncheckableError(f"sigstore cannot be imported: {error}") from None
    where = path or Path(str(sigstore.__file__)).parent / _EMBEDDED
    try:
        found = where.stat()
        if found.st_size > _LARGEST:
            raise UsageError(f"{where.name}: too large for a trusted root")
        return _load_root(where, found.st_mtime_ns)
    except OSError as error:
        raise UsageError(
            f"{where.name}: {(error.strerror or type(error).__name__).lower()}"
        ) from None


@lru_cache(maxsize=4)
def _load_root(path: Path, _changed: int) -> Root:
    from sigstore.models import TrustedRoot  # lazy: as above
    from sigstore.verify import Verifier

    data = path.read_bytes()
    try:
        parsed = TrustedRoot.from_file(str(path))
        verifier = Verifier(trusted_root=parsed)
        issuers = frozenset(found.subject.public_bytes() for found in parsed.get_fulcio_certs())
    except Exception as error:  # noqa: BLE001 - validation errors of several libraries
        raise UsageError(f"{path.name} is no trusted root of sigstore: {error}") from None
    newest = max(_START.findall(data), default=b"an unknown day").decode()
    digest = hashlib.sha256(data).hexdigest()
    return Root(verifier, issuers, f"sha256:{digest}, newest entry of {newest}")


def verified(
    root: Root, parsed: SigstoreBundle, policy: VerificationPolicy, bundle: SignedBundle
) -> str:
    """Why a bundle does not verify under a policy; empty when it does.

    Raises:
        BrokenSignatureError: the library read another payload than we did.
        UncheckableError: it signs a digest that the library cannot verify.
    """
    from sigstore.errors import Error  # lazy: as above

    payload = b"" if isinstance(bundle, Message) else bundle.payload
    try:
        if isinstance(bundle, Message):
            root.verifier.verify_artifact(_hashed(bundle), parsed, policy)
            return ""
        read = root.verifier.verify_dsse(parsed, policy)
    except UncheckableError:
        raise
    except Error as error:
        # What follows that word is Python's form of a certificate.
        return str(error).partition(" (encountered")[0] or type(error).__name__
    except Exception as error:  # noqa: BLE001 - hostile certificates reach deep into libraries
        return f"{type(error).__name__}: {error}"
    if read != (PAYLOAD_TYPE, payload):
        raise BrokenSignatureError("two readers of the bundle find different statements in it")
    return ""


def _hashed(message: Message) -> Hashed:
    """The digest of the signed file, as the library takes it."""
    from sigstore.hashes import Hashed  # lazy: as above
    from sigstore_models.common.v1 import HashAlgorithm

    if message.algorithm != "sha256":
        raise UncheckableError(f"sigstore verifies no {message.algorithm} digests of files")
    return Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(message.digest))


def _parse(data: bytes) -> SigstoreBundle:
    from sigstore.models import Bundle as SigstoreBundle  # lazy: as above

    try:
        return SigstoreBundle.from_json(data)
    except Exception as error:  # noqa: BLE001 - validation errors of several libraries
        lines = str(error).splitlines() or [type(error).__name__]
        raise BrokenSignatureError(f"sigstore cannot read it: {lines[0]}") from None


def _anybody() -> VerificationPolicy:
    """No policy about who it is; whoever calls this must not trust what it lets through."""

    class _Anybody:
        def verify(self, cert: object) -> None:
            """Accept every certificate: the identity is looked at afterwards."""

    return _Anybody()


class _Named:
    """An identity that fits a pattern. With no issuer beside it, it would say nothing."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def verify(self, cert: Certificate) -> None:
        """See the library's protocol."""
        from sigstore.errors import VerificationError  # lazy: as above

        if not any(is_named(self._pattern, name) for name in identities(cert)):
            raise VerificationError(f"no identity fits {self._pattern}")


def _policy(wanted: SigstoreSigner) -> VerificationPolicy:
    from sigstore.verify import policy  # lazy: as above

    who: list[VerificationPolicy]
    if _PATTERN.search(wanted.identity):
        who = [_Named(wanted.identity), policy.OIDCIssuerV2(wanted.issuer)]
    else:
        who = [policy.Identity(identity=wanted.identity, issuer=wanted.issuer)]
    if wanted.owner_id:
        who.append(policy.OIDCSourceRepositoryOwnerIdentifier(wanted.owner_id))
    return policy.AllOf(who)
