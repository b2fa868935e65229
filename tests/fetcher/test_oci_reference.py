from __future__ import annotations

import pytest

from modelscan.errors import SourceError
from modelscan.fetcher.oci_reference import OciReference
from modelscan.fetcher.options import FetchOptions, from_environment


@pytest.mark.parametrize(
    ("text", "host", "repository", "asked", "endpoint"),
    [
        ("ai/smollm2", "docker.io", "ai/smollm2", "latest", "https://registry-1.docker.io"),
        ("alpine:3", "docker.io", "library/alpine", "3", "https://registry-1.docker.io"),
        ("docker.io/ai/m:1", "docker.io", "ai/m", "1", "https://registry-1.docker.io"),
        ("ghcr.io/a/b/c:v1.0", "ghcr.io", "a/b/c", "v1.0", "https://ghcr.io"),
        ("//Quay.IO/a/b", "quay.io", "a/b", "latest", "https://quay.io"),
        ("localhost/a:1", "localhost", "a", "1", "http://localhost"),
        ("localhost:5000/a:1", "localhost:5000", "a", "1", "http://localhost:5000"),
        ("[::1]:5000/a", "[::1]:5000", "a", "latest", "http://[::1]:5000"),
        ("h.io/a:1@sha256:" + "0" * 64, "h.io", "a", "sha256:" + "0" * 64, "https://h.io"),
    ],
)
def test_references(text: str, host: str, repository: str, asked: str, endpoint: str) -> None:
    found = OciReference.parse(f"oci:{text}")
    assert (found.host, found.repository, found.asked) == (host, repository, asked)
    assert found.endpoint == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UPPER/case",
        "a b",
        "h.io/../x",
        "h.io/a@sha256:00",
        "h.io/a:..",
        "user:pw@h.io/a",
        "h.io/a?x",
        "a" * 600,
    ],
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(SourceError, match="not a reference"):
        OciReference.parse(f"oci:{text}")


def test_credentials_come_with_token_alone() -> None:
    environment = {"MODELASSAY_REGISTRY_AUTH": "h.io=me:geheim"}

    def options(*, token: bool) -> FetchOptions:
        return from_environment(offline=False, full=False, token=token, environment=environment)

    assert options(token=False).registry is None
    found = options(token=True)
    assert found.token is None
    assert found.registry is not None
    assert found.registry.reveal() == "h.io=me:geheim"
    assert "geheim" not in repr(found)
    environment.update({"HF_TOKEN": "hf_x"})
    assert options(token=True).token is not None
