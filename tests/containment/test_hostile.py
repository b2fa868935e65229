"""Whatever files say, looking at them ends with a report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelscan.containment import manifests
from modelscan.containment.cluster import Cluster
from modelscan.containment.examine import examine, views
from modelscan.containment.write import Wishes, write_overlays
from modelscan.discovery.walking import Tree
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.pipeline import Tools
from modelscan.policy.profile import DEFAULT
from tests.forge.deployments import look, write

KEYS = [
    "spec", "template", "metadata", "name", "labels", "containers", "initContainers", "image", "env",
    "value", "valueFrom", "args", "command", "volumeMounts", "mountPath", "volumes", "hostPath", "path",
    "securityContext", "capabilities", "drop", "add", "privileged", "model", "storageUri", "predictor",
    "ports", "environment", "networks", "depends_on", "volume", "tmpfs", "user", "security_opt", "restart",
    "network_mode", "logging", "driver", "configs", "secrets", "env_file", "extends", "include", "models",
    "selector", "matchLabels", "matchExpressions", "key", "operator", "values", "egress", "to", "ipBlock",
    "podSelector", "policyTypes", "type", "rules", "resources", "patches", "patch", "target", "images",
    "readOnly", "readOnlyRootFilesystem", "annotations", "persistentVolumeClaim", "condition", "namespace",
    "serveConfigV2", "uri", "url", "engine", "inference", "preset", "provider", "options", "build",
    "dockerfile_inline", "volumes_from", "devices", "envFrom", "configMapRef", "secretRef", "projected",
    "sources", "serviceAccountToken", "storage", "components", "bases", "configMapGenerator", "literals",
    "commonLabels", "modelFormat", "container", "mainContainer", "serviceAccountName", "from", "source",
    "action", "when", "workloadSelector", "outboundTrafficPolicy", "mode", "seccompProfile", "data",
    "predictors", "graph", "modelUri", "worker", "engine_kwargs", "model_loading_config", "labelSelector",
]  # fmt: skip
TEXTS = [
    "",
    "chat",
    "ollama/ollama",
    "vllm serve a/b-7b --trust-remote-code",
    "/models",
    "none",
    "host",
    "HF_TOKEN",
    "true",
    "/var/run/docker.sock:/x",
    "8000:8000",
    "In",
    "null",
    "service:x",
    "${X:-y}",
    "'",
]
LEAVES = st.one_of(
    st.sampled_from(TEXTS), st.integers(-1, 70000), st.booleans(), st.none(), st.text(max_size=4)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
KINDS = [
    "Pod", "Deployment", "StatefulSet", "InferenceService", "NetworkPolicy", "Service", "Ingress",
    "List", "CiliumNetworkPolicy", "Kustomization", "ServiceAccount", "ClusterPolicy",
    "ServingRuntime", "AuthorizationPolicy", "Sidecar", "ConfigMap", "Secret", "RayService",
    "Workflow",
]  # fmt: skip
OPERATORS = [
    ("serving.kserve.io/v1", "LLMInferenceService"), ("kubeai.org/v1", "Model"),
    ("ollama.ayaka.io/v1", "Model"), ("apps.nvidia.com/v1", "NIMService"),
    ("kaito.sh/v1", "Workspace"), ("machinelearning.seldon.io/v1", "SeldonDeployment"),
    ("ray.io/v1", "RayService"), ("argoproj.io/v1", "Workflow"),
]  # fmt: skip


TOOLS = Tools.prepare(load(()), DEFAULT)


def report(path: Path) -> None:
    """Look at a path; every fault is one of ours, and none is allowed to be hidden."""
    (found,) = examine([path], TOOLS)
    assert not [gap.reason for gap in found.report.coverage if "failed:" in gap.reason]


def pods(spec: Any) -> dict[str, Any]:
    """A pod that certainly serves a model, with anything around it."""
    first = {"name": "c", "image": "ollama/ollama:1"}
    base = spec if isinstance(spec, dict) else {"x": spec}
    more = base.get("containers")
    return {**base, "containers": [first, *(more if isinstance(more, list) else [])]}


def examined(text: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "in")
        write(root, name, text)
        report(root)
        found = views(manifests.read(Tree(root)))
        if not found:
            return
        try:
            write_overlays([root], Path(folder, "out"), Wishes())
        except UsageError:
            return
        report(Path(folder, "out"))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(KINDS), TREES, TREES)
def test_any_manifest(kind: str, spec: Any, meta: Any) -> None:
    document = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": meta,
        "spec": pods(spec),
        "items": [spec],
    }
    examined(yaml.safe_dump(document), "m.yaml")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(OPERATORS), TREES, TREES)
def test_any_object_of_an_operator(kind: tuple[str, str], spec: Any, more: Any) -> None:
    document = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "m"}, "spec": spec}
    document |= {"inference": more} if kind[1] == "Workspace" else {}
    if isinstance(more, dict) and isinstance(spec, dict):
        document["spec"] = {**spec, "serveConfigV2": yaml.safe_dump(more)}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pods(more)}
    examined(yaml.safe_dump_all([document, pod]), "m.yaml")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES, TREES)
def test_any_kustomization(top: Any, component: Any) -> None:
    head = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, "pod.yaml", yaml.safe_dump({**head, "spec": pods(component)}))
        for name, given_ in (("", top), ("part/", component)):
            made = given_ if isinstance(given_, dict) else {"resources": given_}
            made = {"resources": ["pod.yaml"], "components": ["part"], **made, "kind": "K"}
            write(root, f"{name}kustomization.yaml", yaml.safe_dump(made))
        report(root)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=200), st.text(max_size=60))
def test_any_script_unit_and_variables(text: str, words: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        run = f"docker run {words} ollama/ollama {text}\n"
        write(root, "run.sh", run)
        write(root, "Makefile", f"x:\n\t@{run}")
        write(root, "ollama.service.d/x.conf", f"[Service]\n{text}\nEnvironment={words}\n")
        write(root, ".env", text)
        write(root, "compose.yaml", "services: {o: {image: ollama/ollama, env_file: .env}}")
        report(root)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES, TREES)
def test_any_compose_file(service: Any, top: Any) -> None:
    base = service if isinstance(service, dict) else {}
    document = {
        **(top if isinstance(top, dict) else {}),
        "services": {"o": {**base, "image": "ollama/ollama"}, "x": service},
    }
    examined(yaml.safe_dump(document), "compose.yaml")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES, TREES)
def test_any_override_and_kustomization(over: Any, patch: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(
            root,
            "compose.yaml",
            yaml.safe_dump(
                {
                    "services": {
                        "o": {"image": "ollama/ollama", "environment": ["A=b"], "volumes": ["m:/x"]}
                    }
                }
            ),
        )
        write(root, "compose.override.yaml", yaml.safe_dump({"services": {"o": over}}))
        write(
            root,
            "pod.yaml",
            yaml.safe_dump(
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pods(over)}
            ),
        )
        write(
            root,
            "kustomization.yaml",
            yaml.safe_dump(
                {
                    "kind": "Kustomization",
                    "resources": ["pod.yaml"],
                    "patches": [
                        patch,
                        {
                            "patch": yaml.safe_dump(
                                {"kind": "Pod", "metadata": {"name": "p"}, "spec": patch}
                            )
                        },
                    ],
                }
            ),
        )
        report(root)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "[Service]",
                "[Container]",
                "ExecStart=ollama serve",
                "Image=ollama/ollama",
                "Environment=A=b 'C=d",
                "Volume=:",
                "PublishPort=::",
                "\\",
                "IPAddressDeny=any",
                "=",
                "User=",
                "#",
                "Exec=-",
                "CapabilityBoundingSet=",
            ]
        ),
        max_size=12,
    ),
    st.sampled_from(["u.service", "u.container"]),
)
def test_any_unit(rows: list[str], name: str) -> None:
    examined("\n".join(rows), name)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "FROM ollama/ollama AS a",
                "FROM a",
                "FROM",
                "CMD [",
                "CMD ollama serve",
                "ENTRYPOINT []",
                "ENV",
                "ENV A",
                "USER",
                "RUN <<E",
                "E",
                "ARG X",
                "COPY . .",
            ]
        ),
        max_size=8,
    )
)
def test_any_dockerfile(rows: list[str]) -> None:
    examined("\n".join(rows), "Dockerfile")


def test_a_fault_of_ours_is_a_gap_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("x")

    write(
        tmp_path,
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: ollama/ollama}]}\n",
    )
    monkeypatch.setattr(Cluster, "egress", broken)
    report = look(tmp_path)
    assert report.decision.exit_code == 3
    (gap,) = report.models[0].coverage
    assert gap.needed
    assert "RuntimeError" in gap.reason
