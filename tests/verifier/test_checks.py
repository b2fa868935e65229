from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from modelscan.errors import ModelAssayError
from modelscan.verifier import checks
from modelscan.verifier.checks import verify
from modelscan.vocabulary.evidence import (
    Evidence,
    OfficialBytes,
    OfficialStatus,
    Signed,
    SignedStatus,
)
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.result import FileEntry
from tests.forge.releases import entries


class Says:
    def __init__(
        self,
        evidence: Evidence | Exception,
        answer: Literal["official_bytes", "signed"] = "official_bytes",
    ) -> None:
        self.name = "a test"
        self.answer = answer
        self._evidence = evidence

    def run(self, files: Sequence[FileEntry], facts: Sequence[Fact], claimed: str) -> Evidence:
        assert (len(files), len(facts), claimed) == (0, 0, "hf:x/y")
        if isinstance(self._evidence, Exception):
            raise self._evidence
        return self._evidence


def official(status: OfficialStatus) -> Says:
    return Says(Evidence(official=OfficialBytes(status=status, reason="r")))


def signed(status: SignedStatus) -> Says:
    return Says(Evidence(signed=Signed(status=status, reason="r")), "signed")


@pytest.mark.parametrize(
    ("statuses", "winner"),
    [
        (("unknown", "verified-official"), "verified-official"),
        (("verified-official", "modified"), "modified"),
        (("modified", "denied"), "denied"),
        (("verified-official", "error"), "error"),
        (("not-hashed", "unknown"), "not-hashed"),
        (("pinned-match", "matches-known-release"), "matches-known-release"),
    ],
)
def test_the_worst_news_wins(statuses: tuple[OfficialStatus, ...], winner: str) -> None:
    for order in (statuses, statuses[::-1]):
        found, _, _ = verify([], (), "hf:x/y", [official(status) for status in order])
        assert found.status == winner


@pytest.mark.parametrize(
    ("statuses", "winner"),
    [
        (("unsigned", "signed-trusted"), "signed-trusted"),
        (("signed-trusted", "invalid-signature"), "invalid-signature"),
        (("signed-trusted", "error"), "error"),
    ],
)
def test_the_worst_signature_wins(statuses: tuple[SignedStatus, ...], winner: str) -> None:
    for order in (statuses, statuses[::-1]):
        _, found, _ = verify([], (), "hf:x/y", [signed(status) for status in order])
        assert found.status == winner


@pytest.mark.parametrize("error", [OSError("disk"), ModelAssayError("damaged"), KeyError("k")])
def test_an_exception_is_an_error_and_never_a_pass(error: Exception) -> None:
    good = official("verified-official"), signed("signed-trusted")
    found, _, _ = verify([], (), "hf:x/y", [*good, Says(error)])
    assert found.status == "error"
    assert found.reason.startswith("a test could not be checked: ")
    assert found.reason.endswith(str(error))
    _, answer, _ = verify([], (), "hf:x/y", [*good, Says(error, "signed")])
    assert answer.status == "error"


def test_an_answer_that_nobody_gives_is_an_error() -> None:
    found, answer, facts = verify([], (), "hf:x/y", [])
    assert (found.status, answer.status, facts) == ("error", "error", ())


def test_facts_of_all_checks_are_kept() -> None:
    _, _, facts = verify(entries({"own.bin": b"?", "own.sig": b""}), (), "")
    assert [type(fact).__name__ for fact in facts] == ["SignatureCheck"]


def test_a_damaged_index_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ModelAssayError("the index of published releases is damaged")

    monkeypatch.setattr(checks, "shared_index", fail)
    found, answer, _ = verify(entries({"own.bin": b"?"}), (), "")
    assert found.status == "error"
    assert "damaged" in found.reason
    assert answer.status == "unsigned"
