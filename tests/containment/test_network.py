from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.containment import cluster
from tests.forge.deployments import controls, look, pod, service, workloads, write

POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: out{space}}}
spec:
{spec}
"""


def policy(spec: str, space: str = "") -> str:
    rows = "\n".join("  " + row for row in spec.strip().splitlines())
    return POLICY.format(spec=rows, space=space)


ALL = "podSelector: {}\npolicyTypes: [Egress]\n"


def egress(folder: Path, others: str, spec: str = "") -> tuple[str, str]:
    found = controls(pod(folder, spec=spec, others=others))["egress-restricted"]
    return found.outcome, found.reason


@pytest.mark.parametrize(
    "selector",
    [
        "{}",
        "{matchLabels: {app: chat}}",
        "{matchLabels: {app: chat, tier: llm}}",
        "{matchExpressions: [{key: app, operator: In, values: [chat, other]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}",
        "{matchExpressions: [{key: app, operator: Exists}, {key: no, operator: DoesNotExist}]}",
    ],
)
def test_a_policy_that_selects_the_pod_denies(tmp_path: Path, selector: str) -> None:
    others = policy(f"podSelector: {selector}\npolicyTypes: [Egress]")
    assert egress(tmp_path, others) == ("satisfied", "egress is denied; nothing is allowed")


@pytest.mark.parametrize(
    "selector",
    [
        "{matchLabels: {app: web}}",
        "{matchLabels: {app: chat, tier: web}}",
        "{matchExpressions: [{key: app, operator: In, values: [web]}]}",
        "{matchExpressions: [{key: app, operator: NotIn, values: [chat]}]}",
        "{matchExpressions: [{key: no, operator: Exists}]}",
        "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
        "{matchExpressions: [{key: app, operator: Invented, values: [chat]}]}",
    ],
)
def test_a_policy_that_selects_others_does_nothing(tmp_path: Path, selector: str) -> None:
    others = policy(f"podSelector: {selector}\npolicyTypes: [Egress]")
    assert egress(tmp_path, others)[0] == "violated"


def test_namespaces_have_to_be_the_same(tmp_path: Path) -> None:
    assert egress(tmp_path, policy(ALL, ", namespace: other"))[0] == "violated"


@pytest.mark.parametrize(
    ("spec", "outcome"),
    [
        ("podSelector: {}\npolicyTypes: [Ingress]", "violated"),
        ("podSelector: {}\negress: []", "satisfied"),
        ("podSelector: {}\ningress: []", "violated"),
        (ALL + "egress: [{}]", "violated"),
        (ALL + "egress: [{ports: [{port: 443}]}]", "violated"),
        (ALL + "egress: [{ports: [{port: 53, protocol: UDP}]}]", "satisfied"),
        (ALL + "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]", "violated"),
        (ALL + "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 53}]}]", "satisfied"),
        (
            ALL + "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, 'except': [10.0.0.0/8]}}]}]",
            "violated",
        ),
        (ALL + "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/1}}]}]", "violated"),
        (ALL + "egress: [{to: [{ipBlock: {cidr: '::/0'}}]}]", "violated"),
        (ALL + "egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", "satisfied"),
        (ALL + "egress: [{to: [{namespaceSelector: {}}]}]", "satisfied"),
    ],
)
def test_what_a_policy_allows(tmp_path: Path, spec: str, outcome: str) -> None:
    assert egress(tmp_path, policy(spec))[0] == outcome


def test_what_is_allowed_is_what_could_be_reached(tmp_path: Path) -> None:
    spec = ALL + (
        "egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]},"
        " {to: [{podSelector: {}}, {namespaceSelector: {}}, {ipBlock: {cidr: 10.1.0.0/16}}]}]"
    )
    (found,) = workloads(pod(tmp_path, others=policy(spec))).values()
    assert set(found.could_reach) >= {
        "pods with app=db port 5432", "all pods of the namespace", "all pods of all namespaces",
        "10.1.0.0/16",
    }  # fmt: skip


def test_policies_add_up(tmp_path: Path) -> None:
    opened = ALL + "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"
    assert egress(tmp_path, policy(ALL) + "---" + policy(opened))[0] == "violated"


def test_no_policy_holds_in_the_hosts_network(tmp_path: Path) -> None:
    outcome, reason = egress(tmp_path, policy(ALL), spec="hostNetwork: true")
    assert outcome == "violated"
    assert "host's network" in reason


CILIUM = """
apiVersion: cilium.io/v2
kind: {kind}
metadata: {{name: out}}
spec:
  endpointSelector: {{matchLabels: {{"k8s:app": chat}}}}
  {rest}
