from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.discovery import hosted, naming
from modelscan.discovery.naming import Name, Usual, named
from tests.forge.codebases import COMMIT, DIGEST


def _ref(text: str, usual: Usual = "hub", *, strict: bool = False) -> str | None:
    found = named(text, usual, strict=strict)
    return found and found.ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("org/name", "hf:org/name"),
        ("bert-base-uncased", "hf:bert-base-uncased"),
        ("gpt2", "hf:gpt2"),
        ("roberta-base", "hf:roberta-base"),
        ("org/name:Q4_K_M", "hf:org/name:Q4_K_M"),
        ("hf://org/name", "hf:org/name"),
        ("hf:org/name", "hf:org/name"),
        ("hf-hub:org/name", "hf:org/name"),
        ("https://huggingface.co/org/name", "hf:org/name"),
        ("https://huggingface.co/org/name.git", "hf:org/name"),
        ("https://user:x@huggingface.co/org/name", "hf:org/name"),
        ("hf.co/org/name:Q8_0", "hf:org/name:Q8_0"),
        ("git@hf.co:org/name", "hf:org/name"),
        ("https://huggingface.co/gpt2/resolve/main/model.bin", "hf:gpt2"),
        ("https://api-inference.huggingface.co/models/org/name", "hf:org/name"),
        ("ollama://llama3", "ollama:llama3"),
        ("oci://host.example/repo:tag", "oci:host.example/repo:tag"),
        ("s3://bucket/model.tar.gz", "s3://bucket/model.tar.gz"),
        ("models:/name/1", "models:/name/1"),
        ("https://example.com/model.onnx", "https://example.com/model.onnx"),
        ("./folder", "./folder"),
        ("/models/llama", "/models/llama"),
        ("~/models/x", "~/models/x"),
        ("C:\\models\\x", "C:\\models\\x"),
        ("outputs/final", "outputs/final"),
        ("a/b/c", "a/b/c"),
        ("model.gguf", "model.gguf"),
        ("x/model.safetensors", "x/model.safetensors"),
        ("gpt-4o", "hosted:gpt-4o"),
    ],
)
def test_what_a_loader_of_the_hub_takes(text: str, ref: str) -> None:
    assert _ref(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        "", "model", "two words", "a\nb", "final", "checkpoint-500", "org/na--me", "org/..",
        "x" * 600,
        "https://huggingface.co/datasets/org/name", "https://huggingface.co/spaces/org/name",
        "https://huggingface.co/docs/hub", "12", "???", "https://huggingface.co/a--b/c",
        "readme.md",
        "data-class",
    ],
)  # fmt: skip
def test_what_names_no_model(text: str) -> None:
    assert _ref(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "a/b", "user/id", "text/html", "src/main.py", "application/x-1", "models/x-1", "1/2",
        "v1/x-2",
        "org/name", "bert-base-uncased", "https://example.com/page", "a/1.2", "./folder",
        "x/y.json",
    ],
)  # fmt: skip
def test_a_strict_place_takes_only_what_can_be_nothing_else(text: str) -> None:
    assert _ref(text, strict=True) is None


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("BAAI/bge-m3", "hf:BAAI/bge-m3"),
        ("./m.gguf", "./m.gguf"),
        ("models/x.onnx", "models/x.onnx"),
        ("s3://b/x", "s3://b/x"),
    ],
)
def test_a_strict_place_takes_these(text: str, ref: str) -> None:
    assert _ref(text, strict=True) == ref


