from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from modelscan.policy.breaches import breaches
from modelscan.policy.gate import allow
from modelscan.policy.profile import PROFILES, REQUIREMENTS, build
from modelscan.vocabulary.fact import HashCheck, HubHistory, HubRepository
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
    signed,
    situation,
)

KNOWN = official("verified-official", "acme/model@1")
DIGEST = situation().digest or ""
HUB = Source(kind="hub", asked_revision="main")
ACME = f"hf:acme/model@{COMMIT}"

MET: list[tuple[str, dict[str, Any]]] = [
    ("hashes-verified", {"official": KNOWN}),
    ("hashes-verified", {"official": official("pinned-match")}),
    ("hashes-verified", {"signed": signed("signed-trusted")}),
    ("signed", {"signed": signed("signed-trusted", "ci@acme.example")}),
    ("revision-pinned", {}),
    ("revision-pinned", {"source": Source(kind="hub", asked_revision=COMMIT)}),
    ("revision-pinned", {"source": Source(kind="oci", asked_revision="sha256:" + "0" * 64)}),
    ("base-model-declared", {"lineage": lineage("claimed")}),
    ("base-model-declared", {"official": KNOWN}),
    ("base-model-confirmed", {"lineage": lineage("quantized", "measured")}),
    ("licence-allowed", {"facts": (licence("Apache-2.0"),)}),
    ("card-present", {}),
    ("card-present", {"files": (file("sub/ModelCard.MD", "model-card"),)}),
    ("author-named", {"claimed": ACME}),
    ("author-named", {"official": KNOWN}),
    ("datasets-named", {"facts": (claim("dataset", "acme/words"),)}),
    ("author-named", {"facts": (claim("author", "Jane"),)}),
    ("base-revision-named", {}),
    ("base-revision-named", {"lineage": lineage("claimed"), "official": KNOWN}),
    ("base-revision-named", {"facts": (claim("base", "a/b"), claim("base-revision", COMMIT))}),
    ("datasets-named", {"facts": (claim("training-data", "our own mails"),)}),
    ("method-named", {"facts": (claim("method", "SFT"),)}),
    ("contact-named", {"facts": (claim("contact", "ml@acme.example"),)}),
    ("coverage-complete", {}),
    ("no-remote-code", {}),
    ("no-remote-code", {"findings": (finding("remote-code-requested", waived="x: y"),)}),
    ("approved", {}),
]
UNMET: list[tuple[str, dict[str, Any], str]] = [
    ("hashes-verified", {}, "the bytes are unknown"),
    ("hashes-verified", {"official": official("hub-consistent")}, "hub-consistent"),
    ("hashes-verified", {"signed": signed("signed-untrusted")}, "unknown"),
    ("signed", {}, "the model is unsigned"),
    ("signed", {"signed": signed("signed-trusted", "else@evil.example")}, "else@evil.example is"),
    ("signed", {"signed": signed("signed-trusted")}, "without a name"),
    ("revision-pinned", {"source": HUB}, "main can move"),
    ("revision-pinned", {"source": Source(kind="url")}, "the default revision can move"),
    ("revision-pinned", {"source": Source(kind="hub", asked_revision="abc1234")}, "abc1234"),
    ("base-model-declared", {}, "names its base"),
    ("base-model-confirmed", {"lineage": lineage("claimed")}, "claimed, declared"),
    ("base-model-confirmed", {"lineage": lineage("unrelated", "measured")}, "unrelated"),
    ("licence-allowed", {}, "names a licence"),
    ("licence-allowed", {"facts": (licence("CC-BY-NC-4.0"),)}, "licence CC-BY-NC-4.0"),
    ("card-present", {"files": (file("m.gguf"),)}, "no model card"),
    ("author-named", {}, "who published"),
    ("base-revision-named", {"lineage": lineage("claimed")}, "which revision of its base"),
    ("base-revision-named", {"facts": (claim("base", "a/b"),)}, "which revision of its base"),
    ("datasets-named", {}, "training data"),
    ("method-named", {}, "how it was made"),
    ("contact-named", {}, "whom to ask"),
    ("coverage-complete", {"coverage": (gap(),)}, "1 needed part was not"),
    ("no-remote-code", {"findings": (finding("remote-code-requested", "config.json"),)},
     "config.json asks"),
    ("approved", {"digest": "sha256:" + "1" * 64}, "nobody approved sha256:1111"),
    ("approved", {"digest": "sha256:" + "2" * 64}, "by ml-platform ended on 2026-11-14"),
    ("approved", {"digest": None}, "not all of it was read"),
]  # fmt: skip


