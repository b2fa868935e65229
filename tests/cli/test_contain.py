from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from tests.cli.conftest import Command
from tests.forge.deployments import EXAMPLES, service, write

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "report-1.json"
BAD = EXAMPLES / "tgi-kubernetes" / "bad"


def test_what_a_person_sees(modelassay: Command) -> None:
    ran = modelassay("contain", BAD)
    assert (ran.code, ran.err) == (1, "")
    flat = " ".join(ran.out.split())
    assert "chat/tgi: Deployment that serves hf:Qwen/Qwen2.5-7B-Instruct with tgi" in flat
    assert "/var/run/docker.sock is mounted: whoever speaks to it owns the host" in flat
    assert "If this model were compromised, it could reach any address" in flat
    assert "the container runtime, and through it the host" in flat
    assert "could persist anywhere on the host" in flat
    assert "not known output-filtered; requests-logged" in flat
    assert "score" not in flat
    assert max(map(len, ran.out.splitlines())) <= 80


def test_levels_of_detail(modelassay: Command) -> None:
    normal = modelassay("contain", BAD).out
    quiet = modelassay("contain", BAD, "-q").out
    verbose = modelassay("contain", BAD, "-v").out
    assert len(quiet.splitlines()) < len(normal.splitlines()) < len(verbose.splitlines())
    assert "If this model were compromised" in quiet
    assert "server-open-to-everybody" in verbose


def test_the_document_is_valid(modelassay: Command) -> None:
    ran = modelassay("contain", EXAMPLES / "vllm-compose" / "bad", "-f", "json", "--offline")
    document = json.loads(ran.out)
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text())).validate(document)
    (model,) = document["models"]
    assert model["answers"]["official_bytes"]["reason"].startswith("not asked")
    assert {"control", "outcome", "required", "reason", "file", "line"} == set(
        model["containment"]["workloads"][0]["controls"][0]
    )
    assert str(EXAMPLES) not in ran.out


@pytest.mark.parametrize(
    "form", ["sarif", "markdown", "html", "junit", "gitlab", "github", "cyclonedx", "spdx"]
)
def test_every_format_has_the_findings(modelassay: Command, tmp_path: Path, form: str) -> None:
    file = tmp_path / "report"
    ran = modelassay("contain", BAD, "-f", f"{form}={file}")
    assert ran.code == 1
    text = file.read_text()
    assert "server-open-to-everybody" in text or "tgi.yaml" in text


def test_a_scan_has_no_section(modelassay: Command, tmp_path: Path) -> None:
    write(tmp_path, "config.json", '{"model_type": "bert"}')
    ran = modelassay("scan", tmp_path, "-f", "json")
    assert "containment" not in json.loads(ran.out)["models"][0]


def test_a_report_can_be_converted(modelassay: Command, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    modelassay("contain", BAD, "-f", f"json={file}")
    ran = modelassay("report", "convert", file)
    assert "If this model were compromised" in ran.out


def test_an_environment_decides(modelassay: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "modelassay.toml", '[env.agents]\nautonomy = "act"\n')
    good = EXAMPLES / "tgi-kubernetes" / "good"
    assert modelassay("contain", good, "--config", config).code == 0
    ran = modelassay("contain", good, "--config", config, "--env", "agents")
    assert ran.code == 3
    assert "requests-logged is required, and cannot be told" in " ".join(ran.out.split())


def test_a_configuration_in_the_path_is_ignored(
    modelassay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(tmp_path)
    write(tmp_path, "modelassay.toml", 'autonomy = "act"\n')
    monkeypatch.chdir(tmp_path)
    ran = modelassay("contain", ".")
    assert ran.code == 0
    assert "is ignored" in ran.err


def test_writing(modelassay: Command, tmp_path: Path) -> None:
    ran = modelassay("contain", BAD, "--write", tmp_path / "out")
    assert ran.code == 1
    assert "wrote" in ran.err
    assert "not contained by this: chat/tgi: image-pinned" in ran.err
    assert (tmp_path / "out/kubernetes/kustomization.yaml").is_file()
    after = modelassay("contain", tmp_path / "out/kubernetes")
    assert after.code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--env", "a", "--policy", "b"], "both name the policy"),
        (["--pin", "x@sha256:1"], "about --write"),
        (["-q", "-v"], "contradict"),
        (["--report", "nowhere.json"], "cannot be read"),
        (["--env", "nowhere"], "there is no policy"),
    ],
)
def test_options_that_cannot_be_obeyed(
    modelassay: Command, tmp_path: Path, options: list[str], words: str
) -> None:
    ran = modelassay("contain", service(tmp_path), *options)
    assert ran.code == 2
    assert words in ran.err


def test_nothing_and_nowhere(modelassay: Command, tmp_path: Path) -> None:
    assert modelassay("contain", EXAMPLES / "nothing-to-do-with-models").code == 4
    assert modelassay("contain", tmp_path / "missing").code == 3
    assert modelassay("contain").code == 2


def test_hostile_names_are_inert(modelassay: Command, tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", 'services: {"\\u202e\\e[31mx<b>|": {image: "ollama/ollama:1"}}')
    for form in ("terminal", "markdown", "html", "sarif", "json"):
        out = modelassay("contain", tmp_path, "-f", form).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "x<b>" not in out.replace("`", "") or form in {
            "terminal",
            "json",
            "sarif",
            "markdown",
        }
