from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from modelscan import api
from modelscan.report.terminal import Terminal
from modelscan.report.writer import Output
from tests.forge import archives, gguf, pickles, safetensors
from tests.hub import giants
from tests.hub.content import Content
from tests.hub.scanning import fake_hub, gaps, options, rules, scan
from tests.hub.server import FakeHub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        yield server


def _requests(hub: FakeHub) -> Counter[str]:
    """Requests by file, redirects included; those of the API and of git under one name."""
    names = (request.path.partition("?")[0] for request in hub.log)
    about = ("/api/", "/info/refs", "/git-upload-pack")
    return Counter(
        "API" if any(part in name for part in about) else name.rpartition("/")[2] for name in names
    )


@pytest.mark.parametrize("proved", [True, False], ids=["git", "no git"])
def test_a_repository_of_140_gb_is_scanned_with_few_requests_and_bytes(
    hub: FakeHub, *, proved: bool
) -> None:
    commit = hub.add("acme/model", giants.model())
    if proved:
        commit = hub.prove("acme/model")
    assert sum(content.size for content in hub["acme/model"].commits[0].files.values()) > 140e9
    model = scan(hub, f"hf:acme/model@{commit}")
    assert model.answers.allowed.status == "pass"
    assert not gaps(model)
    assert ("proved_by_commit" in model.facts.provenance) == proved
    requests = _requests(hub)
    assert requests.pop("API") <= 8
    assert len(requests) == 37
    assert max(requests.values()) <= 2
    assert hub.sent <= 5_000_000


def test_headers_of_weights_are_read_and_what_was_not_is_said(hub: FakeHub) -> None:
    hub.add("acme/model", giants.model(2))
    model = scan(hub)
    shards = {entry.path for entry in model.files if entry.path.endswith(".safetensors")}
    assert len(shards) == 2
    for entry in model.files:
        assert bool(entry.digests) == (entry.path not in shards)
    partly = {gap.file: gap for gap in model.coverage if gap.status == "header-only"}
    assert set(partly) == shards
    assert not any(gap.needed for gap in partly.values())
    assert model.digest is None
    assert model.answers.official_bytes.status == "not-hashed"
    assert model.answers.load_hazards.status == "none-found"


def test_a_broken_header_is_found_in_a_remote_shard(hub: FakeHub) -> None:
    files = giants.model(2)
    shard = files["model-00001-of-00002.safetensors"]
    assert isinstance(shard, Content)
    hub.add(
        "acme/model",
        files | {"model-00001-of-00002.safetensors": shard._replace(size=shard.size + 64)},
    )
    assert "safetensors-hidden-data" in rules(scan(hub))


def test_a_model_of_small_files_is_hashed_whole(hub: FakeHub) -> None:
    commit = hub.add("acme/model", {"config.json": b"{}", "model.safetensors": safetensors.small()})
    model = scan(hub)
    assert model.digest is not None
    assert model.answers.official_bytes.status == "hub-consistent"
    assert hub.url in model.answers.official_bytes.reason
    assert model.ref == f"hf:acme/model@{commit}"
    assert (model.source.kind, model.source.endpoint) == ("hub", hub.url)
    assert (model.source.revision, model.source.asked_revision) == (commit, None)


def test_the_commands_that_come_next_are_printed(hub: FakeHub) -> None:
    commit = hub.add("acme/model", giants.model(2))
    report = api.scan("hf:acme/model", fetch=options(hub))
    printed = Terminal().write(report, Output(width=120)).decode()
    assert f"modelassay scan --full hf:acme/model@{commit}  " in printed
    assert f"modelassay lock write --add hf:acme/model@{commit}  " in printed
    assert "2 files by header alone" in printed
    narrow = Terminal().write(report, Output(width=60)).decode()
    assert f"modelassay scan --full hf:acme/model@{commit}\n" in narrow


def test_after_all_bytes_only_the_lock_comes_next(hub: FakeHub) -> None:
    hub.add("acme/model", {"config.json": b"{}", "model.safetensors": safetensors.small()})
    printed = (
        Terminal().write(api.scan("hf:acme/model", fetch=options(hub)), Output(width=120)).decode()
    )
    assert "lock write" in printed
    assert "--full" not in printed


def test_nothing_comes_next_after_a_finding(hub: FakeHub) -> None:
    hub.add("acme/model", {"model.pkl": pickles.malicious()["reduce"]})
    printed = (
        Terminal().write(api.scan("hf:acme/model", fetch=options(hub)), Output(width=120)).decode()
    )
    assert "Next:" not in printed


def test_a_remote_checkpoint_is_read_without_its_storages(hub: FakeHub) -> None:
    data = giants.checkpoint(40, 100_000)
    hub.add("acme/model", {"pytorch_model.bin": data})
    model = scan(hub)
    assert model.files[0].format == "pytorch"
    assert "pickle-present" in {finding.rule for finding in model.findings}
    assert not gaps(model)
    assert _requests(hub)["pytorch_model.bin"] <= 3
    assert hub.sent < 300_000
    assert any("40 tensors" in entry.reason for entry in model.coverage)


