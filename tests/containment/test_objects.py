"""Objects of operators that name a model in their own way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import COMMIT, controls, look, violated, workloads, write

COMMON = {"egress-restricted", "verified-before-start", "root-read-only", "least-privilege"}


@pytest.mark.parametrize(
    ("text", "server", "model", "more"),
    [
        (
            """
            apiVersion: serving.kserve.io/v1alpha1
            kind: LLMInferenceService
            metadata: {name: m}
            spec:
              model: {uri: "hf://acme/chat-7b"}
              template:
                containers:
                  - {name: main, image: "vllm/vllm-openai:1", args: [--trust-remote-code]}
            """,
            "vllm", "hf:acme/chat-7b", {"no-remote-code", "weights-local", "image-pinned"},
        ),
        (
            """
            apiVersion: serving.kserve.io/v1alpha1
            kind: LLMInferenceService
            metadata: {name: m}
            spec: {model: {uri: "hf://acme/chat-7b"}, replicas: 2}
            """,
            "kserve", "hf:acme/chat-7b", {"weights-local"},
        ),
        (
            """
            apiVersion: kubeai.org/v1
            kind: Model
            metadata: {name: m}
            spec:
              url: hf://acme/chat-7b
              engine: VLLM
              args: [--trust-remote-code]
              env: {HF_TOKEN: abc1}
            """,
            "vllm", "hf:acme/chat-7b", {"no-remote-code", "no-credentials", "weights-local"},
        ),
        (
            """
            apiVersion: ollama.ayaka.io/v1
            kind: Model
            metadata: {name: m}
            spec: {image: llama3.2}
            """,
            "ollama", "ollama:llama3.2", {"weights-local", "model-pinned"},
        ),
        (
            """
            apiVersion: apps.nvidia.com/v1alpha1
            kind: NIMService
            metadata: {name: m}
            spec:
              image: {repository: nvcr.io/nim/meta/llama-3.1-8b-instruct, tag: latest}
              authSecret: ngc-api-secret
            """,
            "nim", None, {"no-credentials", "image-pinned"},
        ),
        (
            """
            apiVersion: machinelearning.seldon.io/v1
            kind: SeldonDeployment
            metadata: {name: m}
            spec: {predictors: [{graph: {name: c, implementation: SKLEARN_SERVER, modelUri: "gs://b/m"}}]}
            """,
            "seldon", "gs://b/m", {"weights-local", "model-pinned"},
        ),
        (
            """
            apiVersion: serving.kserve.io/v1beta1
            kind: InferenceService
            metadata: {name: m}
            spec: {predictor: {sklearn: {storageUri: "s3://b/iris"}}}
            """,
            "kserve", "s3://b/iris", {"weights-local"},
        ),
        (
            """
            apiVersion: serving.kserve.io/v1beta1
            kind: InferenceService
            metadata: {name: m}
            spec: {predictor: {model: {modelFormat: {name: vLLM}, storage: {key: k, path: a/b}}}}
            """,
            "kserve", "storage://k/a/b", {"weights-local", "hub-offline"},
        ),
        (
            """
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: m}
            spec:
              volumes: [{name: host, hostPath: {path: /etc}}]
              templates:
                - name: main
                  container:
                    image: vllm/vllm-openai:1
                    command: [vllm, serve, acme/chat-7b]
                    volumeMounts: [{name: host, mountPath: /host}]
            """,
            "vllm", "hf:acme/chat-7b", {"host-separated", "weights-local"},
        ),
        (
            """
            apiVersion: nvidia.com/v1alpha1
            kind: DynamoGraphDeployment
            metadata: {name: m}
            spec:
              services:
                Worker:
                  extraPodSpec:
                    mainContainer:
                      image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1
                      args: [-m, dynamo.vllm, --model, acme/chat-7b, --trust-remote-code]
            """,
            None, "hf:acme/chat-7b", {"no-remote-code"},
        ),
    ],
)  # fmt: skip
def test_objects_of_operators(
    tmp_path: Path, text: str, server: str | None, model: str | None, more: set[str]
) -> None:
    file = write(tmp_path, "m.yaml", text)
    (found,) = workloads(file).values()
    assert server in {None, found.server}
    assert found.models == ((model,) if model else ())
    assert violated(file) >= COMMON | more


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: example.org/v1\nkind: Model\nmetadata: {name: m}\nspec: {url: 'hf://a/b'}",
        "apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: m}\nresource: {count: 1}",
        "apiVersion: ray.io/v1\nkind: RayJob\nmetadata: {name: m}\nspec: {entrypoint: python x.py}",
        "apiVersion: serving.kserve.io/v1alpha1\nkind: LLMInferenceService\nmetadata: {name: m}",
        "apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {name: m}\nspec: [x]",
    ],
)
def test_objects_that_name_no_model(tmp_path: Path, text: str) -> None:
    report = look(write(tmp_path, "m.yaml", text))
    assert not any(gap.needed for gap in report.models[0].coverage)


def test_a_preset_of_kaito_is_a_workload(tmp_path: Path) -> None:
    text = """
    apiVersion: kaito.sh/v1beta1
    kind: Workspace
    metadata: {name: m}
    resource: {instanceType: x}
    inference: {preset: {name: phi-4-mini-instruct}}
    """
    (found,) = workloads(write(tmp_path, "m.yaml", text)).values()
    assert (found.server, found.kind) == ("kaito", "Workspace")


RAY = """
apiVersion: ray.io/v1
kind: RayService
metadata: {name: m}
spec:
  serveConfigV2: |
    applications:
      - name: llm
        args:
          llm_configs:
            - model_loading_config:
                model_id: chat
                model_source: acme/chat-7b
              engine_kwargs:
                trust_remote_code: true
                enable_lora: false
                revision: REVISION
            - {model_loading_config: {model_id: acme/other-7b}, engine_kwargs: {[x]: y}}
  rayClusterConfig:
    headGroupSpec: {template: {spec: {containers: [{name: h, image: "rayproject/ray-llm:1"}]}}}
