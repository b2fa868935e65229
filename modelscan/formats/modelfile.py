"""Modelfiles of Ollama: each names a base, a template and a system prompt, which go their own way.

A `TEMPLATE` is a program of Go's `text/template`, and `SYSTEM` is text that every conversation
begins with; both are judged as those of Ollama's store are. Repositories on the hub hold the
same texts in files called `template` and `system`, which Ollama takes when it pulls them.

Sources: Ollama, `docs/modelfile.mdx` (instructions, quotes of three); Hugging Face, "Use Ollama
with any GGUF Model on Hugging Face Hub" (`template`, `system`, `params`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, child_name
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_NAME: Final = re.compile(r"modelfile(?:[-_.].*)?|.*\.modelfile", re.IGNORECASE)
_INSTRUCTION: Final = re.compile(
    r"^[ \t]*(TEMPLATE|SYSTEM|MESSAGE)[ \t]+(?:(?:system|user|assistant)[ \t]+)?",
    re.IGNORECASE | re.MULTILINE,
)
_FROM: Final = re.compile(rb"^\s*FROM\s+\S", re.IGNORECASE | re.MULTILINE)
_LARGEST: Final = 1 << 20
_MOST: Final = 100


class ModelfileReader:
    """Modelfiles, by their name and the one instruction that each must have."""

    format = "modelfile"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name: there are no magic bytes."""
        named = _NAME.fullmatch(glimpse.name) is not None
        return named and b"\0" not in glimpse.head and _FROM.search(glimpse.head) is not None

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """Hand on each template and each text, with the lines above it, so that numbers agree."""
        text = artifact.read_at(0, min(artifact.size, _LARGEST)).decode("utf-8", "replace")
        if artifact.size > _LARGEST:
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="truncated",
                needed=True,
                reason=f"a Modelfile of {artifact.size:,} bytes",
            )
        at, counts = 0, dict[str, int]()
        for _ in range(_MOST):
            found = _INSTRUCTION.search(text, at)
            if found is None:
                return
            budget.step()
            value, at = _value(text, found.end())
            kind = (
                "template.gotmpl"
                if found[1].upper() == "TEMPLATE"
                else f"{found[1].lower()}.prompt"
            )
            counts[kind] = counts.get(kind, 0) + 1
            name = kind if counts[kind] == 1 else f"{counts[kind]}.{kind}"
            yield BytesArtifact(
                artifact.name,
                value.encode("utf-8", "surrogatepass"),
                member=child_name(artifact, name),
                depth=artifact.depth + 1,
            )


def _value(text: str, at: int) -> tuple[str, int]:
    """What an instruction is given, and where it ends: quotes of three, of one, or the line."""
    if text.startswith('"""', at):
        end = text.find('"""', at + 3)
        return (text[at + 3 :], len(text)) if end < 0 else (text[at + 3 : end], end + 3)
    if text.startswith('"', at):
        end = text.find('"', at + 1)
        return (text[at + 1 :], len(text)) if end < 0 else (text[at + 1 : end], end + 1)
    end = text.find("\n", at)
    return (text[at:], len(text)) if end < 0 else (text[at:end], end)
