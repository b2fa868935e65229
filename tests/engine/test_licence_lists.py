from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.engine.lists import extend, load_lists
from modelscan.errors import RuleError
from modelscan.vocabulary.lists import Licence, Licences, NameLists

BASE = NameLists(
    licences=Licences(
        plain=("MIT",),
        riders=("commons clause",),
        licences={"gemma": Licence(names=("gemma terms",), restricts=("use-limits",))},
        bases={"google/gemma-*": "gemma"},
    )
)


def own(tmp_path: Path, text: str) -> NameLists:
    (tmp_path / "licences.yaml").write_text(text, encoding="utf-8")
    return load_lists(tmp_path)


def test_a_list_of_ones_own_adds_licences(tmp_path: Path) -> None:
    text = (
        "plain: [ISC]\nriders: [not in production]\n"
        "licences:\n  acme: {restricts: [registration], text: [[acme terms of use]]}\n"
        "  gemma: {restricts: [use-limits, same-terms]}\nbases: {acme/*: acme}\n"
    )
    found = extend(BASE, own(tmp_path, text), "rules").licences
    assert found.plain == ("MIT", "ISC")
    assert found.riders == ("commons clause", "not in production")
    assert found.licences["acme"].restricts == ("registration",)
    assert found.licences["gemma"].restricts == ("use-limits", "same-terms")
    assert found.bases == {"google/gemma-*": "gemma", "acme/*": "acme"}


@pytest.mark.parametrize("text", ["plain: [gemma]\n", "licences: {gemma: {names: [g]}}\n"])
def test_a_list_of_ones_own_cannot_take_a_restriction_away(tmp_path: Path, text: str) -> None:
    with pytest.raises(RuleError, match="gemma restricts less"):
        extend(BASE, own(tmp_path, text), "rules")


@pytest.mark.parametrize(
    "text",
    [
        "plain: [x]\nlicences: {x: {restricts: [regions]}}\n",
        "licences: {x: {restricts: [free]}}\n",
        "licences: {x: {texts: []}}\n",
    ],
)
def test_a_list_that_contradicts_itself_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(RuleError, match=r"licences\.yaml"):
        own(tmp_path, text)