"""


def test_the_models_of_ray_serve_stand_in_its_configuration(tmp_path: Path) -> None:
    file = write(tmp_path, "ray.yaml", RAY.replace("REVISION", COMMIT))
    (found,) = workloads(file).values()
    assert found.models == ("hf:acme/chat-7b", "hf:acme/other-7b")
    said = controls(file)
    assert said["model-pinned"].reason == "hf:acme/other-7b can change under this name"
    assert said["no-remote-code"].outcome == "violated"
    rows = file.read_text(encoding="utf-8").splitlines()
    assert "trust_remote_code" in rows[(said["no-remote-code"].line or 0) - 1]
    broken = write(tmp_path, "ray.yaml", RAY.replace("applications:", "applications: ["))
    (found,) = workloads(broken).values()
    assert found.models == ()


CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: env}
data: {TRUST_REMOTE_CODE: "true", MODEL_ID: acme/chat-7b}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {HF_TOKEN: YWJj, OTHER: YWJj}
---
apiVersion: v1
kind: Pod
metadata: {name: tgi}
spec:
  containers:
    - name: tgi
      image: ghcr.io/huggingface/text-generation-inference:3
      envFrom: [{configMapRef: {name: env}}, {secretRef: {name: keys}}]
      env:
        - {name: A, valueFrom: {configMapKeyRef: {name: env, key: gone}}}
        - {name: B, valueFrom: {secretKeyRef: {name: keys, key: OTHER}}}
        - {name: C, valueFrom: {fieldRef: {fieldPath: x}}}
"""


def test_maps_and_secrets_among_the_files_are_known(tmp_path: Path) -> None:
    file = write(tmp_path, "tgi.yaml", CONFIG)
    assert workloads(file)["tgi"].models == ("hf:acme/chat-7b",)
    said = controls(file)
    assert said["no-remote-code"].line == 4
    assert said["no-credentials"].reason == "HF_TOKEN is in its environment, from a secret"
    other = write(tmp_path, "tgi.yaml", CONFIG.replace("{name: env}\ndata", "{name: x}\ndata"))
    assert controls(other)["no-remote-code"].outcome == "satisfied"
