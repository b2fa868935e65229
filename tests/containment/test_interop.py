"""Overlays and kustomizations, held against other people's tools and the official schemas.

`kubectl kustomize` merges what `contain --write` wrote; `kubernetes-validate` holds the result
against the Kubernetes OpenAPI schemas, `check-jsonschema` compose files against the Compose
specification. What they are missing for is skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelscan.containment import compose, kustomize, layers
from modelscan.containment.harden import plain
from modelscan.containment.nodes import Node, Table, documents
from tests.containment.test_examples import RUNTIME
from tests.containment.test_write import WRITTEN, pinned
from tests.forge.deployments import EXAMPLES, pod, violated, workloads, write

pytestmark = pytest.mark.interop
KINDS = ("good", "bad")
OF_COMPOSE = [name for name in WRITTEN if "compose" in name]
UNITS = ["llama-cpp-systemd", "tei-quadlet"]
IN_CLUSTERS = [name for name in WRITTEN if name not in {*OF_COMPOSE, *UNITS}]


@pytest.fixture(scope="session")
def validators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the validators' commands, freshly installed."""
    folder = tmp_path_factory.mktemp("validators")
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts" if sys.platform == "win32" else "bin")
    done = subprocess.run(
        [found / "python", "-m", "pip", "install", "-q", "kubernetes-validate", "check-jsonschema"],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("the package index cannot be reached")
    return found


def run(*command: str | Path) -> str:
    done = subprocess.run(list(command), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(folder: Path) -> str:
    """What kustomize itself makes of a folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl")
    return run("kubectl", "kustomize", folder)


def keyed(objects: list[Any]) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def ours(folder: Path) -> dict[tuple[str, str], Any]:
    """What our own reading makes of the same folder."""
    manifests: dict[str, list[Node]] = {
        path.relative_to(folder).as_posix(): list(documents(path.read_text(), path.name))
        for path in folder.rglob("*.yaml")
    }
    (built,) = kustomize.build(manifests)
    assert built.gaps == []
    return keyed([plain.plain(each) for each in built.objects])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", IN_CLUSTERS)
def test_overlays_are_what_kustomize_makes_of_them(
    tmp_path: Path, validators: Path, name: str, kind: str
) -> None:
    folder = pinned(tmp_path, EXAMPLES / name / kind) / "kubernetes"
    text = rendered(folder)
    made = write(tmp_path / "rendered", "all.yaml", text)
    theirs = keyed(list(yaml.safe_load_all(text)))
    assert theirs == ours(folder)
    for workload in workloads(made).values():
        left = {each.control for each in workload.controls if each.outcome != "satisfied"}
        assert left <= RUNTIME
    said = run(validators / "kubernetes-validate", "--strict", made)
    assert said.count(" passed ") >= 1
    assert "ERROR" not in said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_COMPOSE)
def test_overrides_are_valid_compose_files(
    tmp_path: Path, validators: Path, name: str, kind: str
) -> None:
    folder = pinned(tmp_path, EXAMPLES / name / kind) / "compose"
    (override,) = folder.glob("*.override.*")
    base = folder / override.name.replace(".override", "")
    (below,), (over,) = (list(documents(p.read_text(), p.name)) for p in (base, override))
    merged = layers.merged(below, over)
    assert list(compose.workloads(merged))
    for number, each in enumerate((merged, _untagged(over))):
        data = json.dumps(plain.plain(each))
        file = write(tmp_path / "checked", f"{number}.json", data)
        run(validators / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)


def _untagged(node: Any) -> Any:
    """An override without what `!reset` takes away: the rest of it has to be valid alone."""
    if not isinstance(node, Table):
        return node
    made = Table((key, _untagged(value)) for key, value in node.items()
                 if getattr(value, "tag", "") != "!reset")  # fmt: skip
    made.file, made.line = node.file, node.line
    return made


@pytest.mark.parametrize("name", OF_COMPOSE)
def test_compose_itself_merges_as_we_do(tmp_path: Path, name: str) -> None:
    docker = shutil.which("docker") or ""
    if (
        not docker
        or subprocess.run(
            [docker, "compose", "version"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("there is no docker compose")
    folder = pinned(tmp_path, EXAMPLES / name / "bad") / "compose"
    (override,) = folder.glob("*.override.*")
    base = folder / override.name.replace(".override", "")
    text = run(docker, "compose", "-f", base, "-f", override, "config", "--no-interpolate")
    made = write(tmp_path / "rendered", "compose.yaml", text)
    for workload in workloads(made):
        assert violated(made, workload=workload) == set()


HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pod.yaml]\n"


@pytest.mark.parametrize(
    "more",
    [
        "namespace: llm\n",
        f"images: [{{name: vllm/vllm-openai, digest: 'sha256:{'e' * 64}'}}]\n",
        "images: [{name: vllm/vllm-openai, newName: example/vllm, newTag: '2'}]\n",
        """patches: [{target: {kind: Pod, name: c.*t}, patch: '[{"op": "add", "path": "/spec/hostPID", "value": true}]'}]\n""",
        """patches: [{target: {labelSelector: 'app=web'}, patch: '[{"op": "remove", "path": "/spec"}]'}]\n""",
        """patches: [{target: {kind: Service|Pod}, patch: '[{"op": "copy", "from": "/metadata/labels/app", "path": "/metadata/labels/x"}]'}]\n""",
        "patches:\n- patch: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: chat}\n    spec:\n      containers:\n      - {name: vllm, args: [a], env: [{name: A, value: c}], securityContext: null}\n      - {name: more, image: x}\n",
        "patches:\n- patch: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: chat}\n    spec:\n      containers:\n      - {name: vllm, $patch: delete}\n      - {name: more, image: x}\n",
        "patchesStrategicMerge:\n- |\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: chat}\n  spec: {volumes: [{name: v, emptyDir: null, hostPath: {path: /}}]}\n",
        "components: [part]\n",
    ],
)  # fmt: skip
def test_kustomizations_are_read_as_kustomize_does(tmp_path: Path, more: str) -> None:
    pod(
        tmp_path,
        "volumes: [{name: v, emptyDir: {}}]",
        "args: [x, y]\nenv: [{name: A, value: b}, {name: B, value: b}]\nsecurityContext: {privileged: true}",
    )
    write(tmp_path, "kustomization.yaml", HEAD + more)
    if "components" in more:
        write(
            tmp_path,
            "part/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n"
            '- {target: {kind: Pod}, patch: \'[{"op": "add", "path": "/spec/hostIPC", "value": true}]\'}\n',
        )
    assert keyed(list(yaml.safe_load_all(rendered(tmp_path)))) == ours(tmp_path)


WHOLE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec:
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec: {containers: [{name: v, image: "vllm/vllm-openai:1"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: eval}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: v, image: x}]}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {selector: {app: chat}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: some}
spec:
  podSelector: {matchLabels: {app: chat}}
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}, {namespaceSelector: {}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all}
spec: {podSelector: {}}
"""


@pytest.mark.parametrize(
    "more",
    [
        "commonLabels: {team: ml}\n",
        "labels: [{pairs: {team: ml}}]\n",
        "labels: [{pairs: {team: ml}, includeTemplates: true}]\n",
        "labels: [{pairs: {team: ml}, includeSelectors: true}]\n",
    ],
)
def test_labels_are_put_where_kustomize_puts_them(tmp_path: Path, more: str) -> None:
    write(tmp_path, "pod.yaml", WHOLE)
    write(tmp_path, "kustomization.yaml", HEAD + more)
    assert keyed(list(yaml.safe_load_all(rendered(tmp_path)))) == ours(tmp_path)