def test_a_dangerous_call_in_a_remote_checkpoint_is_found(hub: FakeHub) -> None:
    members = {"archive/data.pkl": pickles.malicious()["reduce"]}
    members |= {f"archive/data/{number}": bytes(300_000) for number in range(8)}
    hub.add("acme/model", {"pytorch_model.bin": archives.python_zip(members, 0)})
    assert "pickle-dangerous-call" in rules(scan(hub))


def test_code_beside_the_storages_of_a_remote_checkpoint_is_found(hub: FakeHub) -> None:
    members = {"archive/data.pkl": pickles.torch_state_dict()}
    members |= {f"archive/data/{number}": bytes(300_000) for number in range(8)}
    members["archive/data/extra.pkl"] = pickles.malicious()["reduce"]
    hub.add("acme/model", {"pytorch_model.bin": archives.python_zip(members, 0)})
    assert "pickle-dangerous-call" in rules(scan(hub))


def test_a_folder_of_numbers_without_a_pickle_is_read_whole(hub: FakeHub) -> None:
    members = {f"archive/data/{number}": bytes(300_000) for number in range(7)}
    members["archive/data/7"] = pickles.malicious()["reduce"]
    hub.add("acme/model", {"pytorch_model.bin": archives.python_zip(members, 0)})
    assert "pickle-dangerous-call" in rules(scan(hub))


def test_a_large_pickle_is_read_to_its_end(hub: FakeHub) -> None:
    padded = b"\x80\x04" + b"".join(
        b"B" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"0" for _ in range(6)
    )
    hub.add("acme/model", {"model.pkl": padded + pickles.malicious()["reduce"]})
    assert "pickle-dangerous-call" in rules(scan(hub))
    assert _requests(hub)["model.pkl"] < 16


def test_a_checkpoint_of_old_torch_is_read_without_its_storages(hub: FakeHub) -> None:
    hub.add("acme/model", {"pytorch_model.bin": giants.legacy(110_000_000)})
    model = scan(hub)
    assert not gaps(model)
    assert "pickle-present" in {finding.rule for finding in model.findings}
    assert not rules(model)
    assert _requests(hub)["pytorch_model.bin"] <= 5
    assert hub.sent < 3_000_000


def test_a_remote_gguf_is_read_by_its_header(hub: FakeHub) -> None:
    tensors = [gguf.Tensor("token_embd.weight", [1 << 20, 3])]
    hub.add("acme/model", {"model.gguf": gguf.GGUF.file(gguf.PAIRS, tensors)})
    model = scan(hub)
    assert model.files[0].format == "gguf"
    assert _requests(hub)["model.gguf"] <= 3


def test_a_server_that_ignores_ranges_is_cut_off(hub: FakeHub) -> None:
    hub.add("acme/model", giants.model(2))
    hub.ignores_ranges = True
    model = scan(hub)
    assert not gaps(model)
    assert hub.sent < 100_000_000  # of nine billion: what lay in the buffers of the connection


def test_ranges_further_inside_are_not_downloaded_up_to(hub: FakeHub) -> None:
    hub.add("acme/model", {"pytorch_model.bin": giants.checkpoint(20, 300_000)})
    hub.ignores_ranges = True
    assert "parts" in gaps(scan(hub))["pytorch_model.bin"]


def test_another_part_than_the_one_asked_for_is_refused(hub: FakeHub) -> None:
    hub.add("acme/model", giants.model(1))
    hub.other_part = True
    assert "another part" in gaps(scan(hub))["model-00001-of-00001.safetensors"]


def test_one_family_of_a_gguf_repository(hub: FakeHub) -> None:
    small = gguf.small(("general.architecture", "llama"))
    names = [
        "m-Q4_K_M.gguf",
        "m-Q4_K_S.gguf",
        "m-q8_0.gguf",
        "Q4_K_M/m-00001-of-00002.gguf",
        "README.md",
    ]
    commit = hub.add(
        "acme/model", {name: b"words" if name.endswith("md") else small for name in names}
    )
    model = scan(hub, "hf:acme/model:q4_k_m")
    assert {entry.path for entry in model.files} == {
        "m-Q4_K_M.gguf", "Q4_K_M/m-00001-of-00002.gguf", "README.md",
    }  # fmt: skip
    assert model.ref == f"hf:acme/model:q4_k_m@{commit}"
    assert model.digest is None  # part of a model is no model
    assert {gap.file for gap in model.coverage if gap.status == "skipped"} >= {"m-q8_0.gguf"}


def test_a_family_that_is_not_there_names_those_that_are(hub: FakeHub) -> None:
    hub.add("acme/model", {"m-q8_0.gguf": b"GGUF"})
    error = scan(hub, "hf:acme/model:Q4_K_M").error
    assert error is not None
    assert "m-q8_0.gguf" in error
    hub.add("acme/other", {"config.json": b"{}"})
    assert "no GGUF file at all" in (scan(hub, "hf:acme/other:Q4").error or "")


