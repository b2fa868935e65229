from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.options import FetchOptions, Secret
from modelscan.fetcher.transfer import Patience
from modelscan.fetcher.web import WebFile
from modelscan.vocabulary.fact import SourceDigest, SourceRevision
from modelscan.vocabulary.ref import ModelRef
from modelscan.vocabulary.snapshot import Snapshot
from tests.forge import safetensors
from tests.forge.archives import python_zip
from tests.hub.server import FakeHub

QUICK = Patience(attempts=2, sleep=lambda _: None)
LARGE = safetensors.small()
EVIL = python_zip({"m/weights.pkl": b"cposix\nsystem\n(S'id'\ntR."})


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        running.add("acme/model", {"model.safetensors": LARGE, "evil.zip": EVIL, "a b.txt": b"x"})
        yield running


_OPEN: list[Snapshot] = []


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("modelscan.fetcher.sources.SOURCES", (WebFile(QUICK),))
    yield
    while _OPEN:
        _OPEN.pop().close()


def _address(hub: FakeHub, name: str) -> str:
    return f"{hub.url}/acme/model/resolve/main/{name}"


def _take(address: str, options: FetchOptions | None = None) -> Snapshot:
    _OPEN.append(WebFile(QUICK).snapshot(ModelRef.parse(address), options or FetchOptions()))
    return _OPEN[-1]


def test_one_file_is_a_model(hub: FakeHub) -> None:
    snapshot = _take(_address(hub, "model.safetensors"))
    assert (snapshot.ref, snapshot.source.kind) == (_address(hub, "model.safetensors"), "url")
    (file,) = snapshot.files
    assert (file.name, file.size) == ("model.safetensors", len(LARGE))
    with file.open() as artifact:
        assert artifact.read_at(0, 1 << 30) == LARGE
    (revision,) = snapshot.facts
    assert isinstance(revision, SourceRevision)
    assert not revision.pinned


def test_a_signature_in_the_address_gets_into_no_report(hub: FakeHub) -> None:
    address = _address(hub, "model.safetensors") + "?X-Signature=geheim"
    assert "geheim" not in _take(address).ref
    assert any("X-Signature=geheim" in request.path for request in hub.log)
    missing = api.scan(_address(hub, "gone.bin") + "?X-Signature=geheim").models[0]
    assert "geheim" not in str(missing)
    assert missing.error is not None
    assert "not found or private" in missing.error


def test_a_digest_behind_the_address_pins_it(hub: FakeHub) -> None:
    digest = hashlib.sha256(EVIL).hexdigest()
    revision, stated = _take(_address(hub, "evil.zip") + f"#sha256={digest}").facts
    assert isinstance(revision, SourceRevision)
    assert revision.pinned
    assert isinstance(stated, SourceDigest)
    assert stated.expected == digest
    wrong = api.scan(_address(hub, "evil.zip") + f"#sha256={digest[::-1]}").models[0]
    assert {"source-digest-differs", "pickle-dangerous-call"} <= {f.rule for f in wrong.findings}
    with pytest.raises(SourceError, match="no digest"):
        _take(_address(hub, "evil.zip") + "#md5=1")


def test_no_token_is_sent(hub: FakeHub) -> None:
    _take(_address(hub, "evil.zip"), FetchOptions(token=Secret("hf_secret")))
    assert {request.authorization for request in hub.log} == {""}


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("http://example.org/m.bin", UsageError, "not encrypted"),
        ("https://user:geheim@example.org/m.bin", UsageError, "password"),
        ("https://[", SourceError, "not an address"),
        ("https:///m.bin", UsageError, "no address"),
    ],
)
def test_addresses_that_are_refused(address: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as raised:
        _take(address)
    assert "geheim" not in str(raised.value)


def test_offline_gated_and_gone_are_told_apart(hub: FakeHub) -> None:
    with pytest.raises(SourceError, match="offline"):
        _take(_address(hub, "evil.zip"), FetchOptions(offline=True))
    assert not hub.log
    for status, says in ((403, "gated"), (410, "not found"), (418, "answers 418")):
        hub.failures = [(status, {})]
        with pytest.raises(SourceError, match=says):
            _take(_address(hub, "evil.zip"))
    hub.failures = [(200, {})] * 2
    assert _take(_address(hub, "evil.zip")).files[0].size == 0


def test_names_come_from_the_address_and_stay_inside(hub: FakeHub) -> None:
    assert _take(_address(hub, "a%20b.txt")).files[0].name == "a b.txt"
    hub.raw = {"/x/../..": b"x", "/": b"y", "/..": b"z"}
    assert _take(hub.url + "/%2e%2e").files[0].name == "file"
    assert _take(hub.url).files[0].name == "file"


def test_everything_is_hashed_with_full(hub: FakeHub, tmp_path: Path) -> None:
    fetch = FetchOptions(full=True, cache=tmp_path)
    report = api.scan(_address(hub, "evil.zip"), fetch=fetch).models[0]
    (file,) = report.files
    assert file.digests["sha256"] == hashlib.sha256(EVIL).hexdigest()
    assert report.answers.allowed.status == "fail"
