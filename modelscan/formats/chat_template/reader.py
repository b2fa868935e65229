"""Chat templates: programs in Jinja that turn a conversation into the text that a model reads.

Engines render them in whatever sandbox they have, or in none (CVE-2024-34359, CVE-2026-5760), and
what they write is what the model is told. Templates in JSON documents and in GGUF metadata arrive
here as members whose names end in `.jinja`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from modelscan.budget import Budget
from modelscan.errors import ReadError
from modelscan.formats.chat_template.digests import template_digest
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import ChatTemplate, Fact, TemplateNode

_MAX_SIZE = 1 << 20
"""Bytes of a template; the longest published ones have about 50,000."""
_MAX_INPUTS = 50
_EXTENSIONS = frozenset({".jinja", ".jinja2", ".j2"})


class ChatTemplateReader:
    """Any Jinja template, by its name: there are no magic bytes."""

    format = "chat template"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, as every loader does."""
        return glimpse.extension in _EXTENSIONS

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what the template takes, and everything in it that is out of the ordinary.

        Raises:
            ReadError: the template is too long, is not text, or cannot be parsed.
            BudgetError: its expressions cost too much to follow.
        """
        if artifact.size > _MAX_SIZE:
            raise ReadError(f"a template of {artifact.size:,} bytes")
        data = artifact.read_at(0, artifact.size)
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ReadError("the template is not UTF-8", offset=error.start) from None

        from modelscan.formats.chat_template.analysis import Analysis  # lazy: jinja2 is heavy

        analysis = Analysis(text, budget)
        yield ChatTemplate(
            location=place(artifact),
            digest="sha256:" + hashlib.sha256(data).hexdigest(),
            text_digest="sha256:" + template_digest(text),
            lines=text.count("\n") + 1,
            inputs=tuple(analysis.inputs()[:_MAX_INPUTS]),
        )
        for found in analysis.sightings():
            budget.fact()
            yield TemplateNode(
                location=place(artifact, line=found.line),
                kind=found.kind,
                name=found.name,
                detail=found.detail,
            )
