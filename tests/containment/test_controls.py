from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import COMMIT, controls, look, pod, service, unknown, violated, write


def outcome(folder: Path, control: str, more: str = "", top: str = "") -> str:
    return controls(service(folder, more, top))[control].outcome


@pytest.mark.parametrize(
    ("control", "more"),
    [
        ("no-remote-code", "command: --model a/b-7b --trust-remote-code"),
        ("no-remote-code", "command: [--trust_remote_code, --model, a/b-7b]"),
        ("no-remote-code", "command: bash -c 'exec vllm serve a/b-7b --trust-remote-code'"),
        ("no-remote-code", "environment: {HF_TRUST_REMOTE_CODE: 'true'}"),
        ("no-runtime-loading", "environment: {VLLM_ALLOW_RUNTIME_LORA_UPDATING: 1}"),
        ("no-runtime-loading", "environment: [VLLM_SERVER_DEV_MODE=1]"),
        ("no-local-files", "command: --allowed-local-media-path=/"),
        ("no-local-files", "command: --allowed-local-media-path /srv --model a/b-7b"),
        ("safe-loading", "environment: {TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD: yes}"),
        ("safe-loading", "environment: {VLLM_ALLOW_INSECURE_SERIALIZATION: '1'}"),
        ("safe-loading", "command: --load-format pt"),
        ("safe-loading", "command: [python, -c, 'torch.load(f, weights_only=False)']"),
    ],
)
def test_open_doors(tmp_path: Path, control: str, more: str) -> None:
    assert outcome(tmp_path, control, more) == "violated"


@pytest.mark.parametrize(
    ("control", "more"),
    [
        ("no-remote-code", "command: --model a/b-7b --trust-remote-code=false"),
        ("no-remote-code", "environment: {HF_TRUST_REMOTE_CODE: 'false'}"),
        ("no-runtime-loading", "environment: {VLLM_ALLOW_RUNTIME_LORA_UPDATING: '0'}"),
        ("no-runtime-loading", "command: --enable-lora --lora-modules a=/models/a"),
        ("no-local-files", "command: --model a/b-7b"),
        ("safe-loading", "environment: {TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD: 0}"),
        ("safe-loading", "command: --load-format safetensors"),
    ],
)
def test_closed_doors(tmp_path: Path, control: str, more: str) -> None:
    assert outcome(tmp_path, control, more) == "satisfied"


@pytest.mark.parametrize(
    "more",
    [
        "environment: {HF_TOKEN: hf_abc}",
        "environment: [HF_TOKEN]",
        "environment: {HUGGING_FACE_HUB_TOKEN: '${HF_TOKEN}'}",
        "environment: {MY_HF_TOKEN: x1234}",
        "environment: {AWS_SECRET_ACCESS_KEY: abc}",
        "environment: {OPENAI_API_KEY: sk-abcdef}",
        "command: --hf-token abc",
        "volumes: ['~/.aws:/home/app/.aws:ro']",
        "volumes: ['./x:/home/app/.ssh/id_rsa']",
        "volumes: ['~/.cache/huggingface:/home/app/.cache/huggingface:ro']",
        "volumes: ['${HOME}/.cache:/home/app/.cache']",
        "volumes: [{type: bind, source: /home/me/.kube, target: /kube}]",
    ],
)
def test_keys_in_reach(tmp_path: Path, more: str) -> None:
    assert outcome(tmp_path, "no-credentials", more) == "violated"


@pytest.mark.parametrize(
    "more",
    [
        "environment: {HF_TOKEN: ''}",
        "environment: {OPENAI_API_KEY: not-needed}",
        "environment: {MAX_TOKENS: 512, TOKENIZER: a/b-7b}",
        "environment: {VLLM_API_KEY: abc}",
        "volumes: ['models:/models', '/srv/huggingface:/home/app/.cache/huggingface']",
    ],
)
def test_no_keys(tmp_path: Path, more: str) -> None:
    assert outcome(tmp_path, "no-credentials", more) == "satisfied"


