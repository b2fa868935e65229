"""JavaScript and TypeScript, at the level of texts: transformers.js, clients of services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.discovery import strings
from modelscan.discovery.finder import CodeFile, Hints
from modelscan.discovery.mention import Mention
from modelscan.vocabulary.coverage import Coverage

_EXTENSIONS: Final = frozenset(
    {".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"}
)
_LONGEST: Final = 2 << 20
"""Bytes; longer files are bundles, in which other people's code is packed."""
_HINTS: Final = Hints(
    b"transformers", b"huggingface", b"from_pretrained", b"ollama", b"Ollama", b"openai",
    b"OpenAI", b"anthropic", b"gemini-", b"claude-", b"gpt-", b"InferenceSession", b"web-llm",
    b"node-llama-cpp", b"hf.co/", b".gguf", b"modelName", b"model_id", b"modelId",
)  # fmt: skip


class JavaScriptFinder:
    """JavaScript and TypeScript."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        if file.extension not in _EXTENSIONS:
            return None
        return "typescript" if "ts" in file.extension else "javascript"

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if not _HINTS(file.data):
            return
        if len(file.data) > _LONGEST or file.lower.endswith(".min.js"):
            reason = "a bundle: other people's code packed into one file"
            yield Coverage(file=file.path, status="skipped", reason=reason)
            return
        yield from strings.javascript(file.text, file.budget)
