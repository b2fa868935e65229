"""Overlays, applied to the examples and looked at again: what files can tell is in order then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

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
    controls,
    pod,
    scanned,
    service,
    violated,
    workloads,
    write,
)

SHA = "@sha256:" + "e" * 64
VERIFIER = "registry.example/modelassay" + SHA
QWEN = LockedModel(
    ref="hf:Qwen/Qwen2.5-7B-Instruct",
    revision=COMMIT,
    files=(LockedFile(path="config.json", size=2, sha256="a" * 64),),
)
PINS = (
    "vllm/vllm-openai", "huggingface/text-generation-inference", "ollama/ollama",
    "open-webui/open-webui", "nvidia/tritonserver", "kserve/huggingfaceserver",
)  # fmt: skip


def contained(tmp_path: Path, source: Path, **wishes: Any) -> Path:
    """The deployment with its overlays applied, as kustomize and compose would."""
    folder = tmp_path / "out"
    api.write_containment(source, folder=folder, **wishes)
    for override in (folder / "compose").glob("*.override.*"):
        name = override.name.replace(".override", "")
        original = source if source.is_file() else source / name
        shutil.copy(original, folder / "compose" / name)
    return folder


def pinned(tmp_path: Path, source: Path) -> Path:
    return contained(
        tmp_path,
        source,
        pins=[name + SHA for name in PINS],
        verifier=VERIFIER,
        lock=lock(tmp_path, QWEN),
    )


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("vllm-compose", set()),
        ("tgi-kubernetes", set()),
        # The image starts by pulling; what a shell runs is not rewritten.
        ("ollama-compose", {"weights-local", "model-pinned", "verified-before-start"}),
        # Where its repository lies is for its owner to say.
        ("triton-kubernetes", {"weights-local", "model-pinned", "verified-before-start"}),
        ("kserve", {"authenticated", "image-pinned"}),
    ],
)
def test_bad_examples_are_contained(tmp_path: Path, name: str, left: set[str]) -> None:
    folder = pinned(tmp_path, EXAMPLES / name / "bad")
    serving = [key for key, each in workloads(folder).items() if each.role == "serves"]
    for workload in serving:
        said = controls(folder, workload=workload)
        not_satisfied = {key for key, each in said.items() if each.outcome != "satisfied"}
        assert not_satisfied - RUNTIME <= left


@pytest.mark.parametrize(
    "name", ["vllm-compose", "tgi-kubernetes", "ollama-compose", "triton-kubernetes", "kserve"]
)
def test_good_examples_stay_good(tmp_path: Path, name: str) -> None:
    folder = pinned(tmp_path, EXAMPLES / name / "good")
    assert violated(folder) == set()


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
        ("volumes: ['~/.cache/huggingface:/root/.cache/huggingface']", "no-credentials"),
        ("volumes: ['~/.cache:/root/.cache']", "no-credentials"),
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
            "volumeMounts: [{name: v, mountPath: /root/.cache/huggingface}]",
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


def test_what_a_shell_runs_stays(tmp_path: Path) -> None:
    script = "command: [sh, -c, 'exec vllm serve /models/x --trust-remote-code; true']"
    file = pod(tmp_path / "d", "", script)
    folder = contained(tmp_path, file)
    assert "no-remote-code" in violated(folder)
    left = api.write_containment(file, folder=tmp_path / "again").left
    assert any("--trust-remote-code" in line for line in left)


def test_folders_with_names_and_namespaces(tmp_path: Path) -> None:
    pod(tmp_path / "d", name="a/pod.yaml")
    pod(tmp_path / "d", name="b/pod.yaml")
    folder = contained(tmp_path, tmp_path / "d")
    assert {"a-pod.yaml", "b-pod.yaml"} <= {path.name for path in (folder / "kubernetes").iterdir()}


def test_what_is_not_contained_is_said(tmp_path: Path) -> None:
    service(tmp_path / "d", "ports: ['8000:8000']")
    write(tmp_path / "d", "o.service", "[Service]\nExecStart=ollama serve\n")
    write(
        tmp_path / "d",
        "t.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: t}\nspec:\n  {{- x }}\n  containers: [{name: a, image: 'all-hands/openhands:1'}, {name: b, image: ollama/ollama}]\n",
    )
    left = " | ".join(api.write_containment(tmp_path / "d", folder=tmp_path / "out").left)
    for words_ in (
        "systemd unit is contained",
        "render it first",
        "no labels",
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


VLLM = next(server for server in SERVERS if server.name == "vllm")


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
    "value", ["a && b", "a 'b", ["sh", "-c", "a; b"], None, 5, [{"x": 1}], "--port 80"]
)
def test_what_is_left_as_it_is(value: Any) -> None:
    assert words.rewrite(value, VLLM, None) == value


@pytest.mark.interop
@pytest.mark.parametrize("name", ["tgi-kubernetes", "triton-kubernetes"])
@pytest.mark.parametrize("kind", ["good", "bad"])
def test_what_is_written_is_valid_by_the_official_schemas(
    tmp_path: Path, name: str, kind: str
) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    from modelscan.containment import manifests
    from modelscan.containment.kubernetes import objects
    from modelscan.discovery.walking import Tree

    folder = pinned(tmp_path, EXAMPLES / name / kind)
    found = manifests.read(Tree(folder)).manifests
    checked = 0
    for roots in found.values():
        for each in (one for root in roots for one in objects(root)):
            data = plain.plain(each)
            if "." not in data["apiVersion"].partition("/")[0] or data["apiVersion"].startswith(
                "networking.k8s.io"
            ):
                validator.validate(data, "1.34", strict=True)
                checked += 1
    assert checked >= 2
