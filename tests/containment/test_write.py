"""Overlays, applied to the examples and looked at again: what files can tell is in order then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from modelscan import api
from modelscan.containment.harden import plain, words
from modelscan.containment.harden.words import Locked
from modelscan.containment.nodes import documents
from modelscan.containment.servers import SERVERS
from modelscan.errors import UsageError
from modelscan.verifier.release import read_manifest
from modelscan.vocabulary.lock import LockedFile, LockedModel
from tests.containment.test_examples import RUNTIME
from tests.containment.test_requirements import lock, report
from tests.forge.deployments import (
    COMMIT,
    EXAMPLES,
    pod,
    scanned,
    service,
    violated,
    workloads,
    write,
)

VLLM = next(server for server in SERVERS if server.name == "vllm")
SHA = "@sha256:" + "e" * 64
VERIFIER = "registry.example/modelassay" + SHA
QWEN = LockedModel(
    ref="hf:Qwen/Qwen2.5-7B-Instruct",
    revision=COMMIT,
    files=(LockedFile(path="config.json", size=2, sha256="a" * 64),),
)
GEMMA = LockedModel(
    ref="hf:ggml-org/gemma-3-4b-it-GGUF:Q4_K_M",
    revision=COMMIT,
    files=tuple(
        LockedFile(path=path, size=2, sha256="a" * 64)
        for path in ("gemma-3-4b-it-Q4_K_M.gguf", "mmproj-model-f16.gguf")
    ),
)
AGREED = (
    QWEN, GEMMA, msgspec.structs.replace(QWEN, ref="hf:BAAI/bge-small-en-v1.5"),
    msgspec.structs.replace(QWEN, ref="ollama:llama3.2", revision=""),
    msgspec.structs.replace(QWEN, ref="./repository", revision=""),
)  # fmt: skip
"""What the examples run."""
PINS = (
    "vllm/vllm-openai", "ghcr.io/huggingface/text-generation-inference", "ollama/ollama",
    "ghcr.io/open-webui/open-webui", "nvcr.io/nvidia/tritonserver", "kserve/huggingfaceserver",
    "lmsysorg/sglang", "ghcr.io/ggml-org/llama.cpp", "rayproject/ray-llm",
    "ghcr.io/huggingface/text-embeddings-inference", "docker.openhands.dev/openhands/openhands",
)  # fmt: skip


def contained(tmp_path: Path, source: Path, **wishes: Any) -> Path:
    """The deployment with its overlays applied, as kustomize and compose would."""
    folder = tmp_path / "out"
    api.write_containment(source, folder=folder, **wishes)
    for override in (folder / "compose").glob("*.override.*"):
        name = override.name.replace(".override", "")
        original = source if source.is_file() else source / name
        shutil.copy(original, folder / "compose" / name)
    if (folder / "systemd").exists():
        shutil.copytree(source, folder / "systemd", dirs_exist_ok=True)
    return folder


def pinned(tmp_path: Path, source: Path) -> Path:
    return contained(
        tmp_path,
        source,
        pins=[name + SHA for name in PINS],
        verifier=VERIFIER,
        lock=lock(tmp_path, *((QWEN,) if "ray" in str(source) else AGREED)),
    )


WRITTEN = [
    "vllm-compose", "tgi-kubernetes", "sglang-kubernetes", "llama-cpp-compose", "ollama-compose",
    "triton-kubernetes", "kserve", "tei-compose", "ray-serve", "agent-compose",
    "llama-cpp-systemd", "tei-quadlet",
]  # fmt: skip
"""The examples in forms that overlays are written for."""


@pytest.mark.parametrize("kind", ["good", "bad"])
@pytest.mark.parametrize("name", WRITTEN)
def test_examples_are_contained(tmp_path: Path, name: str, kind: str) -> None:
    folder = pinned(tmp_path, EXAMPLES / name / kind)
    found = workloads(folder)
    assert found
    for workload in found.values():
        not_satisfied = {c.control for c in workload.controls if c.outcome != "satisfied"}
        assert not_satisfied <= RUNTIME


def test_an_overlay_is_complete_and_says_what_it_leaves(tmp_path: Path) -> None:
    source = EXAMPLES / "tgi-kubernetes" / "bad"
    written = api.write_containment(source, folder=tmp_path / "out")
    assert written.files == (
        "kubernetes/kustomization.yaml", "kubernetes/network-policies.yaml",
        "kubernetes/patch-deployment-tgi.yaml", "kubernetes/patch-networkpolicy-tgi.yaml",
        "kubernetes/patch-service-tgi.yaml", "kubernetes/tgi.yaml",
    )  # fmt: skip
    assert [line.split(": ")[1] for line in written.left] == [
        "model-pinned",
        "image-pinned",
        "verified-before-start",
    ]
    assert "(--pin names its digest)" in written.left[1]
    root = yaml.safe_load((tmp_path / "out/kubernetes/kustomization.yaml").read_text())
    assert {patch["target"]["kind"] for patch in root["patches"]} == {
        "Deployment",
        "Service",
        "NetworkPolicy",
    }
    for name in root["resources"]:
        assert (tmp_path / "out/kubernetes" / name).is_file()
    assert {p.name: p.read_bytes() for p in source.iterdir()}  # the source is as it was


def test_what_may_be_reached_is_listed(tmp_path: Path) -> None:
    file = pod(tmp_path / "d")
    folder = contained(tmp_path, file, allowed=["10.0.0.0/8", "app=db"])
    (found,) = workloads(folder).values()
    assert {"10.0.0.0/8", "pods with app=db"} <= set(found.could_reach)


def test_the_verified_digests_are_those_of_the_report(tmp_path: Path) -> None:
    file = pod(tmp_path / "d", container="args: [--model, acme/chat-7b]")
    model = scanned(files=[("config.json", b"{}")])
    folder = contained(tmp_path, file, reports=[report(tmp_path, model)], verifier=VERIFIER)
    (found,) = yaml.safe_load_all((folder / "kubernetes/models-agreed.yaml").read_text())
    manifest = tmp_path / "models.json"
    manifest.write_text(found["data"]["models.json"])
    release = read_manifest(manifest).releases[0]
    assert (release.id, release.files[0].path) == (f"acme/chat-7b@{COMMIT}", "config.json")
    patch = (folder / "kubernetes/patch-pod-chat.yaml").read_text()
    assert "/models/models--acme--chat-7b" in patch
    assert f"- {COMMIT}" in patch


def test_another_model_is_not_verified_in_its_place(tmp_path: Path) -> None:
    file = pod(tmp_path / "d", container="args: [--model, acme/other-7b]")
    folder = contained(tmp_path, file, lock=lock(tmp_path, QWEN), verifier=VERIFIER)
    assert not (folder / "kubernetes/models-agreed.yaml").exists()
    assert "verified-before-start" in violated(folder)


def test_a_path_is_verified_against_the_only_model(tmp_path: Path) -> None:
    file = service(
        tmp_path / "d",
        "command: --model /models/x\nvolumes: ['m:/models']\ndepends_on: [db]\n",
        "  db: {image: 'postgres:1'}\n",
    )
    folder = contained(tmp_path, file, lock=lock(tmp_path, QWEN), verifier=VERIFIER)
    root = _override(folder)
    assert root["services"]["vllm-verify"]["command"][2] == "/models/x"
    assert set(root["services"]["vllm"]["depends_on"]) == {"db", "vllm-verify"}
    assert json.loads(root["configs"]["models-agreed"]["content"])["releases"]
    assert "verified-before-start" not in violated(folder, workload="vllm")


def _override(folder: Path) -> Any:
    class Loader(yaml.SafeLoader):
        pass

    def _tagged(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return (
            loader.construct_sequence(node, deep=True)
            if isinstance(node, yaml.SequenceNode)
            else None
        )

    for tag in ("!override", "!reset"):
        Loader.add_constructor(tag, _tagged)
    (file,) = (folder / "compose").glob("*.override.yaml")
    return yaml.load(file.read_text(), Loader)  # noqa: S506  # a safe loader that knows two tags


def test_callers_of_a_contained_service_join_its_network(tmp_path: Path) -> None:
    file = write(tmp_path / "d", "compose.yaml", """
    services:
      vllm: {image: "vllm/vllm-openai:1", ipc: host, ports: ["8000:8000"], logging: {driver: none}}
      one: {image: "nginx:1", environment: {UP: "http://vllm:8000"}}
      two: {image: "nginx:1", command: "--up vllm", networks: {front: null}}
      three: {image: "nginx:1", depends_on: [vllm], network_mode: host}
      four: {image: "nginx:1"}
    networks: {front: {}}
    """)  # fmt: skip
    services = _override(contained(tmp_path, file))["services"]
    assert services["one"] == {"networks": ["default", "contained"]}
    assert set(services["two"]["networks"]) == {"contained"}
    assert set(services) == {"vllm", "one", "two"}
    assert services["vllm"]["shm_size"] == "8gb"


@pytest.mark.parametrize(
    ("more", "control"),
    [
        ("volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "host-separated"),
        ("volumes: [{type: bind, source: ./m, target: /models}]", "model-read-only"),
        ("environment: [HF_TOKEN=abc1, OLLAMA_ORIGINS=*, X=y]", "no-credentials"),
        ("command: ['--model', 'a/b-7b', '--allowed-local-media-path', '/']", "no-local-files"),
        ("privileged: true\npid: host\ncap_add: [SYS_ADMIN]", "unprivileged"),
        ("volumes: ['~/.cache/huggingface:/home/app/.cache/huggingface']", "no-credentials"),
        ("volumes: ['~/.cache:/home/app/.cache']", "no-credentials"),
        ("tmpfs: /x\nvolumes: [/anonymous]", "ephemeral"),
    ],
)
def test_what_a_service_loses(tmp_path: Path, more: str, control: str) -> None:
    file = service(tmp_path / "d", more)
    folder = contained(tmp_path, file)
    assert control not in violated(folder)


@pytest.mark.parametrize(
    ("spec", "container", "control"),
    [
        ("hostIPC: true\nhostPID: true\nhostNetwork: true", "", "unprivileged"),
        (
            "initContainers: [{name: get, image: i, command: [hf, download, a/b-7b]}]",
            "",
            "weights-local",
        ),
        (
            "volumes: [{name: v, hostPath: {path: /}}]",
            "volumeMounts: [{name: v, mountPath: /host}]",
            "host-separated",
        ),
        (
            "volumes: [{name: v, emptyDir: {}}]",
            "volumeMounts: [{name: v, mountPath: /home/app/.cache/huggingface}]",
            "model-read-only",
        ),
        ("", "securityContext: {privileged: true, runAsGroup: 5}", "unprivileged"),
        (
            "",
            "command: [sh, -c, 'vllm serve /models/x --trust-remote-code | tee']",
            "root-read-only",
        ),
    ],
)
def test_what_a_pod_loses(tmp_path: Path, spec: str, container: str, control: str) -> None:
    folder = contained(tmp_path, pod(tmp_path / "d", spec, container))
    assert control not in violated(folder)


def test_what_a_shell_prepares_stays(tmp_path: Path) -> None:
    script = './prepare && exec vllm serve /models/x --load-format "$F" --trust-remote-code true'
    file = pod(tmp_path / "d", "", f"command: [sh, -c, '{script}']")
    folder = contained(tmp_path, file)
    patch = (folder / "kubernetes/patch-pod-chat.yaml").read_text()
    assert "./prepare && exec vllm serve /models/x --load-format" in " ".join(patch.split())
    assert "no-remote-code" not in violated(folder)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("./p; vllm serve a/b --trust-remote-code --port 1", f"./p; vllm serve a/b --revision {COMMIT}  --port 1"),
        ("./p; vllm serve 'a/b' --hf-token abc;", f"./p; vllm serve 'a/b' --revision {COMMIT} ;"),
        ("./p; vllm serve a/b --revision x", "./p; vllm serve a/b --revision x"),
        ("./p a/b; vllm serve a/b", "./p a/b; vllm serve a/b"),
        ("./p; vllm serve a/bc --trust_remote_code=True|cat", "./p; vllm serve a/bc |cat"),
        ("./p --trust-remote-coded", "./p --trust-remote-coded"),
        ('./p --hf-token "$T"', './p --hf-token "$T"'),
    ],
)  # fmt: skip
def test_scripts_lose_their_open_doors(script: str, expected: str) -> None:
    assert words.scrub(script, VLLM, Locked("a/b", COMMIT, ())) == expected


def test_pods_without_labels_get_one(tmp_path: Path) -> None:
    file = write(tmp_path / "d", "job.yaml", """
    apiVersion: batch/v1
    kind: Job
    metadata: {name: eval}
    spec: {template: {spec: {restartPolicy: Never, containers: [{name: v, image: "vllm/vllm-openai:1"}]}}}
    """)  # fmt: skip
    folder = contained(tmp_path, file)
    assert {"egress-restricted", "authenticated"}.isdisjoint(violated(folder))


def test_open_policies_of_cilium_are_closed(tmp_path: Path) -> None:
    file = pod(tmp_path / "d", others="""\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c}
spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: '*'}]}]}
""")  # fmt: skip
    folder = contained(tmp_path, file)
    assert "egress-restricted" not in violated(folder)
    assert "0.0.0.0/0" not in (folder / "kubernetes/network-policies.yaml").read_text()


def test_what_kserve_is_told_is_turned_round(tmp_path: Path) -> None:
    file = write(tmp_path / "d", "m.yaml", """
    apiVersion: serving.kserve.io/v1beta1
    kind: InferenceService
    metadata: {name: m, annotations: {security.opendatahub.io/enable-auth: "false"}}
    spec: {predictor: {sklearn: {storageUri: "s3://b/iris"}}}
    """)  # fmt: skip
    folder = contained(tmp_path, file, lock=lock(tmp_path, QWEN), verifier=VERIFIER)
    said = violated(folder)
    assert {"authenticated", "weights-local", "verified-before-start"}.isdisjoint(said)
    assert workloads(folder)["m"].models == ("pvc://models/iris",)


def test_objects_without_a_name_or_of_knative(tmp_path: Path) -> None:
    write(tmp_path / "d", "w.yaml", """
    apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {generateName: w-}
    spec: {templates: [{container: {image: "vllm/vllm-openai:1"}}]}
    """)  # fmt: skip
    write(tmp_path / "d", "k.yaml", """
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {name: k}
    spec: {template: {spec: {containers: [{name: t, image: "vllm/vllm-openai:1"}]}}}
    """)  # fmt: skip
    made = api.write_containment(tmp_path / "d", folder=tmp_path / "out")
    assert "kubernetes/patch-service-k.yaml" in made.files
    assert "kubernetes/w.yaml" not in made.files
    assert any("w-: it has no name" in line for line in made.left)


def test_an_agents_claims_end_with_it(tmp_path: Path) -> None:
    file = write(tmp_path / "d", "p.yaml", """
    apiVersion: v1
    kind: Pod
    metadata: {name: a, labels: {app: a}}
    spec:
      serviceAccountName: r
      containers:
        - name: a
          image: ghcr.io/open-webui/open-webui:1
          volumeMounts: [{name: c, mountPath: /data, subPath: x}, {name: h, mountPath: /h}, {name: t, mountPath: /t}]
      volumes:
        - {name: c, persistentVolumeClaim: {claimName: c}}
        - {name: h, hostPath: {path: /srv/h}}
        - {name: t, projected: {sources: [{serviceAccountToken: {path: t}}, {configMap: {name: x}}]}}
    ---
    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: r, annotations: {eks.amazonaws.com/role-arn: x}}
    """)  # fmt: skip
    folder = contained(tmp_path, file)
    assert violated(folder) == {"image-pinned"}


def test_folders_with_names_and_namespaces(tmp_path: Path) -> None:
    pod(tmp_path / "d", name="a/pod.yaml")
    pod(tmp_path / "d", name="b/pod.yaml")
    folder = contained(tmp_path, tmp_path / "d")
    assert {"a-pod.yaml", "b-pod.yaml"} <= {path.name for path in (folder / "kubernetes").iterdir()}


def test_what_is_not_contained_is_said(tmp_path: Path) -> None:
    service(tmp_path / "d", "ports: ['8000:8000']")
    write(tmp_path / "d", "Dockerfile", "FROM ollama/ollama\n")
    write(tmp_path / "d", "ollama.service.d/x.conf", "[Service]\nEnvironment=OLLAMA_HOST=::\n")
    write(tmp_path / "d", "run.sh", "docker run --name r ollama/ollama\n")
    write(
        tmp_path / "d",
        "t.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: t}\nspec:\n  {{- x }}\n  containers: [{name: a, image: 'all-hands/openhands:1'}, {name: b, image: ollama/ollama}]\n",
    )
    left = " | ".join(api.write_containment(tmp_path / "d", folder=tmp_path / "out").left)
    for words_ in (
        "image: contained where",
        "container of a script: contained where",
        "only drop-ins of it",
        "render it first",
        "runs commands beside",
    ):
        assert words_ in left


@pytest.mark.parametrize(
    "wishes",
    [
        {"pins": ["vllm/vllm-openai"]},
        {"pins": ["x@sha256:abc"]},
        {"verifier": "modelassay:latest"},
        {"allowed": ["everything"]},
    ],
)
def test_wishes_that_mean_nothing(tmp_path: Path, wishes: Any) -> None:
    with pytest.raises(UsageError):
        api.write_containment(service(tmp_path / "d"), folder=tmp_path / "out", **wishes)


def test_nothing_is_overwritten_or_made_of_nothing(tmp_path: Path) -> None:
    file = service(tmp_path / "d")
    with pytest.raises(UsageError, match="not empty"):
        api.write_containment(file, folder=tmp_path / "d")
    with pytest.raises(UsageError, match="nothing to contain"):
        api.write_containment(EXAMPLES / "nothing-to-do-with-models", folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_plain_words_mean_what_yaml_says() -> None:
    (root,) = documents(
        "{a: true, b: 'true', c: 1, d: 0644, e: 1.5, f: ~, g: yes, h: 22:22, i: [1e3]}", "f"
    )
    made = plain.plain(root)
    assert made == {
        "a": True,
        "b": "true",
        "c": 1,
        "d": "0644",
        "e": 1.5,
        "f": None,
        "g": "yes",
        "h": "22:22",
        "i": [1000.0],
    }
    assert yaml.safe_load(plain.dump(made)) == made


def test_a_patch_makes_the_new_of_the_old() -> None:
    old = {"a/b": 1, "l": [1, {"x": 1}], "gone": 0, "same": {"x": [1]}, "t": True}
    new = {"a/b": 2, "l": [1, {"x": 2}], "same": {"x": [1]}, "new": [], "t": 1}
    assert plain.operations(old, new) == [
        {"op": "remove", "path": "/gone"},
        {"op": "replace", "path": "/a~1b", "value": 2},
        {"op": "replace", "path": "/l/1/x", "value": 2},
        {"op": "add", "path": "/new", "value": []},
        {"op": "replace", "path": "/t", "value": 1},
    ]
    assert plain.operations(old, old) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--trust-remote-code", "a/b"], ["a/b", "--revision", COMMIT]),
        (["--trust-remote-code", "true", "a/b", "--revision", "x"], ["a/b", "--revision", "x"]),
        (["--allowed-local-media-path", "/", "--model=x/y"], ["--model=x/y"]),
        (["--hf-token=abc", "--disable-log-requests", "--port", "80"], ["--port", "80"]),
        (["--load-format", "pt"], []),
    ],
)
def test_words_without_open_doors(before: list[str], after: list[str]) -> None:
    assert words.clean(before, VLLM, Locked("a/b", COMMIT, ())) == after


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (
            "[Service]\nUser=llm\nEnvironment=OLLAMA_HOST=0.0.0.0:80 HF_TOKEN=abc1\nExecStart=/usr/bin/ollama serve\n",
            ["ExecStart=/usr/bin/ollama serve", "Environment=OLLAMA_HOST=127.0.0.1:80"],
        ),
        (
            "[Service]\nExecStart=/opt/vllm serve /srv/m --host=0.0.0.0 --trust-remote-code\n",
            ["DynamicUser=yes", "ReadOnlyPaths=/srv", "ExecStart=/opt/vllm serve /srv/m --host=127.0.0.1"],
        ),
        (
            "[Service]\nExecStart=/opt/vllm serve s3://b/m\n",
            ["ReadOnlyPaths=/var/lib/models", "ExecStart=/opt/vllm serve /var/lib/models/m --host 127.0.0.1"],
        ),
        (
            "[Service]\nExecStart=/bin/sh -c 'sleep 1; vllm serve /srv/m --trust-remote-code'\n",
            ["ExecStart=vllm serve /srv/m --host 127.0.0.1"],
        ),
    ],
)  # fmt: skip
def test_units(tmp_path: Path, unit: str, expected: list[str]) -> None:
    file = write(tmp_path / "d", "m.service", unit)
    folder = contained(tmp_path, file.parent, allowed=["10.0.0.0/8", "app=db"])
    rows = (folder / "systemd/m.service.d/contained.conf").read_text().splitlines()
    assert set(expected) <= set(rows)
    assert ("User=" in rows) == ("User=llm" not in unit)
    assert "IPAddressAllow=10.0.0.0/8" in rows
    assert not any("HF_TOKEN" in row or "trust-remote-code" in row for row in rows)
    assert {"unprivileged", "no-credentials", "egress-restricted"}.isdisjoint(violated(folder))


def test_what_a_units_script_prepares_stays(tmp_path: Path) -> None:
    script = "/bin/sh -c './prepare; vllm serve /srv/m --trust-remote-code'"
    file = write(tmp_path / "d", "m.service", f"[Service]\nExecStart={script}\n")
    folder = contained(tmp_path, file.parent)
    assert "ExecStart" not in (folder / "systemd/m.service.d/contained.conf").read_text()
    assert "no-remote-code" in violated(folder)


def test_a_container_of_podman(tmp_path: Path) -> None:
    write(tmp_path / "d", "o.container", """
    [Container]
    Image=docker.io/ollama/ollama:1
    PodmanArgs=--privileged
    Network=host
    PublishPort=11434:11434
    Volume=%h/.ssh:/home/app/.ssh
    Volume=ollama:{home}/.ollama
    Secret=hub
    """.replace("{home}", "/root"))  # fmt: skip
    folder = contained(tmp_path, tmp_path / "d")
    text = (folder / "systemd/o.container.d/contained.conf").read_text()
    assert "Volume=ollama:/models:ro" in text
    assert "OLLAMA_MODELS=/models/models" in text
    assert ".ssh" not in text
    left = violated(folder)
    assert left <= {"image-pinned", "verified-before-start"}
    write(
        tmp_path / "e", "v.container", "[Container]\nImage=vllm/vllm-openai:1\nExec=--model a/b-7b"
    )
    made = api.write_containment(tmp_path / "e", folder=tmp_path / "e-out")
    text = (tmp_path / "e-out/systemd/v.container.d/contained.conf").read_text()
    assert "Volume=/var/lib/models:/models:ro" in text
    assert "HF_HUB_CACHE=/models" in text
    assert "systemd/contained.network" in made.files
