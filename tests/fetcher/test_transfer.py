from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from modelscan.fetcher import pacing, transfer
from modelscan.fetcher.options import Secret
from modelscan.fetcher.resource import Resource
from modelscan.fetcher.transfer import Client, PassingError, Patience, TransferError, failure
from tests.hub.server import FakeHub

QUICK = Patience(sleep=lambda _: None)
_PUBLIC = "https://hub.example.org"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as server:
        server.raw["/file"] = b"0123456789" * 100
        yield server


def _client(
    base: str,
    answer: Callable[[httpx2.Request], httpx2.Response],
    token: str = "",
    clock: Callable[[], float] = QUICK.clock,
    *,
    endless: bool = True,
) -> Client:
    """A client whose requests are answered without a network."""
    patience = QUICK._replace(clock=clock)
    client = Client(base, Secret(token) if token else None, patience=patience, endless=endless)
    client._transport = httpx2.MockTransport(answer)
    client._mounts = {}
    return client


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("http://hub.example.org/x", "not encrypted"),
        ("http://cdn.example.org/x", "not encrypted"),
        ("https://127.0.0.1/x", "private network"),
        ("https://localhost/x", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://10.0.0.1/x", "private network"),
        ("https://2130706433/x", "private network"),
        ("https://metadata.google.internal/x", "private network"),
        ("https://[::1]/x", "private network"),
        ("https://[fe80::1]/x", "private network"),
        ("ftp://cdn.example.org/x", "not encrypted"),
    ],
)
def test_redirects_that_are_not_followed(place: str, words: str) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": place})

    with (
        _client(_PUBLIC, answer) as client,
        pytest.raises(TransferError, match=words),
    ):
        Resource(client, f"{_PUBLIC}/file", 10).part(0, 5)
    assert asked == [f"{_PUBLIC}/file"]


def test_a_token_follows_no_redirect_to_another_host_port_or_scheme() -> None:
    seen: dict[str, str] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen[str(request.url)] = request.headers.get("authorization", "")
        if request.url.path == "/file":
            return httpx2.Response(302, headers={"Location": "https://hub.example.org:8443/b"})
        if request.url.path == "/b":
            return httpx2.Response(302, headers={"Location": "https://cdn.example.org/c"})
        return httpx2.Response(
            206, headers={"Content-Range": "bytes 0-4/10"}, content=iter([b"01234"])
        )

    with _client(_PUBLIC, answer, "hf_x") as client:
        assert Resource(client, f"{_PUBLIC}/file", 10).part(0, 5) == b"01234"
    assert seen == {
        "https://hub.example.org/file": "Bearer hf_x",
        "https://hub.example.org:8443/b": "",
        "https://cdn.example.org/c": "",
    }


def test_the_default_port_is_the_same_host() -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("authorization", ""))
        return httpx2.Response(200, content=b"{}")

    with _client(_PUBLIC, answer, "hf_x") as client:
        client.get(f"{_PUBLIC}:443/a")
    assert seen == ["Bearer hf_x"]


def test_what_is_compressed_is_not_taken() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["accept-encoding"] == "identity"
        return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=b"\x1f\x8b")

    with _client(_PUBLIC, answer) as client, pytest.raises(TransferError, match="compresses"):
        client.get(f"{_PUBLIC}/a")


