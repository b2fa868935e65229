from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.fetcher.hub.provenance import rfc3339
from modelscan.fetcher.hub.verdicts import of_path, of_repository
from tests.hub.scanning import fake_hub, rules, scan
from tests.hub.server import FakeHub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as server:
        server.add("acme/model", {"config.json": b"{}"})
        yield server


def _told(hub: FakeHub, ref: str = "hf:acme/model") -> dict[str, Any]:
    told: dict[str, Any] = scan(hub, ref).facts.provenance["repository"]
    return told


def test_an_owner_that_is_no_organisation_is_a_person(hub: FakeHub) -> None:
    assert _told(hub)["owner_kind"] == "person"
    hub.owners["acme"] = {"isVerified": False}
    told = _told(hub)
    assert (told["owner_kind"], told["owner_verified"]) == ("organisation", False)


def test_a_repository_without_an_owner_is_not_asked_about_one(hub: FakeHub) -> None:
    hub.add("old-model", {"config.json": b"{}"})
    assert "owner" not in _told(hub, "hf:old-model")
    assert not any("organizations" in request.path for request in hub.log)


def test_a_repository_without_files_says_so(hub: FakeHub) -> None:
    hub.add("acme/empty", {})
    model = scan(hub, "hf:acme/empty")
    assert model.error is None
    assert model.answers.load_hazards.status == "incomplete"
    assert not any("paths-info" in request.path for request in hub.log)


def test_claims_of_any_shape_are_taken_for_what_they_are(hub: FakeHub) -> None:
    hub["acme/model"].info |= {
        "downloads": -1, "likes": "many", "library_name": 3, "pipeline_tag": "x" * 1000,
        "gated": False, "cardData": {"license": ["mit"], "base_model": 3},
        "baseModels": {"relation": ["x"], "models": [{"id": 3}, None, {"id": "a/b"}]},
        "childrenModelCount": True,
    }  # fmt: skip
    told = _told(hub)
    assert told["base_models"] == ["a/b"]
    assert len(told["task"]) == 300
    assert not {"downloads", "likes", "library", "licence", "relation", "children"} & set(told)


def test_a_card_may_name_one_base_or_many(hub: FakeHub) -> None:
    hub["acme/model"].info["cardData"] = {"base_model": "org/base"}
    assert _told(hub)["base_models"] == ["org/base"]
    hub["acme/model"].info["cardData"] = {"base_model": [f"org/{n}" for n in range(300)]}
    assert len(_told(hub)["base_models"]) == 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), ""),
        ("2026-01-02T03:04:05", ""),
        ("yesterday", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_times_are_in_utc_or_none(value: object, text: str) -> None:
    assert rfc3339(value) == text


@pytest.mark.parametrize(
    ("status", "otherwise", "verdict", "scanners"),
    [
        ({"status": "safe"}, None, "safe", ()),
        ({"status": "safe"}, "unsafe", "unsafe", ()),
        ({"status": "queued"}, None, "queued", ()),
        ({"status": "no such word"}, None, "none", ()),
        ({"status": "safe", "avScan": {"virusFound": True, "message": "Eicar"}}, None, "unsafe", ("avScan: unsafe (Eicar)",)),
        ({"status": "safe", "protectAiScan": {"status": "caution", "reportLabel": "see"}}, None, "caution", ("protectAiScan: caution (see)",)),
        ({"status": "unsafe", "jFrogScan": {"status": "unsafe"}}, None, "unsafe", ("jFrogScan: unsafe",)),
        ({"pickleImportScan": {"highestSafetyLevel": "dangerous", "pickleImports": "x"}}, None, "unsafe", ("pickleImportScan: unsafe",)),
        ({"old": {"safe": False}}, None, "unsafe", ("old: unsafe",)),
        ({"status": ["unsafe"], "a": 3, "b": None}, None, "none", ()),
        (3, "INFECTED", "unsafe", ()),
    ],
)  # fmt: skip
def test_verdicts_of_scanners(
    status: object, otherwise: str | None, verdict: str, scanners: tuple[str, ...]
) -> None:
    assert of_path({"securityFileStatus": status}, otherwise) == (verdict, scanners)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["unsafe", "safe", "status", "avScan", "path", "level"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["status", "avScan", "pickleImports", "safety", "message", "path", "level", "filesWithIssues"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_any_answer_of_a_scanner_has_a_verdict(answer: Any) -> None:
    verdict, scanners = of_path({"securityFileStatus": answer}, None)
    assert verdict in {"safe", "caution", "suspicious", "unsafe", "error", "queued", "none"}
    assert all(len(line) < 1000 for line in scanners)
    assert all(isinstance(level, str) for level in of_repository(answer).values())


def test_doubts_of_a_scanner_are_a_note(hub: FakeHub) -> None:
    hub["acme/model"].security["config.json"] = {
        "status": "suspicious",
        "avScan": None,
        "pickleImportScan": None,
    }
    model = scan(hub)
    assert "hub-scanner-has-doubts" in {finding.rule for finding in model.findings}
    assert not rules(model)
