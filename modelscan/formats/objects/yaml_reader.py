"""YAML documents: tags that construct objects, and what the document names.

Invariants: only events are looked at, nothing is constructed; a document that is not YAML is
searched as text from where the parser gave up, since an older or looser parser may go on.

Sources: PyYAML, "YAML tags and Python types" (CVE-2021-37678 for Keras models in YAML);
HyperPyYAML, "Tags"; Ruby's and Java's own tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.objects import documents
from modelscan.formats.objects.judging import Names
from modelscan.formats.objects.targets import Found, judge_tag
from modelscan.formats.objects.yaml_tree import CORE, Stream, Tag
from modelscan.formats.reader import HEAD, Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.lists import PickleGlobals

_EXTENSIONS: Final = frozenset({".yaml", ".yml"})
_MARKS: Final = (b"!", b"_target_", b"class_name", b"class_path", b"target:", b"py/", b"\\", b"\0")
"""One of them is in every document that names something; a NUL belongs to UTF-16."""
_MAX_DOCUMENT: Final = 8 << 20
"""Bytes that are parsed: the largest configurations have some 100 KB."""

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


class YamlReader:
    """Any YAML document, by its extension.

    Args:
        names: what the list says of each importable name.
    """

    format = "yaml"

    def __init__(self, names: PickleGlobals) -> None:
        self._names = Names(names)

    extensions = _EXTENSIONS

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, unless the document is in sight and can name nothing."""
        return glimpse.extension in _EXTENSIONS and (
            glimpse.size > HEAD or any(mark in glimpse.head for mark in _MARKS)
        )

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State the tags and what the documents name.

        Raises:
            BudgetError: nested too deeply, or more than the budget allows.
        """
        data = artifact.read_at(0, min(artifact.size, _MAX_DOCUMENT))
        if not any(mark in data for mark in _MARKS):
            return
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
        if artifact.size > _MAX_DOCUMENT:
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
