from __future__ import annotations

import shlex
from datetime import date
from typing import Any

import msgspec
import pytest

from modelscan.policy.consents import consent, ended, fingerprint
from modelscan.policy.judge import judge
from modelscan.policy.profile import PROFILES, build
from modelscan.vocabulary.fact import PolicyException, RemoteClosure
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import Source
from tests.forge import policies
from tests.forge.policies import COMMIT, file, finding, sha256, situation

PRINT = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
FILES = (file("model.pkl", "pickle"), file("config.json", "json"))


def closure(digest: str = PRINT) -> RemoteClosure:
    return RemoteClosure(location=Location("config.json"), fingerprint=digest, files=("m.py",))


def asked(repository: str = "") -> Finding:
    rule = "remote-code-from-other-repository" if repository else "remote-code-requested"
    severity = "high" if repository else "medium"
    return finding(rule, "config.json", severity=severity, evidence={"repository": repository})


def unpickled(name: str = "acme.Net", **evidence: Any) -> Finding:
    return finding(evidence={"callable": name, "disposition": "unknown"} | evidence)


def model(*findings: Finding, digest: str = PRINT, **changes: Any) -> Any:
    return situation(files=FILES, findings=findings, facts=(closure(digest),), **changes)


def names(problems: tuple[PolicyException, ...]) -> list[str]:
    return [each.problem for each in problems]


@pytest.mark.parametrize("repository", ["", "acme/code"])
def test_consent_to_a_fingerprint_covers_all_code_that_is_asked_for(repository: str) -> None:
    given = policies.consent(remote_code=PRINT)
    (found,), problems = consent([given], model(asked(repository)), "m")
    assert found.waived == "consent: reviewed (ml-platform, until 2027-03-01)"
    assert problems == ()


def test_other_code_withdraws_it_and_says_so() -> None:
    given = policies.consent(remote_code=OTHER, model="m")
    (found,), problems = consent([given], model(asked()), "m")
    assert found.waived is None
    assert names(problems) == ["changed"]
    assert problems[0].location.file == "config.json"
    assert names(consent([given], model(asked()), "another")[1]) == []
    again = policies.consent(remote_code=PRINT, model="m")
    (found,), problems = consent([given, again], model(asked()), "m")
    assert found.waived
    assert names(problems) == ["unused"]


def test_code_that_was_not_read_cannot_be_consented_to() -> None:
    (found,), _ = consent([policies.consent(remote_code=PRINT)], model(asked(), digest=""), "m")
    assert found.waived is None
    assert "To consent" not in found.fix
    assert fingerprint(situation()) == ""


def test_consent_to_a_repository_at_a_commit() -> None:
    given = policies.consent(remote_code=f"acme/code@{COMMIT}")
    found, _ = consent([given], model(asked("acme/code"), asked("acme/other"), asked()), "m")
    assert [bool(each.waived) for each in found] == [True, False, False]


def test_consent_to_code_can_be_bound_to_a_model() -> None:
    here = model(asked())
    bound = policies.consent(remote_code=PRINT, subject=here.digest)
    elsewhere = policies.consent(remote_code=PRINT, subject=OTHER)
    assert consent([bound], here, "m")[0][0].waived
    assert not consent([elsewhere], here, "m")[0][0].waived


@pytest.mark.parametrize("subject", [sha256("model.pkl"), model(unpickled()).digest])
def test_consent_to_a_pickled_name_is_bound_to_bytes(subject: str) -> None:
    given = policies.consent(pickled_name="acme.Net", subject=subject)
    found, problems = consent([given], model(unpickled(), unpickled("acme.Other")), "m")
    assert [bool(each.waived) for each in found] == [True, False]
    assert problems == ()


def test_consent_to_a_pickled_name_with_other_bytes_is_withdrawn() -> None:
    given = policies.consent(pickled_name="acme.Net", subject=OTHER, model="m")
    (found,), problems = consent([given], model(unpickled()), "m")
    assert found.waived is None
    assert names(problems) == ["changed"]
    assert consent([given], model(unpickled("acme.Other")), "m")[1] == ()


def test_a_glob_holds_for_a_model_of_the_hub_and_not_for_a_folder_of_its_name() -> None:
    given = policies.consent(pickled_name="acme.Net", subject="pkg:huggingface/acme/*")
    claimed = f"hf:acme/model@{COMMIT}"
    hub = model(unpickled(), claimed=claimed, source=Source(kind="hub"))
    assert consent([given], hub, "m")[0][0].waived
    folder = model(unpickled(), claimed=claimed)
    assert not consent([given], folder, "m")[0][0].waived
    broad = policies.consent(pickled_name="acme.Net", subject="pkg:huggingface/*/*")
    (found,), problems = consent([broad], hub, "m")
    assert found.waived
    assert names(problems) == ["over-broad"]


