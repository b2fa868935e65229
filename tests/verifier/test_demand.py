from __future__ import annotations

import pytest

from modelscan.verifier.demand import decide
from modelscan.verifier.expected import Expected
from modelscan.verifier.request import Request
from modelscan.verifier.trust import Trust, TrustedKey
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.evidence import (
    OfficialBytes,
    OfficialStatus,
    Signed,
    SignedStatus,
)
from tests.forge import releases

KEY = Request(trust=Trust(keys=(TrustedKey("k", b""),)))
RELEASE = Request(expected=Expected("", releases.manifest(releases.pinned())))
NOTHING = Request()


@pytest.mark.parametrize(
    ("official", "signed", "request_", "status"),
    [
        ("verified-official", "unsigned", NOTHING, "pass"),
        ("matches-known-release", "signed-untrusted", NOTHING, "pass"),
        ("pinned-match", "unsigned", RELEASE, "pass"),
        ("unknown", "signed-trusted", NOTHING, "pass"),
        ("unknown", "signed-trusted", KEY, "pass"),
        ("hub-consistent", "unsigned", NOTHING, "fail"),
        ("unknown", "unsigned", NOTHING, "fail"),
        ("unknown", "signed-untrusted", NOTHING, "fail"),
        ("verified-official", "unsigned", KEY, "fail"),
        ("verified-official", "signed-untrusted", KEY, "fail"),
        ("unknown", "signed-trusted", RELEASE, "fail"),
        ("verified-official", "invalid-signature", NOTHING, "fail"),
        ("modified", "signed-trusted", NOTHING, "fail"),
        ("denied", "signed-trusted", NOTHING, "fail"),
        ("error", "signed-trusted", NOTHING, "incomplete"),
        ("verified-official", "error", NOTHING, "incomplete"),
        ("not-hashed", "signed-trusted", NOTHING, "incomplete"),
        ("not-hashed", "invalid-signature", NOTHING, "fail"),
    ],
)
def test_only_good_news_passes(
    official: OfficialStatus, signed: SignedStatus, request_: Request, status: str
) -> None:
    found = decide(
        OfficialBytes(status=official, reason="this"),
        Signed(status=signed, reason="that"),
        (),
        request_,
    )
    assert found.status == status
    assert found.reason


def test_a_file_that_was_not_read_is_no_pass() -> None:
    gap = Coverage(file="a", status="unreadable", needed=True)
    aside = Coverage(file="b", status="skipped")
    good = OfficialBytes(status="verified-official", reason="")
    unsigned = Signed(status="unsigned", reason="")
    assert decide(good, unsigned, (aside,), NOTHING).status == "pass"
    assert decide(good, unsigned, (gap, aside), NOTHING).reason == "1 file was not read"
    assert decide(good, unsigned, (gap, gap), NOTHING).reason == "2 files were not read"