def test_only_chosen_files_are_fetched(hub: FakeHub) -> None:
    hub.add("acme/model", giants.model(2))
    api.scan("hf:acme/model", fetch=options(hub), include=["*.json"], exclude=["config.json"])
    fetched = set(_requests(hub)) - {"API"}
    assert fetched == {
        "model.safetensors.index.json",
        "generation_config.json",
        "tokenizer_config.json",
    }


def test_empty_files_are_asked_for_once_if_they_could_be_code(hub: FakeHub) -> None:
    hub.add("acme/model", {"config.json": b"{}", "__init__.py": b"", "logs/.gitkeep": b""})
    model = scan(hub)
    assert {entry.path: entry.size for entry in model.files}["__init__.py"] == 0
    assert _requests(hub)["__init__.py"] == 1
    assert ".gitkeep" not in _requests(hub)
    assert not gaps(model)
    assert model.digest is not None


def test_listings_in_pages_are_read_to_their_end(hub: FakeHub) -> None:
    hub.page = 10
    hub.add("acme/model", {f"part-{number:03}.json": b"{}" for number in range(35)})
    assert len(scan(hub).files) == 35


def test_what_the_hub_says_is_in_the_report(hub: FakeHub) -> None:
    first = hub.add("acme/model", {"config.json": b"{}", "model.pkl": b"\x80\x04N."})
    repository = hub["acme/model"]
    repository.commit(
        {"config.json": b"{ }"}, author="somebody-else", date="2026-03-01T00:00:00.000Z"
    )
    repository.tags["v1"] = first
    repository.info |= {
        "downloads": 5, "likes": 2, "pipeline_tag": "text-generation", "library_name": "transformers",
        "cardData": {"license": "mit", "base_model": ["org/base"]},
        "baseModels": {"relation": "finetune", "models": [{"id": "org/base", "_id": "1"}]},
    }  # fmt: skip
    repository.security["model.pkl"] = {
        "status": "unsafe", "avScan": {"status": "safe"},
        "pickleImportScan": {"status": "unsafe", "pickleImports": [{"module": "os", "name": "system", "safety": "dangerous"}]},
    }  # fmt: skip
    hub.owners["acme"] = {"name": "acme", "isVerified": True}
    model = scan(hub, "hf:acme/model@v1")
    provenance = json.loads(json.dumps(model.facts.provenance))
    assert provenance["released"] == "2026-01-01T00:00:00Z"
    assert provenance["modified"] == "2026-01-01T00:00:00Z"
    told = provenance["repository"]
    assert told["object_id"].startswith("638f7ae3")
    assert (told["asked_revision"], told["revision"], told["pinned"]) == ("v1", first, False)
    assert (told["owner_kind"], told["owner_verified"]) == ("organisation", True)
    assert (told["base_models"], told["relation"], told["children"]) == (
        ["org/base"],
        "finetune",
        3,
    )
    assert (told["licence"], told["task"], told["downloads"]) == ("mit", "text-generation", 5)
    assert told["mirror"] is True
    history = provenance["history"]
    assert (history["newer"], history["newer_authors"]) == (1, ["somebody-else"])
    assert (history["tags"], history["named"], history["author"]) == (["v1"], ["v1"], "acme")
    assert provenance["scanner_results"] == [
        {
            "file": "model.pkl",
            "verdict": "unsafe",
            "scanners": ["pickleImportScan: unsafe (os.system)"],
        },
    ]
    assert "hub-scanner-reports-unsafe" in rules(model)


def test_the_list_of_a_repositorys_issues_is_the_other_shape(hub: FakeHub) -> None:
    hub.add("acme/model", {"model.pkl": b"\x80\x04N."})
    hub["acme/model"].info["securityRepoStatus"] = {
        "scansDone": True, "filesWithIssues": [{"path": "model.pkl", "level": "suspicious"}, {"path": 3}, None],
    }  # fmt: skip
    assert scan(hub).facts.provenance["scanner_results"] == [
        {"file": "model.pkl", "verdict": "suspicious", "scanners": []}
    ]


def test_what_the_hub_does_not_say_is_said(hub: FakeHub) -> None:
    commit = hub.add("acme/model", {"config.json": b"{}"})
    hub.raw["/api/models/acme/model/refs"] = b"<html>"
    hub.raw["/api/organizations/acme/overview"] = b"3"
    hub.raw[f"/api/models/acme/model/paths-info/{commit}"] = b"<html>"
    model = scan(hub)
    reasons = [entry.reason for entry in model.coverage if entry.file == "."]
    assert any("branches and tags" in reason for reason in reasons)
    assert any("scanner results" in reason for reason in reasons)
    assert model.facts.provenance["repository"]["owner_kind"] == "unknown"
    assert model.answers.allowed.status == "pass"
