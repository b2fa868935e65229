"""References to packages in registries: `oci:host/repository:tag` or `…@sha256:…`.

Source: OCI distribution specification 1.1, "Pulling manifests" (grammar of names and tags). Short
names, such as `ai/smollm2`, mean Docker's own registry, as they do for Docker.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from modelscan.errors import SourceError

_WORD: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_WORD}(?:/{_WORD})*")
_REFERENCE: Final = re.compile(
    rf"(?:(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::\d{{1,5}})?)/)??"
    rf"(?P<repository>{_WORD}(?:/{_WORD})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
_LONGEST: Final = 512
_DOCKER: Final = "docker.io"
_DOCKER_HOSTS: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_DOCKER_ENDPOINT: Final = "https://registry-1.docker.io"
_DOCKER_SPACE: Final = "library"
_TAG: Final = "latest"
_LOOPBACK: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")


class OciReference(NamedTuple):
    """The parts of a reference."""

    host: str
    repository: str
    tag: str
    """Empty when only a digest was given."""
    digest: str
    """`sha256:…`; empty when it was not given, so that the tag decides."""

    @classmethod
    def parse(cls, text: str) -> OciReference:
        """Take `oci:…` apart.

        Raises:
            SourceError: it is no such reference.
        """
        found = _REFERENCE.fullmatch(text.partition(":")[2].removeprefix("//"))
        host, repository = _host(found["host"], found["repository"]) if found else ("", "")
        if found is None or len(text) > _LONGEST or not _REPOSITORY.fullmatch(repository):
            raise SourceError(
                "not a reference to a package",
                "write it as oci:host/repository:tag or oci:host/repository@sha256:…",
            )
        digest = found["digest"] or ""
        return cls(host, repository, found["tag"] or ("" if digest else _TAG), digest)

    @property
    def endpoint(self) -> str:
        """Base URL of the registry. Only a registry on this machine is spoken to without TLS."""
        if self.host == _DOCKER:
            return _DOCKER_ENDPOINT
        return f"{'http' if _LOOPBACK.fullmatch(self.host) else 'https'}://{self.host}"

    @property
    def pinned(self) -> bool:
        """True when the reference names bytes."""
        return bool(self.digest)

    @property
    def asked(self) -> str:
        """What stands for the version: the digest, else the tag."""
        return self.digest or self.tag

    def named(self, digest: str) -> str:
        """The same, pinned to a digest."""
        return f"oci:{self.host}/{self.repository}@{digest}"


def _host(host: str | None, repository: str) -> tuple[str, str]:
    """The registry: a first word without a dot or a port is part of a name at Docker's."""
    if host is None:
        first, slash, rest = repository.partition("/")
        if slash and ("." in first or first == "localhost"):
            host, repository = first, rest
    elif not any(sign in host for sign in ".:") and host != "localhost":
        host, repository = None, f"{host}/{repository}"
    if host is None or host.lower() in _DOCKER_HOSTS:
        space = "" if "/" in repository else f"{_DOCKER_SPACE}/"
        return _DOCKER, space + repository
    return host.lower(), repository
