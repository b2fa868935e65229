from __future__ import annotations

import pytest

from modelscan.formats.repository.base import BaseRelator
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RepositoryCheck
from tests.forge.repository import claim, view

ADAPTER = "adapter_config.json"


def _checks(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str, str]]:
    found = BaseRelator().relate(repository, Facts(facts))
    return [
        (fact.kind, fact.value, fact.other) for fact in found if isinstance(fact, RepositoryCheck)
    ]


def test_an_adapter_without_a_base() -> None:
    assert _checks(view(ADAPTER)) == [("no-base", "", "")]
    assert _checks(view(ADAPTER), claim("base", "a/b")) == []
    assert _checks(view(ADAPTER), claim("base", "a/b", ADAPTER)) == []


@pytest.mark.parametrize(
    ("configured", "card", "differ"),
    [
        ("a/base-7b", "a/other-7b", True),
        ("a/base-7b", "a/base-7b", False),
        ("mirror/Base-7B", "a/base-7b", False),
        ("base-7b", "a/base-7b", False),
    ],
)
def test_two_bases(configured: str, card: str, differ: bool) -> None:
    facts = [claim("base", configured, ADAPTER), claim("base", card)]
    expected = [("base-differs", configured, card)] if differ else []
    assert _checks(view(ADAPTER, "README.md"), *facts) == expected


def test_what_is_no_adapter_or_stands_alone() -> None:
    assert _checks(view("config.json")) == []
    assert _checks(view(ADAPTER, folder=False)) == []
