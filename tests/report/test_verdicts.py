from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from modelscan.report.verdicts import MARKS, by_severity, extent, tone_of, verdicts, worst_first
from modelscan.vocabulary.ancestry import Relation, Tier
from modelscan.vocabulary.evidence import OfficialBytes, OfficialStatus, SignedStatus
from tests.forge import reports


def test_the_five_answers_in_their_order() -> None:
    found = verdicts(reports.full_model().answers)
    assert [verdict.key for verdict in found] == [
        "load_hazards", "official_bytes", "signed", "descends_from", "allowed",
    ]  # fmt: skip
    assert [verdict.tone for verdict in found] == ["bad", "bad", "claim", "good", "bad"]
    assert [verdict.subject for verdict in found] == [
        "", "sentence-transformers/all-MiniLM-L6-v2", "release@example.org", reports.BASE, "",
    ]  # fmt: skip
    assert [verdict.details for verdict in found] == [
        (),
        (("Stated", "digests published by the maker"),),
        (("Method", "sigstore"),),
        (("Tier", "measured"),),
        (("Policy", "default"),),
    ]


@pytest.mark.parametrize(
    "status",
    [
        *get_args(OfficialStatus),
        *get_args(SignedStatus),
        *("none-found", "found", "incomplete", "pass", "fail", "nothing"),
    ],
)
def test_every_status_has_a_tone_of_its_own(status: str) -> None:
    assert tone_of(status, "none") == tone_of(status, "proved")


@pytest.mark.parametrize("relation", get_args(Relation))
@pytest.mark.parametrize("tier", get_args(Tier))
def test_every_relation_has_a_mark(relation: str, tier: Tier) -> None:
    assert tone_of(relation, tier) in MARKS


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        ("pass", "good"),
        ("fail", "bad"),
        ("incomplete", "gap"),
        ("nothing", "none"),
        ("error", "gap"),
        ("modified", "bad"),
        ("unsigned", "none"),
        ("hub-consistent", "claim"),
    ],
)
def test_tones(status: str, tone: str) -> None:
    assert tone_of(status) == tone


def test_how_much_was_read() -> None:
    assert extent(reports.bad_model()) == ("3 files", "91.8 MB", "all bytes read")
    assert extent(reports.model(digest=None))[2] == "not all bytes read"
    hashless = msgspec.structs.replace(reports.file("a"), digests={})
    assert extent(reports.model(files=(hashless,), digest=None))[2] == "1 file not read"


def test_the_most_severe_come_first_and_the_order_within_a_severity_stays() -> None:
    names = [("a", "info"), ("b", "high"), ("c", "critical"), ("d", "high")]
    found = tuple(reports.finding(name, severity) for name, severity in names)  # type: ignore[arg-type]  # the four above
    assert [finding.rule for finding in worst_first(found)] == ["c", "b", "d", "a"]
    assert by_severity(found) == {"critical": 1, "high": 2, "medium": 0, "low": 0, "info": 1}
    assert list(by_severity(())) == ["critical", "high", "medium", "low", "info"]


@pytest.mark.parametrize(
    ("subject", "reason", "named"),
    [
        ("", "no base is named", True),
        ("acme/m", "of acme/m: it differs", True),
        (f"hf:acme/m@{'c' * 40}", f"of hf:acme/m@{'c' * 12}: it differs", True),
        (f"hf:acme/m@{'c' * 40}", f"of hf:acme/m@{'d' * 12}: it differs", False),
        ("acme/m", "it differs", False),
    ],
)
def test_a_subject_is_named_once(subject: str, reason: str, *, named: bool) -> None:
    official = OfficialBytes(status="modified", release=subject or None, reason=reason)
    verdict = verdicts(reports.answers(official_bytes=official))[1]
    assert verdict.named is named
