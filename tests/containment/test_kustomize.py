"""Kustomizations: each is built by itself, from what is below the path that was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.containment import kustomize, patches
from modelscan.containment.nodes import Node, Row, Table, documents, table
from tests.forge.deployments import controls, look, pod, violated, workloads, write

HEAD = "kind: Kustomization\n"


def gaps(folder: Path) -> list[str]:
    return [gap.reason for gap in look(folder).models[0].coverage]


def test_the_patches_of_one_overlay_count_for_no_other(tmp_path: Path) -> None:
    pod(tmp_path / "base")
    write(tmp_path, "base/kustomization.yaml", HEAD + "resources: [pod.yaml]\n")
    write(tmp_path, "over/dev/kustomization.yaml", HEAD + "resources: [../../base]\n")
    write(tmp_path, "over/prod/kustomization.yaml", HEAD + """\
resources: [../../base, deny.yaml]
patches:
  - patch: |
      - {op: add, path: /spec/automountServiceAccountToken, value: false}
""")  # fmt: skip
    write(tmp_path, "over/prod/deny.yaml", """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: deny}
    spec: {podSelector: {}, policyTypes: [Egress]}
    """)  # fmt: skip
    assert set(workloads(tmp_path)) == {"chat (over/dev)", "chat (over/prod)"}
    dev = violated(tmp_path, workload="chat (over/dev)")
    assert dev - violated(tmp_path, workload="chat (over/prod)") == {
        "egress-restricted",
        "no-service-account-token",
    }
    assert gaps(tmp_path) == []


def test_one_chain_of_kustomizations_is_one_deployment(tmp_path: Path) -> None:
    pod(tmp_path / "base", "", "securityContext: {privileged: true}")
    write(tmp_path, "base/kustomization.yaml", HEAD + "resources: [pod.yaml]\n")
    write(tmp_path, "prod/kustomization.yml", HEAD + """\
bases: [../base]
components: [../hard]
namePrefix: p-
commonLabels: {team: ml}
images: [{name: vllm/vllm-openai, digest: "sha256:DIGEST"}]
""".replace("DIGEST", "e" * 64))  # fmt: skip
    write(tmp_path, "hard/kustomization.yaml", """
    apiVersion: kustomize.config.k8s.io/v1alpha1
    kind: Component
    resources: [policy.yaml]
    patches:
      - target: {kind: Pod, labelSelector: "app=chat,tier!=web", name: "ch.*"}
        path: unprivileged.yaml
    """)  # fmt: skip
    write(
        tmp_path,
        "hard/unprivileged.yaml",
        "- {op: replace, path: /spec/containers/0/securityContext/privileged, value: false}\n",
    )
    write(tmp_path, "hard/policy.yaml", """
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: deny}
    spec: {podSelector: {matchLabels: {tier: llm}}, policyTypes: [Egress]}
    """)  # fmt: skip
    said = controls(tmp_path)
    for control in ("unprivileged", "image-pinned", "egress-restricted"):
        assert said[control].outcome == "satisfied", control
    assert gaps(tmp_path) == []


def test_generated_maps_and_secrets_are_known(tmp_path: Path) -> None:
    pod(
        tmp_path,
        container="envFrom: [{configMapRef: {name: env}}, {secretRef: {name: keys}}]\n"
        "env: [{name: TRUST_REMOTE_CODE, valueFrom: {configMapKeyRef: {name: env, key: code}}}]",
    )
    write(tmp_path, "kustomization.yaml", HEAD + """\
resources: [pod.yaml]
configMapGenerator: [{name: env, literals: [code=true, "A='b'"]}]
secretGenerator: [{name: keys, literals: [HF_TOKEN=abc1], envs: [more.env]}]
""")  # fmt: skip
    said = controls(tmp_path)
    assert "HF_TOKEN" in said["no-credentials"].reason
    assert said["no-remote-code"].outcome == "violated"
    write(tmp_path, "kustomization.yaml", HEAD + """\
