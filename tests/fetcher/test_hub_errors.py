from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.errors import UsageError
from modelscan.fetcher.options import FetchOptions, Secret
from tests.hub.scanning import fake_hub, options, scan
from tests.hub.server import FakeHub

_FILES = {"config.json": b"{}", "weights.bin": b"\x80\x04N." + bytes(100)}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add("acme/model", _FILES)
        yield server


def _error(hub: FakeHub, ref: str = "hf:acme/model", token: str = "") -> str:
    """The error of a scan, which must end incomplete and name nothing but the reference."""
    secret = Secret(token) if token else None
    report = api.scan(ref, fetch=options(hub, token=secret))
    assert report.decision.exit_code == 3
    (model,) = report.models
    assert model.source.kind == "hub"
    assert model.error is not None
    assert model.files == ()
    assert not token or token not in json.dumps(model.error)
    return model.error


def test_a_gated_repository_says_so(hub: FakeHub) -> None:
    hub["acme/model"].gated = "manual"
    hub["acme/model"].members.add("member")
    assert "gated" in _error(hub)
    assert "gated" in _error(hub, token="stranger")  # noqa: S106  # a token of the test
    assert scan(hub, token=Secret("member")).error is None


def test_a_gated_repository_of_empty_files_needs_no_knock(hub: FakeHub) -> None:
    hub.add("acme/empty", {"a.txt": b""}, gated="auto", members={"member"})
    assert scan(hub, "hf:acme/empty", token=Secret("member")).error is None


def test_a_file_that_cannot_be_had_is_not_a_gate(hub: FakeHub) -> None:
    hub["acme/model"].gated = "auto"
    hub["acme/model"].members.add("member")
    hub["acme/model"].serves_commit = "0" * 40
    model = scan(hub, token=Secret("member"))
    assert model.error is None
    assert any("serves commit" in gap.reason for gap in model.coverage if gap.needed)


def test_a_private_repository_is_like_none(hub: FakeHub) -> None:
    hub["acme/model"].private = True
    hub["acme/model"].members.add("member")
    assert _error(hub).startswith("not found or private: acme/model")
    assert "--token" in _error(hub)
    assert scan(hub, token=Secret("member")).error is None


def test_a_missing_repository_is_said_to_be_missing_or_private(hub: FakeHub) -> None:
    assert "not found or private: acme/nothing" in _error(hub, "hf:acme/nothing")


@pytest.mark.parametrize("revision", ["nowhere", "0" * 40])
def test_a_missing_revision_is_not_a_missing_repository(hub: FakeHub, revision: str) -> None:
    error = _error(hub, f"hf:acme/model@{revision}")
    assert error.startswith("revision not found")
    assert revision in error


@pytest.mark.parametrize(
    ("ref", "words"),
    [("hf:acme/model@mian", "branch or tag"), ("hf:acme/model@0123abcd", "all of its forty digits"),
     ("hf:acme/model@" + "a" * 40, "history was rewritten"),
     ("hf:acme/model:Q4_K_M", "no GGUF file at all; a branch or tag stands behind an @"),
     ("hf:acme/model/config.json", "--include"), ("hf:datasets/acme/model", "are no models"),
     ("hf:acme//model", "write it as hf:org/name"),
     ("hf:\u0430cme/model", "letters of another script"),
     ("hf:acme/model@v1:Q4_K_M", "the family stands before the revision"),
     ("acme/model", "check the path; for a model on the hub, write hf:acme/model"),
     ("https://huggingface.co/acme/model/blob/main/a.bin", "huggingface.co/acme/model/resolve/main/a.bin")],
)  # fmt: skip
def test_what_was_typed_wrongly_is_told_how_it_is_right(hub: FakeHub, ref: str, words: str) -> None:
    hub.add("acme/model", {"config.json": b"{}"})
    assert words in (scan(hub, ref).error or "")


