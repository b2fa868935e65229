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
from modelscan.vocabulary.fact import HubRepository, NameLikeness

_VIEW = RepositoryView(files={}, names=frozenset(), folder=True)
_PUBLISHERS = load().lists.publishers


def resembles(repository: str, **fields: Any) -> NameLikeness | None:
    fact = HubRepository(
        status="declared",
        endpoint="https://huggingface.co",
        asked=repository,
        repository=repository,
        renamed=False,
        pinned=True,
        revision="0" * 40,
        **({"mirror": False} | fields),
    )
    found = list(LikenessRelator(_PUBLISHERS).relate(_VIEW, Facts([fact])))
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