resources: [pod.yaml]
configMapGenerator: [{name: env, envs: [more.env]}]
secretGenerator: [{name: keys, literals: [OTHER=abc1]}]
""")  # fmt: skip
    said = controls(tmp_path)
    assert said["no-credentials"].outcome == "unknown"
    assert "more.env" in said["no-credentials"].reason


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ("[pod.yaml, ../base]", "is not below what was named"),
        ("[pod.yaml, gone.yaml]", "is not here"),
        ("[pod.yaml, 'https://example.org/x']", "is not below what was named"),
        ("[pod.yaml]\ncomponents: [gone]", "the component gone is not here"),
        ("[pod.yaml]\nreplacements: []", "is not followed"),
    ],
)
def test_what_is_not_followed_is_a_gap(tmp_path: Path, resources: str, reason: str) -> None:
    pod(tmp_path)
    write(tmp_path, "kustomization.yaml", HEAD + f"resources: {resources}\n")
    report = look(tmp_path)
    assert any(reason in gap.reason and gap.needed for gap in report.models[0].coverage)
    assert report.decision.exit_code == 3


def test_a_gap_where_no_model_is_matters_to_nobody(tmp_path: Path) -> None:
    write(tmp_path, "kustomization.yaml", HEAD + "resources: [gone.yaml]\nhelmCharts: []\n")
    assert look(tmp_path).decision.status == "nothing"


def test_kustomizations_that_use_each_other_come_to_an_end(tmp_path: Path) -> None:
    pod(tmp_path / "a")
    write(tmp_path, "a/kustomization.yaml", HEAD + "resources: [pod.yaml, ../b, ../b]\n")
    write(tmp_path, "b/kustomization.yaml", HEAD + "resources: [../a, ../a]\n")
    assert any("too often" in reason for reason in gaps(tmp_path))


def test_what_kustomizations_copy_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "_MOST", 10_000)
    rows = "\n".join(f"    k{n}: v" for n in range(500))
    (big,) = documents(f"apiVersion: v1\nkind: ConfigMap\ndata:\n{rows}\n", "big.yaml")
    manifests: dict[str, list[Node]] = {"big.yaml": [big]}
    for number in range(30):
        (root,) = documents(HEAD + "resources: [../big.yaml]\n", "k")
        manifests[f"o{number}/kustomization.yaml"] = [root]
    built = kustomize.build(manifests)
    assert len(built) == 30
    assert sum(len(each.objects) for each in built) <= 20
    assert any("hold more than" in gap for each in built for gap in each.gaps)
    assert manifests == {}


def applied(patch: str, base: str = "") -> tuple[Table, list[str]]:
    """An object with a patch for it."""
    (root,) = documents(base or BASE, "f")
    (given,) = documents(f"- {patch}", "p")
    assert isinstance(root, Table)
    assert isinstance(given, Row)
    return root, list(patches.apply(given[0], "", {}, [root]))


BASE = "{apiVersion: v1, kind: Pod, metadata: {name: chat}, spec: {a: [1, 2], b: {c: 3}, n: x}}"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("{op: move, from: /spec/b, path: /spec/d}", {"a": ["1", "2"], "n": "x", "d": {"c": "3"}}),
        ("{op: copy, from: /spec/a/0, path: /spec/a/-}", {"a": ["1", "2", "1"], "b": {"c": "3"}, "n": "x"}),
        ("{op: test, path: /spec/n, value: x}", {"a": ["1", "2"], "b": {"c": "3"}, "n": "x"}),
        ("{op: add, path: /spec/a/1, value: z}", {"a": ["1", "z", "2"], "b": {"c": "3"}, "n": "x"}),
        ("{op: remove, path: /spec/a/0}", {"a": ["2"], "b": {"c": "3"}, "n": "x"}),
        ("{op: replace, path: /spec/a/1, value: z}", {"a": ["1", "z"], "b": {"c": "3"}, "n": "x"}),
    ],
)  # fmt: skip
def test_operations(operation: str, expected: object) -> None:
    found, said = applied(f'{{target: {{kind: Pod}}, patch: "[{operation}]"}}')
    assert (found["spec"], said) == (expected, [])


@pytest.mark.parametrize(
    "operation", ["{op: add, path: /spec/n/x, value: 1}", "{op: move, from: /gone, path: /x}"]
)
def test_operations_that_do_not_fit(operation: str) -> None:
    _, said = applied(f'{{target: {{kind: Pod}}, patch: "[{operation}]"}}')
    assert [each.partition(":")[0] for each in said] == ["a patch does not fit"]


def test_a_patch_cannot_blow_a_manifest_up() -> None:
    double = "{op: copy, from: /spec, path: /spec/x}, "
    found, said = applied(f'{{target: {{kind: Pod}}, patch: "[{double * 40}]"}}')
    assert said
    text = str(found)
    assert len(text) < 10_000


@pytest.mark.parametrize(
    ("target", "fits"),
    [
        ("name: chat", True), ("name: cha", False), ("name: c.*t", True), ("name: .*x.*", False),
        ("name: ^chat$", True), ("name: web|chat", True), ("version: v1", True),
        ("group: apps", False), ("namespace: other", False), ("labelSelector: app", True),
        ("labelSelector: app!=x", True), ("labelSelector: app=x", False),
        ("annotationSelector: a", False), ("name: c.*h.*a.*", True), ("name: x.*", False),
        ("name: (a+)+$", False),
    ],
)  # fmt: skip
def test_targets(target: str, fits: bool) -> None:
    base = "{apiVersion: v1, kind: Pod, metadata: {name: chat, labels: {app: chat}}, spec: {}}"
    found, _ = applied(
        f'{{target: {{{target}}}, patch: "[{{op: add, path: /spec/x, value: 1}}]"}}', base
    )
    assert ("x" in table(found["spec"])) == fits


def test_lists_of_unknown_kinds_are_replaced() -> None:
    base = (
        "{apiVersion: ray.io/v1, kind: R, metadata: {name: r}, spec: {c: [{name: a}, {name: b}]}}"
    )
    patch = "apiVersion: ray.io/v1\\nkind: R\\nmetadata: {name: r}\\nspec: {c: [{name: a, x: 1}]}"
    found, _ = applied(f'{{patch: "{patch}"}}', base)
    assert found["spec"]["c"] == [{"name": "a", "x": "1"}]


def test_a_merge_can_replace_a_table() -> None:
    patch = (
        "apiVersion: v1\\nkind: Pod\\nmetadata: {name: chat}\\nspec: {b: {$patch: replace, d: 4}}"
    )
    found, _ = applied(f'{{patch: "{patch}"}}')
    assert found["spec"]["b"] == {"d": "4"}


LABELLED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat}
spec: {template: {metadata: {labels: {app: chat}}, spec: {containers: [{name: v, image: vllm/vllm-openai}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: eval}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: v, image: vllm/vllm-openai}]}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {matchLabels: {team: ml}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {a: b}}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: chat}
spec: {type: NodePort, selector: {app: chat}}
"""


@pytest.mark.parametrize(
    ("more", "egress", "reached"),
    [
        ("commonLabels: {team: ml}\n", "satisfied", True),
        ("labels: [{pairs: {team: ml}, includeSelectors: true}]\n", "satisfied", True),
        ("labels: [{pairs: {team: ml}, includeTemplates: true}]\n", "satisfied", False),
        ("labels: [{pairs: {team: ml}}]\n", "violated", False),
    ],
)
def test_labels_decide_what_is_selected(
    tmp_path: Path, more: str, egress: str, *, reached: bool
) -> None:
    write(tmp_path, "all.yaml", LABELLED)
    write(tmp_path, "kustomization.yaml", HEAD + "resources: [all.yaml]\n" + more)
    for name in ("chat", "eval"):
        assert controls(tmp_path, workload=name)["egress-restricted"].outcome == egress
    found = workloads(tmp_path)["chat"]
    assert any("team=ml" in each for each in found.could_reach) == reached
