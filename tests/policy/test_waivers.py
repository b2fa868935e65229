from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from modelscan.policy.judge import judge
from modelscan.policy.profile import DEFAULT, PROFILES, Profile, build
from modelscan.policy.situation import Situation
from modelscan.policy.waivers import PROVEN_BAD, override, waive
from modelscan.vocabulary.result import Allowed
from modelscan.vocabulary.snapshot import Source
from tests.forge import policies
from tests.forge.policies import COMMIT, file, finding, official, sha256, signed, situation

FILES = (file("model.pkl", "pickle"), file("README.md", "model-card"))
HUB = Source(kind="hub", revision=COMMIT, asked_revision="main")
CLAIMED = f"hf:acme/model@{COMMIT}"
PURL = "pkg:huggingface/acme/*"


def profile(*waivers: Any, **changes: Any) -> Profile:
    return build("default", PROFILES["default"], waivers=waivers, **changes)


def scanned(policy: Profile, **changes: Any) -> tuple[Allowed, dict[str, str | None], list[str]]:
    """The answer, the waivers by rule, and the rules about the policy."""
    model = situation(**{"files": FILES, "findings": (finding(),)} | changes)
    judged = judge(policy, model, policies.evaluate)
    waived = {each.rule: each.waived for each in judged.findings}
    return judged.allowed, waived, [rule for rule in waived if rule.startswith("waiver-")]


def test_a_waived_finding_stays_with_justification_reason_owner_and_end() -> None:
    allowed, waived, problems = scanned(profile(policies.waiver()))
    assert allowed.status == "pass"
    assert allowed.reason == "nothing at or above high (1 waived)"
    assert waived == {
        "pickle-own-class": "vulnerable_code_not_in_execute_path: loaded with our own class "
        "(ml-platform, until 2027-03-01)"
    }
    assert problems == []


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({}, True),
        ({"subject": situation(files=FILES).digest}, True),
        ({"path": "*.pkl"}, True),
        ({"path": "other/*"}, False),
        ({"subject": sha256("other.pkl")}, False),
        ({"subject": sha256("README.md")}, False),
        ({"rule": "pickle-dangerous-call"}, False),
        ({"subject": PURL}, False),
    ],
)
def test_a_waiver_binds_to_bytes_rule_and_path(changes: dict[str, Any], *, applies: bool) -> None:
    allowed, _, _ = scanned(profile(policies.waiver(**changes)))
    assert allowed.status == ("pass" if applies else "fail")


@pytest.mark.parametrize(
    ("subject", "changes", "applies"),
    [
        (PURL, {"source": HUB, "claimed": CLAIMED}, True),
        ("pkg:huggingface/acme/model@" + COMMIT, {"source": HUB, "claimed": CLAIMED}, True),
        ("pkg:huggingface/other/*", {"source": HUB, "claimed": CLAIMED}, False),
        # A folder that is laid out like a hub cache names whatever its author wants.
        (PURL, {"source": Source(kind="hub-cache"), "claimed": CLAIMED}, False),
        (PURL, {"source": Source(kind="hub-cache"), "claimed": CLAIMED,
                "official": official("matches-known-release", f"acme/model@{COMMIT}")}, True),
        (PURL, {"source": Source(kind="hub-cache"), "claimed": CLAIMED,
                "official": official("matches-known-release", f"other/model@{COMMIT}")}, False),
        (PURL, {"source": Source(kind="hub-cache"), "claimed": CLAIMED,
                "official": official("unknown", f"acme/model@{COMMIT}")}, False),
    ],
)  # fmt: skip
def test_a_purl_needs_more_than_a_name(
    subject: str, changes: dict[str, Any], *, applies: bool
) -> None:
    allowed, _, _ = scanned(profile(policies.waiver(subject=subject)), **changes)
    assert allowed.status == ("pass" if applies else "fail")


def test_the_last_day_counts_and_after_it_the_finding_is_back() -> None:
    allowed, _, problems = scanned(profile(policies.waiver(expires=policies.TODAY)))
    assert (allowed.status, problems) == ("pass", [])
    old = policies.waiver(expires=date(2026, 11, 14))
    allowed, waived, problems = scanned(profile(old))
    assert (allowed.status, problems) == ("fail", ["waiver-expired"])
    assert waived["pickle-own-class"] is None
    # One that holds beside it is enough.
    allowed, _, problems = scanned(profile(old, policies.waiver()))
    assert (allowed.status, problems) == ("pass", [])


def test_an_unused_waiver_is_named_only_for_the_model_that_it_is_about() -> None:
    allowed, _, problems = scanned(profile(policies.waiver()), findings=())
    assert (allowed.status, problems) == ("pass", ["waiver-unused"])
    other = policies.waiver(subject=sha256("other.pkl"))
    assert scanned(profile(other), findings=())[2] == []


def test_a_waiver_for_several_publishers_is_named() -> None:
    for subject in ("pkg:huggingface/*/model@*", "pkg:huggingface/ac?e/*"):
        model = {"source": HUB, "claimed": CLAIMED}
        allowed, _, problems = scanned(profile(policies.waiver(subject=subject)), **model)
        assert (allowed.status, problems) == ("pass", ["waiver-over-broad"])


@pytest.mark.parametrize(("rule", "status"), PROVEN_BAD.items())
def test_what_is_proven_needs_an_explicit_switch(rule: str, status: Any) -> None:
    answer = signed(status) if rule == "signature-invalid" else official(status)
    proven: dict[str, Any] = {
        "findings": (finding(rule, severity="critical", confidence="high"),),
        "signed" if rule == "signature-invalid" else "official": answer,
    }
    allowed, waived, problems = scanned(profile(policies.waiver(rule=rule)), **proven)
    assert (allowed.status, problems) == ("fail", ["waiver-refused"])
    assert waived[rule] is None
    explicit = policies.waiver(rule=rule, even_if_proven_malicious=True)
    allowed, waived, problems = scanned(profile(explicit), **proven)
    assert (allowed.status, problems) == ("pass", [])
    assert waived[rule] is not None
    # Another file with the same verdict is not covered.
    second = finding(rule, "other.pkl", severity="critical", confidence="high")
    proven["findings"] = (*proven["findings"], second)
    assert scanned(profile(explicit), **proven)[0].status == "fail"


def test_an_override_changes_what_counts_and_no_answer() -> None:
    def counted(**changes: Any) -> str:
        lines = [policies.override("low", **changes)]
        return scanned(profile(overrides=lines))[0].status

    assert counted() == "pass"
    assert counted(path="*.pkl") == "pass"
    assert counted(path="*.bin") == "fail"
    assert counted(rule="pickle-dangerous-call") == "fail"
    assert counted(subject=sha256("model.pkl")) == "pass"
    assert counted(subject=sha256("other.pkl")) == "fail"
    raised = profile(overrides=[policies.override("critical", rule="pickle-present")])
    note = finding("pickle-present", severity="info")
    assert scanned(raised, findings=(note,))[0].status == "fail"


def test_an_override_does_not_touch_what_is_proven() -> None:
    bad = finding("release-denied", severity="critical")
    model = situation(findings=(bad,))
    lines = [policies.override("info", rule="release-denied")]
    assert override(lines, (bad,), model) == (bad,)


def test_without_waivers_nothing_is_done() -> None:
    model: Situation = situation(findings=(finding(),))
    assert waive((), model) == (model.findings, ())
    judged = judge(DEFAULT, model, policies.evaluate)
    assert judged.findings == model.findings
