"""Deployments in other people's style: the same servers, started and opened in other ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import controls, pod, service, violated, workloads, write

QWEN = "Qwen/Qwen2.5-7B-Instruct"


@pytest.mark.parametrize(
    ("command", "server"),
    [
        (f"[uvx, vllm, serve, {QWEN}, --trust-remote-code]", "vllm"),
        (f"[uv, run, --with, vllm, vllm, serve, {QWEN}, --trust-remote-code=true]", "vllm"),
        (f"[conda, run, -n, env, vllm, serve, {QWEN}, --trust_remote_code]", "vllm"),
        (f"[torchrun, -m, sglang.launch_server, --model-path, {QWEN}, --trust-remote-code]", "sglang"),
        (f"[/usr/bin/tini, -g, --, text-generation-launcher, --model-id, {QWEN}, --trust-remote-code]", "tgi"),
        (f"[/opt/venv/bin/vllm, serve, {QWEN}, --trust-remote-code, 'True']", "vllm"),
        (f"[python3, -u, -m, vllm.entrypoints.openai.api_server, --model={QWEN}, --trust-remote-code]", "vllm"),
        (f"[env, A=b, vllm, serve, {QWEN}, --trust-remote-code]", "vllm"),
        (f"[numactl, -N, '0', sglang, serve, --model-path, {QWEN}, --trust-remote-code]", "sglang"),
        (f"[sh, /entrypoint.sh, vllm, serve, {QWEN}, --trust-remote-code]", "vllm"),
        (f"[/start.sh, vllm, serve, {QWEN}, --trust-remote-code]", "vllm"),
        (f"[bash, -euxo, pipefail, -c, 'vllm serve {QWEN} --trust-remote-code']", "vllm"),
        (f"[sh, -c, '. /venv/bin/activate && setsid vllm serve {QWEN} --trust-remote-code > /l 2>&1']", "vllm"),
        (f"[python, serve.py, --model, {QWEN}, --trust-remote-code]", "unknown"),
    ],
)  # fmt: skip
def test_a_server_behind_what_starts_it(tmp_path: Path, command: str, server: str) -> None:
    file = write(tmp_path, "p.yaml", f"""
    apiVersion: v1
    kind: Pod
    metadata: {{name: p}}
    spec: {{containers: [{{name: m, image: "registry.example/x:1", command: {command}}}]}}
    """)  # fmt: skip
    (found,) = workloads(file).values()
    assert (found.server, found.models) == (server, (f"hf:{QWEN}",))
    assert controls(file)["no-remote-code"].outcome == "violated"


@pytest.mark.parametrize(
    "command", ["[env, A=b, nginx]", "[uv, run, pytest]", "[sh, /entrypoint.sh, postgres]", "[A=b]"]
)
def test_other_programs_behind_what_starts_them(tmp_path: Path, command: str) -> None:
    file = write(
        tmp_path,
        "p.yaml",
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: m, image: x, command: {command}}}]}}\n",
    )
    assert workloads(file) == {}


ROLE = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, annotations: {eks.amazonaws.com/role-arn: x}}
"""


@pytest.mark.parametrize(
    ("spec", "container", "others", "control", "outcome"),
    [
        (
            "automountServiceAccountToken: false\nvolumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]",
            "", "", "no-service-account-token", "violated",
        ),
        ("volumes: [{name: t, secret: {secretName: keys}}]",
         "volumeMounts: [{name: t, mountPath: /keys}]", "", "no-credentials", "unknown"),
        ("volumes: [{name: t, secret: {secretName: server-tls}}]",
         "volumeMounts: [{name: t, mountPath: /certs}]", "", "no-credentials", "satisfied"),
        ("volumes: [{name: t, secret: {secretName: keys}}]",
         "volumeMounts: [{name: t, mountPath: /keys}]\nargs: [--api-key-file, /keys/callers]", "",
         "no-credentials", "satisfied"),
        ("", "env: [{name: HF_TOKEN_PATH, value: /x}]", "", "no-credentials", "violated"),
        ("", "env: [{name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /x}]", "", "no-credentials", "violated"),
        ("serviceAccountName: reader", "", ROLE.replace("NAME", "reader"), "no-credentials", "violated"),
        ("", "", ROLE.replace("NAME", "default"), "no-credentials", "violated"),
        ("", "", ROLE.replace("NAME", "other"), "no-credentials", "satisfied"),
        ("initContainers: [{name: v, image: i, command: [sh, -c, 'modelassay verify /m || true']}]",
         "", "", "verified-before-start", "violated"),
        ("initContainers: [{name: g, image: alpine/git, args: [clone, 'https://huggingface.co/a/b']}]",
         "", "", "weights-local", "violated"),
        ("", "securityContext: {seccompProfile: {type: Unconfined}}", "", "least-privilege", "violated"),
        ("volumes: [{name: d, hostPath: {path: /dev/nvme0n1}}]",
         "volumeMounts: [{name: d, mountPath: /disk}]", "", "host-separated", "violated"),
    ],
)  # fmt: skip
def test_ways_round_a_control_in_a_pod(
    tmp_path: Path, spec: str, container: str, others: str, control: str, outcome: str
) -> None:
    assert controls(pod(tmp_path, spec, container, others))[control].outcome == outcome