@pytest.mark.parametrize(
    "more",
    [
        "env_file: [.env]",
        "env_file: .env",
        "env_file: [{path: .env}]",
        "secrets: [hub]",
        "secrets: [{source: hub}]",
    ],
)
def test_what_is_elsewhere_is_unknown(tmp_path: Path, more: str) -> None:
    assert outcome(tmp_path, "no-credentials", more) == "unknown"


def test_a_secret_of_the_cluster_is_a_key_in_reach(tmp_path: Path) -> None:
    file = pod(
        tmp_path, container="env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: h, key: t}}}]"
    )
    said = controls(file)["no-credentials"]
    assert (said.outcome, said.reason) == (
        "violated",
        "HF_TOKEN is in its environment, from a secret",
    )
    file = pod(tmp_path, container="envFrom: [{secretRef: {name: h}}, {configMapRef: {name: c}}]")
    assert controls(file)["no-credentials"].outcome == "unknown"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("command: --model a/b-7b", "violated"),
        ("command: --model a/b-7b\nenvironment: {HF_HUB_OFFLINE: 1}", "satisfied"),
        ("command: --model /models/x", "satisfied"),
        ("command: --model s3://bucket/x", "violated"),
        ("command: sh -c 'hf download a/b-7b && vllm serve /models/x'", "violated"),
        ("volumes: ['models:/models']", "satisfied"),
        ("", "unknown"),
    ],
)
def test_where_weights_come_from(tmp_path: Path, more: str, expected: str) -> None:
    assert outcome(tmp_path, "weights-local", more) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("volumes: ['models:/models']", "violated"),
        ("volumes: ['models:/models:ro']", "satisfied"),
        ("volumes: ['./models:/models:z,ro']", "satisfied"),
        ("volumes: [{type: volume, source: m, target: /models, read_only: true}]", "satisfied"),
        ("volumes: [{type: image, source: acme/model, target: /models}]", "satisfied"),
        ("volumes: ['m:/srv/x']\ncommand: --model /srv/x/y", "violated"),
        ("volumes: ['m:/hf']\nenvironment: {HF_HOME: /hf}", "violated"),
        ("volumes: ['m:/srv/x:ro']\ncommand: --model a/b-7b --download-dir /srv/x", "satisfied"),
        ("read_only: true", "satisfied"),
        ("volumes: ['logs:/var/log/app']", "unknown"),
        ("", "unknown"),
    ],
)
def test_whether_the_model_can_be_written(tmp_path: Path, more: str, expected: str) -> None:
    assert outcome(tmp_path, "model-read-only", more) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("command: --model a/b-7b", "violated"),
        (f"command: --model a/b-7b --revision {COMMIT}", "satisfied"),
        (f"environment: {{MODEL_ID: a/b-7b, REVISION: {COMMIT}}}", "satisfied"),
        ("command: --model a/b-7b --revision main", "violated"),
        ("command: --model /models/x", "unknown"),
        ("command: --model $$UNSET", "unknown"),
        ("", "unknown"),
    ],
)
def test_whether_a_model_is_pinned(tmp_path: Path, more: str, expected: str) -> None:
    assert outcome(tmp_path, "model-pinned", more) == expected


@pytest.mark.parametrize(
    ("control", "more", "severity"),
    [
        ("unprivileged", "privileged: true", "high"),
        ("unprivileged", "cap_add: [SYS_ADMIN]", "high"),
        ("unprivileged", "cap_add: [CAP_SYS_PTRACE]", "high"),
        ("unprivileged", "pid: host", "high"),
        ("unprivileged", "network_mode: host", "medium"),
        ("host-separated", "volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']", "high"),
        ("host-separated", "volumes: ['/:/host']", "high"),
        ("host-separated", "volumes: ['/etc:/host/etc:ro']", "high"),
        ("host-separated", "volumes: ['/usr:/host/usr:ro']", "low"),
        ("host-separated", "volumes: ['/run/containerd/:/x']", "high"),
        ("host-separated", "volumes: ['~:/home']", "high"),
        ("root-read-only", "read_only: false", "info"),
        ("least-privilege", "ipc: host", "info"),
    ],
)
def test_ways_into_the_host(tmp_path: Path, control: str, more: str, severity: str) -> None:
    file = service(tmp_path, more)
    assert controls(file)[control].outcome == "violated"
    found = {f.severity for f in look(file).models[0].findings if f.evidence["control"] == control}
    assert severity in found


