"""Method `certificate`: the signer's certificate comes along, and a chain of those who issued it.

Sources: OpenSSF Model Signing specification, section 4.2; RFC 5280. The reference implementation
(1.1.1) takes the certificate's own first day for the time of signing, asks for no purpose and no
identity, and trusts the web's authorities: an expired certificate, one for a web server, and any
customer of any authority pass. Here the chain must end in an authority that the user named, be
valid now, be for signing code, and name somebody whom the user named.

What fails of that takes the trust away; only a signature that does not fit is broken.
"""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from modelscan.errors import UsageError
from modelscan.verifier.oms.authority import Authority
from modelscan.verifier.oms.bundle import SignedBundle
from modelscan.verifier.oms.curves import allowed_key, key_pin
from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.trust import Trust

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


_ATTRIBUTE = re.compile(r"[A-Za-z]+=")
"""How a pattern of subjects begins: `CN=`."""


def authenticate(bundle: SignedBundle, trust: Trust) -> Authority:
    """Verify the signature with the signer's certificate, and hold that against the trust.

    Raises:
        BrokenSignatureError: the signature does not fit, or a certificate is none.
    """
    # (1) The certificates are certificates.
    leaf, *issuers = [load_certificate(data) for data in bundle.certificates]
    # (2) The signature fits the key of the first one.
    check_signature(leaf, bundle)
    names = identities(leaf)
    signer = (names or [subject_of(leaf)])[0] or "a certificate without a name"
    pin = key_pin(leaf.public_key())
    # (3) Whom the user trusts, (4) for what, (5) when, (6) by whose word, and (7) as whom.
    own_time = _purpose_problem(leaf) or _time_problem(leaf, trust.now or datetime.now(UTC))
    if pin in trust.pins:
        reason = own_time or "a certificate whose key you named"
        return Authority(signer, trusted=not own_time, checked=True, reason=reason, anchor=pin)
    problem = (
        "no certificate authority was named"
        if not trust.authorities
        else own_time
        or _chain_problem(leaf, issuers, trust)
        or _identity_problem(names, subject_of(leaf), pin, trust.identities)
    )
    reason = problem or "a certificate of the authority and identity that you named"
    return Authority(signer, trusted=not problem, checked=True, reason=reason, anchor=pin)


def load_authorities(pem: bytes, name: str) -> list[Certificate]:
    """The certificates in a file of the user's.

    Raises:
        UsageError: there are none.
    """
    from cryptography import x509  # lazy: most models are not signed

    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise UsageError(f"{name} holds no certificates in PEM form") from None


def load_certificate(data: bytes) -> Certificate:
    """A certificate in DER form.

    Raises:
        BrokenSignatureError: it is none, or one whose extensions cannot be read.
    """
    from cryptography import x509  # lazy: the same

    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # the library warns of oddities it will refuse
            found = x509.load_der_x509_certificate(data)
            (
                found.extensions,
                found.subject,
                found.issuer,
                found.public_key(),
            )  # parsed when asked for
    except Exception as error:  # noqa: BLE001 - the library raises several kinds for bytes it refuses
        raise BrokenSignatureError(f"a certificate that cannot be read: {error}") from None
    return found


def check_signature(leaf: Certificate, bundle: SignedBundle) -> None:
    """Verify a bundle's signature with the key of a certificate.

    Raises:
        BrokenSignatureError: it does not fit.
    """
    key = allowed_key(leaf.public_key())
    if key is None:
        raise BrokenSignatureError("a certificate whose key is not P-256, P-384 or P-521")
    if not bundle.made_with(key):
        raise BrokenSignatureError("it was not made with the certificate's key, or not over this")


def identities(leaf: Certificate) -> list[str]:
    """Who a certificate says its holder is: its alternative names that are texts."""
    from cryptography import x509  # lazy: the same

    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in alternative if isinstance(name.value, str)]


def subject_of(leaf: Certificate) -> str:
    """The subject of a certificate (RFC 4514), which authorities check less than other names."""
    return leaf.subject.rfc4514_string()


def is_named(pattern: str, name: str) -> bool:
    """Whether a name of a certificate is one that the user means.

    Args:
        pattern: only `*` and `?` are special.
        name: an alternative name. One that is an address on the web is meant by such a pattern
            alone: `*@example.org` is no branch of that name in somebody's repository.
    """
    glob = pattern.replace("[", "[[]")
    alike = "://" in pattern or "://" not in name or pattern == "*"
    return alike and fnmatchcase(name, glob)


def _purpose_problem(leaf: Certificate) -> str:
    from cryptography import x509  # lazy: the same
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return "the certificate does not say that it is for signing code"
    if ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        return "the certificate is not for signing code"
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    return "" if usage.digital_signature else "the certificate is not for signatures"


def _time_problem(leaf: Certificate, now: datetime) -> str:
    """There is no trusted time of signing in such a bundle, so that the present counts."""
    if now < leaf.not_valid_before_utc:
        return f"the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}"
    if now > leaf.not_valid_after_utc:
        return f"the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _chain_problem(leaf: Certificate, issuers: list[Certificate], trust: Trust) -> str:
    """Whether the issuers lead to an authority that the user named, all of them valid now."""
    from cryptography import x509  # lazy: the same
    from cryptography.x509 import verification

    roots = [
        root for pem in trust.authorities for root in load_authorities(pem, "the authority's file")
    ]
    issuing = verification.ExtensionPolicy.permit_all()
    # The library itself asks for the mark of an authority, path lengths and name constraints.
    issuing = issuing.require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    issuing = issuing.may_be_present(
        x509.KeyUsage, verification.Criticality.AGNOSTIC, _must_sign_certificates
    )
    builder = verification.PolicyBuilder().store(verification.Store(roots))
    builder = builder.time(trust.now or datetime.now(UTC)).extension_policies(
        ca_policy=issuing, ee_policy=verification.ExtensionPolicy.permit_all()
    )
    try:
        builder.build_client_verifier().verify(leaf, issuers)
    except (verification.VerificationError, x509.UnsupportedGeneralNameType, ValueError) as error:
        why = str(error).partition(" (encountered")[0]  # what follows is Python's form of objects
        return f"the certificate does not lead to the authority that you named: {why}"
    return ""


def _must_sign_certificates(_policy: object, _certificate: object, extension: object) -> None:
    if extension is not None and not getattr(extension, "key_cert_sign", False):
        raise ValueError("a certificate in the chain is not for issuing others")


def _identity_problem(names: list[str], subject: str, pin: str, patterns: tuple[str, ...]) -> str:
    """Whether the holder is somebody whom the user named, by name or by key.

    The subject counts where there is no other name (RFC 6125, section 6.4.4), or where the pattern
    is plainly one of a subject: a common name that looks like an address is none.
    """
    for pattern in patterns:
        of_subject = not names or _ATTRIBUTE.match(pattern) is not None
        if (
            pattern.lower() == pin
            or any(is_named(pattern, name) for name in names)
            or (of_subject and subject and is_named(pattern, subject))
        ):
            return ""
    return f"the authority issued it to somebody else than {' or '.join(patterns)}"