@pytest.mark.parametrize(
    "bad",
    [
        finding("pickle-dangerous-call", severity="critical", evidence={"callable": "os.system"}),
        finding("pickle-unknown-call", evidence={"callable": "os.system", "disposition": "denied"}),
        finding("python-process-on-import", evidence={"callable": "os.system"}),
    ],
)
def test_what_is_known_to_be_bad_cannot_be_consented_to(bad: Finding) -> None:
    given = policies.consent(pickled_name="os.system", subject=sha256("model.pkl"))
    (found,), _ = consent([given], model(bad), "m")
    assert found.waived is None
    assert "To consent" not in found.fix


def test_consent_ends() -> None:
    given = policies.consent(remote_code=PRINT, until=date(2026, 11, 14))
    (found,), problems = consent([given], model(asked()), "m")
    assert found.waived is None
    assert names(problems) == ["expired"]
    today = policies.consent(remote_code=PRINT, until=policies.TODAY)
    assert consent([today], model(asked()), "m")[0][0].waived


def test_a_waived_finding_needs_no_consent() -> None:
    waived = finding(evidence={"callable": "acme.Net"}, waived="x: y")
    (found,), _ = consent([], model(waived), "m")
    assert found == waived


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (asked(), ["--remote-code", "a" * 64, "--model", "m"]),
        (asked("acme/code"), ["--remote-code", "acme/code@COMMIT", "--model", "m"]),
        (unpickled(), ["--pickled-name", "acme.Net", "--subject", sha256("model.pkl")[7:]]),
    ],
)
def test_the_fix_ends_with_the_command(what: Finding, expected: list[str]) -> None:
    (found,), _ = consent([], model(what), "m")
    _, _, line = found.fix.partition("\n\nTo consent to exactly this: ")
    assert shlex.split(line)[:3] == ["modelassay", "policy", "consent"]
    assert shlex.split(line)[3 : 3 + len(expected)] == expected


@pytest.mark.parametrize(
    "hostile",
    [
        unpickled("acme.Net; rm -rf /"), unpickled("acme.$(id)"), unpickled("--subject.x"),
        unpickled("acme\n.Net"), unpickled("ac\u202eme.Net"), asked("acme/co de"),
        asked("-x/code"), asked("acme/code`id`"),
    ],
)  # fmt: skip
def test_a_hostile_name_is_never_part_of_a_command(hostile: Finding) -> None:
    (found,), _ = consent([], model(hostile), "m")
    assert "To consent" not in found.fix


@pytest.mark.parametrize("name", ["m; id", "-m", "$(id)", "m\nid", ""])
def test_a_hostile_model_name_is_left_out(name: str) -> None:
    (found,), _ = consent([], model(asked()), name)
    assert "--model" not in found.fix
    assert "--remote-code" in found.fix


def test_consent_is_the_consent_that_policies_require() -> None:
    given = [policies.consent(remote_code=PRINT)]
    for consents, status in ((given, "pass"), ([], "fail")):
        policy = build("strict", PROFILES["strict"], consents=consents)
        judged = judge(policy, model(asked()), policies.evaluate)
        assert judged.allowed.status == status
    floor = build("floor", PROFILES["strict"])
    policy = build("p", PROFILES["default"], consents=given, floors=[floor])
    assert judge(policy, model(asked()), policies.evaluate).allowed.status == "pass"


def test_what_is_wrong_with_a_consent_is_a_finding() -> None:
    given = [policies.consent(remote_code=OTHER, model="m")]
    policy = build("p", PROFILES["default"], consents=given)
    judged = judge(policy, model(asked()), policies.evaluate, ref="some/m")
    assert "consent-withdrawn" in [each.rule for each in judged.findings]
    assert judged.allowed.status == "pass"


def test_an_approval_that_is_over() -> None:
    here = model()
    over = policies.approval(here.digest, date(2026, 1, 1))
    (found,) = ended([over], here)
    assert (found.kind, found.problem, found.end) == ("approval", "expired", "2026-01-01")
    assert not list(ended([over, policies.approval(here.digest)], here))
    assert not list(ended([policies.approval(OTHER, date(2026, 1, 1))], here))
    policy = build("p", PROFILES["default"], approvals=[over])
    judged = judge(policy, here, policies.evaluate)
    assert [each.rule for each in judged.findings] == ["approval-expired"]


@pytest.mark.parametrize(
    ("given", "unused"),
    [
        ({"remote_code": PRINT, "model": "m"}, True),
        ({"remote_code": PRINT, "model": "another"}, False),
        ({"remote_code": PRINT}, False),
        ({"remote_code": PRINT, "subject": model().digest}, True),
        ({"pickled_name": "acme.Net", "subject": sha256("model.pkl")}, True),
        ({"pickled_name": "acme.Net", "subject": OTHER, "model": "m"}, False),
    ],
)
def test_consent_that_nobody_needs(given: dict[str, Any], unused: bool) -> None:
    _, problems = consent([policies.consent(**given)], model(), "m")
    assert names(problems) == (["unused"] if unused else [])


def test_consent_to_what_is_waived_as_well_is_needed() -> None:
    waived = msgspec.structs.replace(asked(), waived="x: y")
    given = policies.consent(remote_code=PRINT, model="m")
    assert consent([given], model(waived), "m") == ((waived,), ())
