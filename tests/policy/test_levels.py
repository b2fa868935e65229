from __future__ import annotations

import pytest

from modelscan.policy.levels import Level, level_of

TABLE: dict[str, Level] = {
    "*": "warn", "acme": "allow", "acme-*": "deny", "acme-labs*": "allow", "[odd]": "deny",
    "mi?": "allow", "?it": "deny",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("acme", "allow"),
        ("ACME", "allow"),
        ("acme-x", "deny"),
        ("acme-labs-2", "allow"),
        ("somebody", "warn"),
        ("", "warn"),
        ("[odd]", "deny"),
        ("mit", "deny"),
    ],
)
def test_the_closest_line_counts(name: str, level: str) -> None:
    assert level_of(TABLE, name) == level


def test_what_no_line_names_is_allowed() -> None:
    assert level_of({}, "acme") == "allow"
    assert level_of({"other": "deny"}, "acme") == "allow"
