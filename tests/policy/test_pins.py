from __future__ import annotations

from typing import Any

import pytest

from modelscan.policy import pins
from modelscan.policy.judge import judge
from modelscan.policy.profile import PROFILES, build
from modelscan.vocabulary.fact import ChatTemplate
from modelscan.vocabulary.location import Location
from tests.forge import policies
from tests.forge.policies import COMMIT, signed, situation

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64
ME = "ci@acme.example"


def template(digest: str, file: str = "chat_template.jinja") -> ChatTemplate:
    return ChatTemplate(location=Location(file), digest=digest, lines=1, inputs=("messages",))


@pytest.mark.parametrize(
    ("pin", "changes", "expected"),
    [
        ({"signer": ME}, {"signed": signed("signed-trusted", ME)}, []),
        ({"signer": ME}, {"signed": signed("signed-untrusted", ME)}, []),
        ({"signer": ME}, {"signed": signed("signed-trusted", "x@evil.example")}, ["signer-changed"]),
        ({"signer": ME}, {"signed": signed("signed-trusted")}, ["signer-changed"]),
        ({"signer": ME}, {"signed": signed("unsigned")}, ["signature-lost"]),
        ({"signer": ME}, {"signed": signed("invalid-signature", ME)}, ["signature-lost"]),
        ({"signer": ME}, {"signed": signed("error")}, ["signature-lost"]),
        ({}, {"signed": signed("signed-trusted", ME)}, []),
        ({"templates": (OLD,)}, {"facts": (template(OLD),)}, []),
        ({"templates": (OLD, NEW)}, {"facts": (template(OLD), template(NEW))}, []),
        ({"templates": (OLD,)}, {"facts": (template(NEW), template(NEW, "x.json"))},
         ["template-changed"]),
        ({"templates": (OLD,)}, {"facts": ()}, []),
        ({}, {"facts": (template(NEW),)}, ["template-changed"]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was(
    pin: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    found = pins.check([policies.pin(**pin)], situation(**changes), "m")
    assert [each.kind for each in found] == expected


def test_a_pin_is_about_the_model_of_its_name() -> None:
    pin = policies.pin(signer=ME)
    assert not list(pins.check([pin], situation(), "another"))


@pytest.mark.parametrize(
    ("ref", "claimed", "name"),
    [
        ("m", "", "m"),
        ("some/folder/m/", "", "m"),
        ("C:\\models\\m", "", "m"),
        ("hf:acme/m@main", f"hf:acme/m@{COMMIT}", "hf:acme/m"),
        ("hf:acme/m@main", "", "hf:acme/m"),
        ("oci:host/acme/m@sha256:00", "", "oci:host/acme/m"),
    ],
)
def test_what_a_model_is_called(ref: str, claimed: str, name: str) -> None:
    assert situation(claimed=claimed).name(ref) == name


def test_a_change_is_a_finding_that_fails() -> None:
    policy = build("p", PROFILES["default"], pins=[policies.pin(signer=ME, templates=(OLD,))])
    model = situation(facts=(template(NEW),))
    judged = judge(policy, model, policies.evaluate, ref="m")
    assert [each.rule for each in judged.findings] == [
        "pinned-signer-changed", "pinned-template-changed",
    ]  # fmt: skip
    assert judged.allowed.reason == "2 findings at or above high"
    as_floor = build("q", PROFILES["default"], floors=[policy])
    assert judge(as_floor, model, policies.evaluate, ref="m").allowed.status == "fail"
