"""Compose files over each other: what services extend, files of variables, models of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.containment import layers
from modelscan.containment.nodes import Table, documents
from modelscan.errors import BudgetError
from tests.forge.deployments import controls, look, service, violated, workloads, write


def gaps(*paths: Path) -> list[str]:
    return [gap.reason for gap in look(*paths).models[0].coverage]


def test_a_service_is_whole_with_what_it_extends(tmp_path: Path) -> None:
    write(tmp_path, "shared/base.yml", """
    services:
      common:
        image: vllm/vllm-openai:v1
        privileged: true
        environment: [HF_TOKEN=abc1, A=1]
        volumes: ["m:/models"]
    """)  # fmt: skip
    write(tmp_path, "compose.yaml", """
    services:
      llm:
        extends: {file: shared/base.yml, service: common}
        command: --model acme/chat-7b --trust-remote-code
        environment: {A: "2"}
      more: {extends: llm, ports: ["8000:8000"]}
    """)  # fmt: skip
    said = violated(tmp_path, workload="llm")
    assert {"unprivileged", "no-credentials", "no-remote-code"} <= said
    assert {"unprivileged", "no-remote-code", "authenticated"} <= violated(
        tmp_path, workload="more"
    )
    assert workloads(tmp_path)["llm"].file == "compose.yaml"
    assert controls(tmp_path, workload="llm")["unprivileged"].file == "shared/base.yml"
    assert gaps(tmp_path) == []


def test_services_that_extend_each_other_come_to_an_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        "compose.yaml",
        "services: {a: {extends: b, image: ollama/ollama}, b: {extends: a}}",
    )
    assert set(workloads(tmp_path)) == {"a", "b"}
    assert any("in a circle" in reason for reason in gaps(tmp_path))


def test_what_is_extended_is_bounded() -> None:
    rows = ", ".join(f"'{n}:{n}'" for n in range(6_000))
    (root,) = documents(f"{{a: {{ports: [{rows}]}}}}".replace("{a", "{ a"), "f")
    assert isinstance(root, Table)
    with pytest.raises(BudgetError):
        layers.merged(root["a"], root["a"])
    services = ", ".join(f"s{n}: {{extends: s0}}" for n in range(1_100))
    (root,) = documents(f"services: {{{services}}}", "f")
    assert isinstance(root, Table)
    assert any("extend others" in reason for _, reason in layers.resolve({"f": root}))


def test_an_included_file_that_is_here_is_no_gap(tmp_path: Path) -> None:
    service(tmp_path, "", "include: [{path: [more/llm.yaml]}]")
    write(tmp_path, "more/llm.yaml", "services: {o: {image: ollama/ollama, privileged: true}}")
    assert gaps(tmp_path) == []
    assert "unprivileged" in violated(tmp_path, workload="o")


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("networks: [a]", "networks: {b: null}", {"a", "b"}),
        ("depends_on: [a]", "depends_on: {b: {condition: service_healthy}}", {"a", "b"}),
        ("networks: [a]", "networks: !override [b]", ["b"]),
        ("tmpfs: /a", "tmpfs: [/b]", ["/a", "/b"]),
        ("command: [a]", "command: [b]", ["b"]),
        ("volumes: ['x:/m']", "volumes: ['y:/m:ro', 'z:/n']", ["y:/m:ro", "z:/n"]),
        ("ports: ['1:1']", "ports: ['2:2']", ["1:1", "2:2"]),
    ],
)
def test_values_over_each_other(base: str, over: str, expected: object) -> None:
    (first,), (second,) = documents(base, "f"), documents(over, "g")
    made = layers.merged(first, second)
    (value,) = made.values()
    assert (set(value) if isinstance(value, dict) else list(value)) == expected


def test_files_of_variables_are_read_where_they_are(tmp_path: Path) -> None:
    service(tmp_path, "env_file: [.env, {path: conf/more.env}, gone.env]")
    write(tmp_path, ".env", """
    # HF_TOKEN=abc1
    export TRUST_REMOTE_CODE="true"
    not a line
    """)  # fmt: skip
    write(tmp_path, "conf/more.env", "HF_TOKEN = 'abc1' # the team's\n")
    said = controls(tmp_path)
    assert said["no-remote-code"].outcome == "violated"
    assert (said["no-credentials"].file, said["no-credentials"].line) == ("conf/more.env", 1)
    write(tmp_path, "conf/more.env", "HF_TOKEN=none\n")
    assert controls(tmp_path)["no-credentials"].outcome == "unknown"  # gone.env
    write(tmp_path, "gone.env", "X=1\n")
    assert controls(tmp_path)["no-credentials"].outcome == "satisfied"


MODELS = """
services:
  app: {build: ., models: {llm: {endpoint_var: AI}}}
  runner: {provider: {type: model, options: {model: ai/smollm2}}}
models:
  llm:
    model: ai/smollm2@sha256:DIGEST
    runtime_flags: [--trust-remote-code]
  empty: {context_size: 1}
""".replace("DIGEST", "d" * 64)


def test_models_of_a_compose_file_are_workloads(tmp_path: Path) -> None:
    write(tmp_path, "compose.yaml", MODELS)
    found = workloads(tmp_path)
    assert {name: (each.role, each.server) for name, each in found.items()} == {
        "app": ("drives", "client"),
        "runner": ("serves", "docker-model-runner"),
        "llm": ("serves", "docker-model-runner"),
    }
    said = controls(tmp_path, workload="runner")
    assert said["model-pinned"].outcome == said["weights-local"].outcome == "violated"
    assert said["egress-restricted"].outcome == "unknown"
    said = controls(tmp_path, workload="llm")
    assert said["model-pinned"].outcome == "satisfied"
    assert said["no-remote-code"].outcome == "violated"


def test_a_profile_is_looked_at_as_if_it_ran(tmp_path: Path) -> None:
    assert "unprivileged" in violated(service(tmp_path, "profiles: [gpu]\nprivileged: true"))
