"""Every way in which the fake hub attacks, through every command that reads models.

Each ends in the right finding or error; none passes; nothing is written but the cache; the token
goes to the hub alone, and stands in no report and no log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from modelscan import api
from modelscan.fetcher import sources
from modelscan.fetcher.hub.source import HuggingFaceHub
from modelscan.fetcher.options import FetchOptions, Secret
from modelscan.fetcher.transfer import Patience
from modelscan.report.native import Native
from modelscan.report.writer import Output
from modelscan.vocabulary.result import Report
from tests.forge import safetensors
from tests.hub.scanning import fake_hub
from tests.hub.server import FakeHub

_WEIGHTS = safetensors.small()
_CONFIG = b'{"model_type": "llama"}'
_FILES = {"config.json": _CONFIG, "model.safetensors": _WEIGHTS}
_TOKEN = "hf_secretsecretsecret"  # noqa: S105  # a token of the test
_NAME = "acme/model"
_EMPTY = {
    "type": "file", "path": "__init__.py", "size": 0,
    "oid": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
}  # fmt: skip


class Attack(NamedTuple):
    """What the hub does, and how it has to end."""

    act: Callable[[FakeHub], object]
    ends: str
    """A rule, or a part of the error or of the reason of a gap."""
    pinned: bool = False
    """The reference names a commit, the first one."""
    lineage: bool = True
    """It is about the weights or about all of the model, so that their descent is not told."""


def _served(path: str, data: bytes) -> Callable[[FakeHub], object]:
    return lambda hub: hub[_NAME].served.update({path: data})


def _listed(path: str) -> Callable[[FakeHub], object]:
    entry = {"type": "file", "path": path, "size": 3, "oid": "0" * 40}
    return lambda hub: hub[_NAME].extra.append(entry)


def _lying_pin(hub: FakeHub) -> None:
    hub[_NAME].answers_commit = hub[_NAME].commit({"config.json": b"{}"})


def _rewritten(hub: FakeHub) -> None:
    hub[_NAME].commits.clear()
    hub[_NAME].commit({"config.json": b"{}"})


def _registered_again(hub: FakeHub) -> None:
    del hub.repositories[_NAME]
    hub.add(_NAME, {"config.json": b"{ }"})


def _set(name: str, value: object) -> Callable[[FakeHub], object]:
    return lambda hub: setattr(hub, name, value)


def _of_repository(name: str, value: object) -> Callable[[FakeHub], object]:
    return lambda hub: setattr(hub[_NAME], name, value)


_ATTACKS = {
    "same size, other bytes": Attack(
        _served("model.safetensors", _WEIGHTS[:-4] + b"evil"), "source-digest-differs",
        lineage=False,
    ),
    "a small file swapped": Attack(
        _served("config.json", _CONFIG.upper()), "source-digest-differs", lineage=False
    ),
    "truncated": Attack(_served("model.safetensors", _WEIGHTS[:-9]), "bytes"),
    "longer than listed": Attack(_served("model.safetensors", _WEIGHTS + b"more"), "bytes"),
    "a pin that lies": Attack(_lying_pin, "was asked for", pinned=True),
    "files of another commit": Attack(_of_repository("serves_commit", "f" * 40), "serves commit"),
    "a rewritten history": Attack(_rewritten, "revision not found", pinned=True),
    "a name registered again": Attack(_registered_again, "revision not found", pinned=True),
    "no commit at all": Attack(_of_repository("answers_commit", "main"), "no commit"),
    "connections that break": Attack(_set("break_after", [0] * 400), "connection broke"),
    "never an answer": Attack(
        lambda hub: hub.failures.extend([(503, {})] * 400), "server answers 503"
    ),
    "a redirect to another host": Attack(
        _set("redirect_api_to", "http://localhost:9"), "another host"
    ),
    "a listing continued elsewhere": Attack(
        lambda hub: (_set("next_page_at", "http://localhost:9")(hub), _set("page", 1)(hub)),
        "another host",
    ),
    "a redirect without encryption": Attack(
        _set("redirect_to", "ftp://example.org/file"), "redirects"
    ),
    "a listing that hides a file": Attack(
        lambda hub: hub[_NAME].info.update(
            siblings=[{"rfilename": path} for path in (*_FILES, "pytorch_model.bin")]
        ),
        "the hub's listing does not", lineage=False,
    ),
    "an empty file that is none": Attack(
        lambda hub: hub[_NAME].extra.append(_EMPTY), "listed, but not there", lineage=False
    ),
    "a file that is listed as empty": Attack(
        lambda hub: (hub[_NAME].commit({**_FILES, "modeling_x.py": b""}),
                     _served("modeling_x.py", b"import os")(hub)),
        "has 9 bytes of it, not 0", lineage=False,
    ),
    "a file where a folder is": Attack(
        _listed("config.json/modeling.py"), "path-case-collision", lineage=False
    ),
    "a name that Windows shortens": Attack(
        _listed("config.json. ."), "path-case-collision", lineage=False
    ),
    "another stream of a file": Attack(
        _listed("model.safetensors::$DATA"), "path-case-collision", lineage=False
    ),
    "a path of Windows": Attack(_listed("..\\evil"), "leads out of the folder", lineage=False),
    "files that are served elsewhere": Attack(
        _set("redirect_to", "http://localhost:9/file"), "cannot be reached"
    ),
    "parts that were not asked for": Attack(_set("other_part", value=True), "another part"),
    "an answer that is no hub's": Attack(
        lambda hub: hub.raw.update({f"/api/models/{_NAME}": b"<html>Sign in</html>"}),
        "cannot be understood",
    ),
    "an answer nested without end": Attack(
        lambda hub: hub.raw.update({f"/api/models/{_NAME}": b"[" * 200_000}),
        "cannot be understood",
    ),
    "redirects in circles": Attack(
        lambda hub: hub.renamed.update({_NAME: _NAME}), "redirects in circles"
    ),
    "a server that asks to wait for a day": Attack(
        lambda hub: hub.failures.extend([(429, {"Retry-After": "86400"})] * 400),
        "asks to wait 86,400 seconds",
    ),
    "disabled": Attack(_of_repository("disabled", value=True), "disabled"),
    "a gate that opens for others": Attack(_of_repository("gated", "manual"), "gated"),
    "a listing without end": Attack(_set("endless", value=True), "files are listed"),
    "names that fall together": Attack(
        _listed("CONFIG.json"), "path-case-collision", lineage=False
    ),
    "a name listed twice": Attack(_listed("config.json"), "listed twice", lineage=False),
    "a name that leads out": Attack(
        _listed("../../../evil"), "leads out of the folder", lineage=False
    ),
    "an absolute name": Attack(_listed("/evil"), "leads out of the folder", lineage=False),
    "a name that is not shown": Attack(_listed("a\x1b[2Jb"), "leads out", lineage=False),
}  # fmt: skip


_SLOW = Patience(sleep=lambda _: None, grace=0.05)
for _part in ("head", "interim", "body", "chunks", "chunk-length"):
    _ATTACKS[f"a slow {_part}"] = Attack(_set("trickles", _part), "too slowly")
for _part in ("head", "interim", "chunks", "chunk-length"):
    _ATTACKS[f"files with a slow {_part}"] = Attack(_set("files_trickle", _part), "too slowly")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add(_NAME, _FILES)
        yield server


def _light(ref: str, fetch: FetchOptions, folder: Path) -> Report:
    del folder
    return api.scan(ref, fetch=fetch)


def _full(ref: str, fetch: FetchOptions, folder: Path) -> Report:
    del folder
    return api.scan(ref, fetch=_whole(fetch))


def _verify(ref: str, fetch: FetchOptions, folder: Path) -> Report:
    del folder
    return api.verify(ref, fetch=fetch)


def _lineage(ref: str, fetch: FetchOptions, folder: Path) -> Report:
    del folder
    return api.compare(ref, fetch=fetch)


def _pull(ref: str, fetch: FetchOptions, folder: Path) -> Report:
    return api.pull(ref, folder / "model", fetch=fetch, lock=folder / "models.lock").report


def _whole(fetch: FetchOptions) -> FetchOptions:
    return msgspec.structs.replace(fetch, full=True)


_COMMANDS = {"scan": _light, "scan --full": _full, "verify": _verify, "lineage": _lineage,
             "pull": _pull}  # fmt: skip


_CASES = [
    (name, command)
    for name in _ATTACKS
    for command in _COMMANDS
    if "slow" not in name or command in {"scan", "pull"}  # they wait in the same place
]


@pytest.mark.parametrize(("name", "command"), _CASES)
def test_no_attack_passes(
    hub: FakeHub,
    tmp_path: Path,
    name: str,
    command: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelscan.fetcher.hub.listing.MOST_FILES", 3_000)  # a faster end
    attack = _ATTACKS[name]
    if "slow" in name:
        monkeypatch.setattr(sources, "SOURCES", (HuggingFaceHub(_SLOW), *sources.SOURCES[1:]))
    pin = hub[_NAME].branches["main"]
    attack.act(hub)
    folder, cache = tmp_path / "site", tmp_path / "cache"
    folder.mkdir()
    ref = f"hf:{_NAME}@{pin}" if attack.pinned else f"hf:{_NAME}"
    fetch = FetchOptions(endpoint=hub.url, token=Secret(_TOKEN), cache=cache)
    with caplog.at_level(logging.DEBUG):
        report = _COMMANDS[command](ref, fetch, folder)

    if command != "lineage" or attack.lineage:
        assert report.decision.exit_code in {1, 3}
    if command not in {"lineage", "verify"}:  # their reports have answers, and no findings
        assert attack.ends in _told(report)
    assert os.listdir(folder) == []  # noqa: PTH208  # nothing appeared, nothing was locked
    assert set(os.listdir(tmp_path)) <= {"site", "cache"}  # noqa: PTH208  # and nothing beside it
    assert not any(path.name.endswith("evil") for path in cache.rglob("*"))
    _check_token(hub, report, caplog.text)


def _told(report: Report) -> str:
    """Everything that the report says happened."""
    (model,) = report.models
    rules = [finding.rule for finding in model.findings]
    return "\n".join([model.error or "", *rules, *(gap.reason for gap in model.coverage)])


def _check_token(hub: FakeHub, report: Report, logged: str) -> None:
    for request in hub.log:
        expected = f"Bearer {_TOKEN}" if request.host == f"127.0.0.1:{hub.port}" else ""
        assert request.authorization == expected
    assert _TOKEN.encode() not in Native().write(report, Output())
    assert _TOKEN not in logged


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_same_hub_without_an_attack(hub: FakeHub, tmp_path: Path, command: str) -> None:
    """So that the test above can fail: what it refuses is the attack."""
    fetch = FetchOptions(endpoint=hub.url, token=Secret(_TOKEN), cache=tmp_path / "cache")
    report = _COMMANDS[command](f"hf:{_NAME}", fetch, tmp_path)
    unknown = command == "verify"  # nobody vouches for it
    assert report.decision.exit_code == (1 if unknown else 0), _told(report)
    assert (tmp_path / "model").exists() == (command == "pull")


# -- names that deceive ------------------------------------------------------------------------


def _found(hub: FakeHub, name: str) -> dict[str, str]:
    report = api.scan(f"hf:{name}", fetch=FetchOptions(endpoint=hub.url))
    (model,) = report.models
    found = {finding.rule: finding.severity for finding in model.findings}
    return found | {"exit": str(report.decision.exit_code)}


def test_a_look_alike_of_a_publisher_fails(hub: FakeHub) -> None:
    hub.add("meta-IIama/Llama-3.1-8B", _FILES)
    found = _found(hub, "meta-IIama/Llama-3.1-8B")
    assert found["publisher-look-alike"] == "high"
    assert found["exit"] == "1"


def test_a_republisher_who_says_what_it_is_made_from_is_not_suspected(hub: FakeHub) -> None:
    name = "someone/Llama-3.1-8B-Instruct"
    hub.add(name, _FILES)
    assert "model-name-borrowed" in _found(hub, name)
    base = {"relation": "quantized", "models": [{"id": "meta-llama/Llama-3.1-8B-Instruct"}]}
    hub[name].info["baseModels"] = base
    found = _found(hub, name)
    assert not {"model-name-borrowed", "publisher-look-alike", "publisher-name-similar"} & set(
        found
    )
    assert found["exit"] == "0"


def test_what_is_said_of_a_branch_and_of_a_mirror_are_notes(hub: FakeHub) -> None:
    found = _found(hub, _NAME)
    assert found["hub-revision-unpinned"] == found["hub-endpoint-mirror"] == "info"
    assert "reference-not-pinned" not in found
    pinned = _found(hub, f"{_NAME}@{hub[_NAME].branches['main']}")
    assert "hub-revision-unpinned" not in pinned
