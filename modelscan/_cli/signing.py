"""Options of the commands that sign something, and the signature itself.

Invariants: a private key is read from a file that the user names, its password and an identity
token from the environment, never from the command line, which other processes can read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from modelscan.errors import UsageError

if TYPE_CHECKING:
    from modelscan.verifier.oms.writing import SigningKey

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSWORD = "MODELASSAY_KEY_PASSWORD"  # noqa: S105  # the name of a variable
_TOKEN = "SIGSTORE_ID_TOKEN"  # noqa: S105  # the same


def signing_options(command: _Command) -> _Command:
    """Add the options that say who signs to a command."""
    for option in reversed(
        (
            click.option("--key", type=_FILE, metavar="FILE", help="A private key in PEM form."),
            click.option(
                "--certificates",
                type=_FILE,
                metavar="FILE",
                help="The key's certificate and its issuers.",
            ),
            click.option(
                "--sigstore", is_flag=True, help="Sign as the identity of a token, by the network."
            ),
            click.option(
                "--trust-config",
                type=_FILE,
                metavar="FILE",
                help="A sigstore instance other than the public.",
            ),
        )
    ):
        command = option(command)
    return command


class Signer:
    """Whoever signs: made of the options before any work is done, so that a typo costs nothing.

    Args:
        key: a private key; `None` for sigstore.
        certificates: those of the key.
        sigstore: sign as the identity of a token.
        trust_config: a sigstore instance.

    Raises:
        UsageError: the options contradict each other, or a file that they name cannot be used.
    """

    def __init__(
        self,
        key: Path | None,
        certificates: Path | None,
        *,
        sigstore: bool,
        trust_config: Path | None,
    ) -> None:
        if (key is None) == (not sigstore):
            raise UsageError(
                "sign with a key or with sigstore", "say one: --key FILE or --sigstore"
            )
        if certificates and key is None:
            raise UsageError("--certificates are those of a key", "give both")
        if trust_config and not sigstore:
            raise UsageError("--trust-config is about sigstore", "say --sigstore, too")
        self._key = _signing_key(key, certificates) if key else None
        self._token = os.environ.get(_TOKEN, "").strip() if sigstore else ""
        self._config = trust_config

    def sign(self, statement: bytes) -> bytes:
        """A bundle around an in-toto statement, as JSON.

        Raises:
            UsageError: what is named cannot sign.
            SourceError: sigstore cannot be reached, or refuses.
        """
        from modelscan.verifier.dsse import sign_statement  # lazy: `--help` signs nothing

        return sign_statement(statement, self._key, token=self._token, config=self._config)


def _signing_key(key: Path, certificates: Path | None) -> SigningKey:
    """The private key that the user named."""
    from modelscan.verifier.oms import writing  # lazy: as above
    from modelscan.verifier.trustfiles import read_small

    password = os.environ.get(_PASSWORD)
    return writing.load_signing_key(
        key.name,
        read_small(key),
        password.encode() if password else None,
        read_small(certificates) if certificates else b"",
    )
