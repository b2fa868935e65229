"""Signing with sigstore: an identity token becomes a certificate of ten minutes and a log entry.

The one thing in the verifier besides `manifest update` that uses the network. It speaks with the
public instance, or with the one that a trust configuration names. The token is read from the
environment by the command line, is handed to the certificate authority alone, and appears in no
message. What comes back is read by our own reader before it is given out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelscan.errors import SourceError, UsageError
from modelscan.verifier.oms.bundle import parse_bundle
from modelscan.verifier.trustfiles import read_small

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken


def sign_keyless(payload: bytes, token: str, config: Path | None = None) -> bytes:
    """Sign a statement as whoever a token names.

    Args:
        payload: an in-toto statement.
        token: an OpenID Connect identity token; empty to ask the environment for one, as in GitHub
            Actions.
        config: sigstore's client trust configuration; `None` for the public instance.

    Returns:
        The bundle, as JSON.

    Raises:
        UsageError: there is no token, or one of the two cannot be used.
        SourceError: the instance cannot be reached, or refuses.
    """
    from sigstore.dsse import Statement  # lazy: a second to import, for online signing alone
    from sigstore.sign import SigningContext

    identity = _identity(token)
    trust = _config(config)
    try:
        context = SigningContext.from_trust_config(trust)
        with context.signer(identity) as signer:
            bundle = signer.sign_dsse(Statement(payload))
    except Exception as error:  # noqa: BLE001 - each service has errors of its own
        why = str(error) or type(error).__name__
        raise SourceError(
            f"sigstore did not sign: {why}", "check the token and the network"
        ) from None
    data = bundle.to_json().encode() + b"\n"
    parse_bundle(data)
    return data


def _identity(token: str) -> IdentityToken:
    from sigstore.oidc import IdentityError, IdentityToken, detect_credential  # lazy: as above

    try:
        found = token or detect_credential()
        if not found:
            raise UsageError(
                "there is no identity token",
                "put one into the variable SIGSTORE_ID_TOKEN, or sign with --key",
            )
        return IdentityToken(found)
    except IdentityError as error:
        raise UsageError(f"the identity token cannot be used: {error}") from None


def _config(path: Path | None) -> ClientTrustConfig:
    from sigstore.models import ClientTrustConfig  # lazy: as above

    if path is None:
        try:
            return ClientTrustConfig.production()
        except Exception as error:  # noqa: BLE001 - errors of TUF, of the network and of disks
            why = str(error) or type(error).__name__
            raise SourceError(f"sigstore's configuration could not be fetched: {why}") from None
    try:
        return ClientTrustConfig.from_json(read_small(path).decode())
    except Exception as error:  # noqa: BLE001 - validation errors of several libraries
        raise UsageError(f"{path} is no trust configuration of sigstore: {error}") from None
