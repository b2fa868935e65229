"""Encrypted hubs, authorities of a company's own, and proxies, as the environment names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.fetcher.options import FetchOptions, Secret
from modelscan.fetcher.transfer import _context
from tests.forge import safetensors
from tests.hub import proxy, tls
from tests.hub.proxy import Proxy
from tests.hub.scanning import fake_hub, gaps
from tests.hub.server import FakeHub
from tests.hub.tls import Certificate

_TOKEN = "hf_secretsecretsecret"  # noqa: S105  # a token of the test
_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return tls.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def hub(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in (*_VARIABLES, "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    _context.cache_clear()
    with fake_hub(certificate) as server:
        server.add("acme/model", {"config.json": b"{}", "model.safetensors": safetensors.small()})
        yield server
    _context.cache_clear()


@pytest.fixture
def tunnel(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.running() as running:
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("HTTPS_PROXY", running.url)
        assert hub.url.startswith("https://")
        yield running


def _error(hub: FakeHub) -> str:
    (model,) = api.scan("hf:acme/model", fetch=FetchOptions(endpoint=hub.url)).models
    return model.error or ""


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_the_environment_is_trusted(
    hub: FakeHub, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificate.authority))
    fetch = FetchOptions(endpoint=hub.url, token=Secret(_TOKEN))
    (model,) = api.scan("hf:acme/model", fetch=fetch).models
    assert model.answers.official_bytes.status == "hub-consistent", model.error
    assert not gaps(model)
    for request in hub.log:
        own = request.host == f"127.0.0.1:{hub.port}"
        assert request.authorization == (f"Bearer {_TOKEN}" if own else "")


def test_an_authority_that_nobody_named_is_refused_and_told(hub: FakeHub) -> None:
    error = _error(hub)
    assert "certificate cannot be verified" in error
    assert "SSL_CERT_FILE" in error
    assert hub.log == []


def test_a_file_of_certificates_that_is_none(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").write_text("no certificate\n")
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(tmp_path / "empty.pem"))
        assert f"{variable} names no file of certificates" in _error(hub)
        monkeypatch.delenv(variable)


def test_a_proxy_sees_hosts_and_no_token(
    hub: FakeHub, tunnel: Proxy, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    fetch = FetchOptions(endpoint=hub.url, token=Secret(_TOKEN))
    (model,) = api.scan("hf:acme/model", fetch=fetch).models
    assert model.answers.official_bytes.status == "hub-consistent", model.error
    assert set(tunnel.asked) == {f"127.0.0.1:{hub.port}", f"localhost:{hub.port}"}
    assert _TOKEN not in json.dumps(tunnel.headers)


def test_what_no_proxy_names_is_asked_directly(
    hub: FakeHub, tunnel: Proxy, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert _error(hub) == ""
    assert tunnel.asked == []


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_is_told(hub: FakeHub, tunnel: Proxy, status: int) -> None:
    tunnel.refuses = status
    error = _error(hub)
    assert "the proxy refuses the connection" in error
    assert "HTTPS_PROXY" in error


def test_a_proxy_that_is_not_there_is_told_without_its_password(
    hub: FakeHub, tunnel: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    del tunnel
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@127.0.0.1:9")
    error = _error(hub)
    assert "HTTPS_PROXY" in error
    assert "password" not in error
    assert hub.log == []
