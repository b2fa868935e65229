from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelscan import api
from modelscan.containment import requirements
from modelscan.policy.layers import Policy, plain
from modelscan.policy.profile import DEFAULT, PROFILES, Autonomy, build
from modelscan.vocabulary.containment import Containment
from modelscan.vocabulary.lock import Lock, LockedFile, LockedModel
from modelscan.vocabulary.result import ModelReport
from modelscan.vocabulary.rule import SEVERITIES
from tests.forge.deployments import COMMIT, EXAMPLES, controls, look, scanned, service, write

GOOD = EXAMPLES / "tgi-kubernetes" / "good"
BAD = EXAMPLES / "vllm-compose" / "bad"


def policy(autonomy: Autonomy, **changes: object) -> Policy:
    profile = msgspec.structs.replace(DEFAULT, autonomy=autonomy, **changes)
    return msgspec.structs.replace(plain(), profile=profile)


def report(tmp_path: Path, *models: ModelReport) -> Path:
    base = api.contain(GOOD)
    path = tmp_path / "scan.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(base, models=models)))
    return path


def test_no_autonomy_requires_nothing() -> None:
    found = look(BAD).models[0].containment
    assert isinstance(found, Containment)
    assert found.autonomy == "none"
    assert not any(each.required for each in found.workloads[0].controls)


def test_reading_requires_what_keeps_apart() -> None:
    done = look(BAD, policy=policy("read"))
    assert done.decision.exit_code == 1
    found = done.models[0].findings
    assert {f.evidence["control"] for f in found if f.severity == "high"} >= {
        "egress-restricted",
        "image-pinned",
    }
    assert {f.severity for f in found if f.evidence["control"] == "root-read-only"} == {"info"}


def test_acting_requires_everything_and_what_nobody_can_tell_is_a_gap() -> None:
    done = look(GOOD, policy=policy("act"))
    assert done.decision.exit_code == 3
    reasons = [gap.reason for gap in done.models[0].coverage if gap.needed]
    assert [reason.split(": ")[1].split()[0] for reason in reasons] == [
        "output-filtered",
        "requests-logged",
    ]
    assert look(GOOD, policy=policy("read")).decision.exit_code == 0


def test_a_violation_beats_a_gap() -> None:
    assert look(BAD, policy=policy("act")).decision.exit_code == 1


def test_a_raised_finding_reaches_the_policys_own_threshold() -> None:
    done = look(BAD, policy=policy("read", fail_severity="critical", fail_confidence="high"))
    assert done.decision.exit_code == 1
    assert "critical" in {f.severity for f in done.models[0].findings}


def test_verified_bytes_ask_for_what_reading_asks_for() -> None:
    production = build("production", PROFILES["production"])
    assert requirements.autonomy(production) == "read"
    assert requirements.autonomy(DEFAULT) == "none"
    floor = msgspec.structs.replace(
        DEFAULT, floors=(build("f", {**PROFILES["default"], ("autonomy",): "act"}),)
    )
    assert requirements.autonomy(floor) == "act"


def test_requirements_of_models_are_not_asked_of_deployments() -> None:
    done = look(GOOD, policy=plain("production"))
    assert done.decision.exit_code == 0


def test_the_environment_of_a_configuration_decides(tmp_path: Path) -> None:
    config = write(tmp_path, "modelassay.toml", '[env.agents]\nautonomy = "act"\n')
    chosen = api.load_policy([GOOD], config=config, policy="agents")
    found = look(GOOD, policy=chosen).models[0].containment
    assert isinstance(found, Containment)
    assert found.autonomy == "act"


def test_a_waiver_lets_a_required_control_pass(tmp_path: Path) -> None:
    file = service(tmp_path, "environment: {HF_TOKEN: abc1}")
    digest = look(file).models[0].digest
    config = write(tmp_path / "c", "modelassay.toml", f"""
    autonomy = "none"
    [fail-on]
    severity = "medium"
    [[waiver]]
    rule = "credential-in-reach"
    subject = "{digest}"
    justification = "inline_mitigations_already_exist"
    reason = "the token can read one public model"
    owner = "ml"
    expires = {_soon()}
    """)  # fmt: skip
    chosen = api.load_policy([file], config=config)
    (found,) = [
        f for f in look(file, policy=chosen).models[0].findings if f.rule == "credential-in-reach"
    ]
    assert found.waived is not None


