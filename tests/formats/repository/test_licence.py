from __future__ import annotations

from typing import Any

import pytest

from modelscan.engine.catalogue import load
from modelscan.formats.repository.licence import LicenceRelator
from modelscan.formats.repository.relator import Facts
from modelscan.vocabulary.fact import Fact, LicenceCheck, LicenceStated, LicenceText
from modelscan.vocabulary.location import Location
from tests.forge.repository import claim, view

TABLE = load().lists.licences
LLAMA = "meta-llama/Llama-3.1-8B"


def text(identifier: str, file: str = "LICENSE", member: str | None = None) -> LicenceText:
    known = TABLE.licences.get(identifier)
    restricts = known.restricts if known else ()
    return LicenceText(
        location=Location(file, member=member), identifier=identifier, restrictions=restricts
    )


def relate(*facts: Fact) -> list[Fact]:
    return list(LicenceRelator(TABLE).relate(view(), Facts(facts)))


def checks(*facts: Fact) -> list[tuple[str, str, str]]:
    found = (fact for fact in relate(*facts) if isinstance(fact, LicenceCheck))
    return [(fact.kind, fact.claimed, fact.other) for fact in found]


def stated(*facts: Fact) -> list[tuple[Any, ...]]:
    found = (fact for fact in relate(*facts) if isinstance(fact, LicenceStated))
    return [(fact.source, fact.stated, fact.identifier, fact.status) for fact in found]


def test_every_statement_in_one_spelling() -> None:
    assert stated(
        claim("licence", "apache-2.0"),
        claim("licence", "apache-2.0"),
        claim("licence", "Apache 2.0", "model.gguf"),
        claim("licence", "our terms", "config.json"),
        text("gemma"),
        text("", "LICENSE-2"),
        text("MIT", "sub/LICENSE"),
        text("MIT", "a.zip", "LICENSE"),
        claim("base", LLAMA, relation="finetune"),
        claim("base", "acme/base"),
    ) == [
        ("card", "apache-2.0", "Apache-2.0", "declared"),
        ("weights", "Apache 2.0", "Apache-2.0", "declared"),
        ("file", "our terms", "", "declared"),
        ("text", "LICENSE", "gemma", "verified"),
        ("text", "LICENSE-2", "", "verified"),
        ("base", LLAMA, "llama3.1", "inferred"),
    ]
    assert relate() == []


@pytest.mark.parametrize(
    ("card", "weights", "differ"),
    [
        ("mit", "apache-2.0", True),
        ("apache-2.0", "Apache License, Version 2.0", False),
        ("mit", "MIT License", False),
        ("llama3", "Llama 3", False),
        ("gpl-3.0", "GPL-3.0-or-later", False),
        ("mit", "MIT OR Apache-2.0", False),
        ("acme terms", "Acme Terms", False),
        ("acme terms", "other acme terms", True),
        ("other", "llama3", False),
        ("mit", "other", False),
        ("mit", "---", False),
    ],
)
def test_licences_of_card_and_weights(card: str, weights: str, differ: bool) -> None:
    facts = [claim("licence", card), claim("licence", weights, "model.gguf")]
    assert checks(*facts) == ([("claims-differ", card, weights)] if differ else [])


def test_each_other_licence_is_stated_once() -> None:
    many = [claim("licence", "gpl-3.0", f"{number}.gguf") for number in range(9)]
    assert len(checks(claim("licence", "mit"), *many)) == 1
    assert checks(*many) == []


@pytest.mark.parametrize(
    ("claims", "texts", "expected"),
    [
        (["apache-2.0"], ["Apache-2.0"], []),
        (["apache-2.0"], ["llama3.1"], [("text-differs", "Apache-2.0", "llama3.1")]),
        (["apache-2.0"], ["llama3.1", "Apache-2.0"], []),  # code and model, or a base's notice
        (["apache-2.0"], [""], []),
        (["gpl-3.0"], ["GPL-3.0-or-later"], []),
        (["our terms"], ["llama3.1"], []),  # unknown terms contradict nothing
        (["other"], ["llama3.1"], []),
        ([], ["llama3.1"], []),
        (["mit OR apache-2.0"], ["MIT"], []),
        (["mit", "cc-by-4.0"], ["gemma"], [("text-differs", "MIT, CC-BY-4.0", "gemma")]),
    ],
)
def test_claims_and_the_text_beside_them(
    claims: list[str], texts: list[str], expected: list[Any]
) -> None:
    facts = [claim("licence", each) for each in claims]
    held = [text(each, f"LICENSE-{number}") for number, each in enumerate(texts)]
    assert checks(*facts, *held) == expected


def test_what_the_text_says_and_the_claim_does_not() -> None:
    (found,) = (
        fact
        for fact in relate(claim("licence", "mit"), text("CC-BY-NC-SA-4.0"))
        if isinstance(fact, LicenceCheck)
    )
    assert found.lost == ("non-commercial", "same-terms")
    assert found.origin == "LICENSE"


@pytest.mark.parametrize(
    ("claims", "texts", "expected"),
    [
        (["apache-2.0"], [], [("base-differs", "Apache-2.0", "llama3.1")]),
        (["llama3.1"], [], []),
        (["llama3.1"], ["MIT"], [("text-differs", "llama3.1", "MIT")]),
        (["other"], [], []),
        ([], [], []),
        (["apache-2.0"], ["Apache-2.0", "llama3.1"], []),  # the base's licence is passed on
        (["cc-by-nc-4.0"], [], [("base-differs", "CC-BY-NC-4.0", "llama3.1")]),
    ],
)
def test_the_terms_of_the_base(claims: list[str], texts: list[str], expected: list[Any]) -> None:
    facts = [claim("licence", each) for each in claims]
    held = [text(each, f"LICENSE-{number}") for number, each in enumerate(texts)]
    assert checks(claim("base", LLAMA, relation="finetune"), *facts, *held) == expected


def test_a_thousand_claims_are_cut_short() -> None:
    many = [claim("licence", f"terms {number}") for number in range(1_000)]
    bases = [claim("base", f"meta-llama/Llama-3.1-{number}B") for number in range(1_000)]
    assert len(stated(*many, *bases)) == 200
