from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelscan import api
from modelscan.fetcher.options import Secret
from modelscan.report.native import Native
from modelscan.report.writer import Output
from tests.forge import pickles, safetensors
from tests.hub import giants
from tests.hub.content import git_blob
from tests.hub.scanning import fake_hub, gaps, options, rules, scan
from tests.hub.server import FakeHub

_WEIGHTS = safetensors.small()
_FILES = {"config.json": b'{"model_type": "llama"}', "model.safetensors": _WEIGHTS}
_TOKEN = "hf_secretsecretsecret"  # noqa: S105  # a token of the test


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add("acme/model", _FILES)
        yield server


@pytest.fixture(params=["light", "full"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "cache" if request.param == "full" else None


def test_bytes_of_the_same_size_that_are_not_the_listed_ones(
    hub: FakeHub, cache: Path | None
) -> None:
    hub["acme/model"].served["model.safetensors"] = _WEIGHTS[:-4] + b"evil"
    model = scan(hub, cache=cache)
    assert "source-digest-differs" in rules(model)
    assert model.answers.allowed.status == "fail"
    assert model.answers.official_bytes.status != "hub-consistent"


def test_a_small_file_that_is_not_the_listed_one(hub: FakeHub, cache: Path | None) -> None:
    hub["acme/model"].served["config.json"] = b'{"model_type": "LLAMA"}'
    assert "source-digest-differs" in rules(scan(hub, cache=cache))


def test_large_bytes_that_are_not_the_listed_ones_are_scanned_and_thrown_away(
    hub: FakeHub, tmp_path: Path
) -> None:
    honest = b"\x80\x04B" + (9 << 20).to_bytes(4, "little") + bytes(9 << 20) + b"."
    evil = pickles.malicious()["reduce"]
    hub.add("acme/model", {"model.pkl": honest})
    hub["acme/model"].served["model.pkl"] = evil + bytes(len(honest) - len(evil))
    model = scan(hub, cache=tmp_path / "cache")
    assert {"source-digest-differs", "pickle-dangerous-call"} <= rules(model)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("change", [-10, 10])
def test_files_of_another_length_are_not_read(
    hub: FakeHub, cache: Path | None, change: int
) -> None:
    data = _WEIGHTS[:change] if change < 0 else _WEIGHTS + bytes(change)
    hub["acme/model"].served["model.safetensors"] = data
    model = scan(hub, cache=cache)
    assert f"{len(data):,} bytes" in gaps(model)["model.safetensors"]
    assert model.answers.allowed.status == "incomplete"


def test_connections_that_break_are_taken_up_again(hub: FakeHub, cache: Path | None) -> None:
    hub.break_after += [10, 0, 20]
    model = scan(hub, cache=cache)
    assert model.answers.official_bytes.status == "hub-consistent"


def test_connections_that_always_break_are_given_up(hub: FakeHub, cache: Path | None) -> None:
    hub.break_after += [0] * 100
    model = scan(hub, cache=cache)
    assert set(gaps(model)) == set(_FILES)
    assert model.answers.allowed.status == "incomplete"


def test_a_pin_that_is_answered_with_another_commit(hub: FakeHub) -> None:
    pinned = hub["acme/model"].branches["main"]
    other = hub["acme/model"].commit({"config.json": b"{}"})
    hub["acme/model"].answers_commit = other
    error = scan(hub, f"hf:acme/model@{pinned}").error
    assert error is not None
    assert other in error
    assert pinned in error


def test_files_that_are_served_from_another_commit(hub: FakeHub, cache: Path | None) -> None:
    hub["acme/model"].serves_commit = "f" * 40
    assert all("serves commit ffff" in reason for reason in gaps(scan(hub, cache=cache)).values())


def test_a_rewritten_history_loses_the_pin(hub: FakeHub) -> None:
    pinned = hub["acme/model"].branches["main"]
    hub["acme/model"].commits.clear()
    hub["acme/model"].commit({"config.json": b"{}"})
    assert (scan(hub, f"hf:acme/model@{pinned}").error or "").startswith("revision not found")


def test_a_pin_outside_of_the_main_branch_has_no_place_in_its_history(hub: FakeHub) -> None:
    repository = hub["acme/model"]
    main = repository.branches["main"]
    pinned = repository.commit({"config.json": b"{ }"})
    repository.branches["main"] = main
    history = scan(hub, f"hf:acme/model@{pinned}").facts.provenance["history"]
    assert history["head"] == main
    assert "newer" not in history


def test_a_repository_that_was_renamed_is_named_as_the_hub_names_it(hub: FakeHub) -> None:
    hub.renamed["old/name"] = "acme/model"
    model = scan(hub, "hf:old/name")
    assert model.ref.startswith("hf:acme/model@")
    assert model.facts.provenance["repository"]["asked"] == "old/name"
    assert "hub-repository-renamed" in rules(model)
    assert model.answers.allowed.status == "pass"


def test_a_name_that_differs_in_case_alone_is_not_renamed(hub: FakeHub) -> None:
    hub.renamed["Acme/Model"] = "acme/model"
    assert "hub-repository-renamed" not in rules(scan(hub, "hf:Acme/Model"))


def test_a_name_that_was_registered_again_has_another_number(hub: FakeHub) -> None:
    first = scan(hub).facts.provenance["repository"]["object_id"]
    hub["acme/model"].info |= {
        "_id": "699999999999999999999999",
        "createdAt": "2026-06-01T00:00:00Z",
    }
    second = scan(hub).facts.provenance
    assert second["repository"]["object_id"] != first
    assert second["released"] == "2026-06-01T00:00:00Z"


@pytest.mark.parametrize(
    "path",
    ["../../.bashrc", "/etc/cron.d/x", "a/../../b", "C:\\x", "a\\..\\b", "..", "a//b", "./a", ""],
)
def test_paths_that_lead_out_are_never_asked_for(
    hub: FakeHub, cache: Path | None, path: str, tmp_path: Path
) -> None:
    entry = {"type": "file", "path": path, "size": 3, "oid": git_blob(b"abc")}
    hub["acme/model"].extra.append(entry)
    before = sorted(tmp_path.parent.iterdir())
    model = scan(hub, cache=cache)
    assert (path or "?") in gaps(model)
    assert "package-path-escapes" in rules(model)
    assert model.answers.allowed.status == "fail"
    assert len([request for request in hub.log if "/resolve/" in request.path]) == len(_FILES)
    assert sorted(tmp_path.parent.iterdir()) == before


@pytest.mark.parametrize("path", ["a\x1b[2Jb", "a\nb", "a\u202egpj.exe"])
def test_paths_that_do_not_show_as_they_are(hub: FakeHub, path: str) -> None:
    hub["acme/model"].extra.append({"type": "file", "path": path, "size": 3, "oid": "0" * 40})
    model = scan(hub)
    assert path in gaps(model)
    assert {"deceptive-file-name", "reversed-file-name"} & rules(model)


@pytest.mark.parametrize("path", ["CONFIG.json", "conf\u0130g.json", "config.json"])
def test_paths_that_fall_together_on_some_disks(hub: FakeHub, path: str) -> None:
    hub["acme/model"].extra.append({"type": "file", "path": path, "size": 3, "oid": "0" * 40})
    found = rules(scan(hub)) & {"package-name-repeated", "path-case-collision"}
    expected = {"config.json": "package-name-repeated", "CONFIG.json": "path-case-collision"}
    assert found == {expected[path]} if path in expected else not found


@pytest.mark.parametrize("size", [-1, 1 << 60, "3", None, 1.5, True])
def test_sizes_that_are_none_are_gaps(hub: FakeHub, size: object) -> None:
    hub["acme/model"].extra.append({"type": "file", "path": "x.bin", "size": size, "oid": "0" * 40})
    assert "x.bin" in gaps(scan(hub))


@pytest.mark.parametrize("digest", ["", "../../x", "0" * 63, 5, None])
def test_digests_that_are_none_are_not_used(hub: FakeHub, digest: object, tmp_path: Path) -> None:
    large = bytes(9 << 20)
    hub["acme/model"].commit({"raw.dat": large})
    entry = {"type": "file", "path": "raw.dat", "size": len(large), "oid": "0" * 40,
             "lfs": {"oid": digest, "size": 3, "pointerSize": 3}}  # fmt: skip
    commit = hub["acme/model"].branches["main"]
    hub.raw[f"/api/models/acme/model/tree/{commit}"] = json.dumps([entry]).encode()
    model = scan(hub, cache=tmp_path / "cache")
    assert model.files[0].digests
    assert model.answers.official_bytes.status == "unknown"
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_token_goes_to_the_hub_and_to_nobody_else(hub: FakeHub, cache: Path | None) -> None:
    report = api.scan("hf:acme/model", fetch=options(hub, cache, token=Secret(_TOKEN)))
    for request in hub.log:
        own = request.host.startswith("127.0.0.1")
        assert request.authorization == (f"Bearer {_TOKEN}" if own else "")
    assert any(request.host.startswith("localhost") for request in hub.log)
    assert _TOKEN not in Native().write(report, Output()).decode()
    assert _TOKEN not in repr(options(hub, token=Secret(_TOKEN)))


def test_no_token_goes_anywhere_unless_it_is_asked_for(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", _TOKEN)
    monkeypatch.setenv("HF_HOME", os.fspath(tmp_path))
    (tmp_path / "token").write_text(_TOKEN)
    scan(hub)
    assert {request.authorization for request in hub.log} == {""}
    assert {request.agent.partition("/")[0] for request in hub.log} == {"modelassay"}


def test_files_may_lie_on_another_host_whose_bytes_are_hashed(hub: FakeHub) -> None:
    with FakeHub() as other:
        other.raw["/elsewhere"] = _WEIGHTS[:-4] + b"evil"
        hub.redirect_to = other.cdn + "/elsewhere"
        model = scan(hub, token=Secret(_TOKEN))
        assert "source-digest-differs" in rules(model)
        assert {request.authorization for request in other.log} == {""}


@pytest.mark.parametrize("place", ["ftp://localhost/x", "file:///etc/passwd", "http://[::1", ""])
def test_redirects_to_what_is_not_the_web_are_refused(hub: FakeHub, place: str) -> None:
    hub.redirect_to = place or "http://"
    assert "model.safetensors" in gaps(scan(hub))


def test_a_large_file_in_a_small_ones_place(hub: FakeHub) -> None:
    hub.add("acme/model", {"config.json": b"{}", **giants.model(1)})
    hub["acme/model"].extra.append(
        {"type": "file", "path": "huge.json", "size": 1 << 40, "oid": "0" * 40}
    )
    assert "huge.json" in gaps(scan(hub))
    assert hub.sent < 5_000_000


def test_the_library_tells_nothing_about_this_machine_and_asks_nothing_of_its_own(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> str:
        raise AssertionError("the library looked at this machine")

    monkeypatch.setattr("huggingface_hub.utils._headers.detect_agent", never)
    monkeypatch.setattr("huggingface_hub.utils._headers.is_torch_available", never)
    assert scan(hub).error is None
    assert not any("harness" in request.path for request in hub.log)


def test_the_librarys_own_session_and_settings_are_put_back(hub: FakeHub) -> None:
    import httpx2
    import huggingface_hub
    from huggingface_hub.utils import _http

    telemetry = huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
    theirs = httpx2.Client()
    huggingface_hub.set_client_factory(lambda: theirs)
    try:
        scan(hub)
        assert huggingface_hub.get_session() is theirs
        assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY is telemetry
    finally:
        huggingface_hub.set_client_factory(_http.default_client_factory)  # closes theirs


def test_other_content_than_the_listed_one_behind_a_redirect(hub: FakeHub) -> None:
    pinned = hub["acme/model"].branches["main"]
    listed = [
        {"type": "file", "path": "model.safetensors", "size": len(_WEIGHTS), "oid": "0" * 40,
         "lfs": {"oid": "1" * 64, "size": len(_WEIGHTS), "pointerSize": 130}},
        {"type": "directory", "path": "folder", "oid": "0" * 40},
    ]  # fmt: skip
    hub.raw[f"/api/models/acme/model/tree/{pinned}"] = json.dumps(listed).encode()
    model = scan(hub)
    assert gaps(model) == {
        "model.safetensors": "the hub serves other content than it lists",
        "config.json": "the hub's summary of the commit names it, and the hub's listing does not",
    }


def test_a_hub_that_names_no_commit(hub: FakeHub) -> None:
    hub["acme/model"].answers_commit = "main"
    assert "no commit" in (scan(hub).error or "")


def test_what_a_server_wants_to_be_logged_is_not(hub: FakeHub) -> None:
    records: list[logging.LogRecord] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    watch = Watch()
    logger = logging.getLogger("huggingface_hub")
    logger.addHandler(watch)
    try:
        hub.failures += [(418, {"X-HF-Warning": "topic; \x1b[2Jlook here"})]
        assert scan(hub).error is not None
        hub["acme/model"].info["cardData"] = {"model-index": [{"name": 3}]}
        assert scan(hub).error is None
    finally:
        logger.removeHandler(watch)
    assert records == []
