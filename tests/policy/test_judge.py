from __future__ import annotations

from typing import Any

import pytest

from modelscan.policy.gate import allow, strongest
from modelscan.policy.judge import judge
from modelscan.policy.profile import DEFAULT, PROFILES, Settings, build
from modelscan.vocabulary.result import Allowed
from tests.forge import policies
from tests.forge.policies import finding, gap, lineage, official, situation


def floor(settings: Settings, **changes: Any) -> Any:
    return build("floor.toml", PROFILES["default"] | settings, **changes)


def test_a_floor_decides_whatever_the_policy_says() -> None:
    lax = {("fail-on", "severity"): "critical", ("formats", "?afetensors"): "allow"}
    least = floor({("formats", "safe*"): "deny"})
    policy = build("lax", PROFILES["default"] | lax, floors=[least])
    judged = judge(policy, situation(findings=(finding(),)), policies.evaluate)
    assert judged.allowed.status == "fail"
    assert judged.allowed.policy == "lax"
    assert judged.allowed.reason == (
        "floor floor.toml: 1 finding at or above high; not kept: formats.safetensors"
    )
    assert judge(policy, situation(files=()), policies.evaluate).allowed.status == "pass"


def test_overrides_of_a_policy_do_not_reach_its_floor() -> None:
    lines = [policies.override("info")]
    model = situation(findings=(finding(),))
    alone = build("p", PROFILES["default"], overrides=lines)
    assert judge(alone, model, policies.evaluate).allowed.status == "pass"
    held = build("p", PROFILES["default"], overrides=lines, floors=[floor({})])
    assert judge(held, model, policies.evaluate).allowed.status == "fail"


def test_the_strictest_answer_decides_and_says_whose_it_is() -> None:
    def says(status: Any, name: str = "p") -> Allowed:
        return Allowed(status=status, policy=name, reason=f"{status} of {name}")

    assert strongest([says("pass")]) == says("pass")
    assert strongest([says("pass"), says("pass", "f")]) == says("pass")
    assert strongest([says("incomplete"), says("incomplete", "f")]).reason == (
        "incomplete of p; floor f: incomplete of f"
    )
    assert strongest([says("incomplete"), says("fail", "f")]).status == "fail"


@pytest.mark.parametrize(
    ("setting", "changes", "expected"),
    [
        (("load-hazards", "fail", "none-found"), {}, ("fail", "load hazards: none-found")),
        (("descends-from", "fail", "unknown"), {}, ("fail", "descends from: unknown")),
        (("descends-from", "incomplete", "unknown"), {},
         ("incomplete", "descends from: unknown")),
        (("official-bytes", "incomplete", "unknown"), {},
         ("incomplete", "official bytes: unknown")),
        (("official-bytes", "incomplete", "unknown"), {"coverage": (gap(),),
         "lineage": lineage("claimed")}, ("incomplete", "official bytes: unknown")),
        (("signed", "fail", "unsigned"), {}, ("fail", "signature: unsigned")),
        (("official-bytes", "fail", "modified"), {"official": official("denied")},
         ("pass", "nothing at or above high")),
    ],
)  # fmt: skip
def test_any_status_can_fail_or_be_incomplete(
    setting: tuple[str, str, str], changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer, outcome, status = setting
    settings = PROFILES["default"] | {("answers", answer, outcome): (status,)}
    judged = judge(build("p", settings), situation(**changes), policies.evaluate)
    assert (judged.allowed.status, judged.allowed.reason) == expected


def test_a_warning_is_a_line_of_the_report_and_no_violation() -> None:
    policy = build("p", PROFILES["default"] | {("requirements", "signed"): "warn"})
    judged = judge(policy, situation(findings=(finding(severity="info"),)), policies.evaluate)
    assert judged.allowed.status == "pass"
    assert [each.rule for each in judged.findings] == ["policy-warning", "pickle-own-class"]


def test_a_breach_is_counted_once() -> None:
    policy = build("p", PROFILES["default"] | {("requirements", "signed"): "fail"})
    judged = judge(policy, situation(), policies.evaluate)
    assert judged.allowed.reason == "not kept: requirements.signed"
    assert [(each.rule, each.severity) for each in judged.findings] == [("policy-not-met", "high")]


def test_the_gate_needs_no_more_than_it_used_to() -> None:
    model = situation()
    found = allow(DEFAULT, official=model.official, signed=model.signed, findings=(),
                  coverage=model.coverage)  # fmt: skip
    assert found == Allowed(status="pass", policy="default", reason="nothing at or above high")
