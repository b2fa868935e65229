"""Names of models behind somebody else's interface: nothing of them can be pinned or hashed.

The names are those that providers document for their interfaces. Open-weight models that the same
companies publish (`openai/gpt-oss-20b`, `google/gemma-2b`) are not among them.
"""

from __future__ import annotations

import re
from typing import Final

_PROVIDER: Final = re.compile(
    r"(?:openai|azure|azure_openai|azure_ai|anthropic|google|google_genai|google-gla|gemini|vertex_ai"
    r"|vertexai|bedrock|bedrock_converse|mistral|mistralai|cohere|groq|xai|x-ai|deepseek|perplexity"
    r"|voyage|openrouter|litellm|models)[/:]"
)
_PATTERNS: Final[dict[str, tuple[str, ...]]] = {
    "openai": (
        r"gpt-[345][\w.:-]*", r"gpt-image-\d[\w.-]*", r"chatgpt-[\w.-]+", r"ft:gpt[\w.:-]*",
        r"o[134](?:-(?:mini|pro|preview)|-deep-research)?(?:-\d{4}-\d\d-\d\d)?",
        r"text-embedding-(?:ada-\d+|3-(?:small|large))", r"text-davinci-\d+", r"davinci-\d+",
        r"babbage-\d+", r"dall-e-[23]", r"tts-1(?:-hd)?", r"whisper-1", r"omni-moderation[\w-]*",
    ),
    "anthropic": (r"claude-[\w.@-]+",),
    "google": (
        r"(?:models/)?gemini-[\w.-]+", r"text-embedding-00\d", r"textembedding-gecko[\w@-]*",
        r"(?:text|chat)-bison[\w@-]*",
    ),
    "mistral": (
        r"(?:open-)?(?:mi[sx]tral|codestral|pixtral|magistral|ministral)(?:-\w+)?-(?:latest|\d{4})",
        r"mistral-(?:embed|tiny|small|medium|large)",
    ),
    "cohere": (
        r"command-(?:r|a|light|nightly)[\w+.-]*", r"embed-(?:english|multilingual)-[\w.-]+",
        r"rerank-(?:english|multilingual|v)[\w.-]*",
    ),
    "xai": (r"grok-\d[\w.-]*",),
    "deepseek": (r"deepseek-(?:chat|reasoner)",),
    "perplexity": (r"sonar(?:-(?:pro|reasoning|reasoning-pro|deep-research))?",),
    "voyage": (r"voyage-[\w.-]+",),
    "bedrock": (
        r"(?:\w+\.)?(?:anthropic\.claude|amazon\.(?:titan|nova)|cohere\.(?:command|embed))[\w.:-]+",
        r"(?:\w+\.)?(?:ai21\.(?:jamba|j2)|meta\.llama|mistral\.mi[sx]tral)[\w.:-]+",
    ),
}  # fmt: skip
_COMPILED: Final = tuple(
    (provider, re.compile("|".join(patterns))) for provider, patterns in _PATTERNS.items()
)


def provider_of(text: str) -> tuple[str, str] | None:
    """Provider and name, when the text names a hosted model.

    Args:
        text: as written, also with providers before it: `openai/gpt-4o`, `openrouter/x-ai/grok-2`.
    """
    name = text
    while found := _PROVIDER.match(name):
        name = name[found.end() :]
    for provider, pattern in _COMPILED:
        if pattern.fullmatch(name):
            return provider, name
    return None
