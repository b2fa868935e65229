from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.engine.catalogue import load
from modelscan.formats.repository.likeness import (
    LikenessRelator,
    likeness,
    one_apart,
    skeleton,
)
from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import (
    CardMention,
    Fact,
    HubRepository,
    ModelClaim,
    NameLikeness,
)

_VIEW = RepositoryView(files={}, names=frozenset(), folder=True)
_PUBLISHERS = load().lists.publishers


def resembles(repository: str, *more: Fact, **fields: Any) -> NameLikeness | None:
    stated: dict[str, Any] = {"mirror": False, "asked": repository} | fields
    fact = HubRepository(
        status="declared",
        endpoint="https://huggingface.co",
        repository=repository,
        renamed=False,
        pinned=True,
        revision="0" * 40,
        **stated,
    )
    found = list(LikenessRelator(_PUBLISHERS).relate(_VIEW, Facts([fact, *more])))
    assert len(found) <= 1
    return found[0] if found else None  # type: ignore[return-value]  # it states nothing else


@pytest.mark.parametrize(
    ("repository", "of", "kind"),
    [
        ("meta-IIama/Llama-3.1-8B", "meta-llama", "owner-looks-the-same"),
        ("rneta-llama/Llama-3.1-8B", "meta-llama", "owner-looks-the-same"),
        ("0penAI/anything", "openai", "owner-looks-the-same"),
        ("micros0ft/phi-4", "microsoft", "owner-looks-the-same"),
        ("m1stralai/x", "mistralai", "owner-looks-the-same"),
        ("deepseekai/DeepSeek-R1", "deepseek-ai", "owner-spelt-otherwise"),
        ("Meta_Llama/Llama-3", "meta-llama", "owner-spelt-otherwise"),
        ("stabilityai-/sdxl", "stabilityai", "owner-spelt-otherwise"),
        ("stabiltyai/sdxl-turbo", "stabilityai", "owner-one-letter-off"),
        ("goolge/gemma-2b", "google", "owner-one-letter-off"),
        ("micorsoft/phi-2", "microsoft", "owner-one-letter-off"),
        ("nvida/x", "nvidia", "owner-one-letter-off"),
        ("unsloths/gemma", "unsloth", "owner-one-letter-off"),
        ("Qw\u0435n/Qwen3-8B", "Qwen", "owner-looks-the-same"),
        ("\u0430pple/OpenELM-3B", "apple", "owner-looks-the-same"),
        ("m\u0456str\u0430lai/x", "mistralai", "owner-looks-the-same"),
        ("metallama-official/Llama-3.1-8B", "meta-llama", "owner-adds-a-word"),
        ("deepseek-ai-org/DeepSeek-R1", "deepseek-ai", "owner-adds-a-word"),
        ("google_official/gemma-7b", "google", "owner-adds-a-word"),
        ("Real-Microsoft/phi-4", "microsoft", "owner-adds-a-word"),
        ("qwen-ai/Qwen2.5-7B-Instruct", "Qwen", "owner-adds-a-word"),
        ("someone/Llama-3.1-8B-lnstruct", "meta-llama/Llama-3.1-8B-Instruct",
         "model-of-another-owner"),
        ("someone/al1-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2",
         "model-of-another-owner"),
        ("someone/All-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2",
         "model-of-another-owner"),
    ],
)  # fmt: skip
def test_names_that_deceive(repository: str, of: str, kind: str) -> None:
    found = resembles(repository)
    assert found is not None
    assert (found.resembles, found.kind) == (of, kind)


@pytest.mark.parametrize(
    "repository",
    [
        "meta-llama/Llama-3.1-8B-Instruct", "Meta-Llama/Llama-3.1-8B", "openai-community/gpt2-xl",
        "unsloth/Llama-3.1-8B-Instruct", "NousResearch/Meta-Llama-3-8B-Instruct",
        "TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "lmstudio-community/gemma-2b", "gpt2",
        "lmsys/vicuna-7b-v1.5", "zai-org/GLM-4.5", "someone/my-model", "THUDM/chatglm3-6b",
        "acme/chat-7b", "suno/bark", "microsoft-research/phi", "google-research/x", "qwenx/model",
        "mosaic-team/mpt", "deepset/roberta-base-squad2", "intel/dpt-large", "h2oai/h2o-danube",
        "google-lab/soil", "apple-models/pie", "qwen-fans/Qwen2.5-7B", "microsoft-team/x",
        "FacebookAI/roberta-base", "distilbert/distilbert-base-uncased", "Orca/tool",
    ],
)  # fmt: skip
def test_names_of_their_own(repository: str) -> None:
    assert resembles(repository) is None


def test_a_copy_that_says_where_it_comes_from_is_not_reported() -> None:
    name = "someone/Llama-3.1-8B-Instruct"
    assert resembles(name) is not None
    assert resembles(name, base_models=("meta-llama/Llama-3.1-8B-Instruct",)) is None


