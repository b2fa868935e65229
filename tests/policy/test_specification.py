"""The policy as a table: situations down, profiles across, and what each says to each."""

from __future__ import annotations

from typing import Any

import pytest

from modelscan.policy.gate import decide
from modelscan.policy.judge import judge
from modelscan.policy.profile import PROFILES, build
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import (
    ConfigSwitch,
    PickleCall,
    PickleStream,
    RemoteCode,
    RepositoryCheck,
    SignatureCheck,
)
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import Source
from tests.forge import policies
from tests.forge.policies import (
    claim,
    file,
    finding,
    gap,
    lineage,
    official,
    signed,
    situation,
)


def facts(*stated: Any, **changes: Any) -> Situation:
    """A situation whose findings are those of the shipped rules."""
    return situation(findings=policies.evaluate(stated), facts=stated, **changes)


def call(disposition: Any, *, own: bool, instantiates: bool = True) -> PickleCall:
    return PickleCall(
        location=Location("model.pkl"), module="acme", name="Net", callable="acme.Net",
        disposition=disposition, opcode="NEWOBJ", at=5, arguments="()", instantiates=instantiates,
        own=own,
    )  # fmt: skip


PICKLE = PickleStream(location=Location("model.pkl"), protocol=4, imports=3, denied=0, unknown=0)
AUTO_MAP = RemoteCode(
    location=Location("config.json"), status="declared", key="auto_map.AutoModel",
    reference="modeling_x.XModel", repository="",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "official": official("matches-known-release", "acme/model@1"),
    "lineage": lineage("claimed"),
    "facts": (claim("licence", "apache-2.0"), claim("dataset", "acme/words")),
}

P, F, I = "pass", "fail", "incomplete"  # noqa: E741  # the cells of a table
TABLE: list[tuple[str, Situation, str, str, str, str]] = [
    # situation                                        default strict production audit
    ("a known release with its documents", situation(**GOOD), P, P, P, P),
    ("an unsigned, unknown model", situation(), P, P, F, P),
    ("an unsigned, unknown hub model",
     situation(source=Source(kind="hub", asked_revision="main"), claimed="hf:acme/model"),
     P, P, F, P),
    ("bytes that were not hashed", situation(official=official("not-hashed")), P, P, F, P),
    ("a lone scikit-learn pickle",
     facts(PICKLE, call("data-class", own=False), files=(file("model.pkl", "pickle"),)),
     P, P, F, P),
    ("a community GGUF",
     situation(files=(file("model.gguf", "gguf"),), lineage=lineage("claimed")), P, P, F, P),
    ("a claimed base", situation(lineage=lineage("claimed")), P, P, F, P),
    ("no card, no licence",
     facts(RepositoryCheck(status="absent", kind="no-card"),
           RepositoryCheck(status="absent", kind="no-licence"), files=(file("m.safetensors"),)),
     P, P, F, P),
    ("code of its own repository, known", facts(AUTO_MAP)._replace(**GOOD), P, F, F, P),
    ("an author's own class in a pickle", facts(PICKLE, call("unknown", own=True)), F, F, F, F),
    ("a pickle that runs a command",
     facts(PICKLE, call("denied", own=False, instantiates=False)), F, F, F, F),
    ("a finding of medium severity", situation(**GOOD, findings=(finding(severity="medium"),)),
     P, F, P, P),
    ("a high finding of low confidence", situation(**GOOD, findings=(finding(confidence="low"),)),
     P, P, P, P),
    ("signed by a trusted signer", situation(**GOOD | {"signed": signed("signed-trusted", "me")}),
     P, P, P, P),
    ("signed by an unknown signer",
     situation(**GOOD | {"signed": signed("signed-untrusted", "them")}), P, P, P, P),
    ("a signature that cannot be checked", situation(**GOOD | {"signed": signed("error")}),
     I, I, I, I),
    ("an invalid signature", situation(**GOOD | {"signed": signed("invalid-signature")}),
     F, F, F, F),
    ("a release with a changed file", situation(official=official("modified")), F, F, F, F),
    ("bytes on a deny list", situation(official=official("denied")), F, F, F, F),
    ("bytes that could not be compared", situation(official=official("error")), F, F, F, F),
    ("an encrypted member", situation(**GOOD, coverage=(gap(),)), I, I, I, I),
    ("a violation and a gap", situation(findings=(finding(),), coverage=(gap(),)), F, F, F, F),
    ("weights that do not come from the base", situation(**GOOD | {
        "lineage": lineage("unrelated", "measured")}), P, F, F, P),
    ("a fine-tune without its documents",
     situation(**GOOD | {"facts": (claim("base", "acme/base", "finetune"),
                                   claim("licence", "mit"))}), P, P, F, P),
]  # fmt: skip
ROWS = [
    (name, model, profile, cell)
    for name, model, *cells in TABLE
    for profile, cell in zip(PROFILES, cells, strict=True)
]


@pytest.mark.parametrize(
    ("name", "model", "profile", "expected"), ROWS, ids=[f"{row[2]}: {row[0]}" for row in ROWS]
)
def test_what_each_profile_says(name: str, model: Situation, profile: str, expected: str) -> None:
    policy = build(profile, PROFILES[profile])
    judged = judge(policy, model, lambda found: policies.evaluate(found, policy.persona))
    assert judged.allowed.status == expected, (name, judged.allowed.reason)
    assert judged.allowed.policy == profile
    assert decide([judged.allowed.status]).exit_code == {P: 0, F: 1, I: 3}[expected]


def test_default_has_few_lines_above_info() -> None:
    """Ordinary models have at most three; code of their own repository is one, of medium."""
    found = policies.evaluate(
        [AUTO_MAP, PICKLE, SignatureCheck(status="absent", outcome="unsigned")]
    )
    assert [each.severity for each in found if each.severity != "info"] == ["medium"]


def test_production_names_each_document_that_a_fine_tune_lacks() -> None:
    """An unknown author's fine-tune, with nothing but its weights."""
    stated = (claim("base", "acme/base", "finetune"),)
    model = situation(files=(file("m.safetensors"),), facts=stated)
    judged = judge(build("production", PROFILES["production"]), model, policies.evaluate)
    missing = {each.evidence["line"] for each in judged.findings}
    assert missing == {
        f"requirements.{name}"
        for name in (
            "hashes-verified", "base-model-declared", "licence-allowed", "card-present",
            "author-named", "datasets-named",
        )
    }  # fmt: skip
    for line in missing:
        assert line in judged.allowed.reason


def test_the_fix_for_an_own_class_says_how_to_consent() -> None:
    (found,) = policies.evaluate([call("unknown", own=True)])
    assert "waiver" in found.fix


def test_a_switch_that_drops_a_safeguard_is_not_remote_code() -> None:
    switch = ConfigSwitch(location=Location("config.json"), key="trust_remote_code", value="true")
    judged = judge(build("strict", PROFILES["strict"]), facts(switch)._replace(**GOOD),
                   policies.evaluate)  # fmt: skip
    assert "no-remote-code" not in judged.allowed.reason
