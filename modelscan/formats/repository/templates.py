"""Chat templates that a list knows: whose they are, by their text alone.

That a template is known says that it is not this author's own work. It says nothing about the
weights, and a template that is on no list is nothing to be wondered at.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import ChatTemplate, Fact, TemplateKnown
from modelscan.vocabulary.lists import ChatTemplates


class TemplateRelator:
    """Looks templates up.

    Args:
        listed: the known templates.
    """

    def __init__(self, listed: ChatTemplates) -> None:
        self._listed = listed

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each template that stands on the list."""
        del view
        for template in facts.of(ChatTemplate):
            models = [
                model
                for model, digests in self._listed.models.items()
                if template.text_digest.removeprefix("sha256:") in digests
            ]
            if models:
                yield TemplateKnown(location=template.location, models=tuple(models))