def test_a_device_behind_a_named_volume_is_a_folder_of_the_host(tmp_path: Path) -> None:
    top = "volumes: {x: {driver_opts: {type: none, o: bind, device: /etc}}}"
    assert outcome(tmp_path, "host-separated", "volumes: ['x:/x']", top) == "violated"


@pytest.mark.parametrize(
    "more",
    [
        "cap_add: [IPC_LOCK]",
        "volumes: ['./data:/data', 'C:\\models:/models']",
        "volumes: ['/srv/models:/models']",
        "pid: 'service:x'",
    ],
)
def test_what_is_no_way_into_the_host(tmp_path: Path, more: str) -> None:
    assert not violated(service(tmp_path, more)) & {"unprivileged", "host-separated"}


def test_all_that_can_be_given_up(tmp_path: Path) -> None:
    more = "cap_drop: [ALL]\nsecurity_opt: ['no-new-privileges:true']\nread_only: true\ntmpfs: /tmp"
    assert not violated(service(tmp_path, more)) & {
        "least-privilege",
        "root-read-only",
        "ephemeral",
    }


@pytest.mark.parametrize(
    ("spec", "container", "good"),
    [
        ("automountServiceAccountToken: false", "", {"no-service-account-token"}),
        (
            "securityContext: {runAsNonRoot: true}",
            "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
            {"least-privilege"},
        ),
        ("", "securityContext: {readOnlyRootFilesystem: true}", {"root-read-only"}),
        ("", "image: vllm/vllm-openai@sha256:" + "a" * 64, {"image-pinned"}),
    ],
)
def test_what_a_pod_gives_up(tmp_path: Path, spec: str, container: str, good: set[str]) -> None:
    assert not violated(pod(tmp_path, spec, container)) & good
    assert violated(pod(tmp_path)) >= good


def test_a_pod_may_be_given_a_token_by_itself_or_by_its_account(tmp_path: Path) -> None:
    said = controls(pod(tmp_path, "automountServiceAccountToken: true"))["no-service-account-token"]
    assert (said.outcome, said.line) == ("violated", 7)
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\nautomountServiceAccountToken: false\n"
    assert "no-service-account-token" not in violated(pod(tmp_path, others=account))


@pytest.mark.parametrize(
    ("mounts", "volumes", "bad"),
    [
        ("[{name: v, mountPath: /x}]", "[{name: v, emptyDir: {}}]", False),
        ("[{name: v, mountPath: /x}]", "[{name: v, persistentVolumeClaim: {claimName: c}}]", True),
        (
            "[{name: v, mountPath: /x, readOnly: true}]",
            "[{name: v, hostPath: {path: /srv/x}}]",
            False,
        ),
        (
            "[{name: v, mountPath: /x}]",
            "[{name: v, persistentVolumeClaim: {claimName: c, readOnly: true}}]",
            False,
        ),
        (
            "[{name: v, mountPath: /x}]",
            "[{name: v, secret: {secretName: s}}, {name: w, configMap: {name: c}}]",
            False,
        ),
    ],
)
def test_what_outlives_a_pod(tmp_path: Path, mounts: str, volumes: str, bad: bool) -> None:
    file = pod(tmp_path, f"volumes: {volumes}", f"volumeMounts: {mounts}")
    assert ("ephemeral" in violated(file)) is bad


def test_a_volume_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    file = pod(
        tmp_path,
        "volumes: [{name: w, csi: {driver: d}}]",
        "volumeMounts: [{name: v, mountPath: /x}, {name: w, mountPath: /w}]",
    )
    assert "ephemeral" in unknown(file)


def test_claims_of_a_stateful_set_stay(tmp_path: Path) -> None:
    file = write(tmp_path, "s.yaml", """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: s}
    spec:
      template:
        spec:
          containers:
            - {name: o, image: "ollama/ollama:1", volumeMounts: [{name: data, mountPath: /home/ollama/.ollama}]}
      volumeClaimTemplates: [{metadata: {name: data}}]
    """)  # fmt: skip
    assert {"ephemeral", "model-read-only"} <= violated(file)