"""


@pytest.mark.parametrize(
    ("rest", "outcome"),
    [
        ("egress: []", "satisfied"),
        ("egress: [{toEntities: [kube-apiserver]}]", "satisfied"),
        ("egress: [{toEntities: [world]}]", "violated"),
        ("egress: [{toFQDNs: [{matchName: huggingface.co}]}]", "satisfied"),
        ("egress: [{toFQDNs: [{matchPattern: '*'}]}]", "violated"),
        ("egress: [{toCIDR: [0.0.0.0/0]}]", "violated"),
        ("egress: [{toCIDRSet: [{cidr: 10.0.0.0/8}]}]", "satisfied"),
        ("egress: [{toEndpoints: [{matchLabels: {app: db}}]}]", "satisfied"),
        ("egress: [{toPorts: [{ports: [{port: '443'}]}]}]", "violated"),
        ("egressDeny: [{toEntities: [world]}]", "satisfied"),
        ("enableDefaultDeny: {egress: false}\n  egress: [{toEntities: [host]}]", "violated"),
        ("ingress: []", "violated"),
    ],
)
def test_cilium(tmp_path: Path, rest: str, outcome: str) -> None:
    assert egress(tmp_path, CILIUM.format(kind="CiliumNetworkPolicy", rest=rest))[0] == outcome


def test_cilium_for_the_whole_cluster_and_several_specs(tmp_path: Path) -> None:
    others = """
    apiVersion: cilium.io/v2
    kind: CiliumClusterwideNetworkPolicy
    metadata: {name: out, namespace: elsewhere}
    specs: [{endpointSelector: {}, egress: []}]
    """
    assert egress(tmp_path, others)[0] == "satisfied"


@pytest.mark.parametrize(
    "others",
    [
        "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: x}\nspec: {selector: all()}\n",
        "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec: {}\n",
        "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\nspec: {}\n",
    ],
)
def test_policies_that_are_not_evaluated_leave_it_open(tmp_path: Path, others: str) -> None:
    outcome, reason = egress(tmp_path, others)
    assert outcome == "unknown"
    assert "not evaluated" in reason


def test_a_policy_in_a_template_leaves_it_open(tmp_path: Path) -> None:
    write(tmp_path, "policy.yaml", "kind: NetworkPolicy\n{{- if .x }}\nspec: {\n")
    pod(tmp_path)
    assert controls(tmp_path)["egress-restricted"].outcome == "unknown"


@pytest.mark.parametrize(
    ("more", "top", "outcome"),
    [
        ("", "", "violated"),
        ("networks: [a]", "networks: {a: {internal: true}}", "satisfied"),
        ("networks: {a: null}", "networks: {a: {internal: true}}", "satisfied"),
        ("networks: [a, b]", "networks: {a: {internal: true}, b: {}}", "violated"),
        ("networks: [a]", "networks: {a: {external: true}}", "unknown"),
        ("networks: [a]", "networks: {a: {external: {name: z}}}", "unknown"),
        ("", "networks: {default: {internal: true}}", "satisfied"),
        ("network_mode: none", "", "satisfied"),
        ("network_mode: host", "", "violated"),
        ("network_mode: bridge", "", "violated"),
        ("network_mode: 'container:x'", "", "unknown"),
        ("network_mode: 'service:door'", "", "unknown"),
    ],
)
def test_networks_of_compose(tmp_path: Path, more: str, top: str, outcome: str) -> None:
    file = service(tmp_path, more, top)
    assert controls(file)["egress-restricted"].outcome == outcome


def test_a_service_in_the_network_of_another_has_what_that_has(tmp_path: Path) -> None:
    file = write(tmp_path, "compose.yaml", """
    services:
      vllm: {image: "vllm/vllm-openai:v1", network_mode: "service:door"}
      door: {image: "nginx:1", networks: [in], ports: ["80:80"]}
    networks: {in: {internal: true}}
    """)  # fmt: skip
    said = controls(file)
    assert said["egress-restricted"].outcome == "satisfied"
    assert said["authenticated"].outcome == "violated"


SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: chat{meta}}}
spec: {{type: {kind}, selector: {{app: chat}}}}
"""
ROUTE = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: door{meta}}}
spec:
  rules: [{{http: {{paths: [{{backend: {{service: {{name: chat}}}}}}]}}}}]
