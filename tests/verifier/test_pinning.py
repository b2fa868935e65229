"""Manifests of what a hub serves at a commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.errors import SourceError
from modelscan.verifier.pinning import pin
from tests.hub.content import Content
from tests.hub.scanning import fake_hub, options

FILES: dict[str, bytes | Content] = {
    "config.json": b'{"model_type": "forged"}',
    "model.safetensors": Content.of(b"\x02\0\0\0\0\0\0\0{}"),
}


def test_what_a_name_space_published_at_a_commit(tmp_path: Path) -> None:
    with fake_hub() as hub:
        commit = hub.add("acme/model", FILES)
        made = pin(f"hf:acme/model@{commit}", fetch=options(hub, tmp_path))
        address = hub.url
    (release,) = made.releases
    assert (release.id, release.revision) == (f"acme/model@{commit}", commit)
    assert (release.locations, release.complete) == (("hf:acme/model",), True)
    assert (made.assurance, made.publisher.name) == ("third-party-recorded", "hf:acme")
    assert f"as published by hf:acme at {address}" in made.publisher.verified_how
    assert made.publisher.namespaces == ("hf:acme",)
    (origin,) = made.evidence
    assert (origin.repository, origin.commit) == (f"{address}/acme/model", commit)
    assert {file.path for file in release.files} == set(FILES)


def test_a_hub_that_serves_other_bytes_gives_no_manifest(tmp_path: Path) -> None:
    with fake_hub() as hub:
        commit = hub.add("acme/model", FILES)
        hub["acme/model"].served["config.json"] = b'{"model_type": "changed"}'
        with pytest.raises(SourceError):
            pin(f"hf:acme/model@{commit}", fetch=options(hub, tmp_path))


def test_offline_by_default() -> None:
    with pytest.raises(SourceError, match="offline"):
        pin("hf:acme/model")
