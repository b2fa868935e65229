from __future__ import annotations

import pytest

from modelscan.formats.repository.card import CardRelator
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, RepositoryCheck
from tests.forge.repository import claim, view

WEIGHTS = "model.safetensors"


def _all(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str, str]]:
    found = CardRelator().relate(repository, Facts(facts))
    return [
        (fact.kind, fact.value, fact.other) for fact in found if isinstance(fact, RepositoryCheck)
    ]


def _checks(repository: RepositoryView, *facts: Fact) -> list[tuple[str, str, str]]:
    return [check for check in _all(repository, *facts) if check[0] != "card-parts-missing"]


def test_parts_that_a_card_leaves_out() -> None:
    stated = [claim(kind, "x") for kind in ("licence", "dataset", "language", "task", "library")]
    repository = view(WEIGHTS, "README.md", "LICENSE")
    assert _all(repository, *stated) == [("card-parts-missing", "base", "")]
    assert _all(repository, *stated, claim("base", "x")) == []
    elsewhere = claim("base", "x", "config.json")
    assert _all(repository, *stated, elsewhere) == [("card-parts-missing", "base", "")]


@pytest.mark.parametrize("card", ["README.md", "readme", "MODEL_CARD.md", "README.rst"])
@pytest.mark.parametrize("terms", ["LICENSE", "LICENCE.txt", "sub/license.md", "USE_POLICY.md"])
def test_a_card_and_terms(card: str, terms: str) -> None:
    assert _checks(view(WEIGHTS, card, terms)) == []


def test_what_is_missing_beside_weights() -> None:
    assert _checks(view(WEIGHTS)) == [("no-card", "", ""), ("no-licence", "", "")]
    assert _checks(view(WEIGHTS, "README.md")) == [("no-licence", "", "")]
    assert _checks(view(WEIGHTS, "README.md"), claim("licence", "mit")) == []
    assert _checks(view(WEIGHTS, "sub/README.md", "LICENSE")) == [("no-card", "", "")]


def test_nothing_is_missing_without_weights_or_beside_a_single_file() -> None:
    assert _checks(view("config.json", "Makefile")) == []
    assert _checks(view(WEIGHTS, folder=False)) == []