"""


@pytest.mark.parametrize(
    ("others", "outcome", "severity"),
    [
        (SERVICE.format(kind="LoadBalancer", meta=""), "violated", "high"),
        (
            SERVICE.format(
                kind="LoadBalancer", meta=", annotations: {x/load-balancer-internal: 'true'}"
            ),
            "violated",
            "medium",
        ),
        (SERVICE.format(kind="NodePort", meta=""), "violated", "medium"),
        (SERVICE.format(kind="ClusterIP", meta=""), "violated", "medium"),
        (SERVICE.format(kind="ClusterIP", meta="") + ROUTE.format(meta=""), "violated", "medium"),
        (
            SERVICE.format(kind="ClusterIP", meta="")
            + ROUTE.format(meta=", annotations: {nginx/auth-url: x}"),
            "unknown",
            "",
        ),
        (policy("podSelector: {}\npolicyTypes: [Ingress]\ningress: []"), "satisfied", ""),
        (policy("podSelector: {}\npolicyTypes: [Ingress]\ningress: [{}]"), "violated", "medium"),
        (policy("podSelector: {}\npolicyTypes: [Egress]"), "violated", "medium"),
    ],
)
def test_who_reaches_a_pod(tmp_path: Path, others: str, outcome: str, severity: str) -> None:
    file = pod(tmp_path, others=others)
    assert controls(file)["authenticated"].outcome == outcome
    found = [
        f.severity
        for f in look(file).models[0].findings
        if f.evidence["control"] == "authenticated"
    ]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("ports", "outcome"),
    [
        ('["8000:8000"]', "violated"),
        ('["8000"]', "violated"),
        ('["127.0.0.1:8000:8000"]', "satisfied"),
        ('["[::1]:8000:8000"]', "satisfied"),
        ('["0.0.0.0:8000:8000/tcp"]', "violated"),
        ('["${PORT:-8000}:8000"]', "violated"),
        ("[{target: 8000, published: 80}]", "violated"),
        ("[{target: 8000, host_ip: 127.0.0.1}]", "satisfied"),
        ("[]", "satisfied"),
    ],
)
def test_ports_of_compose(tmp_path: Path, ports: str, outcome: str) -> None:
    assert controls(service(tmp_path, f"ports: {ports}"))["authenticated"].outcome == outcome


@pytest.mark.parametrize(
    "more",
    [
        "command: --api-key ${KEY:?needed}",
        "environment: {VLLM_API_KEY: '${KEY:?needed}'}",
        "environment: [VLLM_API_KEY=abc]",
    ],
)
def test_a_key_for_callers(tmp_path: Path, more: str) -> None:
    said = controls(service(tmp_path, more + '\nports: ["8000:8000"]'))
    assert said["authenticated"].outcome == "satisfied"
    assert said["no-credentials"].outcome == "satisfied"


def test_how_often_objects_are_held_against_workloads_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_MOST_LOOKS", 20)
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x}\nspec: {}\n"
    )
    pod(tmp_path, others="---\n".join([policy] * 30))
    report = look(tmp_path)
    assert report.decision.status == "incomplete"
    assert any("too many objects" in gap.reason for gap in report.models[0].coverage)