@pytest.mark.parametrize(("size", "file", "slow"), [
    (1000, False, True), (1000, True, True), (100 << 20, True, False), (30 << 20, False, True),
])  # fmt: skip
def test_a_server_that_sends_too_slowly_is_given_up(size: int, *, file: bool, slow: bool) -> None:
    times = iter(range(0, 100_000_000, 100))
    patience = QUICK._replace(clock=lambda: float(next(times)))

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=iter([bytes(size // 2), bytes(size // 2)]))

    with _client(_PUBLIC, answer) as client:
        client.patience = patience
        extensions = {transfer.LIMIT: 1 << 40} if file else {}
        request = client.build_request("GET", f"{_PUBLIC}/file", extensions=extensions)
        if slow:
            with pytest.raises(TransferError, match="too slowly"):
                client.send(request)
        else:
            assert len(client.send(request).content) == size


def test_a_part_is_cached_behind_its_redirect_until_that_expires(hub: FakeHub) -> None:
    hub.add("a/b", {"m.bin": bytes(range(100))})
    with Client(hub.url, patience=QUICK) as client:
        resource = Resource(client, f"{hub.url}/a/b/resolve/main/m.bin", 100)
        assert resource.part(0, 2) == b"\0\1"
        assert resource.part(50, 2) == b"23"
        assert resource.requests == 3
        hub.failures.append((403, {}))
        assert resource.part(98, 10) == b"bc"
        assert resource.requests == 6
    assert [request.host.partition(":")[0] for request in hub.log] == [
        "127.0.0.1", "localhost", "localhost", "localhost", "127.0.0.1", "localhost",
    ]  # fmt: skip


def test_another_version_is_noticed() -> None:
    tags = iter(['"a"', '"a"', '"b"'])

    def answer(_: httpx2.Request) -> httpx2.Response:
        headers = {"Content-Range": "bytes 0-0/10", "ETag": next(tags)}
        return httpx2.Response(206, headers=headers, content=iter([b"0"]))

    with _client(_PUBLIC, answer) as client:
        resource = Resource(client, f"{_PUBLIC}/file", 10)
        seen = []
        for _ in range(3):
            resource.part(0, 1)
            seen.append(resource.changed)
    assert seen == [False, False, True]


def test_a_size_that_nobody_stated_is_learned(hub: FakeHub) -> None:
    with Client(hub.url, patience=QUICK) as client:
        resource = Resource(client, f"{hub.url}/file")
        assert resource.part(0, 5) == b"01234"
        assert resource.size == 1000


def test_without_any_length_what_comes_is_all() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=iter([b"01", b"234"]))

    with _client(_PUBLIC, answer) as client:
        assert Resource(client, f"{_PUBLIC}/file").part(0, 4) == b"0123"
        assert Resource(client, f"{_PUBLIC}/file").part(0, 9) == b"01234"


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (206, {"Content-Range": "bytes 5-9/10"}, "another part"),
        (206, {"Content-Range": "nonsense"}, "another part"),
        (206, {}, "another part"),
        (206, {"Content-Range": "bytes 3-4/11"}, "11 bytes"),
        (200, {}, "parts of files"),
        (416, {}, "parts of files"),
        (204, {}, "parts of files"),
        (404, {"X-Error-Code": "EntryNotFound"}, "not there"),
        (403, {"X-Error-Code": "GatedRepo"}, "gated"),
        (403, {}, "403"),
    ],
)
def test_answers_that_are_not_what_was_asked_for(
    status: int, headers: dict[str, str], words: str
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers=headers, content=b"01")

    with _client(_PUBLIC, answer) as client, pytest.raises(TransferError, match=words):
        Resource(client, f"{_PUBLIC}/file", 10).part(3, 2)


def test_a_star_for_the_length_is_no_contradiction() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(206, headers={"Content-Range": "bytes 3-4/*"}, content=iter([b"01"]))

    with _client(_PUBLIC, answer) as client:
        assert Resource(client, f"{_PUBLIC}/file", 10).part(3, 2) == b"01"


@pytest.mark.parametrize(
    ("error", "words", "again"),
    [
        (httpx2.ReadTimeout("x"), "in time", True),
        (httpx2.ConnectTimeout("x"), "in time", True),
        (httpx2.ConnectError("x"), "cannot be reached", True),
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), "certificate", False),
        (httpx2.ReadError("x"), "broke", True),
        (httpx2.RemoteProtocolError("x"), "broke", True),
        (httpx2.ProxyError("x"), "proxy", False),
        (httpx2.TooManyRedirects("x"), "circles", False),
        (httpx2.UnsupportedProtocol("x"), "not the web", False),
    ],
)
def test_errors_of_the_library_in_plain_words(
    error: httpx2.HTTPError, words: str, *, again: bool
) -> None:
    found = failure(error)
    assert words in found.message
    assert isinstance(found, PassingError) is again


def test_attempts_are_further_and_further_apart() -> None:
    waited: list[float] = []

    def never() -> None:
        raise PassingError("busy", wait=3 if len(waited) == 2 else None)

    patience = Patience(attempts=6, first=1, longest=5, sleep=waited.append)
    with pytest.raises(PassingError, match="busy"):
        patience.insist(never)
    assert waited == [1, 2, 4, 5, 5]


