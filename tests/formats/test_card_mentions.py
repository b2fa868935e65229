from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats.card_mentions import LONGEST, repositories


@pytest.mark.parametrize(
    "line",
    [
        'model = AutoModel.from_pretrained("acme/chat-7b")',
        "model = SentenceTransformer('acme/chat-7b')",
        "This is `acme/chat-7b`.",
        "See [the page](https://huggingface.co/acme/chat-7b).",
        "https://huggingface.co/acme/chat-7b/resolve/main/model.safetensors",
        "vllm serve acme/chat-7b --port 8000",
        "hf download acme/chat-7b",
        "python -m sglang.launch_server --model acme/chat-7b",
        "Use https://hf.co/acme/chat-7b.",
    ],
)
def test_what_a_card_names(line: str) -> None:
    assert repositories(line.encode()) == ("acme/chat-7b",)


@pytest.mark.parametrize(
    "line",
    ["either/or", "https://huggingface.co/datasets/acme/words", "https://example.org/acme/chat-7b",
     "`/acme/x`", "'a'/'b'", "hf.co/acme", "../acme/chat"],
)  # fmt: skip
def test_what_is_no_name_of_a_model(line: str) -> None:
    assert repositories(line.encode()) == ()


def test_names_are_told_once_and_are_bounded() -> None:
    many = b"".join(b"`acme/m%d` " % number for number in range(500)) * 2
    assert len(repositories(many)) == len(set(repositories(many))) == 50
    assert repositories(b"x" * LONGEST + b"`acme/model`") == ()


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_have_some_names(data: bytes) -> None:
    assert all(name.count("/") == 1 for name in repositories(data))
