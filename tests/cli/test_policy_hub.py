"""Policies over models of a hub: the fine-tune of somebody unknown, pins, advisories, consent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelscan.policy import discovery, layers
from tests.cli.conftest import Command
from tests.forge import policies, safetensors
from tests.forge.policies import configure
from tests.hub.scanning import fake_hub
from tests.hub.server import FakeHub

COMMIT = "c" * 40
WEIGHTS = safetensors.small()
DOCUMENTED = f"""---
license: apache-2.0
base_model: acme/base
base_model_relation: finetune
datasets: [acme/words]
---
# Tuned

- **Developed by:** Acme Labs
- made from acme/base@{COMMIT}

## Training procedure

SFT for one epoch.

## Model Card Contact

ml@acme.example
"""
BARE = "---\nbase_model: acme/base\nbase_model_relation: finetune\n---\n# Tuned\n"
TEMPLATE = b"{% for m in messages %}{{ m.content }}{% endfor %}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A hub that the command finds, and a folder to run in, on a fixed day."""
    with fake_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("SOURCE_DATE_EPOCH", policies.EPOCH)
        monkeypatch.delenv(discovery.VARIABLE, raising=False)
        monkeypatch.delenv(layers.FLOOR_VARIABLE, raising=False)
        monkeypatch.chdir(tmp_path)
        yield server


def scan(modelassay: Command, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = modelassay("scan", *arguments, "-f", "json")
    (model,) = json.loads(ran.out)["models"]
    return ran.code, model


def lines(model: dict[str, Any]) -> set[str]:
    return {f["evidence"]["line"] for f in model["findings"] if f["rule"] == "policy-not-met"}


def test_production_names_each_absent_document_of_an_unknown_fine_tune(
    hub: FakeHub, modelassay: Command
) -> None:
    hub.add("nobody/tuned", {"model.safetensors": WEIGHTS, "README.md": BARE.encode()})
    code, model = scan(modelassay, "hf:nobody/tuned", "--policy", "production")
    documents = {
        f"requirements.{name}"
        for name in (
            "base-revision-named", "licence-allowed", "datasets-named", "method-named",
            "contact-named",
        )
    }  # fmt: skip
    assert code == 1
    assert documents < lines(model)
    assert {"requirements.revision-pinned", "requirements.hashes-verified"} < lines(model)
    assert all(line in model["answers"]["allowed"]["reason"] for line in documents)
    assert scan(modelassay, "hf:nobody/tuned")[0] == 0


def test_with_its_documents_nothing_but_proof_is_missing(hub: FakeHub, modelassay: Command) -> None:
    commit = hub.add("acme/tuned", {"model.safetensors": WEIGHTS, "README.md": DOCUMENTED.encode()})
    code, model = scan(modelassay, f"hf:acme/tuned@{commit}", "--policy", "production")
    assert code == 1
    assert lines(model) == {"requirements.hashes-verified"}
    claims = {claim["claim"] for claim in model["facts"]["claims"]}
    assert {"author", "contact", "method", "base-revision"} < claims


def test_a_pin_goes_by_the_repository_whatever_the_revision(
    hub: FakeHub, modelassay: Command, tmp_path: Path
) -> None:
    files = {"model.safetensors": WEIGHTS, "chat_template.jinja": TEMPLATE}
    hub.add("acme/model", files)
    assert modelassay("policy", "pin", "hf:acme/model", "--owner", "me").code == 0
    assert 'model = "hf:acme/model"' in (tmp_path / discovery.FILE).read_text()
    assert scan(modelassay, "hf:acme/model")[0] == 0
    hub.add("acme/model", files | {"chat_template.jinja": TEMPLATE + b"{{ x }}"})
    code, model = scan(modelassay, "hf:acme/model")
    assert code == 1
    assert "pinned-template-changed" in {found["rule"] for found in model["findings"]}


def test_an_advisory_about_a_commit_is_not_about_another(
    hub: FakeHub, modelassay: Command, tmp_path: Path
) -> None:
    commit = hub.add("acme/model", {"model.safetensors": WEIGHTS})
    affected = [{"package": {"purl": f"pkg:huggingface/acme/model@{commit}"}}]
    (tmp_path / "osv").mkdir()
    document = {"id": "OSV-1", "summary": "leaks", "affected": affected}
    (tmp_path / "osv" / "OSV-1.json").write_text(json.dumps(document), encoding="utf-8")
    configure(tmp_path, 'advisories = ["osv"]\n')
    code, model = scan(modelassay, f"hf:acme/model@{commit}")
    assert code == 1
    assert model["findings"][0]["rule"] == "advisory-affects-model"
    newer = hub.add("acme/model", {"model.safetensors": WEIGHTS, "config.json": b"{}"})
    assert newer != commit
    assert scan(modelassay, "hf:acme/model")[0] == 0


def test_publishers_and_age_are_those_of_the_hub(
    hub: FakeHub, modelassay: Command, tmp_path: Path
) -> None:
    hub.add("evil/tuned", {"model.safetensors": WEIGHTS, "README.md": DOCUMENTED.encode()})
    configure(tmp_path, 'max-age-days = 1\n[publishers]\nacme = "allow"\n"*" = "deny"\n')
    code, model = scan(modelassay, "hf:evil/tuned")
    assert code == 1
    assert "publishers.evil" in lines(model)
    assert lines(model) <= {"publishers.evil", "max-age-days"}


def test_who_published_it_is_believed_of_a_configured_hub_alone(
    hub: FakeHub, modelassay: Command, tmp_path: Path
) -> None:
    hub.add("acme/model", {"model.safetensors": WEIGHTS})
    publishers = '[publishers]\nacme = "allow"\n"*" = "deny"\n'
    configure(tmp_path, publishers)
    code, model = scan(modelassay, "hf:acme/model")
    assert (code, lines(model)) == (1, {"publishers.acme"})
    assert any(f"as the mirror {hub.url} calls it" in f["message"] for f in model["findings"])
    configure(tmp_path, f'endpoints = ["{hub.url}/"]\n{publishers}')
    assert scan(modelassay, "hf:acme/model")[0] == 0


def test_a_floor_believes_the_hubs_that_it_names(
    hub: FakeHub, modelassay: Command, tmp_path: Path
) -> None:
    hub.add("acme/model", {"model.safetensors": WEIGHTS})
    floor = tmp_path / "floor.toml"
    floor.write_text('[publishers]\nacme = "allow"\n"*" = "deny"\n')
    configure(tmp_path, f'floor = "floor.toml"\nendpoints = ["{hub.url}"]\n')
    assert scan(modelassay, "hf:acme/model")[0] == 1
    floor.write_text(f'endpoints = ["{hub.url}"]\n' + floor.read_text())
    assert scan(modelassay, "hf:acme/model")[0] == 0
    configure(
        tmp_path, f'floor = "floor.toml"\nendpoints = ["{hub.url}", "https://else.example"]\n'
    )
    ran = modelassay("policy", "check")
    assert (ran.code, "says less than the floor" in ran.err) == (2, True)