@pytest.mark.parametrize(
    "command",
    [
        "[modelassay, verify, /models]",
        "[python, -m, modelscan, verify, /models]",
        "[sh, -c, 'cd /models && sha256sum --quiet -c SHA256SUMS']",
        "[model_signing, verify, key, /models]",
        "[/usr/bin/cosign, verify-blob, x]",
    ],
)
def test_a_step_before_the_start_that_verifies(tmp_path: Path, command: str) -> None:
    spec = f"initContainers: [{{name: check, image: 'i@sha256:{'a' * 64}', command: {command}}}]"
    assert "verified-before-start" not in violated(pod(tmp_path, spec))


def test_an_image_of_ours_verifies_by_its_arguments(tmp_path: Path) -> None:
    spec = (
        "initContainers: [{name: check, image: 'r.example/modelassay:1', args: [verify, /models]}]"
    )
    assert "verified-before-start" not in violated(pod(tmp_path, spec))


@pytest.mark.parametrize(
    "spec",
    [
        "initContainers: [{name: check, image: i, command: [sh, -c, 'echo modelassay']}]",
        "initContainers: [{name: check, image: i, restartPolicy: Always, command: [modelassay, verify, /m]}]",
    ],
)
def test_a_step_that_does_not_verify(tmp_path: Path, spec: str) -> None:
    assert "verified-before-start" in violated(pod(tmp_path, spec))


def test_an_agent_in_the_models_pod(tmp_path: Path) -> None:
    others = "apiVersion: v1\nkind: Pod\nmetadata: {name: agent}\nspec: {containers: [{name: a, image: 'all-hands/openhands:1'}, {name: m, image: 'ollama/ollama:1'}]}"
    file = pod(tmp_path, others=others)
    assert "no-shell-beside-model" in violated(file, workload="agent")
    assert "no-shell-beside-model" not in violated(file, workload="chat")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("command: --disable-log-requests", "violated"),
        ("logging: {driver: none}", "violated"),
        ("logging: {driver: json-file}", "unknown"),
        ("command: --enable-log-requests", "satisfied"),
        ("environment: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel:4317'}", "satisfied"),
    ],
)
def test_the_log_of_requests(tmp_path: Path, more: str, expected: str) -> None:
    assert outcome(tmp_path, "requests-logged", more) == expected


def test_a_filter_beside_the_model(tmp_path: Path) -> None:
    more = "environment: {X: y}"
    file = service(tmp_path, more)
    file.write_text(file.read_text() + "  guard: {image: 'acme/nemo-guardrails:1'}\n")
    assert controls(file, workload="vllm")["output-filtered"].outcome == "satisfied"
    assert outcome(tmp_path, "output-filtered", more) == "unknown"


def test_ollama_cannot_take_models_into_a_store_that_is_read_only(tmp_path: Path) -> None:
    text = "services:\n  o:\n    image: ollama/ollama\n    volumes: ['m:/home/ollama/.ollama{}']\n"
    assert "no-runtime-loading" in violated(write(tmp_path, "compose.yaml", text.format("")))
    assert "no-runtime-loading" not in violated(write(tmp_path, "compose.yaml", text.format(":ro")))


def test_docker_models_are_named(tmp_path: Path) -> None:
    file = service(tmp_path, "command: --model ${MODEL:-a/b-7b}")
    assert "hf:a/b-7b" in controls(file)["model-pinned"].reason


def test_what_is_asked_of_an_agent_is_what_concerns_it(tmp_path: Path) -> None:
    file = write(tmp_path, "compose.yaml", """
    services:
      app: {image: "acme/app:1", environment: {OPENAI_BASE_URL: "http://vllm:8000/v1"}}
      other: {image: "acme/app:1", environment: {OPENAI_BASE_URL: "https://api.openai.com/v1"}}
    """)  # fmt: skip
    said = controls(file, workload="app")
    assert "egress-restricted" in said
    assert not {"model-read-only", "verified-before-start", "authenticated", "hub-offline"} & set(
        said
    )
