"""Against the reference implementation of a registry, `docker-registry` (Debian has a package)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from modelscan import api
from tests.forge import gguf, packages
from tests.forge.packages import OCI_INDEX, OCI_MANIFEST, Image, Layer

pytestmark = pytest.mark.interop
PROGRAM = os.environ.get("DOCKER_REGISTRY") or shutil.which("docker-registry")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("registry")
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with subprocess.Popen([PROGRAM, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                httpx2.get(f"http://{address}/v2/", trust_env=False).raise_for_status()
                break
            except httpx2.HTTPError:
                time.sleep(0.1)
        yield address
        process.terminate()


def _push(host: str, tag: str, image: Image, kind: str = OCI_MANIFEST) -> None:
    base = f"http://{host}/v2/acme/model"
    with httpx2.Client(trust_env=False) as client:
        for name, data in image.blobs.items():
            place = client.post(f"{base}/blobs/uploads/").raise_for_status().headers["location"]
            joined = f"{place}{'&' if '?' in place else '?'}digest={name}"
            client.put(joined, content=data).raise_for_status()
        answer = client.put(
            f"{base}/manifests/{tag}", content=image.manifest, headers={"content-type": kind}
        )
        answer.raise_for_status()


def test_a_model_is_pushed_and_scanned_by_tag_and_digest(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    large = gguf.small() + bytes(4 << 20)
    image = packages.image([
        Layer("application/vnd.docker.ai.gguf.v3", large),
        Layer("application/octet-stream", b"cposix\nsystem\n(S'id'\ntR.", {packages.TITLE: "a.pkl"}),
    ])  # fmt: skip
    _push(host, "1", image)
    model = api.scan(f"oci:{host}/acme/model:1").models[0]
    assert model.source.revision == image.digest
    assert "pickle-dangerous-call" in {finding.rule for finding in model.findings}
    assert [e.path for e in model.files if not e.digests] == ["model.gguf"]
    fetch = api.FetchOptions(full=True, cache=tmp_path)
    full = api.scan(f"oci:{host}/acme/model@{image.digest}", fetch=fetch).models[0]
    assert all(entry.digests for entry in full.files)
    assert full.answers.official_bytes.status == "hub-consistent"


def test_an_index_and_a_tag_that_is_not_there(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    images = {"linux/amd64": packages.image([Layer(packages.TAR, b"\0" * 1024)])}
    _push(host, "amd", images["linux/amd64"])
    _push(host, "all", Image(packages.index(images), {}), OCI_INDEX)
    found = api.scan(f"oci:{host}/acme/model:all").models[0]
    assert "layer-1.tar" in {entry.path for entry in found.files}
    missing = api.scan(f"oci:{host}/acme/model:none").models[0]
    assert missing.error is not None
    assert "not found or private" in missing.error
