from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.errors import UsageError
from modelscan.policy import document


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('require = ["signed"]\n[requirements]\nsigned = "off"', 3, "require lists it"),
        ('[env.x]\nrequire = ["signed"]\n[env.x.requirements]\nsigned = "warn"', 4, "require lists"),
        ('autonomy = "act"\n[requirements]\napproved = "warn"', 3, "autonomy = 'act' requires it"),
        ('[answers.official-bytes]\nfail = ["unknown"]\nincomplete = ["unknown", "error"]', 3,
         "unknown cannot both fail and be incomplete"),
        ('[publishers]\nAcme = "allow"\nacme = "deny"', 3, "'deny', and 'allow' above"),
        ('[env.y.licences]\nMIT = "warn"\nmit = "allow"', 3, "'allow', and 'warn' above"),
    ],
)  # fmt: skip
def test_lines_that_cannot_both_be_meant(text: str, line: int, what: str) -> None:
    with pytest.raises(UsageError, match=rf"x\.toml:{line}: .*{what}"):
        document.parse(Path("x.toml"), text.encode())


@pytest.mark.parametrize(
    "text",
    [
        'require = ["signed"]\n[requirements]\nsigned = "fail"',
        'autonomy = "act"\n[requirements]\nsigned = "fail"\ncard-present = "warn"',
        # An environment may say something else than the file, and what a model may do raises it.
        '[requirements]\nsigned = "off"\n[env.production]\nautonomy = "act"\nrequire = ["signed"]',
        '[publishers]\nAcme = "deny"\nacme = "deny"\n"a*" = "allow"',
        '[answers.signed]\nfail = ["unsigned"]\nincomplete = ["error"]',
        'autonomy = "none"',
    ],
)
def test_lines_that_can(text: str) -> None:
    document.parse(Path("x.toml"), text.encode())
