from __future__ import annotations

from pathlib import Path

import pytest

from tests.forge.deployments import EXAMPLES, look, unknown, violated, workloads

RUNTIME = {"output-filtered", "requests-logged"}
"""What files of deployments hardly ever tell."""

GOOD = [
    "vllm-compose", "tgi-kubernetes", "llama-cpp-systemd", "ollama-compose", "triton-kubernetes",
    "kserve", "tei-quadlet", "sglang-kubernetes", "llama-cpp-compose", "tei-compose",
    "ray-serve", "agent-compose",
]  # fmt: skip
BAD = {
    "vllm-compose": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "hub-offline", "model-read-only", "no-remote-code", "no-runtime-loading", "model-pinned", "image-pinned", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "tgi-kubernetes": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "hub-offline", "model-read-only", "no-remote-code", "model-pinned", "image-pinned", "host-separated", "no-service-account-token", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "sglang-dockerfile": {"no-credentials", "no-remote-code", "image-pinned", "no-shell-beside-model"},
    "llama-cpp-systemd": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "no-local-files", "model-pinned", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "ollama-compose": {"egress-restricted", "authenticated", "weights-local", "model-read-only", "no-runtime-loading", "model-pinned", "image-pinned", "unprivileged", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "triton-kubernetes": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "no-runtime-loading", "model-pinned", "image-pinned", "unprivileged", "no-service-account-token", "root-read-only", "least-privilege", "verified-before-start"},
    "kserve": {"egress-restricted", "no-credentials", "weights-local", "hub-offline", "no-remote-code", "model-pinned", "no-service-account-token", "root-read-only", "least-privilege", "verified-before-start"},
    "sglang-kubernetes": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "hub-offline", "model-read-only", "no-remote-code", "model-pinned", "image-pinned", "no-service-account-token", "root-read-only", "least-privilege", "verified-before-start"},
    "llama-cpp-compose": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "model-read-only", "no-local-files", "model-pinned", "image-pinned", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "tei-compose": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "hub-offline", "model-read-only", "model-pinned", "image-pinned", "unprivileged", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "tei-quadlet": {"egress-restricted", "no-credentials", "authenticated", "weights-local", "hub-offline", "model-read-only", "model-pinned", "image-pinned", "root-read-only", "least-privilege", "ephemeral", "verified-before-start"},
    "ray-serve": {"egress-restricted", "no-credentials", "authenticated", "hub-offline", "safe-loading", "image-pinned", "no-service-account-token", "root-read-only", "least-privilege", "verified-before-start"},
    "agent-compose": {"egress-restricted", "no-credentials", "image-pinned", "host-separated", "root-read-only", "least-privilege", "ephemeral"},
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_deployment_violates_nothing(name: str) -> None:
    assert violated(EXAMPLES / name / "good") == set()
    assert unknown(EXAMPLES / name / "good") <= RUNTIME


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_deployment_violates_what_it_says(name: str) -> None:
    assert violated(EXAMPLES / name / "bad") == BAD[name]


@pytest.mark.parametrize("name", sorted(BAD))
def test_every_violation_is_a_finding_at_a_line_of_its_file(name: str) -> None:
    folder = EXAMPLES / name / "bad"
    model = look(folder).models[0]
    found = {each.evidence["control"] for each in model.findings}
    assert found >= BAD[name]
    for each in model.findings:
        assert each.location.line is not None
        rows = (folder / each.location.file).read_text(encoding="utf-8").splitlines()
        assert 1 <= each.location.line <= len(rows)


def test_an_image_alone_tells_little() -> None:
    folder = EXAMPLES / "sglang-dockerfile" / "good"
    assert violated(folder) == set()
    assert "egress-restricted" in unknown(folder)


@pytest.mark.parametrize(
    ("name", "line", "text"),
    [
        ("tgi-kubernetes/bad", "host-separated", "docker.sock"),
        ("tgi-kubernetes/bad", "egress-restricted", "0.0.0.0/0"),
        ("tgi-kubernetes/bad", "authenticated", "type: LoadBalancer"),
        ("ollama-compose/bad", "no-runtime-loading", "ollama"),
        ("vllm-compose/bad", "no-credentials", "HF_TOKEN"),
        ("llama-cpp-compose/bad", "no-credentials", "HF_TOKEN="),
        ("sglang-kubernetes/bad", "no-remote-code", "SGLANG_TRUST_REMOTE_CODE"),
        ("llama-cpp-systemd/bad", "no-local-files", "ExecStart"),
    ],
)
def test_a_violation_stands_at_the_line_that_says_it(name: str, line: str, text: str) -> None:
    folder = EXAMPLES / name
    finding = next(
        each for each in look(folder).models[0].findings if each.evidence["control"] == line
    )
    rows = (folder / finding.location.file).read_text(encoding="utf-8").splitlines()
    around = "\n".join(
        rows[max(0, (finding.location.line or 1) - 2) : (finding.location.line or 1) + 4]
    )
    assert text in around


def test_a_manifest_without_models_yields_nothing() -> None:
    report = look(EXAMPLES / "nothing-to-do-with-models")
    assert (report.decision.status, report.decision.exit_code) == ("nothing", 4)
    assert report.models[0].findings == ()
    assert report.models[0].files == ()
    assert workloads(EXAMPLES / "nothing-to-do-with-models") == {}


def test_the_default_policy_fails_what_gives_the_host_away() -> None:
    outcomes = {name: look(EXAMPLES / name / "bad").decision.exit_code for name in BAD}
    assert {name for name, code in outcomes.items() if code == 1} == {
        "agent-compose", "ollama-compose", "ray-serve", "tgi-kubernetes", "triton-kubernetes",
    }  # fmt: skip


def test_neighbours_of_a_model_are_no_workloads() -> None:
    assert set(workloads(EXAMPLES / "ollama-compose" / "bad")) == {"ollama", "open-webui"}


def test_the_paths_of_a_run_share_policies(tmp_path: Path) -> None:
    text = (EXAMPLES / "tgi-kubernetes" / "good" / "tgi.yaml").read_text(encoding="utf-8")
    pods, policies = text.split("---\n")
    first, second = tmp_path / "pods.yaml", tmp_path / "policies.yaml"
    first.write_text(pods, encoding="utf-8")
    second.write_text(policies, encoding="utf-8")
    assert violated(first) == {"egress-restricted"}
    assert violated(first, second) == set()
