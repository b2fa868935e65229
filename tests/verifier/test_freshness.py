"""Which release replaced which, and what the order of signatures rests on."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.verifier.freshness import Seen, Vote, by_signatures
from modelscan.verifier.manifests import check_releases
from modelscan.vocabulary.fact import FreshnessCheck
from tests.forge import releases
from tests.forge.releases import MODEL, entries, pinned

OTHER = [releases.listed("model.safetensors", b"header|newer")]
A, B, C = ("sha256:" + letter * 64 for letter in "abc")


def said(*described: dict[str, Any], model: Any = MODEL) -> FreshnessCheck:
    index = releases.index(releases.manifest(*described))
    found = check_releases(entries(model), (), "", index).facts
    (fact,) = [each for each in found if isinstance(each, FreshnessCheck)]
    return fact


def newer(number: int, *older: int, **more: Any) -> dict[str, Any]:
    return releases.release(
        f"acme/model@{number}", OTHER, supersedes=[f"acme/model@{each}" for each in older], **more
    )


def test_nobody_replaced_it() -> None:
    assert said(pinned()).outcome == "newest"
    assert said(pinned(), newer(2)).outcome == "newest"


def test_the_last_of_a_chain_is_named() -> None:
    found = said(pinned(), newer(2, 1), newer(3, 2), newer(4, 3))
    assert (found.outcome, found.newer) == ("older", "acme/model@4")
    assert found.note == "acme/model@1 is an older release, which acme/model@4 replaced"


def test_what_was_withdrawn_replaces_nothing() -> None:
    assert said(pinned(), newer(2, 1, status="withdrawn", reason="broken")).outcome == "newest"


def test_releases_that_replace_one_another_end() -> None:
    circle = said(pinned(supersedes=["acme/model@2"]), newer(2, 1))
    assert (circle.outcome, circle.newer) == ("older", "acme/model@2")


def test_the_same_bytes_published_again_are_the_newest() -> None:
    again = {**pinned(supersedes=["acme/model@1"]), "id": "acme/model@2"}
    assert said(pinned(), again).outcome == "newest"


def test_one_list_of_several_is_enough() -> None:
    """Somebody else's record of the same bytes does not make them current."""
    recorded = {**pinned(), "id": "mirror/model@x", "locations": ["hf:mirror/model"]}
    assert said(recorded, pinned(), newer(2, 1)).outcome == "older"
    assert said(pinned(), newer(2, 1), {**recorded, "id": "a/first"}).outcome == "older"


def test_a_newer_release_with_the_same_weights() -> None:
    """The file that was mended tells them apart."""
    mended = {**MODEL, "config.json": b'{"fixed": true}'}
    files = [releases.listed(path, data) for path, data in mended.items()]
    second = releases.release("acme/model@2", files, supersedes=["acme/model@1"])
    assert said(pinned(), second).outcome == "older"
    assert said(pinned(), second, model=mended).outcome == "newest"


def vote(statement: str, signed: str = "", anchor: str = "k") -> Vote:
    return Vote("", anchor, trusted=True, statement=statement, signed=signed)


def test_what_an_order_rests_on() -> None:
    seen = Seen("k", B, "2026-02-01T00:00:00Z", (A,))
    assert seen.order(vote(B, "2020-01-01T00:00:00Z")) == "same"
    assert seen.order(vote(C, "2026-03-01T00:00:00Z")) == "newer"
    assert seen.order(vote(C, "2026-01-01T00:00:00Z")) == "older"
    assert seen.order(vote(A, "2026-03-01T00:00:00Z")) == "newer"  # signed anew: they went back
    assert seen.order(vote(A)) == "older"
    assert seen.order(vote(C)) == "unknown"
    assert Seen("k").order(vote(A)) == "unknown"


def test_the_worst_of_several_signatures_counts() -> None:
    seen = Seen("k", B, "", (A,))
    found = by_signatures([vote(B), vote(A)], seen, "", 1)
    assert found is not None
    assert found.outcome == "older"
    assert by_signatures([vote(A, anchor="somebody else")], seen, "", 1) is None
    untrusted = msgspec.structs.replace(vote(A), trusted=False)
    assert by_signatures([untrusted], seen, "", 1) is None


def test_a_day_is_asked_of_as_many_signers_as_are_needed() -> None:
    early, late = vote(A, "2026-01-01T00:00:00Z", "x"), vote(A, "2026-03-01T00:00:00Z", "y")
    one = by_signatures([early, late], None, "2026-02-01", 1)
    two = by_signatures([early, late], None, "2026-02-01", 2)
    none = by_signatures([], None, "2026-02-01", 1)
    assert one is not None
    assert two is not None
    assert none is not None
    assert (one.outcome, two.outcome, none.outcome) == ("newest", "older", "older")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=12))
def test_what_was_replaced_without_a_time_stays_older(history: list[str]) -> None:
    seen = Seen("k")
    for statement in history:
        if seen.order(vote(statement)) in {"same", "older"}:
            continue  # it would have been refused, or nothing is new
        before = seen.statement
        seen = seen.followed_by(statement, "")
        assert seen.order(vote(statement)) == "same"
        assert not before or seen.order(vote(before)) == "older"
        assert statement not in seen.older
