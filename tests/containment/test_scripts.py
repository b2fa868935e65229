"""Containers that scripts and units run, drop-ins, and files that are not read but named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import controls, look, violated, workloads, write


def test_a_script_that_runs_a_container_is_a_deployment(tmp_path: Path) -> None:
    write(tmp_path, "run.sh", """
    #!/bin/bash
    set -e
    docker build -t other .
    sudo docker run --rm --name=llm --gpus all -v /:/host --privileged \\
        -e HF_TOKEN=$HF_TOKEN -p 8000:8000 \\
        vllm/vllm-openai:latest --model acme/chat-7b --trust-remote-code
    podman run -d nginx
    docker run --name o -p 127.0.0.1:11434:11434 --network none ollama/ollama
    """)  # fmt: skip
    assert set(workloads(tmp_path)) == {"llm", "o"}
    said = violated(tmp_path, workload="llm")
    assert {
        "no-credentials", "authenticated", "unprivileged", "host-separated", "no-remote-code",
        "model-pinned", "image-pinned",
    } <= said  # fmt: skip
    assert workloads(tmp_path)["llm"].line == 4
    assert {"authenticated", "egress-restricted"}.isdisjoint(violated(tmp_path, workload="o"))


@pytest.mark.parametrize(
    "text", ["docker run --rm golang:1 go test ./...\n", "echo docker run\n", "docker run\n", ""]
)
def test_scripts_that_run_no_model(tmp_path: Path, text: str) -> None:
    assert look(write(tmp_path, "x.sh", text)).decision.status == "nothing"


UNIT = "[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"


def test_drop_ins_count_for_their_unit(tmp_path: Path) -> None:
    write(tmp_path, "ollama.service", UNIT)
    write(
        tmp_path,
        "ollama.service.d/10-open.conf",
        "[Service]\nEnvironment=OLLAMA_HOST=0.0.0.0 OLLAMA_ORIGINS=*\n",
    )
    write(tmp_path, "ollama.service.d/20-net.conf", "[Service]\nIPAddressDeny=any\n")
    write(tmp_path, "ollama.service.d/readme.txt", "no drop-in")
    said = controls(tmp_path)
    assert said["authenticated"].outcome == "violated"
    assert said["egress-restricted"].outcome == "satisfied"
    assert said["egress-restricted"].file == "ollama.service.d/20-net.conf"


def test_drop_ins_of_a_unit_that_a_package_brings(tmp_path: Path) -> None:
    write(
        tmp_path,
        "etc/systemd/system/ollama.service.d/override.conf",
        "[Service]\nEnvironment=OLLAMA_HOST=0.0.0.0\n",
    )
    write(tmp_path, "etc/systemd/system/ssh.service.d/x.conf", "[Service]\nRestart=no\n")
    write(tmp_path, "empty.service.d/x.conf", "# nothing\n")
    (found,) = workloads(tmp_path).values()
    assert (found.name, found.server) == ("ollama", "ollama")
    said = controls(tmp_path)
    assert said["authenticated"].outcome == "violated"
    assert said["least-privilege"].outcome == "unknown"  # the unit itself is not here


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("ExecStartPre=/usr/bin/modelassay verify /models", "satisfied"),
        ("ExecStartPre=-/usr/bin/modelassay verify /models", "violated"),
        ("ExecStartPre=/bin/sh -c 'modelassay verify /models || true'", "violated"),
        ("ExecStartPre=/bin/sh -c 'modelassay verify /models && touch /run/ok'", "satisfied"),
        ("ExecStartPre=/bin/echo modelassay verify /models", "violated"),
    ],
)
def test_a_check_whose_failure_is_forgiven_is_none(tmp_path: Path, row: str, outcome: str) -> None:
    file = write(
        tmp_path, "o.service", f"[Service]\n{row}\nExecStart=llama-server -m /models/x.gguf\n"
    )
    assert controls(file)["verified-before-start"].outcome == outcome


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.yaml", "image: {repository: vllm/vllm-openai}\n"),
        ("values-prod.yaml", "model: {args: [--model, x]}\nimage: text-generation-inference\n"),
        ("job.nomad", 'config { image = "ollama/ollama" }\n'),
        ("main.tf", 'image = "vllm/vllm-openai:latest"\n'),
        ("task.json", '{"containerDefinitions": [{"image": "vllm/vllm-openai"}]}'),
        ("play.yml", "- docker_container: {image: ollama/ollama}\n"),
    ],
)
def test_deployments_in_other_languages_are_named(tmp_path: Path, name: str, text: str) -> None:
    report = look(write(tmp_path, name, text))
    (gap,) = report.models[0].coverage
    assert (gap.file, gap.status, gap.needed) == (name, "unsupported", True)
    assert report.decision.status == "incomplete"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.yaml", "image: nginx\n"),
        ("main.tf", 'image = "postgres"\n'),
        ("lambda.tf", 'environment = { MODEL_ID = "hosted-by-somebody" }\n'),
        ("openapi.yaml", "info: {title: vllm}\n"),
        ("play.yml", "- docker_container: {image: nginx}\n"),
    ],
)
def test_other_files_are_passed_over(tmp_path: Path, name: str, text: str) -> None:
    assert look(write(tmp_path, name, text)).models[0].coverage == ()
