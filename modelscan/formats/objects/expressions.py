"""Text in a configuration that its loader evaluates as Python: it goes on as a module of its own.

Source: MONAI, "MONAI Bundle", configuration: a value that begins with `$` is an expression, a list
of them under `imports` is run first, and `@id` in one stands for another part of the document.
OmegaConf, "Resolvers": `${name:text}` is what a function of the loader makes of the text; programs
that want to calculate register Python's `eval` under that name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Final

from modelscan.budget import Budget
from modelscan.formats.objects.tree import strings
from modelscan.vocabulary.artifact import Artifact, BytesArtifact, child_name

MARK: Final = "$"
_REFERENCE: Final = re.compile(r"@(?=[\w#:])[\w#:]+")
_RESOLVED: Final = re.compile(r"\$\{\s*(?:eval|exec|py|python)\s*:(.{1,10000})\}", re.DOTALL)
_NESTED: Final = re.compile(r"\$\{[^${}]{0,200}\}")
_MAX_TEXT: Final = 10_000


def module(artifact: Artifact, root: Any, budget: Budget) -> Iterator[Artifact | str]:
    """The expressions of a document as one Python module, and each text that is none.

    Raises:
        BudgetError: more values than the budget allows.
    """
    imports: list[str] = []
    others: list[str] = []
    for text in strings(root, budget):
        source = _source(text)
        if not source:
            continue
        if not _parses(source):
            if any(character in source for character in "(.["):
                yield text
        elif source.startswith(("import ", "from ")):
            imports.append(source)
        else:
            others.append(source)
    if imports or others:
        data = "\n".join([*imports, *others, ""]).encode("utf-8", "surrogatepass")
        member = child_name(artifact, "expressions.py")
        yield BytesArtifact(artifact.name, data, member=member, depth=artifact.depth + 1)


def _source(text: str) -> str:
    """What of a text is evaluated; empty for nothing."""
    if len(text) > _MAX_TEXT:
        return ""
    resolved = _RESOLVED.search(text) if "${" in text else None
    if resolved is not None:
        return _NESTED.sub("_", resolved[1]).strip().strip("'\"")
    if not text.startswith(MARK) or text.startswith("${"):
        return ""
    return _REFERENCE.sub("_", text[1:]).strip()


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(source)