def lines(name: str, strictness: str, **changes: Any) -> dict[str, tuple[str, str]]:
    """The lines that are not kept when one requirement is all that is asked."""
    settings = PROFILES["default"] | {
        ("requirements", name): strictness,
        ("signers",): ("*@acme.example",),
        ("licences", "cc-by-nc-*"): "warn",
    }
    approvals = (
        policies.approval(DIGEST),
        policies.approval("sha256:" + "2" * 64, date(2026, 11, 14)),
    )
    policy = build("p", settings, approvals=approvals)
    found = breaches(policy, situation(**changes))
    return {each.line: (each.level, each.detail) for each in found}


@pytest.mark.parametrize(("name", "changes"), MET)
def test_met(name: str, changes: dict[str, Any]) -> None:
    assert f"requirements.{name}" not in lines(name, "fail", **changes)


@pytest.mark.parametrize(("name", "changes", "why"), UNMET)
def test_not_met(name: str, changes: dict[str, Any], why: str) -> None:
    level, detail = lines(name, "fail", **changes)[f"requirements.{name}"]
    assert level == "deny"
    assert why in detail
    assert lines(name, "warn", **changes)[f"requirements.{name}"][0] == "warn"
    assert f"requirements.{name}" not in lines(name, "off", **changes)


def test_every_requirement_is_tried_both_ways() -> None:
    assert {row[0] for row in MET} == {row[0] for row in UNMET} == set(REQUIREMENTS)


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, False),
        ({"lineage": lineage("quantized", "measured")}, False),
        ({"lineage": lineage("claimed")}, True),
        ({"facts": (claim("base", "acme/base", "quantized"),)}, False),
        ({"facts": (claim("base", "acme/base", "finetune"),)}, True),
        ({"facts": (claim("safeguards-removed", "abliterated"),)}, True),
        # What was measured outweighs a harmless claim.
        ({"facts": (claim("base", "acme/base", "quantized"),),
          "lineage": lineage("finetune", "measured")}, True),
    ],
)  # fmt: skip
def test_fine_tunes_are_asked_for_more(changes: dict[str, Any], *, asked: bool) -> None:
    settings = PROFILES["default"] | {
        ("fine-tune-requirements", "datasets-named"): "warn",
        ("fine-tune-requirements", "signed"): "warn",
        ("requirements", "signed"): "fail",
    }
    found = {each.line: each.level for each in breaches(build("p", settings), situation(**changes))}
    expected = {"requirements.signed": "deny"}
    assert found == expected | ({"requirements.datasets-named": "warn"} if asked else {})


HF = {"claimed": ACME}
FROM_HUB = {"claimed": ACME, "source": HUB}
RELEASED = HF | {"official": official("matches-known-release", "Acme/Model@1")}


