"""A signed model for tests of the command line, and who may have signed it, for each method."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.conftest import Command
from tests.forge import signing
from tests.forge.sigstore_instance import IDENTITY, ISSUER, Instance

METHODS = ("key", "certificate", "sigstore")
Sign = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Setting(NamedTuple):
    """A signed model, and who may have signed it."""

    model: Path
    trust: tuple[object, ...]
    """Options that name the signer."""
    sign: Sign
    """Signs a statement as that signer."""
    stranger: Sign
    """Signs one as somebody else of the same kind."""
    rule: str
    """Lines of a configuration that say who the signer is."""

    def write(self, bundle: Mapping[str, Any]) -> None:
        """Put a bundle where a model's signature lies."""
        (self.model / "model.sig").write_text(json.dumps(bundle))


@cache
def instance() -> Instance:
    """One sigstore for all tests."""
    return Instance()


def signed_model(method: str, folder: Path) -> Setting:
    """A model, signed by one of the methods."""
    model = signing.write(folder / "model")
    if method == "key":
        signer, stranger = signing.signer(), signing.Signer()
        key = folder / "release.pub"
        key.write_bytes(signer.pem)
        rule = 'key = "release.pub"'
        made = Setting(model, ("--key", key), signer.bundle, stranger.bundle, rule)
    elif method == "certificate":
        authority = signing.authority()
        path = folder / "ca.pem"
        path.write_bytes(authority.pem)
        made = Setting(
            model,
            ("--ca", path, "--identity", "release@example.org"),
            authority.signer().bundle,
            authority.signer(identity="somebody@example.org").bundle,
            'ca = "ca.pem"\nidentity = "release@example.org"',
        )
    else:
        root = folder / "root.json"
        root.write_bytes(instance().trusted_root())
        who = ("--sigstore-identity", IDENTITY, "--sigstore-issuer", ISSUER)
        made = Setting(
            model,
            (*who, "--trusted-root", root),
            lambda stated: instance().bundle(dict(stated)),
            lambda stated: instance().bundle(dict(stated), identity="somebody@example.org"),
            f'sigstore = {{identity = "{IDENTITY}", issuer = "{ISSUER}"}}',
        )
    made.write(made.sign(signing.statement()))
    return made


def answer(modelassay: Command, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and report of one model."""
    ran = modelassay("verify", *arguments, "-f", "json")
    assert ran.err == ""
    return ran.code, json.loads(ran.out)["models"][0]
