"""What the published releases say of a model, case by case; `modified` has its own file."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from modelscan.vocabulary.result import FileEntry
from tests.forge import releases
from tests.forge.judgement import CLAIM, differing, judge, judge_entries, one
from tests.forge.releases import MODEL, entries, listed, manifest, pinned, release

# Equal bytes


def test_a_complete_release_of_the_publisher_is_verified() -> None:
    official, facts = judge(dict(MODEL), one(pinned(complete=True)))
    assert official.status == "verified-official"
    assert (official.release, official.assurance) == ("acme/model@1", "publisher-stated")
    assert official.reason == "all 4 files are the release's"
    assert {fact.outcome for fact in facts} == {"matches", "newest"}
    assert len(facts) == len(MODEL) + 1


@pytest.mark.parametrize(
    ("described", "assurance", "files"),
    [
        (pinned(), "publisher-stated", MODEL),  # more files may belong to it
        (pinned(complete=True), "third-party-recorded", MODEL),  # nobody official said so
        (pinned(complete=True), "self-pinned", MODEL),
        (pinned(complete=True), "publisher-stated", {**MODEL, "extra.bin": b"?"}),
        (
            pinned(complete=True),
            "publisher-stated",
            {k: v for k, v in MODEL.items() if k != "vocab.txt"},
        ),
    ],
    ids=["incomplete", "third-party", "self-pinned", "extra-file", "missing-file"],
)
def test_anything_less_only_matches(
    described: dict[str, Any], assurance: str, files: dict[str, bytes]
) -> None:
    official, _ = judge(files, one(described, assurance=assurance))
    assert official.status == "matches-known-release"


def test_files_in_each_others_places_are_not_verified() -> None:
    index = one(release("two@1", [listed("a.bin", b"1"), listed("b.bin", b"2")], complete=True))
    assert judge({"a.bin": b"1", "b.bin": b"2"}, index)[0].status == "verified-official"
    assert judge({"a.bin": b"2", "b.bin": b"1"}, index)[0].status == "unknown"
    moved, _ = judge({"x/a.bin": b"1", "x/b.bin": b"2"}, index)
    assert moved.status == "matches-known-release"


def test_a_lone_file_may_have_any_name() -> None:
    index = one(release("solo@1", [listed("large-v3.pt", b"1")], complete=True))
    official, _ = judge({"renamed.pt": b"1"}, index)
    assert official.status == "verified-official"
    assert official.reason == "the only file is the release's"


def test_the_reason_counts_and_names_unlisted_weights_first() -> None:
    files = {**MODEL, "a.md": b"1", "b.md": b"2", "c.md": b"3", "z.bin": b"4"}
    official, _ = judge(files, one(pinned()))
    assert official.reason == (
        "4 of 8 files are the release's; not listed: z.bin, a.md, b.md and 1 more"
    )


def test_missing_files_of_a_complete_release_are_named() -> None:
    official, _ = judge(
        {"model.safetensors": MODEL["model.safetensors"]}, one(pinned(complete=True))
    )
    assert official.reason == (
        "the only file is the release's; not here: config.json, tokenizer.json, vocab.txt"
    )


def test_companions_alone_are_no_release() -> None:
    files = {"tokenizer.json": MODEL["tokenizer.json"], "own.safetensors": b"other|weights"}
    official, facts = judge(files, one(pinned()))
    assert official.status == "unknown"
    assert official.release is None
    assert "tokenizer.json also occurs" in official.reason
    assert [fact.outcome for fact in facts] == ["matches"]


def test_a_shared_tokenizer_accuses_nobody() -> None:
    files = {
        "tokenizer.json": MODEL["tokenizer.json"],
        "config.json": b"own",
        "model.safetensors": b"header|tampered",
    }
    official, facts = judge(files, one(pinned()))
    assert official.status == "unknown"
    assert differing(facts) == {}


def test_most_matches_then_assurance_then_id_choose_the_release() -> None:
    weights = listed("model.safetensors", MODEL["model.safetensors"])
    small = release("a-small@1", [weights])
    index = one(small, pinned())
    assert judge(dict(MODEL), index)[0].release == "acme/model@1"
    twins = releases.index(
        manifest(release("a@1", [weights]), assurance="third-party-recorded"),
        manifest(release("c@1", [weights]), release("b@1", [weights])),
    )
    assert judge(dict(MODEL), twins)[0].release == "b@1"


def test_sha384_is_as_good_as_sha256() -> None:
    index = one(release("x@1", [listed("a.bin", b"1", algorithm="sha384", size=True)]))
    files = entries({"b.bin": b"1"}, algorithms=("sha256", "sha384"))
    assert judge_entries(files, index)[0].status == "matches-known-release"
    assert judge_entries(entries({"b.bin": b"1"}), index)[0].status == "unknown"


def test_a_withdrawn_release_is_no_good_news() -> None:
    withdrawn = pinned(status="withdrawn", reason="trained on leaked data")
    record = release("copy@1", [listed("model.safetensors", MODEL["model.safetensors"])])
    official, _ = judge(dict(MODEL), one(withdrawn, record))
    assert official.status == "unknown"
    assert "withdrawn: trained on leaked data" in official.reason


# Nothing equal


def test_unknown_says_how_much_was_compared() -> None:
    official, facts = judge({"own.bin": b"?"}, one(pinned()))
    assert (official.status, official.release) == ("unknown", None)
    assert official.reason == "none of 1 known releases has any of these files"
    assert facts == []


def test_no_files_are_unknown() -> None:
    assert judge({}, one(pinned()))[0].status == "unknown"


def test_empty_files_prove_nothing() -> None:
    index = one(release("x@1", [listed("pytorch_model.bin", b""), listed("b.bin", b"1")]))
    assert judge({"pytorch_model.bin": b""}, index)[0].status == "unknown"


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_weak_digests_never_verify(algorithm: str) -> None:
    described = release("x@1", [listed("a.bin", b"1", algorithm=algorithm)], locations=[CLAIM])
    files = entries({"a.bin": b"1"}, algorithms=("sha256", algorithm))
    official, facts = judge_entries(files, one({**described, "complete": True}), claimed=CLAIM)
    assert official.status == "unknown"
    assert "weak digests only" in official.reason
    assert facts == []


@pytest.mark.parametrize(
    ("listed_as", "name", "hinted"),
    [
        ("hub/net-6b86b273.pth", "net-6b86b273.pth", True),
        ("*-6b86b273.pth", "any-6b86b273.pth", True),
        ("hub/net-6b86b273.pth", "other.pth", False),
    ],
)
def test_a_prefix_is_a_hint_and_no_more(listed_as: str, name: str, hinted: bool) -> None:
    assert hashlib.sha256(b"1").hexdigest().startswith("6b86b273")
    described = release("x@1", [{"path": listed_as, "digests": {"sha256_prefix": "6b86b273"}}])
    official, facts = judge({name: b"1"}, one(described))
    assert official.status == "unknown"
    assert [fact.outcome for fact in facts] == ["hint"] * hinted
    assert ("prove nothing" in official.reason) == hinted


def test_a_file_without_digests_is_not_hashed() -> None:
    files = entries(dict(MODEL))
    files[0] = msgspec.structs.replace(files[0], digests={})
    official, _ = judge_entries(files, one(pinned()))
    assert official.status == "not-hashed"
    assert "model.safetensors" in official.reason
    files = [*entries(dict(MODEL)), FileEntry(path="x", size=1, digests={}, format="unknown")]
    official, _ = judge_entries(files, one(pinned(complete=True)))
    assert official.status == "matches-known-release"
    assert "not hashed: x" in official.reason


# Denied


def test_deny_wins_over_every_match() -> None:
    weights = listed("x.bin", MODEL["model.safetensors"])
    denied = release("bad@1", [weights], status="denied", reason="a backdoor was found")
    index = one(pinned(complete=True), denied)
    official, facts = judge(dict(MODEL), index)
    assert (official.status, official.release) == ("denied", "bad@1")
    assert official.reason == "model.safetensors: a backdoor was found"
    assert [(f.outcome, f.location.file) for f in facts] == [("denied", "model.safetensors")]
    assert facts[0].note == "a backdoor was found"


def test_a_denied_name_without_its_digest_is_not_denied() -> None:
    denied = release(
        "bad@1", [listed("x.bin", b"1")], status="denied", reason="?", locations=[CLAIM]
    )
    assert judge({"x.bin": b"2"}, one(denied), claimed=CLAIM)[0].status == "unknown"


def test_what_could_not_be_compared_is_no_match() -> None:
    parts = [listed("a.bin", b"a"), listed("b.bin", b"b", algorithm="sha384")]
    official, _ = judge({"a.bin": b"a", "b.bin": b"b"}, one(release("x@1", parts)))
    assert official.status == "unknown"
    assert official.reason == "of x@1: a.bin matches; b.bin could not be compared"


def test_a_claimed_release_that_is_not_here_is_named() -> None:
    official, _ = judge({"own.bin": b"?"}, one(pinned()), claimed=CLAIM)
    assert (official.status, official.reason) == (
        "unknown",
        "none of the files of acme/model@1 is here",
    )