@pytest.mark.parametrize(
    "ref", ["hf://acme/model", "hf://models/acme/model@main", "pkg:huggingface/acme/model@main"]
)
def test_other_spellings_of_a_reference(hub: FakeHub, ref: str) -> None:
    commit = hub.add("acme/model", {"config.json": b"{}"})
    assert scan(hub, ref).ref == f"hf:acme/model@{commit}"


def test_a_token_without_access_is_not_asked_for_a_token(hub: FakeHub) -> None:
    hub["acme/model"].gated = "manual"
    gated = scan(hub, token=Secret("hf_x")).error or ""
    assert "gated" in gated
    assert "no access yet" in gated
    hub["acme/model"].private = True
    assert "whether the token is of an account" in (scan(hub, token=Secret("hf_x")).error or "")


@pytest.mark.parametrize(
    ("variable", "folder", "shown"),
    [("HF_HUB_CACHE", "", "$HF_HUB_CACHE"), ("HF_HOME", "hub", "$HF_HOME/hub"),
     ("HOME", ".cache/huggingface/hub", "~/.cache/huggingface/hub")],
)  # fmt: skip
def test_offline_a_cached_copy_is_pointed_to(
    hub: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    folder: str,
    shown: str,
) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert "cached copy" in (scan(hub, "hf:acme/model@main", offline=True).error or "")
    (tmp_path / folder / "models--acme--model").mkdir(parents=True)
    error = scan(hub, "hf:acme/model@main", offline=True).error or ""
    assert f"scan {shown}/models--acme--model@main" in error
    assert str(tmp_path) not in error


def test_a_disabled_repository_says_so(hub: FakeHub) -> None:
    hub["acme/model"].disabled = True
    assert _error(hub).startswith("disabled")
    hub["acme/model"].disabled = False
    hub["acme/model"].info["disabled"] = True
    assert _error(hub).startswith("disabled")


def test_offline_asks_nobody(hub: FakeHub) -> None:
    (model,) = api.scan("hf:acme/model", fetch=options(hub, offline=True)).models
    assert (model.error or "").startswith("offline")
    assert hub.log == []


def test_offline_by_the_librarys_own_variable_is_understood(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelscan.fetcher.options import from_environment

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert from_environment(offline=False, full=False, token=False).offline
    assert hub.log == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_is_busy_for_a_while_is_asked_again(hub: FakeHub, status: int) -> None:
    hub.failures += [(status, {"Retry-After": "1"})] * 3
    assert scan(hub).error is None


def test_a_server_that_stays_busy_is_given_up(hub: FakeHub) -> None:
    hub.failures += [(503, {})] * 50
    assert "503" in _error(hub)
    assert len(hub.log) == 5


def test_nobody_waits_for_hours(hub: FakeHub) -> None:
    hub.failures += [(429, {"Retry-After": "86400"})] * 50
    assert "86,400 seconds" in _error(hub)
    assert len(hub.log) == 1


def test_an_unknown_error_has_its_number(hub: FakeHub) -> None:
    hub.failures += [(418, {})] * 50
    assert "418" in _error(hub)


def test_a_token_that_is_not_accepted_says_so(hub: FakeHub) -> None:
    hub.failures += [(401, {"X-Error-Message": "Invalid credentials in Authorization header"})] * 50
    assert "token is not accepted" in _error(hub, token="stale")  # noqa: S106  # a token of the test


def test_nobody_there(hub: FakeHub) -> None:
    with FakeHub() as gone:
        address = gone.url
    (model,) = api.scan("hf:acme/model", fetch=options(hub, endpoint=address)).models
    assert "cannot be reached" in (model.error or "")
    assert "HTTPS_PROXY" in (model.error or "")


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html>", b"[]", b"null", b"3", b'{"id": 3}', b'{"sha": "x"}', b'{"id": "a/b"}',
        b'{"id": "acme/model", "sha": 5}', b'{"id": "acme/model", "sha": "main"}',
        b'{"id": "../../x", "sha": "0123456789012345678901234567890123456789"}',
        b'{"id": "acme/model", "sha": "0123456789012345678901234567890123456789", "siblings": 3}',
        b'{"id": "acme/model", "createdAt": "yesterday"}', b'{"id": "acme/model", "cardData": []}',
        b"[" * 100_000, b'{"a":' * 5_000, b"\xff\xfe", b'{"id": 1e999}',
    ],
)  # fmt: skip
def test_answers_that_no_hub_gives_are_errors(hub: FakeHub, answer: bytes) -> None:
    hub.raw["/api/models/acme/model"] = answer
    assert _error(hub)


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"null", b"3", b'{"a": 1}', b"[3]", b"[{}]", b'[{"type": "file"}]', b"[null]"],
)
def test_listings_that_no_hub_gives_are_errors(hub: FakeHub, answer: bytes) -> None:
    commit = hub["acme/model"].branches["main"]
    hub.raw[f"/api/models/acme/model/tree/{commit}"] = answer
    if answer == b'{"a": 1}':  # the library takes its keys for entries
        assert "cannot be understood" in _error(hub)
    else:
        assert _error(hub)