@pytest.mark.parametrize(
    ("more", "top", "control"),
    [
        ("privileged: '${PRIV:-true}'", "", "unprivileged"),
        ("devices: ['/dev/mem:/dev/mem']", "", "host-separated"),
        ("environment: {DOCKER_HOST: 'tcp://dind:2375'}", "", "host-separated"),
        ("security_opt: ['seccomp:unconfined']", "", "least-privilege"),
        ("networks: [in, out]", "networks: {in: {internal: true}, out: {}}", "egress-restricted"),
    ],
)  # fmt: skip
def test_ways_round_a_control_in_a_service(
    tmp_path: Path, more: str, top: str, control: str
) -> None:
    assert control in violated(service(tmp_path, more, top))


def test_volumes_of_another_service(tmp_path: Path) -> None:
    file = write(tmp_path, "compose.yaml", """
    services:
      a: {image: "vllm/vllm-openai:1", volumes_from: ["b:ro", gone]}
      b: {image: busybox, volumes: ["/var/run/docker.sock:/d.sock", "m:/models"]}
    """)  # fmt: skip
    said = controls(file)
    assert said["host-separated"].outcome == "violated"
    assert said["model-read-only"].outcome == "satisfied"


def test_a_page_that_lets_everybody_in(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "compose.yaml",
        "services: {w: {image: 'ghcr.io/open-webui/open-webui:1', environment: {WEBUI_AUTH: 'False'}}}",
    )
    assert controls(file)["authenticated"].outcome == "violated"


def test_adapters_that_callers_load(tmp_path: Path) -> None:
    text = (
        "services: {s: {image: 'lmsysorg/sglang:1', command: --model-path /m --enable-lora MORE}}"
    )
    file = write(tmp_path, "compose.yaml", text.replace(" MORE", ""))
    assert "no-runtime-loading" in violated(file)
    file = write(tmp_path, "compose.yaml", text.replace("MORE", "--admin-api-key abc1"))
    assert "no-runtime-loading" not in violated(file)


def test_what_serves_gives_a_pod_its_name(tmp_path: Path) -> None:
    file = write(tmp_path, "p.yaml", """
    apiVersion: v1
    kind: Pod
    metadata: {name: p}
    spec:
      containers:
        - {name: a, image: "ghcr.io/all-hands-ai/openhands:1"}
        - {name: m, image: "vllm/vllm-openai:1"}
    """)  # fmt: skip
    (found,) = workloads(file).values()
    assert (found.server, found.role) == ("vllm", "serves")


def test_a_service_has_what_its_dockerfile_brings(tmp_path: Path) -> None:
    write(
        tmp_path,
        "srv/Dockerfile",
        f"FROM vllm/vllm-openai:1\nENV HF_TOKEN=abc1 A=1\nCMD ['--model', '{QWEN}', '--trust-remote-code']\n".replace("'", '"'),
    )  # fmt: skip
    write(tmp_path, "compose.yaml", """
    services:
      one: {build: ./srv, privileged: true}
      two: {build: {context: ., dockerfile: srv/Dockerfile}, command: --model /models/x, environment: {A: "2"}}
      three:
        build:
          dockerfile_inline: |
            FROM ollama/ollama
      four: {build: ./other}
    """)  # fmt: skip
    found = workloads(tmp_path)
    assert set(found) == {"srv", "one", "two", "three"}
    one = violated(tmp_path, workload="one")
    assert {"unprivileged", "no-remote-code", "no-credentials"} <= one
    assert controls(tmp_path, workload="one")["no-remote-code"].file == "srv/Dockerfile"
    assert found["two"].models == ("/models/x",)
    assert "no-remote-code" not in violated(tmp_path, workload="two")
    assert controls(tmp_path, workload="one")["image-pinned"].outcome == "unknown"


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ("", "violated"),
        ("environment: {LOCALAI_DISABLE_GALLERY_ENDPOINT: 'true'}", "satisfied"),
        ("command: run --disable-gallery-endpoint", "satisfied"),
        ("volumes: ['./m:/models:ro']", "satisfied"),
    ],
)
def test_callers_of_localai_add_models(tmp_path: Path, more: str, outcome: str) -> None:
    file = service(tmp_path, more)
    file.write_text(file.read_text().replace("vllm/vllm-openai:v1", "localai/localai:v3"))
    assert controls(file)["no-runtime-loading"].outcome == outcome


@pytest.mark.parametrize(
    ("command", "authenticated", "loading"),
    [
        ("torchserve --start --models all", "unknown", "satisfied"),
        ("torchserve --start --disable-token-auth --enable-model-api", "violated", "violated"),
    ],
)
def test_torchserve_asks_for_a_token_by_itself(
    tmp_path: Path, command: str, authenticated: str, loading: str
) -> None:
    file = service(tmp_path, f"command: {command}\nports: ['8080:8080']")
    file.write_text(file.read_text().replace("vllm/vllm-openai:v1", "pytorch/torchserve:0.12"))
    said = controls(file)
    assert said["authenticated"].outcome == authenticated
    assert said["no-runtime-loading"].outcome == loading