@pytest.mark.parametrize(
    ("table", "lines_of", "changes", "expected"),
    [
        ("publishers", {"acme": "deny"}, HF, {"publishers.acme": "deny"}),
        ("publishers", {"acme": "deny"}, {}, {}),
        ("publishers", {"*": "deny"}, {}, {"publishers.*": "deny"}),
        # A folder's name is no reason to trust it.
        ("publishers", {"acme": "allow", "*": "warn"}, HF, {"publishers.acme": "warn"}),
        ("publishers", {"acme": "allow", "*": "warn"}, FROM_HUB, {}),
        ("publishers", {"acme": "allow", "*": "warn"}, RELEASED, {}),
        ("formats", {"safetensors": "deny"}, {}, {"formats.safetensors": "deny"}),
        ("formats", {"*": "warn", "safetensors": "allow"},
         {"files": (file("m.safetensors"), file("a.png", "unknown"))}, {}),
        ("formats", {"unknown": "warn"}, {"files": (file("a.png", "unknown"),)},
         {"formats.unknown": "warn"}),
        ("licences", {"cc-by-nc-*": "deny"}, {"facts": (licence("CC-BY-NC-4.0"),)},
         {"licences.CC-BY-NC-4.0": "deny"}),
        ("licences", {"*": "deny", "mit": "allow"}, {"facts": (licence("MIT"),)}, {}),
        ("licences", {"*": "deny", "mit": "allow"}, {}, {"licences.*": "deny"}),
        ("fine-tunes", {"merge": "warn"}, {"facts": (claim("base", "a/b", "merge"),)},
         {"fine-tunes.merge": "warn"}),
        ("fine-tunes", {"unknown": "warn"}, {}, {"fine-tunes.unknown": "warn"}),
        ("fine-tunes", {"safeguards-removed": "deny"},
         {"facts": (claim("safeguards-removed", "x"),)}, {"fine-tunes.safeguards-removed": "deny"}),
        ("bases", {"acme/*": "allow", "*": "deny"},
         {"facts": (claim("base", "acme/x"), claim("base", "evil/x"))}, {"bases.evil/x": "deny"}),
        ("bases", {"*": "deny"}, {"lineage": lineage("finetune", "measured", "evil/y")},
         {"bases.evil/y": "deny"}),
        ("bases", {"*": "deny"}, {}, {}),
    ],
)  # fmt: skip
def test_tables(
    table: str, lines_of: dict[str, str], changes: dict[str, Any], expected: dict[str, str]
) -> None:
    settings = PROFILES["default"] | {(table, name): level for name, level in lines_of.items()}
    found = breaches(build("p", settings), situation(**changes))
    assert {each.line: each.level for each in found} == expected


def test_a_card_that_claims_a_thousand_licences_is_cut_short() -> None:
    policy = build("p", PROFILES["default"] | {("licences", "*"): "deny"})
    claims = tuple(licence("", stated=f"{number:04}" + "x" * 5_000) for number in range(1_000))
    found = breaches(policy, situation(facts=claims))
    assert len(found) == 1_000
    assert max(len(each.line) for each in found) < 100
    model = situation()
    answer = allow(policy, official=model.official, signed=model.signed, findings=(),
                   coverage=(), breaches=found)  # fmt: skip
    assert len(answer.reason) < 1_500
    assert answer.reason.endswith("and 988 more")


OLD, NEW = "2025-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"
TUNED: dict[str, Any] = {"lineage": lineage("finetune", "measured")}


def hub(modified: str) -> HubRepository:
    return HubRepository(
        endpoint="https://hub.example", mirror=False, asked="a/b", repository="a/b", renamed=False,
        pinned=True, revision=COMMIT, modified=modified,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (TUNED | {"facts": (hub(NEW),)}, ""),
        (TUNED | {"facts": (hub(OLD),)}, "it was changed on 2025-10-01 for the last time"),
        # The commit that was read counts before the repository.
        (TUNED | {"facts": (hub(NEW), HubHistory(date=OLD))}, "it was changed on 2025-10-01 for"),
        (TUNED | {"facts": (hub(OLD), HubHistory(date=NEW))}, ""),
        (TUNED, "nothing says when"),
        (TUNED | {"facts": (hub("soon"),)}, "nothing says when"),
        (TUNED | {"facts": (hub("2026-02-31T00:00:00Z"),)}, "changed on 2026-02-31"),
        (TUNED | {"official": KNOWN}, ""),
        ({}, ""),
    ],
)
def test_community_models_grow_too_old(changes: dict[str, Any], why: str) -> None:
    policy = build("p", PROFILES["default"] | {("max-age-days",): 180})
    found = [(each.line, each.detail) for each in breaches(policy, situation(**changes))]
    assert [line for line, _ in found] == (["max-age-days"] if why else [])
    assert all(why in detail for _, detail in found)


def test_a_list_that_is_too_old_is_neither_good_nor_bad_news() -> None:
    stale = HashCheck(
        location=Location("model.safetensors"), outcome="matches", release="acme/model@1",
        assurance="publisher-stated", algorithm="sha256", expected="00", found="00", void="too old",
    )  # fmt: skip
    for strictness, level in (("fail", "incomplete"), ("warn", "warn")):
        found = lines("hashes-verified", strictness, facts=(stale,))
        assert found == {"requirements.hashes-verified": (level, "too old")}
    assert lines("hashes-verified", "fail", facts=(stale,), official=KNOWN) == {}
