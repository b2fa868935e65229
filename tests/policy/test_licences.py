from __future__ import annotations

from typing import Any

import pytest

from modelscan.policy.breaches import breaches
from modelscan.policy.licences import level_of_licence, words
from modelscan.policy.profile import PROFILES, build
from tests.forge.policies import licence, situation


@pytest.mark.parametrize(
    ("table", "stated", "level"),
    [
        ({"apache-2.0": "allow", "*": "deny"}, licence("Apache-2.0", stated="Apache License 2.0"), "allow"),
        ({"apache-2.0": "deny"}, licence("Apache-2.0", stated="Apache License 2.0"), "deny"),
        ({"gpl-3.0": "deny"}, licence("GPL-3.0-only", stated="gpl-3.0"), "deny"),
        ({"gpl-3.0": "allow", "*": "deny"}, licence("GPL-3.0-only", stated="gpl-3.0"), "allow"),
        ({"gpl-*": "deny", "gpl-3.0": "allow"}, licence("GPL-3.0-only", stated="gpl-3.0"), "deny"),
        ({"acme terms": "allow", "*": "deny"}, licence("", stated="acme terms"), "allow"),
        ({"*": "warn"}, licence("", stated="acme terms"), "warn"),
        # The name of the file or of the base is not how a licence is written.
        ({"LICENSE": "allow", "*": "deny"}, licence("gemma", source="text", stated="LICENSE"), "deny"),
        ({"LICENSE": "allow", "*": "deny"}, licence("", source="text", stated="LICENSE"), "deny"),
        ({"acme/*": "allow", "*": "deny"}, licence("gemma", source="base", stated="acme/x"), "deny"),
        ({"gemma": "deny"}, licence("gemma", source="base", stated="google/gemma-2b"), "deny"),
        # Whoever uses the model chooses among alternatives; what holds together holds together.
        ({"mit": "allow", "*": "deny"}, licence("CC-BY-NC-4.0 OR MIT"), "allow"),
        ({"mit": "allow", "*": "deny"}, licence("CC-BY-NC-4.0 AND MIT"), "deny"),
        ({"mit": "allow", "*": "deny"}, licence("Apache-2.0 AND MIT OR MIT"), "allow"),
        ({"cc-by-nc-*": "deny"}, licence("CC-BY-NC-4.0 OR MIT"), "allow"),
        ({}, licence("gemma"), "allow"),
    ],
)  # fmt: skip
def test_what_a_table_says_to_a_licence(table: dict[str, Any], stated: Any, level: str) -> None:
    assert level_of_licence(table, stated) == level


def lines(settings: dict[Any, Any], *facts: Any) -> list[tuple[str, str, str]]:
    found = breaches(build("p", PROFILES["default"] | settings), situation(facts=facts))
    return [(each.line, each.level, each.detail) for each in found]


def test_restrictions_are_refused_whatever_the_licence_is_called() -> None:
    table = {("licence-restrictions", "non-commercial"): "deny",
             ("licence-restrictions", "same-terms"): "warn"}  # fmt: skip
    held = licence("CC-BY-NC-SA-4.0", "non-commercial", "same-terms", "regions")
    assert lines(table, held) == [
        ("licence-restrictions.non-commercial", "deny", "CC-BY-NC-SA-4.0"),
        ("licence-restrictions.same-terms", "warn", "CC-BY-NC-SA-4.0"),
    ]
    assert lines(table, licence("MIT")) == []
    base = licence("mrl", "non-commercial", source="base", stated="mistralai/Pixtral-Large-2411")
    assert lines(table, licence("Apache-2.0"), base) == [
        ("licence-restrictions.non-commercial", "deny",
         "mrl, of the base mistralai/Pixtral-Large-2411")
    ]  # fmt: skip


def test_what_is_made_from_a_base_inherits_its_licence() -> None:
    base = licence("llama3.1", source="base", stated="meta-llama/Llama-3.1-8B")
    denied = {("licences", "llama*"): "deny"}
    assert lines(denied, licence("Apache-2.0"), base) == [
        ("licences.llama3.1", "deny", "llama3.1, of the base meta-llama/Llama-3.1-8B")
    ]
    needed = denied | {("requirements", "licence-allowed"): "fail"}
    assert lines(needed, base)[0] == (
        "requirements.licence-allowed", "deny", "no file of the model names a licence",
    )  # fmt: skip
    assert "of the base" in lines(needed, licence("Apache-2.0"), base)[0][2]


def test_a_licence_in_words() -> None:
    assert words(licence("", stated="")) == "none is named"
    assert words(licence("", source="text", stated="LICENSE")) == "unknown terms, by LICENSE"
    assert words(licence("gemma", source="text", stated="LICENSE")) == "gemma, by LICENSE"
    assert words(licence("", stated="our terms")) == "our terms"