def test_certificates_of_the_usual_variables_are_taken(tmp_path: Path) -> None:
    usual = transfer._certificates({})
    folder = transfer._certificates({"REQUESTS_CA_BUNDLE": str(tmp_path)})
    assert folder is not usual
    assert folder.cert_store_stats()["x509"] == 0 < usual.cert_store_stats()["x509"]
    assert transfer._certificates({"CURL_CA_BUNDLE": str(tmp_path)}) is folder
    own = {"SSL_CERT_DIR": str(tmp_path), "REQUESTS_CA_BUNDLE": "x"}
    assert transfer._certificates(own) is folder


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_certificates_that_are_none_are_an_error(tmp_path: Path, content: bytes | None) -> None:
    place = tmp_path / "bundle.pem"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(TransferError, match="REQUESTS_CA_BUNDLE"):
        Client(_PUBLIC, environment={"REQUESTS_CA_BUNDLE": str(place)})


def test_proxies_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    with Client(_PUBLIC) as client:
        mounts: Any = client._mounts
        assert any("https" in str(pattern.pattern) for pattern in mounts)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry-after": "7"}, 7), ({"retry-after": "Wed, 21 Oct 2026"}, None),
     ({"retry-after": "-1"}, None), ({"retry-after": "\u0663"}, None)],
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert transfer._wait(httpx2.Headers({k: v.encode() for k, v in headers.items()})) == seconds  # type: ignore[arg-type]


def test_nothing_is_fetched_by_a_client_that_was_closed(hub: FakeHub) -> None:
    with Client(hub.url, patience=QUICK) as client:
        resource = Resource(client, f"{hub.url}/file")
    with pytest.raises(TransferError, match="let go"):
        resource.part(0, 5)


def test_connections_have_a_clock_also_those_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library is reached into for that: if it is built otherwise one day, this notices."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    with Client(_PUBLIC) as client:
        inner: Any = client
        transports = [inner._transport, *filter(None, inner._mounts.values())]
        backends = {type(each._pool._network_backend) for each in transports}
    assert len(transports) > 1
    assert backends == {pacing._Backend}


def test_a_slow_server_is_asked_a_few_times_and_a_broken_one_more_often(hub: FakeHub) -> None:
    hub.add("acme/model", {"config.json": b"{}"})
    for part, most in (("head", 5), ("", 25)):
        hub.log.clear()
        hub.files_trickle = part
        hub.break_after = [0] * 1000
        patience = QUICK._replace(grace=0.05)
        with Client(hub.url, patience=patience) as client:
            for _ in range(40):
                resource = Resource(client, f"{hub.url}/acme/model/resolve/main/config.json", 2)
                with pytest.raises(TransferError) as raised:
                    resource.part(0, 2)
        assert raised.value.message.endswith("; the server was given up")
        assert raised.value.message.startswith("the server sends too" if part else "the connection")
        assert len(hub.log) <= most


def test_an_answer_that_is_taken_forgives_those_that_were_not(hub: FakeHub) -> None:
    hub.add("acme/model", {"config.json": b"{}"})
    hub.break_after = [0, 0, 0, 99] * 20
    with Client(hub.url, patience=QUICK) as client:
        for _ in range(20):
            resource = Resource(client, f"{hub.url}/acme/model/resolve/main/config.json", 2)
            assert resource.part(0, 2) == b"{}"
    assert len(hub.log) == 80


@pytest.mark.parametrize("endless", [True, False])
def test_a_light_scan_ends_after_an_hour(*, endless: bool) -> None:
    now = [0.0]
    answer = httpx2.Response(200, content=b"{}")
    with _client(_PUBLIC, lambda _: answer, clock=lambda: now[0], endless=endless) as client:
        assert client.get(f"{_PUBLIC}/a").content == b"{}"
        now[0] += 3601
        if endless:
            client.get(f"{_PUBLIC}/a")
        else:
            with pytest.raises(TransferError, match="60 minutes"):
                client.get(f"{_PUBLIC}/a")
