"""Configurations of packaged models: what a package claims about the model in it.

Fetchers call that part `package.config.json`, whether it came from Ollama, from a registry or from
an image layout. The document is JSON, and the reader of JSON says what is wrong with it; here are
the claims.

Sources: Ollama (`model_family`, `remote_host`), CNCF model specification (`descriptor`, `config`),
Docker's model specification (`config`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, ModelClaim, SourceDefect
from modelscan.vocabulary.location import Location

NAME: Final = "package.config.json"
_LARGEST: Final = 1 << 20
_MOST: Final = 20


class PackageConfigReader:
    """The configuration of a package, by the name that fetchers give it."""

    format = "package config"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name alone."""
        return glimpse.name == NAME

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the claims. What is no JSON object claims nothing."""
        if artifact.size > _LARGEST:
            return
        try:
            root: Any = msgspec.json.decode(artifact.read_at(0, artifact.size))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return
        for fact in _claims(root, place(artifact)) if isinstance(root, dict) else ():
            budget.fact()
            yield fact


def _claims(root: dict[str, Any], where: Location) -> Iterator[Fact]:
    config, descriptor = _table(root.get("config")), _table(root.get("descriptor"))
    architectures = _texts(
        root.get("model_family"), root.get("model_families"), config.get("architecture")
    )
    for value in architectures:
        yield ModelClaim(location=where, status="declared", claim="architecture", value=value)
    for value in _texts(descriptor.get("name")):
        yield ModelClaim(location=where, status="declared", claim="name", value=value)
    for value in _texts(descriptor.get("licenses")):
        yield ModelClaim(location=where, status="declared", claim="licence", value=value)
    for host in _texts(root.get("remote_host")):
        # No weights at all: what is asked of it goes to a server.
        yield SourceDefect(
            location=where,
            status="declared",
            kind="remote-model",
            value=host,
            detail=next(iter(_texts(root.get("remote_model"))), ""),
        )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(*values: Any) -> list[str]:
    """The texts among some values and lists, each once."""
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return list(dict.fromkeys(item for item in flat[:_MOST] if isinstance(item, str) and item))