@pytest.mark.parametrize(
    ("text", "usual", "ref"),
    [
        ("llama3.1:8b", "ollama", "ollama:llama3.1:8b"),
        ("me/mine", "ollama", "ollama:me/mine"),
        ("model.gguf", "ollama", "model.gguf"),
        ("gpt-4o", "ollama", "hosted:gpt-4o"),
        ("model", "ollama", None),
        ("hf.co/org/name:Q4", "ollama", "hf:org/name:Q4"),
        ("ai/smollm2", "oci", "oci:docker.io/ai/smollm2"),
        ("localhost:5000/a", "oci", "oci:localhost:5000/a"),
        ("!", "oci", None),
        ("anything at all.bin", "path", "anything at all.bin"),
        ("owner/repo:main", "torchhub", "torchhub:owner/repo"),
        ("repo", "torchhub", None),
        ("resnet50", "timm", "timm:resnet50"),
        ("org/net-1", "timm", "hf:org/net-1"),
        ("a b", "timm", None),
        ("yolov8n.pt", "ultralytics", "ultralytics:yolov8n.pt"),
        ("runs/best.pt", "ultralytics", "runs/best.pt"),
        ("yolov8n.yaml", "ultralytics", None),
        ("small.pt", "whisper", "small.pt"),
        ("all-MiniLM-L6-v2", "sentence-transformers", "hf:sentence-transformers/all-MiniLM-L6-v2"),
        ("org/name", "sentence-transformers", "hf:org/name"),
        ("claude-3-opus-20240229", "hosted", "hosted:claude-3-opus-20240229"),
        ("anything", "hosted", None),
        ("folder/x", "url", "folder/x"),
        ("(", "keras", None),
        ("#", "gensim", None),
    ],
)
def test_other_places(text: str, usual: Usual, ref: str | None) -> None:
    assert _ref(text, usual) == ref


def test_a_strict_oci_place_wants_a_repository() -> None:
    assert _ref("word", "oci", strict=True) is None
    assert _ref("word", "path", strict=True) is None


def test_revisions_and_files_in_addresses() -> None:
    found = named(f"https://huggingface.co/org/name/resolve/{COMMIT}/sub/m.bin?x=1", "url")
    assert found == Name("hf:org/name", COMMIT, {"filename": "sub/m.bin"})
    assert named(f"org/name@{COMMIT}", "hub") == Name("hf:org/name", COMMIT)
    assert named(f"org/name:{COMMIT}", "hub") == Name("hf:org/name", COMMIT)
    assert named("hf://org/name@main/file.bin", "hub") == Name(
        "hf:org/name", "main", {"filename": "file.bin"}
    )


def test_what_is_pinned_and_has_a_purl() -> None:
    assert Name("hf:gpt2", COMMIT).purl is None
    assert Name("hf:org/name", "main").purl is None
    assert Name("torchhub:a/b", COMMIT).pinned
    assert Name("torchhub:a/b", COMMIT).purl is None
    assert Name("ollama:x", COMMIT).pinned is False
    oci = Name(f"oci:host:5000/a/B:1@{DIGEST}")
    assert oci.purl == f"pkg:oci/b@{DIGEST.replace(':', '%3A')}?repository_url=host:5000/a/b"


def test_addresses_alone() -> None:
    assert naming.hub_address("https://huggingface.co/org/name") is not None
    assert naming.hub_address("https://example.com/org/name") is None
    assert naming.is_download("https://huggingface.co/org/name/resolve/main/x.txt")
    assert not naming.is_download("https://huggingface.co/org/name")
    assert naming.is_download("https://example.com/x.gguf?download=true")
    assert not naming.is_download("https://example.com/x.html")


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("gpt-4o-2024-08-06", "openai"), ("o3-mini", "openai"), ("openai/gpt-4.1", "openai"),
        ("openrouter/anthropic/claude-3.5-sonnet", "anthropic"),
        ("models/gemini-1.5-pro", "google"),
        ("mistral-large-latest", "mistral"), ("command-r-plus", "cohere"), ("grok-2", "xai"),
        ("us.anthropic.claude-3-haiku-20240307-v1:0", "bedrock"), ("deepseek-chat", "deepseek"),
        ("voyage-3", "voyage"), ("sonar-pro", "perplexity"), ("text-embedding-3-small", "openai"),
    ],
)  # fmt: skip
def test_hosted_names(text: str, provider: str) -> None:
    found = hosted.provider_of(text)
    assert found is not None
    assert found[0] == provider


@pytest.mark.parametrize(
    "text", ["gpt2", "openai/gpt-oss-20b", "google/gemma-2b", "mistral", "mistral:7b", "o5", "x"]
)
def test_names_of_open_weights_are_not_hosted(text: str) -> None:
    assert hosted.provider_of(text) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["hub", "ollama", "oci", "path", "url", "timm"]))
def test_any_text_is_read(text: str, usual: Usual) -> None:
    found = named(text, usual)
    if found is not None:
        assert found.ref
        assert found.purl is None or found.pinned
