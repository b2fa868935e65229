"""What a YAML document names, and what its tags construct."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.objects import documents
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.targets import Found, judge_tag
from modelscan.formats.objects.yaml_tree import CORE, Stream, Tag
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_PYTHON: Final = CORE + "python/"
_PLAIN_PYTHON: Final = frozenset(
    {"none", "bool", "str", "unicode", "bytes", "int", "long", "float", "complex", "list", "tuple",
     "dict"}
)  # fmt: skip
_PLAIN: Final = frozenset(
    {"str", "int", "float", "bool", "null", "seq", "map", "timestamp", "binary", "omap", "set",
     "pairs", "merge", "value"}
)  # fmt: skip
"""The language-independent types (YAML type repository); others of that prefix are a program's."""
_CALLING: Final = ("!new:", "!apply:", "!name:", "!module:", "!obj:", "!import:")
_RUBY: Final = "!ruby/"
_AS_TEXT: Final = re.compile(
    rb"(?:!!|tag:yaml\.org,2002:)python/(?P<tag>[\w/]+):?(?P<name>[\w.]*)"
    rb"|_target_[\"']?\s*:\s*[\"']?(?P<target>[\w.:]+)"
)
_MAX_AS_TEXT: Final = 100


class YamlDocument:
    """One document, or several in a row.

    Args:
        names: what the list says of each importable name.
    """

    def __init__(self, names: Names) -> None:
        self._names = names

    def read(
        self, artifact: Artifact, data: bytes, budget: Budget
    ) -> Iterator[Fact | Coverage | Artifact]:
        """State the tags and what the documents name.

        Raises:
            BudgetError: nested too deeply, or more than the budget allows.
        """
        stream = Stream(data)
        for root in stream.documents(budget):
            yield from documents.facts(artifact, root, data, self._names, budget)
        seen = set[tuple[str, str]]()
        for tag in stream.tags:
            found = self._tag(tag)
            if found is not None and (found.kind, found.name) not in seen:
                seen.add((found.kind, found.name))
                budget.fact()
                yield documents.state(artifact, found, tag.line)
        if stream.broken:
            for found in self._as_text(data):
                if (found.kind, found.name) not in seen:
                    seen.add((found.kind, found.name))
                    budget.fact()
                    yield documents.state(artifact, found)
            yield _gap(artifact, f"{stream.broken}; searched as text", needed=False)
        if artifact.size > len(data):
            yield _gap(artifact, f"a YAML document of {artifact.size:,} bytes", needed=True)

    def _tag(self, tag: Tag) -> Found | None:
        """What a tag makes its parser import; `None` for one that only names a type of data."""
        text = tag.text
        for prefix in _CALLING:
            if text.startswith(prefix):
                found = judge_tag("target", text.removeprefix(prefix), tag.line, self._names)
                return None if found.disposition == "inert" else found
        if text.startswith(_PYTHON):
            return self._python(text.removeprefix(_PYTHON), f"line {tag.line}")
        if text.startswith(CORE) and text.removeprefix(CORE) not in _PLAIN:
            return Found("yaml-object", text.replace(CORE, "!!")[:200], "unknown", "")
        return Found("yaml-object", text[:200], "unknown", "") if text.startswith(_RUBY) else None

    def _python(self, tag: str, where: str) -> Found | None:
        kind, _, name = tag.partition(":")
        if kind in _PLAIN_PYTHON:
            return None
        importing = kind in {"name", "module"}
        verdict = self._names.judge(name if kind != "module" else f"{name}.*")
        if importing and verdict == "inert":
            return None
        return Found("yaml-name" if importing else "yaml-object", name[:200], verdict, where)

    def _as_text(self, data: bytes) -> Iterator[Found]:
        for count, found in enumerate(_AS_TEXT.finditer(data)):
            if count >= _MAX_AS_TEXT:
                return
            line = data.count(b"\n", 0, found.start()) + 1
            if found["target"]:
                result: Found | None = judge_tag(
                    "target", found["target"].decode(errors="replace"), line, self._names
                )
            else:
                tag = f"{found['tag'].decode()}:{found['name'].decode(errors='replace')}"
                result = self._python(tag, f"line {line}")
            if result is not None and result.disposition != "inert":
                yield result


def _gap(artifact: Artifact, reason: str, *, needed: bool) -> Coverage:
    return Coverage(
        file=artifact.name,
        member=artifact.member,
        status="truncated",
        needed=needed,
        reason=reason,
    )
