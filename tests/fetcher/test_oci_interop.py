"""Against the reference implementation of a registry, `docker-registry` (Debian has a package)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from modelscan import api
from modelscan.fetcher.options import Secret
from tests.forge import gguf, packages, pickles, safetensors
from tests.forge.archives import python_tar as _tar
from tests.forge.packages import OCI_INDEX, OCI_MANIFEST, Image, Layer
from tests.hub import tls, token_server

pytestmark = pytest.mark.interop
PROGRAM = os.environ.get("DOCKER_REGISTRY") or shutil.which("docker-registry")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An open registry."""
    with _running(tmp_path_factory.mktemp("registry")) as address:
        yield address


@contextmanager
def _running(folder: Path, more: str = "") -> Iterator[str]:
    """A registry over a folder; what is stored there may have been pushed to another one."""
    if PROGRAM is None:
        pytest.skip("docker-registry is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\n"
        f"http: {{addr: '{address}'}}\n{more}"
    )
    with subprocess.Popen([PROGRAM, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                if httpx2.get(f"http://{address}/v2/", trust_env=False).status_code in {200, 401}:
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


_EVIL = pickles.malicious()["reduce"]
_CNCF = "application/vnd.cncf.model."
_DOCKER = "application/vnd.docker.ai."
_KIT = "application/vnd.kitops.modelkit."


def _artefacts(weights: bytes) -> dict[str, Image]:
    """The same weights, as each kind of package has them."""
    return {
        "modelpack-raw": packages.image(
            [Layer(_CNCF + "weight.v1.raw", weights, {packages.FILEPATH: "weights/model.bin"}),
             Layer(_CNCF + "doc.v1.raw", b"# A model", {packages.FILEPATH: "README.md"})],
            {"descriptor": {"name": "m"}}, _CNCF + "config.v1+json",
        ),
        "modelpack-tar": packages.image(
            [Layer(_CNCF + "weight.v1.tar", _tar({"weights/model.bin": weights}))],
            {}, _CNCF + "config.v1+json",
        ),
        "modelkit": packages.image(
            [Layer(_KIT + "model.v1.tar+gzip", packages.zipped(_tar({"model": weights})))],
            {}, _KIT + "config.v1+json",
        ),
        "docker": packages.image(
            [Layer(_DOCKER + "safetensors", safetensors.small()),
             Layer(_DOCKER + "vllm.config.tar", _tar({"extra.bin": weights}))],
            {}, _DOCKER + "model.config.v0.1+json",
        ),
        "modelcar": packages.image(
            [Layer(packages.TAR + "+gzip", packages.zipped(_tar({"etc/hosts": b"127.0.0.1"}))),
             Layer(packages.TAR + "+gzip", packages.zipped(_tar({"models/model.bin": weights})))],
            {"architecture": "amd64", "os": "linux"}, packages.OCI_CONFIG,
        ),
        "oras": packages.image(
            [Layer("application/octet-stream", weights, {packages.TITLE: "model.bin"})],
            {}, "application/vnd.oci.empty.v1+json",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("kind", _artefacts(b""))
@pytest.mark.parametrize("evil", [True, False], ids=["evil", "good"])
def test_every_kind_of_package_out_of_a_real_registry(
    host: str, monkeypatch: pytest.MonkeyPatch, kind: str, *, evil: bool
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    image = _artefacts(_EVIL if evil else pickles.torch_state_dict())[kind]
    _push(host, kind, image)
    report = api.scan(f"oci:{host}/acme/model:{kind}")
    rules = {finding.rule for finding in report.models[0].findings}
    assert ("pickle-dangerous-call" in rules) == evil
    assert report.decision.exit_code == (1 if evil else 0)


def test_a_token_of_a_real_registrys_token_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    image = packages.image([Layer(_DOCKER + "gguf.v3", gguf.small())])
    store, keys = tmp_path / "registry", tmp_path / "keys"
    store.mkdir()
    keys.mkdir()
    certificate = tls.make(keys)
    with _running(store) as host:
        _push(host, "1", image)
    with token_server.running(certificate) as tokens:
        token = {
            "realm": tokens.realm, "service": token_server.SERVICE,
            "issuer": token_server.ISSUER, "rootcertbundle": str(certificate.authority),
        }  # fmt: skip
        with _running(store, f"auth: {json.dumps({'token': token})}\n") as host:
            ref = f"oci:{host}/acme/model@{image.digest}"
            assert "gated" in (api.scan(ref).models[0].error or "")
            fetch = api.FetchOptions(registry=Secret(f"{host}={token_server.PASSWORD}"))
            (model,) = api.scan(ref, fetch=fetch).models
            assert model.answers.official_bytes.status == "hub-consistent", model.error
            elsewhere = api.FetchOptions(registry=Secret(f"other={token_server.PASSWORD}"))
            assert "gated" in (api.scan(ref, fetch=elsewhere).models[0].error or "")
    assert set(tokens.scopes) == {"repository:acme/model:pull"}
    assert [bool(header) for header in tokens.authorizations].count(True) >= 1
    assert not tokens.authorizations[0]
    assert not tokens.authorizations[-1]
