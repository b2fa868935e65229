from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.vocabulary.ref import HubRef, ModelRef

_COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    ("text", "kind", "known_as"),
    [
        ("model", "path", "model"),
        ("./hf:model", "path", "./hf:model"),
        ("hf:org/name", "hub", "hf:org/name"),
        ("HF:org/name", "hub", "HF:org/name"),
        ("https://huggingface.co/org/name", "hub", "hf:org/name"),
        ("hf://org/name@v1", "hub", "hf:org/name@v1"),
        ("hf://models/org/name", "hub", "hf:org/name"),
        (f"pkg:huggingface/org/name@{_COMMIT}", "hub", f"hf:org/name@{_COMMIT}"),
        ("docker://host/a/b:1", "oci", "oci:host/a/b:1"),
        ("hf:///org/name", "hub", None),
        ("https://hf.co/org/name/", "hub", "hf:org/name"),
        ("https://huggingface.co/org/name/tree/v1.0", "hub", "hf:org/name@v1.0"),
        (f"https://www.huggingface.co/org/name/tree/{_COMMIT}", "hub", f"hf:org/name@{_COMMIT}"),
        ("https://huggingface.co/org/name/resolve/main/a.bin", "url", None),
        ("https://huggingface.co/datasets/name", "url", None),
        ("https://huggingface.co/org", "url", None),
        ("https://huggingface.co.example.org/org/name", "url", None),
        ("https://example.org/model.safetensors", "url", None),
    ],
)
def test_what_a_target_is(text: str, kind: str, known_as: str | None) -> None:
    found = ModelRef.parse(text)
    assert found.kind == kind
    assert found.text == (known_as or text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf:org/name", HubRef("org/name")),
        ("hf:gpt2", HubRef("gpt2")),
        ("hf:org/name@main", HubRef("org/name", "main")),
        (f"hf:org/na.me-1_x@{_COMMIT}", HubRef("org/na.me-1_x", _COMMIT)),
        ("hf:org/name@refs/pr/1", HubRef("org/name", "refs/pr/1")),
        ("hf:org/name:Q4_K_M", HubRef("org/name", None, "Q4_K_M")),
        ("hf:org/name:Q4_K_M@v1", HubRef("org/name", "v1", "Q4_K_M")),
    ],
)
def test_the_parts_of_a_hub_reference(text: str, expected: HubRef) -> None:
    assert HubRef.parse(text) == expected
    assert expected.pinned == (expected.revision == _COMMIT)


@pytest.mark.parametrize(
    "text",
    [
        "hf:", "hf:/", "hf:org/", "hf:/name", "hf:a/b/c", "hf:../name", "hf:org/..", "hf:or--g/name",
        "hf:org/na..me", "hf:org/name@", "hf:org/name@../x", "hf:org/name@a//b", "hf:org/name@/a",
        "hf:org/name@a..b", "hf:org/name:", "hf:org/na me", "hf:org/name\n", "hf:org/name?x=1",
        "hf:org/" + "a" * 100, "hf:org/name@" + "a" * 251, "org/name", "hf:org/n\u00e4me", "hf:.a/b",
    ],
)  # fmt: skip
def test_what_is_no_hub_reference(text: str) -> None:
    assert HubRef.parse(text) is None


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aZ0._-/:@ \u00e9", max_size=30))
def test_what_is_taken_is_safe_in_an_address(text: str) -> None:
    found = HubRef.parse(f"hf:{text}")
    if found is not None:
        parts = found.repository.split("/") + (found.revision or "a").split("/")
        assert all(parts)
        assert not {".", ".."} & set(parts)
        assert " " not in text