@pytest.mark.parametrize(
    "route", ["refs", "commits/main", "paths-info/{commit}", "../../organizations/acme/overview"]
)
@pytest.mark.parametrize(
    "answer",
    [b"[3]", b"{}", b'[{"id": 3, "authors": 3, "date": []}]', b'{"branches": 3, "tags": null}',
     b'[{"path": "config.json", "securityFileStatus": {"status": 3, "a": {"pickleImports": [3]}}}]',
     b'[{"path": ["x"]}]', b'{"isVerified": "yes", "branches": [{}]}'],
)  # fmt: skip
def test_answers_beside_the_point_never_end_a_scan(hub: FakeHub, route: str, answer: bytes) -> None:
    commit = hub["acme/model"].branches["main"]
    path = f"/api/models/acme/model/{route.format(commit=commit)}"
    hub.raw[path.replace("/models/acme/model/../..", "")] = answer
    assert scan(hub).error is None


def test_an_answer_of_many_megabytes_is_not_taken(hub: FakeHub) -> None:
    hub.raw["/api/models/acme/model"] = b'{"id": "' + b"a" * (40 << 20) + b'"}'
    assert "more than" in _error(hub)


def test_a_listing_without_end_is_ended(hub: FakeHub) -> None:
    hub.endless = True
    assert "files are listed" in _error(hub)


def test_the_next_page_is_not_fetched_from_elsewhere(hub: FakeHub) -> None:
    hub.page = 1
    hub.next_page_at = hub.cdn
    error = _error(hub, token="secret-token")  # noqa: S106  # a token of the test
    assert "another host" in error
    assert all(request.host.startswith("127.0.0.1") for request in hub.log)


def test_the_interface_is_not_asked_elsewhere(hub: FakeHub) -> None:
    hub.redirect_api_to = hub.cdn
    assert "another host" in _error(hub)
    assert all(request.host.startswith("127.0.0.1") for request in hub.log)


def test_redirects_in_circles_end(hub: FakeHub) -> None:
    hub.renamed["acme/model"] = "acme/model"
    assert "circles" in _error(hub)


@pytest.mark.parametrize("ref", ["hf:", "hf:a b", "hf:../x", "hf:a/b/c", "hf:a/b@../x", "hf:a//b"])
def test_what_is_no_reference_is_not_asked_for(hub: FakeHub, ref: str) -> None:
    assert "not a hub reference" in _error(hub, ref)
    assert hub.log == []


def test_an_endpoint_that_is_not_encrypted_is_refused() -> None:
    with pytest.raises(UsageError, match="not encrypted"):
        api.scan("hf:acme/model", fetch=FetchOptions(endpoint="http://hub.example.org"))
