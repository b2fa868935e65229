"""The recipes of `docs/attestations.md`: the init container's very command is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelscan.report.intoto import predicates
from tests.cli.conftest import Command
from tests.cli.conftest import modelassay as modelassay  # noqa: PLC0414  # the fixture
from tests.forge import models, signing

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "attestations"


def recipe(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    return found


@pytest.fixture
def mounted(tmp_path: Path, modelassay: Command) -> Path:
    """What the init container sees: the volume, and the config map with a key and a statement."""
    gate = tmp_path / "gate"
    gate.mkdir()
    (gate / "gate.pub").write_bytes(signing.signer().pem)
    (tmp_path / "gate.key").write_bytes(signing.signer().private_pem)
    model = models.plain(tmp_path / "models" / "chat")
    scan = tmp_path / "scan.json"
    assert modelassay("scan", model, "-f", f"json={scan}").code == 0
    report = json.loads(scan.read_text())
    report["policy"]["name"] = "production"
    scan.write_text(json.dumps(report))
    options = ("--key", tmp_path / "gate.key", "-o", gate / "scan.intoto.jsonl")
    assert modelassay("report", "attest", scan, *options).code == 0
    return tmp_path


def run(modelassay: Command, mounted: Path) -> int:
    """The init container's command, with its mounts where they are here."""
    pod = recipe("init-container.yaml")["spec"]["template"]["spec"]
    (container,) = pod["initContainers"]
    program, *words = container["command"]
    assert program == "modelassay"
    for mount in container["volumeMounts"]:
        assert mount["readOnly"]
        path = mount["mountPath"]
        words = [word.replace(path + "/", f"{mounted}{path}/", 1) for word in words]
    return modelassay(*words).code


def test_the_init_container_lets_the_scanned_model_pass(modelassay: Command, mounted: Path) -> None:
    assert run(modelassay, mounted) == 0


@pytest.mark.parametrize("change", ["bytes", "file", "statement", "key", "volume"])
def test_the_init_container_stops_everything_else(
    modelassay: Command, mounted: Path, change: str
) -> None:
    model, gate = mounted / "models" / "chat", mounted / "gate"
    if change == "bytes":
        (model / "config.json").write_bytes(b"{}")
    elif change == "file":
        (model / "more.pkl").write_bytes(models.ECHO)
    elif change == "statement":
        (gate / "scan.intoto.jsonl").write_text("{}")
    elif change == "key":
        (gate / "gate.pub").write_bytes(signing.Signer().pem)
    else:
        model.rename(mounted / "models" / "gone")
    assert run(modelassay, mounted) != 0


def test_a_deployment_by_the_recipe_is_verified_before_its_start(
    modelassay: Command,
) -> None:
    ran = modelassay("contain", EXAMPLES / "init-container.yaml", "-f", "json")
    (workload,) = json.loads(ran.out)["models"][0]["containment"]["workloads"]
    outcomes = {each["control"]: each["outcome"] for each in workload["controls"]}
    assert outcomes["verified-before-start"] == "satisfied"
    assert outcomes["model-read-only"] == "satisfied"
    assert outcomes["least-privilege"] == "satisfied"


def test_the_admission_policies_ask_for_what_is_stated() -> None:
    kyverno = recipe("kyverno.yaml")["spec"]["rules"][0]["verifyImages"][0]
    assert kyverno["attestations"][0]["type"] == predicates.SVR
    controller = recipe("policy-controller.yaml")["spec"]["authorities"][0]["attestations"][0]
    assert controller["predicateType"] == predicates.SVR
    for words in (json.dumps(kyverno), controller["policy"]["data"]):
        for name in ("policies", "properties", "timeCreated", "MODELASSAY_POLICY_PASSED"):
            assert name in words
