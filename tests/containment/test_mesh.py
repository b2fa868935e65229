"""Who may call a server, as a mesh, an operator or a service says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import controls, pod, write

POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: callers}
spec: SPEC
"""
ANY = "from: [{source: {requestPrincipals: ['*']}}]"


@pytest.mark.parametrize(
    ("spec", "outcome"),
    [
        (f"{{rules: [{{{ANY}}}]}}", "satisfied"),
        (f"{{selector: {{matchLabels: {{app: chat}}}}, rules: [{{{ANY}}}]}}", "satisfied"),
        (f"{{selector: {{matchLabels: {{app: web}}}}, rules: [{{{ANY}}}]}}", "violated"),
        ("{rules: [{from: [{source: {namespaces: [front]}}]}]}", "satisfied"),
        ("{rules: [{when: [{key: 'request.auth.claims[iss]', values: [x]}]}]}", "satisfied"),
        ("{rules: [{to: [{operation: {paths: [/v1]}}]}]}", "violated"),
        (f"{{rules: [{{{ANY}}}, {{}}]}}", "violated"),
        ("{rules: [{from: [{source: {notNamespaces: [x]}}]}]}", "violated"),
        ("{}", "satisfied"),
        ("{action: CUSTOM, provider: {name: p}, rules: [{}]}", "satisfied"),
        ("{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]}", "satisfied"),
        ("{action: DENY, rules: [{from: [{source: {namespaces: [x]}}]}]}", "violated"),
        ("{action: AUDIT, rules: [{}]}", "violated"),
        (f"{{targetRefs: [{{kind: Gateway, name: g}}], rules: [{{{ANY}}}]}}", "violated"),
    ],
)
def test_policies_of_a_mesh_say_who_may_call(tmp_path: Path, spec: str, outcome: str) -> None:
    file = pod(tmp_path, others=POLICY.replace("SPEC", spec))
    assert controls(file)["authenticated"].outcome == outcome


@pytest.mark.parametrize(
    ("spec", "outcome"),
    [
        ("{outboundTrafficPolicy: {mode: REGISTRY_ONLY}}", "unknown"),
        ("{outboundTrafficPolicy: {mode: ALLOW_ANY}}", "violated"),
        (
            "{workloadSelector: {labels: {app: web}}, outboundTrafficPolicy: {mode: REGISTRY_ONLY}}",
            "violated",
        ),
        ("{egress: [{hosts: ['./*']}]}", "violated"),
    ],
)
def test_a_sidecar_is_no_network_policy(tmp_path: Path, spec: str, outcome: str) -> None:
    text = "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: " + spec
    assert controls(pod(tmp_path, others=text))["egress-restricted"].outcome == outcome


KSERVE = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: m, HEAD}
spec: {predictor: {model: {modelFormat: {name: huggingface}, storageUri: "pvc://models/m"}}}
"""


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        ("", "unknown"),
        ("annotations: {security.opendatahub.io/enable-auth: 'true'}", "satisfied"),
        ("annotations: {security.opendatahub.io/enable-auth: 'false'}", "violated"),
        ("labels: {networking.kserve.io/visibility: cluster-local}", "violated"),
    ],
)
def test_what_kserve_is_told_about_callers(tmp_path: Path, head: str, outcome: str) -> None:
    file = write(tmp_path, "m.yaml", KSERVE.replace("HEAD", head))
    assert controls(file)["authenticated"].outcome == outcome


@pytest.mark.parametrize(
    ("args", "outcome"),
    [
        ("--api-key 3f9a", "satisfied"),
        ("--api-key ''", "violated"),
        ("--api-key EMPTY", "violated"),
        ("--api-key", "violated"),
    ],
)
def test_a_key_that_everybody_knows_is_none(tmp_path: Path, args: str, outcome: str) -> None:
    file = pod(tmp_path, container=f'command: [sh, -c, "vllm serve /models/x {args}"]')
    assert controls(file)["authenticated"].outcome == outcome


def test_the_hosts_network_is_everybodys(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "compose.yaml",
        "services: {v: {image: 'vllm/vllm-openai:1', network_mode: host}, o: {image: ollama/ollama, network_mode: host}}",
    )
    assert "host's" in controls(file, workload="v")["authenticated"].reason


def test_a_token_that_a_script_sets_is_in_reach(tmp_path: Path) -> None:
    script = "command: [sh, -c, 'export HF_TOKEN=$(cat /token); vllm serve /models/x']"
    assert "HF_TOKEN" in controls(pod(tmp_path, container=script))["no-credentials"].reason
