"""The policy as a table: situations down, profiles across, and what each says to each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelscan.policy.gate import decide
from modelscan.policy.judge import judge
from modelscan.policy.profile import DEFAULT, PROFILES, build
from modelscan.policy.situation import Situation
from modelscan.vocabulary.fact import (
    CodeBehaviour,
    ConfigSwitch,
    HashCheck,
    HubRepository,
    PickleCall,
    PickleStream,
    RemoteClosure,
    RemoteCode,
    RepositoryCheck,
    SignatureCheck,
    SignatureExpectation,
)
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.snapshot import Source
from tests.forge import policies
from tests.forge.policies import (
    COMMIT,
    claim,
    file,
    finding,
    gap,
    licence,
    lineage,
    official,
    sha256,
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
PICKLED = (file("model.pkl", "pickle"),)
AUTO_MAP = RemoteCode(
    location=Location("config.json"), status="declared", key="auto_map.AutoModel",
    reference="modeling_x.XModel", repository="",
)  # fmt: skip
FOREIGN = msgspec.structs.replace(
    AUTO_MAP, reference="acme/code--modeling_x.XModel", repository="acme/code"
)
PRINT = "sha256:" + "f" * 64
CLOSURE = RemoteClosure(location=Location("config.json"), fingerprint=PRINT, files=("m.py",))
HUB: dict[str, Any] = {
    "source": Source(kind="hub", asked_revision="main"), "claimed": "hf:popular/model@" + COMMIT,
}  # fmt: skip
PINNED = Source(kind="hub", asked_revision=COMMIT)
MIRROR = HubRepository(
    endpoint="https://mirror.example", mirror=True, asked="acme/model", repository="acme/model",
    renamed=False, pinned=False, revision=COMMIT,
)  # fmt: skip
LLAMA = licence(
    "llama3.1", "use-limits", source="base", stated="meta-llama/Llama-3.1-8B"
)  # inherited

STALE = HashCheck(
    location=Location("model.safetensors"), outcome="matches", release="acme/model@1",
    assurance="publisher-stated", algorithm="sha256", expected="00", found="00",
    void="the list is 100 days old, more than 30",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "official": official("matches-known-release", "acme/model@1"),
    "lineage": lineage("claimed"),
    "facts": (licence("Apache-2.0"), claim("dataset", "acme/words")),
}
"""A known release, with what production asks for."""
TUNE = (
    claim("base", "acme/base", "finetune"), claim("base-revision", COMMIT), claim("dataset", "a/b"),
    claim("method", "SFT"), claim("contact", "ml@acme.example"), licence("MIT"),
)  # fmt: skip
"""What production asks a community fine-tune for."""
OURS: dict[str, Any] = {
    "signed": signed("signed-trusted", "ci@acme.example"), "lineage": lineage("claimed"),
    "claimed": "hf:acme/tuned@" + COMMIT,
}  # fmt: skip
"""A fine-tune that somebody trusted signed."""


def but(*missing: str) -> Situation:
    """The documented fine-tune without some of its claims."""
    kept = (fact for fact in TUNE if getattr(fact, "claim", "licence") not in missing)
    return situation(**OURS, facts=tuple(kept))


P, F, I = "pass", "fail", "incomplete"  # noqa: E741  # the cells of a table
TABLE: list[tuple[str, Situation, str, str, str, str]] = [
    # situation                                          default strict production audit

    # The absence of good news: what most good models look like today.
    ("a known release with its documents", situation(**GOOD), P, P, P, P),
    ("an unsigned, unknown model", situation(), P, P, F, P),
    ("an unsigned, unknown model from the hub", situation(**HUB), P, P, F, P),
    ("a revision that can move", situation(**GOOD | HUB), P, P, F, P),
    ("a revision that cannot", situation(**GOOD | HUB | {"source": PINNED}), P, P, P, P),
    ("a mirror of the hub", msgspec.structs.replace(facts(MIRROR), **GOOD | {"source": PINNED}), P, P, P, P),
    ("bytes that were not hashed", situation(official=official("not-hashed")), P, P, F, P),
    ("bytes that a lock has", situation(**GOOD | {"official": official("pinned-match")}),
     P, P, F, P),  # as a fine-tune that nobody published: its documents are missing
    ("a claimed base", situation(lineage=lineage("claimed")), P, P, F, P),
    ("no base", situation(**GOOD | {"lineage": lineage("unknown", "none", None)}), P, P, P, P),
    ("no card and no licence",
     facts(RepositoryCheck(status="absent", kind="no-card"),
           RepositoryCheck(status="absent", kind="no-licence"), files=(file("m.safetensors"),)),
     P, P, F, P),
    ("a lone scikit-learn pickle",
     facts(PICKLE, call("data-class", own=False), files=PICKLED), P, P, F, P),
    ("a pickle with reviewed constructors only",
     facts(PICKLE, call("constructor", own=False), files=PICKLED), P, P, F, P),
    ("a community GGUF",
     situation(files=(file("model.gguf", "gguf"),), lineage=lineage("claimed")), P, P, F, P),

    # Remote code: asked for, and what consent does.
    ("auto_map from a popular publisher", facts(AUTO_MAP, CLOSURE, **HUB), P, F, F, P),
    ("auto_map of a known release", msgspec.structs.replace(facts(AUTO_MAP, CLOSURE), **GOOD), P, F, F, P),
    ("code of another repository", facts(FOREIGN, CLOSURE), F, F, F, F),
    ("code that starts a process", facts(CodeBehaviour(
        location=Location("m.py", line=3), behaviour="starts-process", call="os.system",
        when="import")), F, F, F, F),

    # Pickles: what nobody has reviewed, and what is known to be bad.
    ("an author's own class in a pickle", facts(PICKLE, call("unknown", own=True), files=PICKLED),
     F, F, F, F),
    ("a pickle that runs a command",
     facts(PICKLE, call("denied", own=False, instantiates=False), files=PICKLED), F, F, F, F),

    # Severity and confidence.
    ("a finding of medium severity", situation(**GOOD, findings=(finding(severity="medium"),)),
     P, F, P, P),
    ("a high finding of medium confidence", situation(**GOOD, findings=(finding(),)), F, F, F, F),
    ("a high finding of low confidence", situation(**GOOD, findings=(finding(confidence="low"),)),
     P, P, P, P),

    # Signatures.
    ("signed by a trusted signer", situation(**GOOD | {"signed": signed("signed-trusted", "me")}),
     P, P, P, P),
    ("signed by an unknown signer",
     msgspec.structs.replace(facts(SignatureCheck(outcome="valid-untrusted", signer="them")),
         **GOOD | {"signed": signed("signed-untrusted", "them")}), P, P, P, P),
    ("a signature that cannot be checked", situation(**GOOD | {"signed": signed("error")}),
     I, I, I, I),
    ("an invalid signature", situation(**GOOD | {"signed": signed("invalid-signature")}),
     F, F, F, F),
    ("an expected signature that is missing", msgspec.structs.replace(
        facts(SignatureExpectation(
            outcome="missing", model="hf:acme/model", expected=("acme",))), **GOOD),
     F, F, F, F),

    # Bytes.
    ("a release with a changed file", situation(official=official("modified")), F, F, F, F),
    ("bytes on a deny list", situation(official=official("denied")), F, F, F, F),
    ("bytes that could not be compared", situation(official=official("error")), F, F, F, F),
    ("a release in a list of releases that is too old", situation(**GOOD | {
        "official": official("unknown"), "facts": (*GOOD["facts"], STALE)}), P, P, I, P),

    # What was not looked at.
    ("an encrypted member", situation(**GOOD, coverage=(gap(),)), I, I, I, I),
    ("a violation and a gap", situation(findings=(finding(),), coverage=(gap(),)), F, F, F, F),

    # Descent, and fine-tunes of the community: author, base and revision, data, licence, method,
    # contact.
    ("weights that do not come from the base", situation(**GOOD | {
        "lineage": lineage("unrelated", "measured")}), P, F, F, P),
    ("a fine-tune with its documents", but(), P, P, P, P),
    ("a fine-tune without any document", situation(**OURS), P, P, F, P),
    ("a fine-tune by nobody", msgspec.structs.replace(but(), claimed=""), P, P, F, P),
    ("a fine-tune of an unknown revision", but("base-revision"), P, P, F, P),
    ("a fine-tune on unknown data", but("dataset"), P, P, F, P),
    ("a fine-tune without a licence", but("licence"), P, P, F, P),
    ("a fine-tune made nobody knows how", but("method"), P, P, F, P),
    ("a fine-tune that nobody answers for", but("contact"), P, P, F, P),
    ("a fine-tune under its base's licence", msgspec.structs.replace(but(), facts=(*TUNE, LLAMA)), P, P, P, P),
    ("a fine-tune without its safeguards", msgspec.structs.replace(but(),
        lineage=lineage("abliteration-like", "measured")), P, P, F, P),
    ("a quantised copy, without documents", situation(**OURS | {
        "lineage": lineage("quantized", "measured")}, facts=(licence("MIT"),)), P, P, P, P),
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
            "hashes-verified", "base-model-declared", "base-revision-named", "licence-allowed",
            "card-present", "author-named", "datasets-named", "method-named", "contact-named",
        )
    }  # fmt: skip
    for line in missing:
        assert line in judged.allowed.reason


def test_an_own_class_comes_with_the_consent_to_paste() -> None:
    model = facts(PICKLE, call("unknown", own=True), files=PICKLED)
    judged = judge(DEFAULT, model, policies.evaluate, ref="model")
    (found,) = (each for each in judged.findings if each.rule == "pickle-own-class")
    digest = sha256("model.pkl").removeprefix("sha256:")
    assert f"policy consent --pickled-name acme.Net --subject {digest} --model model" in found.fix
    given = policies.consent(pickled_name="acme.Net", subject=sha256("model.pkl"))
    policy = build("default", PROFILES["default"], consents=[given])
    assert judge(policy, model, policies.evaluate).allowed.status == P


@pytest.mark.parametrize(
    ("code", "given"),
    [(AUTO_MAP, PRINT), (FOREIGN, PRINT), (FOREIGN, f"acme/code@{COMMIT}")],
)
def test_with_consent_remote_code_is_allowed_wherever_it_was_not(
    code: RemoteCode, given: str
) -> None:
    model = msgspec.structs.replace(
        facts(code, CLOSURE), **GOOD | {"facts": (*GOOD["facts"], CLOSURE)}
    )
    for profile in PROFILES:
        policy = build(profile, PROFILES[profile], consents=[policies.consent(remote_code=given)])
        judged = judge(policy, model, lambda found: policies.evaluate(found, "auditor"))
        assert judged.allowed.status == P, (profile, judged.allowed.reason)


def test_a_list_that_is_too_old_is_named_with_its_age() -> None:
    model = situation(**GOOD | {"official": official("unknown"), "facts": (*GOOD["facts"], STALE)})
    judged = judge(build("production", PROFILES["production"]), model, policies.evaluate)
    assert judged.allowed.reason == "the list is 100 days old, more than 30"
    assert [each.rule for each in judged.findings] == ["policy-warning"]


@pytest.mark.parametrize(
    ("autonomy", "expected"),
    [
        ("none", P),
        ("read", "not kept: requirements.hashes-verified"),
        ("act", "requirements.hashes-verified, requirements.signed, requirements.revision-pinned"),
    ],
)
def test_what_a_model_may_do_by_itself_raises_what_it_must_have(
    autonomy: str, expected: str
) -> None:
    policy = build("p", PROFILES["default"] | {("autonomy",): autonomy})
    judged = judge(policy, situation(**HUB), policies.evaluate)
    assert expected in (judged.allowed.reason if autonomy != "none" else judged.allowed.status)
    trusted = situation(
        signed=signed("signed-trusted", "me"), lineage=lineage("quantized", "measured")
    )
    approved = build("p", PROFILES["default"] | {("autonomy",): autonomy},
                     approvals=[policies.approval(trusted.digest or "")])  # fmt: skip
    assert judge(approved, trusted, policies.evaluate).allowed.status == P


def test_a_switch_that_drops_a_safeguard_is_not_remote_code() -> None:
    switch = ConfigSwitch(location=Location("config.json"), key="trust_remote_code", value="true")
    judged = judge(build("strict", PROFILES["strict"]), msgspec.structs.replace(facts(switch), **GOOD),
                   policies.evaluate)  # fmt: skip
    assert "no-remote-code" not in judged.allowed.reason