def _soon() -> str:
    from datetime import timedelta

    from modelscan.policy.clock import today

    return (today() + timedelta(days=30)).isoformat()


@pytest.mark.parametrize(
    ("model", "raised", "control"),
    [
        (
            scanned(findings=[("pickle-dangerous-call", "critical")]),
            "1 open finding at or above high",
            "requests-logged",
        ),
        (
            scanned(findings=[("a-rule", "high"), ("b-rule", "high")]),
            "2 open findings",
            "ephemeral",
        ),
        (scanned(official="modified"), "official bytes modified", "ephemeral"),
        (scanned(signed="invalid-signature"), "invalid-signature", "ephemeral"),
        (
            scanned(findings=[("remote-code-requested", "medium")]),
            "it comes with code",
            "root-read-only",
        ),
        (
            scanned(official="unknown", descent="unknown"),
            "descends from: unknown",
            "egress-restricted",
        ),
        (scanned(error="gone"), "could not be read", "ephemeral"),
    ],
)
def test_what_is_known_of_a_model_raises_what_is_required(
    tmp_path: Path, model: ModelReport, raised: str, control: str
) -> None:
    file = service(tmp_path, "command: --model acme/chat-7b")
    done = look(file, reports=[report(tmp_path, model)])
    found = done.models[0].containment
    assert isinstance(found, Containment)
    (one,) = found.workloads
    assert raised in one.raised_by[0]
    assert control in {each.control for each in one.controls if each.required}
    assert done.decision.exit_code == 1


@pytest.mark.parametrize(
    "model",
    [
        scanned(),
        scanned(descent="unknown"),
        scanned(official="unknown", signed="signed-trusted", descent="unknown"),
        scanned(official="unknown"),
        scanned(findings=[("a-rule", "critical")], waived="accepted"),
        scanned(findings=[("a-rule", "medium")]),
    ],
)
def test_an_ordinary_model_raises_nothing(tmp_path: Path, model: ModelReport) -> None:
    file = service(tmp_path, "command: --model acme/chat-7b")
    done = look(file, reports=[report(tmp_path, model)])
    assert done.decision.exit_code == 0


def test_the_report_about_the_model_that_is_named_counts() -> None:
    bad, good = scanned("hf:acme/other", error="gone"), scanned("hf:acme/chat-7b@main")
    assert requirements.concerned(["hf:acme/chat-7b"], [bad, good]) == (good,)
    assert requirements.concerned(["/models/chat-7b"], [bad, good]) == (good,)
    assert requirements.concerned(["/models/x"], [bad, good]) == (bad, good)
    assert requirements.concerned([], [bad, good]) == (bad, good)
    assert requirements.concerned(["ollama:chat-7b:q4"], [bad, good]) == (good,)


def lock(tmp_path: Path, *models: LockedModel) -> Path:
    from modelscan.dependencies import lockfile

    path = tmp_path / "models.lock"
    path.write_bytes(lockfile.encode(Lock(model=models)))
    return path


FILE = LockedFile(path="config.json", size=2, sha256="a" * 64)


@pytest.mark.parametrize(
    ("command", "outcome", "reason"),
    [
        (f"--model acme/chat-7b --revision {COMMIT}", "satisfied", "is pinned"),
        (f"--model acme/chat-7b --revision {'b' * 40}", "violated", "another commit"),
        (f"--model acme/other-7b --revision {COMMIT}", "violated", "not in the lock"),
        ("--model acme/chat-7b", "violated", "can change"),
    ],
)
def test_the_lock_is_what_a_deployment_has_to_name(
    tmp_path: Path, command: str, outcome: str, reason: str
) -> None:
    file = service(tmp_path / "d", f"command: {command}")
    agreed = lock(tmp_path, LockedModel(ref="hf:acme/chat-7b", revision=COMMIT, files=(FILE,)))
    found = api.contain(file, lock=agreed).models[0].containment
    assert isinstance(found, Containment)
    said = {each.control: each for each in found.workloads[0].controls}["model-pinned"]
    assert said.outcome == outcome
    assert reason in said.reason


def test_every_severity_of_a_rule_is_one_that_can_be_raised() -> None:
    assert all(f.severity in SEVERITIES for f in look(BAD).models[0].findings)
    assert controls(BAD)["egress-restricted"].required is False
