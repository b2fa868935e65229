from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.errors import SourceError, UsageError
from modelscan.fetcher.options import (
    HUB_ENDPOINT,
    FetchOptions,
    Secret,
    check_address,
    from_environment,
)


def test_a_token_is_read_when_it_is_asked_for_and_only_then() -> None:
    environment = {"HF_TOKEN": "hf_abc\n"}
    assert (
        from_environment(offline=False, full=False, token=False, environment=environment).token
        is None
    )
    found = from_environment(offline=False, full=False, token=True, environment=environment).token
    assert found is not None
    assert found.reveal() == "hf_abc"


def test_the_older_name_of_the_variable_is_read_too() -> None:
    environment = {"HF_TOKEN": " ", "HUGGING_FACE_HUB_TOKEN": "hf_old"}
    found = from_environment(offline=False, full=False, token=True, environment=environment).token
    assert found is not None
    assert found.reveal() == "hf_old"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "finds no token"),
        ({"HF_TOKEN": "a b"}, "holds no token"),
        ({"HF_TOKEN": "a\nb"}, "holds no token"),
    ],
)
def test_a_token_that_is_none_is_an_error(environment: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        from_environment(offline=False, full=False, token=True, environment=environment)


def test_a_token_does_not_show() -> None:
    options = FetchOptions(token=Secret("hf_abc"))
    assert "hf_abc" not in f"{options!r} {options.token} {[options.token]}"


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_the_librarys_own_word_for_offline(value: str) -> None:
    environment = {"HF_HUB_OFFLINE": value}
    assert from_environment(offline=False, full=False, token=False, environment=environment).offline


def test_offline_is_an_error_that_says_what_needs_the_network() -> None:
    with pytest.raises(SourceError, match="offline: the model needs"):
        FetchOptions(offline=True).demand_network("the model")
    FetchOptions().demand_network("the model")


def test_the_endpoint_is_that_of_the_option_the_environment_or_the_public_hub() -> None:
    environment = {"HF_ENDPOINT": "https://mirror.example.org/"}
    assert (
        FetchOptions(endpoint="https://a.example.org/hf/").hub_endpoint(environment)
        == "https://a.example.org/hf"
    )
    assert FetchOptions().hub_endpoint(environment) == "https://mirror.example.org"
    assert FetchOptions().hub_endpoint({"HF_ENDPOINT": ""}) == HUB_ENDPOINT


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://hub.example.org", "not encrypted"),
        ("hub.example.org", "no address"),
        ("ftp://hub.example.org", "no address"),
        ("https://", "no address"),
        ("https://[::1", "no address"),
        ("https://host:port", "no address"),
        ("https://host/?a=b", "no address"),
        ("https://me:secret@hub.example.org", "password"),
    ],
)
def test_addresses_that_are_refused_are_not_repeated(address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        check_address(address, "the endpoint")
    assert "secret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_encryption(host: str) -> None:
    check_address(f"http://{host}:8080", "the endpoint")


def test_the_cache_is_the_users_own_unless_another_is_named(tmp_path: Path) -> None:
    assert FetchOptions(cache=tmp_path).cache_folder() == tmp_path
    assert "modelassay" in str(FetchOptions().cache_folder())