def test_an_owner_whom_the_public_hub_has_verified_is_not_suspected() -> None:
    name = "mistral-ai/notes"
    assert resembles(name, owner_verified=True) is None
    assert resembles(name, owner_verified=True, mirror=True) is not None
    assert resembles(name, owner_verified=False) is not None


def test_the_model_counts_when_the_owner_resembles_its_publisher() -> None:
    with_model, without = resembles("mistral-ai/Mistral-7B-v0.1"), resembles("mistral-ai/notes")
    assert with_model is not None
    assert without is not None
    assert (with_model.same_model, without.same_model) == (True, False)


def test_no_well_known_name_is_suspected() -> None:
    for owner in (*_PUBLISHERS.models, *_PUBLISHERS.republishers):
        assert resembles(f"{owner}/model") is None
    for owner, names in _PUBLISHERS.models.items():
        for name in names:
            assert resembles(f"{owner}/{name.rstrip('*')}x") is None


_NAME = st.text("abilo01-_.mnrwv", max_size=12)


@settings(max_examples=200, deadline=None)
@given(_NAME, _NAME)
def test_likeness_is_mutual(first: str, second: str) -> None:
    assert one_apart(first, second) == one_apart(second, first)
    assert (skeleton(first) == skeleton(second)) == (skeleton(second) == skeleton(first))
    assert likeness(first, first) is None


@settings(max_examples=200, deadline=None)
@given(_NAME, st.integers(0, 12), st.sampled_from("abz"))
def test_one_change_is_one_apart(name: str, place: int, sign: str) -> None:
    added = name[:place] + sign + name[place:]
    assert one_apart(name, added)
    changed = name[:place] + "z" + name[place + 1 :]
    assert one_apart(name, changed) or name == changed


def test_neighbours_that_changed_places() -> None:
    assert one_apart("google", "goolge")
    assert not one_apart("google", "elgoog")
    assert not one_apart("abcdef", "abdcfe")


# -- cards of other repositories -----------------------------------------------------------------


def _of_card(
    repository: str, *mentioned: str, base: str = "", **fields: Any
) -> NameLikeness | None:
    facts: list[Fact] = [CardMention(status="declared", repository=name) for name in mentioned]
    if base:
        facts.append(ModelClaim(status="declared", claim="base", value=base))
    return resembles(repository, *facts, **fields)


_COPIED = pytest.mark.parametrize(
    ("repository", "mentioned", "of"),
    [
        ("someone/chat-7b", ["acme/chat-7b"], "acme/chat-7b"),
        ("someone/Chat-7B", ["acme/other", "Acme/chat-7b", "zeta/chat-7b"], "Acme/chat-7b"),
        ("someone/privacy-filter", ["openai/privacy-filter"], "openai/privacy-filter"),
    ],
)


@_COPIED
def test_a_card_that_was_copied_with_its_base_model(
    repository: str, mentioned: list[str], of: str
) -> None:
    for fields in ({"base_models": ("zeta/base-7b",)}, {"base": "zeta/base-7b"}):
        found = _of_card(repository, *mentioned, **fields)
        assert found is not None
        assert found.resembles == of


@_COPIED
def test_a_card_that_was_copied(repository: str, mentioned: list[str], of: str) -> None:
    found = _of_card(repository, *mentioned)
    assert found is not None
    assert (found.kind, found.resembles) == ("card-of-another-owner", of)


@pytest.mark.parametrize(
    ("repository", "mentioned", "fields"),
    [
        ("acme/chat-7b", ["acme/chat-7b"], {}),
        ("acme/chat-7b", ["acme/Chat-7B", "other/chat-7b"], {}),
        ("acme/chat-7b-gguf", ["other/chat-7b"], {}),
        ("acme/chat-7b", [], {}),
        ("acme/chat-7b", ["other/chat-7b"], {"base_models": ("other/chat-7b",)}),
        ("acme/chat-7b", ["other/chat-7b"], {"base": "other/chat-7b"}),
        ("acme/chat-7b", ["other/chat-7b"], {"asked": "other/chat-7b"}),
        ("acme/chat-7b", ["other/chat-7b"], {"owner_verified": True}),
        ("unsloth/chat-7b", ["other/chat-7b"], {}),
        ("chat-7b", ["other/chat-7b"], {}),
    ],
)
def test_a_card_of_its_own(repository: str, mentioned: list[str], fields: dict[str, Any]) -> None:
    assert _of_card(repository, *mentioned, **fields) is None


def test_a_house_that_says_what_its_models_are_made_from_may_add_a_word() -> None:
    name, base = "google-lab/gemma-2b-pt", "google/gemma-2b"
    assert resembles(name) is not None
    assert resembles(name, base_models=(base,)) is None
    assert _of_card(name, base=base) is None


def test_a_copied_card_with_a_base_model_does_not_hide_an_added_word() -> None:
    name, base = "metallama-official/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-8B"
    found = resembles(name, base_models=(base,))
    assert found is not None
    assert found.kind == "owner-adds-a-word"
    assert resembles(name, base_models=("meta-llama/Llama-3.1-8B-Instruct",)) is None
