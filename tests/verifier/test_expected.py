from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelscan.errors import ModelAssayError
from modelscan.verifier import expected
from modelscan.verifier.expected import Expected
from modelscan.vocabulary.evidence import OfficialBytes
from modelscan.vocabulary.fact import ExpectationCheck
from modelscan.vocabulary.result import FileEntry
from tests.forge import releases
from tests.forge.releases import MODEL, entries

EMPTY = releases.index()


@pytest.fixture(autouse=True)
def _no_shipped_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "shared_index", lambda: EMPTY)


def held(
    files: Mapping[str, bytes] = MODEL,
    *described: dict[str, Any],
    ref: str = "",
    assurance: str = "self-pinned",
    facts: tuple[Any, ...] = (),
) -> tuple[OfficialBytes, ExpectationCheck | None]:
    described = described or (releases.pinned(complete=True),)
    check = Expected(ref, releases.manifest(*described, assurance=assurance))
    evidence = check.run(entries(files), facts, "")
    assert evidence.official is not None
    stated = [fact for fact in evidence.facts if isinstance(fact, ExpectationCheck)]
    return evidence.official, stated[0] if stated else None


@pytest.mark.parametrize(
    ("assurance", "complete", "status"),
    [
        ("self-pinned", True, "pinned-match"),
        ("self-pinned", False, "pinned-match"),
        ("publisher-stated", True, "verified-official"),
        ("publisher-signed", True, "verified-official"),
        ("publisher-stated", False, "matches-known-release"),
        ("third-party-recorded", True, "matches-known-release"),
    ],
)
def test_the_very_release(assurance: str, complete: bool, status: str) -> None:
    described = releases.pinned(complete=complete)
    answer, fact = held(MODEL, described, assurance=assurance)
    assert (answer.status, answer.release, answer.assurance) == (
        status,
        "acme/model@1",
        assurance,
    )
    assert fact is not None
    assert fact.outcome == "as-expected"
    assert ("may have more files" in answer.reason) is not complete


def without(*names: str) -> dict[str, bytes]:
    return {name: data for name, data in MODEL.items() if name not in names}


def test_every_file_that_is_otherwise_is_named() -> None:
    files = without("vocab.txt") | {"config.json": b"x", "run.py": b"", "more.py": b"1"}
    answer, fact = held(files)
    assert answer.status == "modified"  # the weights and two more files are its own
    assert answer.reason == (
        "not acme/model@1: config.json differs; vocab.txt is missing; "
        "more.py, run.py do not belong to it"
    )
    assert fact is not None
    assert (fact.outcome, fact.differing, fact.missing) == (
        "otherwise",
        ("config.json",),
        ("vocab.txt",),
    )
    assert fact.extra == ("run.py", "more.py")


def test_a_release_that_is_not_complete_may_have_more() -> None:
    answer, _ = held(dict(MODEL) | {"more.py": b"1"}, releases.pinned())
    assert answer.status == "pinned-match"
    answer, _ = held(without("config.json"), releases.pinned())
    assert answer.status == "unknown"


def test_changed_weights_of_a_release_are_modified() -> None:
    files = dict(MODEL) | {"model.safetensors": b"header|other"}
    header = releases.header("model.safetensors", files["model.safetensors"])
    answer, fact = held(files, facts=(header,))
    assert answer.status == "modified"
    assert "model.safetensors differs" in answer.reason
    assert fact is not None


def test_a_withdrawn_release_is_no_good_news() -> None:
    answer, fact = held(MODEL, releases.pinned(status="withdrawn", reason="leaked"))
    assert (answer.status, answer.reason) == ("unknown", "acme/model@1 is withdrawn: leaked")
    assert fact is not None


def test_a_file_that_nobody_read_is_not_compared() -> None:
    check = Expected("", releases.manifest(releases.pinned(complete=True)))
    unread = FileEntry(path="config.json", size=2, digests={}, format="unknown")
    evidence = check.run([*entries(without("config.json")), unread], (), "")
    assert evidence.official is not None
    assert evidence.official.status == "not-hashed"
    assert "config.json could not be compared" in evidence.official.reason


@pytest.mark.parametrize("ref", ["", "acme/model@1", "hf:acme/model", "hf:acme/model@" + "a" * 40])
def test_ways_to_name_a_release(ref: str) -> None:
    other = releases.release("acme/other", [releases.listed("x", b"1")])
    answer, _ = held(MODEL, releases.pinned(revision="a" * 40), other, ref=ref)
    assert answer.status == "pinned-match"


@pytest.mark.parametrize("ref", ["acme/model", "hf:acme/model@" + "b" * 40, "hf:acme/else"])
def test_a_release_that_is_not_known(ref: str) -> None:
    answer, fact = held(MODEL, releases.pinned(revision="a" * 40), ref=ref)
    assert (answer.status, fact) == ("unknown", None)
    assert answer.reason == f"no release is known as {ref}"


def test_the_shipped_releases_are_asked_without_a_manifest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = releases.index(releases.manifest(releases.pinned(revision="a" * 40)))
    monkeypatch.setattr(expected, "shared_index", lambda: shipped)

    def status(ref: str) -> tuple[str, str]:
        answer = Expected(ref).run(entries(MODEL), (), "").official
        assert answer is not None
        return answer.status, answer.reason

    assert status("hf:acme/model")[0] == "matches-known-release"
    assert status("hf:acme/model@" + "a" * 40)[0] == "matches-known-release"
    assert status("hf:acme/model@" + "b" * 40)[0] == "unknown"
    assert status("hf:acme/other") == ("unknown", "no release is known as hf:acme/other")
    assert Expected("hf:acme/model").algorithms_for(5, "x") == ()


def test_what_is_denied_stays_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = releases.pinned(id="bad/one", status="denied", reason="stolen")
    shipped = releases.index(releases.manifest(bad))
    monkeypatch.setattr(expected, "shared_index", lambda: shipped)
    answer, fact = held(MODEL)
    assert (answer.status, fact) == ("denied", None)


def test_a_lone_file_goes_by_its_base_name() -> None:
    described = releases.release("acme/x", [releases.listed("onnx/model.bin", b"1")])
    assert held({"model.bin": b"1"}, described)[0].status == "pinned-match"
    answer, _ = held({"model.bin": b"2"}, described)
    assert answer.reason == "not acme/x: model.bin differs"
    answer, _ = held({"other.bin": b"1"}, described)
    assert "onnx/model.bin is missing" in answer.reason


def test_weak_digests_prove_nothing() -> None:
    weak = releases.release("acme/x", [{"path": "a", "digests": {"md5": "0" * 32}}])
    assert held({"a": b"1"}, weak)[0].status == "not-hashed"


def test_a_manifests_own_algorithms_are_computed() -> None:
    described = releases.release(
        "acme/x", [releases.listed("a", b"12345", algorithm="sha512", size=True)]
    )
    check = Expected("", releases.manifest(described))
    assert check.algorithms_for(5, "a") == ("sha512",)
    files = entries({"a": b"12345"}, algorithms=("sha256", "sha512"))
    evidence = check.run(files, (), "")
    assert evidence.official is not None
    assert evidence.official.status == "matches-known-release"


def test_a_damaged_index_is_an_error_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ModelAssayError("damaged")

    monkeypatch.setattr(expected, "shared_index", fail)
    with pytest.raises(ModelAssayError):
        held(MODEL)
