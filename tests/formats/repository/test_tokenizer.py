from __future__ import annotations

from modelscan.formats.repository.relator import Facts
from modelscan.formats.repository.tokenizer import TokenizerRelator
from modelscan.vocabulary.fact import (
    Fact,
    Tokenizer,
    TokenizerDefect,
    TokenizerMerges,
    TokenizerNames,
    TokenizerRoles,
)
from modelscan.vocabulary.location import Location
from tests.forge.repository import view


def _whole(file: str, numbered: str, named: str = "n") -> Tokenizer:
    return Tokenizer(
        location=Location(file), form="vocabulary", algorithm="", tokens=2, largest=1,
        numbered=numbered, named=named,
    )  # fmt: skip


def _names(file: str, **tokens: int) -> TokenizerNames:
    return TokenizerNames(
        location=Location(file), source="added_tokens",
        names=tuple(tokens), numbers=tuple(tokens.values()),
    )  # fmt: skip


def _kinds(*facts: Fact, folder: bool = True) -> list[tuple[str, str]]:
    found = TokenizerRelator().relate(view("a", folder=folder), Facts(facts))
    return [(fact.kind, fact.token) for fact in found if isinstance(fact, TokenizerDefect)]


def test_the_same_tokens_numbered_differently() -> None:
    assert _kinds(_whole("a", "1"), _whole("b", "2")) == [("files-differ", "")]
    assert _kinds(_whole("a", "1"), _whole("b", "1")) == []
    assert _kinds(_whole("a", "1"), _whole("b", "2", "other")) == []
    assert _kinds(_whole("a", "1"), _whole("folder/b", "2")) == []
    assert _kinds(_whole("a", "1"), _whole("b", "2"), folder=False) == []


def test_two_tokens_that_changed_places() -> None:
    found = _kinds(_names("a", x=1, y=2, z=3), _names("b", x=2, y=1, z=3))
    assert found == [("files-exchange", "x"), ("files-exchange", "y")]


def test_numbers_that_moved_are_of_another_version() -> None:
    assert _kinds(_names("a", x=1, y=2), _names("b", x=2, y=3)) == [("files-shift", "x")]


def test_a_token_with_another_name() -> None:
    assert _kinds(_names("a", x=1, new=2), _names("b", x=1, old=2)) == [("files-rename", "new")]
    assert _kinds(_names("a", x=1, y=2), _names("b", x=1)) == []


def _merges(file: str, digest: str, count: int = 2) -> TokenizerMerges:
    return TokenizerMerges(location=Location(file), count=count, digest=digest)


def test_as_many_merges_and_others() -> None:
    assert _kinds(_merges("a", "1"), _merges("b", "2")) == [("merges-differ", "")]
    assert _kinds(_merges("a", "1"), _merges("b", "1")) == []
    assert _kinds(_merges("a", "1"), _merges("b", "2", 3)) == []
    assert _kinds(_merges("a", "1"), _merges("x/b", "2")) == []


def _roles(file: str, **tokens: str) -> TokenizerRoles:
    return TokenizerRoles(
        location=Location(file), roles=tuple(tokens), tokens=tuple(tokens.values())
    )


def test_another_token_ends_the_text() -> None:
    one, other = _roles("a", bos="<s>", eos="</s>"), _roles("b", eos="<end>", pad="<pad>")
    assert _kinds(one, other) == [("roles-differ", "</s>")]
    assert _kinds(one, _roles("b", bos="<s>")) == []
