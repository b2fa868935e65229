from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelscan.policy.baseline import Baseline
from modelscan.policy.judge import judge
from modelscan.policy.profile import DEFAULT
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry
from tests.forge import policies, reports
from tests.forge.policies import file, finding, official, situation

PICKLE = file("model.pkl", "pickle")
REF = "minilm-copy"


def baseline(*findings: Finding, files: tuple[FileEntry, ...] = (PICKLE,), ref: str = REF,
             digest: str | None = "sha256:aa") -> Baseline:  # fmt: skip
    model = reports.model(findings=findings, files=files, ref=ref, digest=digest)
    return Baseline(reports.report(model))


def states(
    old: Baseline, *findings: Finding, files: tuple[FileEntry, ...] = (PICKLE,), ref: str = REF,
    digest: str | None = None,
) -> tuple[list[str | None], list[str]]:  # fmt: skip
    found = old.compare(ref, digest, files, findings)
    return [each.baseline for each in found.findings], [each.rule for each in found.fixed]


def changed(entry: FileEntry, path: str | None = None) -> FileEntry:
    digests = entry.digests if path else {"sha256": "f" * 64}
    return msgspec.structs.replace(entry, digests=digests, path=path or entry.path)


def test_new_unchanged_and_fixed() -> None:
    old = baseline(finding(), finding("pickle-present"))
    assert states(old, finding()) == (["unchanged"], ["pickle-present"])
    assert states(old, finding("numpy-object-array")) == (
        ["new"], ["pickle-own-class", "pickle-present"],
    )  # fmt: skip
    assert states(old) == ([], ["pickle-own-class", "pickle-present"])


def test_identities_survive_rewording_and_another_severity() -> None:
    reworded = finding(message="in other words", severity="critical", fix="another")
    assert states(baseline(finding()), reworded) == (["unchanged"], [])


def test_a_moved_file_keeps_its_findings() -> None:
    old = finding()
    moved = msgspec.structs.replace(old, location=Location("new/name.pkl"), identity="another")
    files = (changed(PICKLE, "new/name.pkl"),)
    assert states(baseline(old), moved, files=files) == (["unchanged"], [])
    elsewhere = msgspec.structs.replace(moved, location=Location("new/name.pkl", None, 4))
    assert states(baseline(old), elsewhere, files=files)[0] == ["new"]


def test_another_payload_in_the_same_place_is_new() -> None:
    old = baseline(finding(evidence={"arguments": "'echo hi'"}))
    evil = finding(evidence={"arguments": "'curl evil'"})
    assert states(old, evil, files=(changed(PICKLE),))[0] == ["new"]
    same = finding(evidence={"arguments": "'echo hi'", "count": 2})
    assert states(old, same, files=(changed(PICKLE),))[0] == ["unchanged"]
    # The same bytes are the same thing, whatever a later version says about them.
    assert states(old, evil)[0] == ["unchanged"]


def test_names_that_are_not_unicode_do_not_hurt() -> None:
    odd = finding(evidence={"name": "bad\udcff"})
    assert states(baseline(odd), odd, files=())[0] == ["unchanged"]
    assert states(baseline(odd, files=()), odd, files=())[0] == ["unchanged"]


@pytest.mark.parametrize(
    ("earlier", "now", "same"),
    [
        ("minilm", "minilm", True),
        ("minilm", "other", False),
        ("models/minilm/", "minilm", True),
        ("hf:acme/model@" + "1" * 40, "hf:acme/model@" + "2" * 40, True),
        ("hf:acme/model@main", "hf:acme/other@main", False),
    ],
)
def test_a_model_is_held_against_itself(earlier: str, now: str, *, same: bool) -> None:
    found, _ = states(baseline(finding(), ref=earlier), finding(), ref=now)
    assert found == ["unchanged" if same else "new"]


def test_a_renamed_model_is_found_by_its_digest() -> None:
    old = baseline(finding(), digest="sha256:aa")
    assert states(old, finding(), ref="other", digest="sha256:aa")[0] == ["unchanged"]
    assert states(old, finding(), ref="other", digest="sha256:bb")[0] == ["new"]
    assert states(baseline(finding(), digest=None), finding(), ref="other")[0] == ["new"]


def verdict(old: Baseline, *findings: Finding, **changes: Any) -> tuple[str, str]:
    model = situation(findings=findings, files=(PICKLE,), **changes)
    judged = judge(DEFAULT, model, policies.evaluate, ref=REF, baseline=old)
    return judged.allowed.status, judged.allowed.reason


def test_with_a_baseline_only_new_findings_fail() -> None:
    old = baseline(finding())
    assert verdict(old, finding()) == ("pass", "nothing at or above high (1 in the baseline)")
    second = finding("pickle-dangerous-call")
    assert verdict(old, finding(), second) == ("fail", "1 new finding at or above high")


def test_what_is_proven_to_be_bad_is_never_old_news() -> None:
    bad = finding("release-denied", severity="critical", confidence="high")
    status, reason = verdict(baseline(bad), bad, official=official("denied"))
    assert status == "fail"
    assert reason == "official bytes: denied; 1 new finding at or above high"
