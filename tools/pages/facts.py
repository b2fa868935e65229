"""`docs/facts.md`: every kind of fact, its fields, who states it and which rules judge it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelscan.engine import fields
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.location import Location
from tools.pages import docstrings, formats, markdown, rules

PATH = "docs/facts.md"

_INTRODUCTION = """
Readers state facts, rules judge them: a fact never carries a severity. These are all the kinds that
a rule can name under `match.fact`, with the fields that its `where` and `unless` can test. [Writing
a rule](writing-a-rule.md) shows how.
"""
_WORDS = {"string": "text", "integer": "a whole number", "boolean": "true or false"}


def pages() -> Iterator[tuple[str, str]]:
    """The one page."""
    judged = rules.by_kind()
    readers = formats.by_kind()
    kinds = sorted(fields.KINDS)
    common = frozenset.intersection(*(frozenset(_own(kind)) for kind in kinds))
    parts = [_INTRODUCTION, "## Fields of every fact", _table(kinds[0], common)]
    for kind in kinds:
        parts += [
            f"## {kind}",
            markdown.prose(docstrings.of(fields.KINDS[kind])),
            _table(kind, frozenset(fields.fields(kind)) - common),
        ]
        if kind in readers:
            parts.append("Stated by " + ", ".join(readers[kind]) + ".")
        if kind in judged:
            links = ", ".join(rules.link(rule, "rules/") for rule in judged[kind])
            parts.append(f"Judged by {links}.")
    yield PATH, markdown.page("Facts", parts)


def _own(kind: str) -> Mapping[str, str]:
    """The meaning of every field that stands in `Fact` itself, by path."""
    texts = _texts(Fact)
    return {name: texts[name] for name in fields.fields(kind) if name in texts}


def _texts(struct: type) -> dict[str, str]:
    texts = {"subject": docstrings.of(Fact.subject), **docstrings.of_fields(struct)}
    parts = docstrings.of_fields(Location)
    return texts | {f"location.{name}": text for name, text in parts.items()}


def _table(kind: str, names: frozenset[str]) -> str:
    texts = _texts(fields.KINDS[kind])
    return markdown.table(
        ("field", "holds", "meaning"),
        [
            (f"`{name}`", _holds(field), markdown.cell(texts.get(name, "")))
            for name, field in fields.fields(kind).items()
            if name in names
        ],
    )


def _holds(field: fields.Field) -> str:
    """What a field can hold, in words."""
    what = _WORDS[field.type]
    if field.choices:
        what = "one of " + ", ".join(f"`{choice}`" for choice in field.choices)
    if field.many:
        return f"any number of: {what}"
    return f"{what}, or nothing" if field.optional else what
