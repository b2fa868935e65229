"""Text in a configuration that its loader evaluates as Python: it goes on as a module of its own.

Source: MONAI, "MONAI Bundle", configuration: a value that begins with `$` is an expression, a list
of them under `imports` is run first, and `@id` in one stands for another part of the document.
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
_MAX_TEXT: Final = 10_000


def module(artifact: Artifact, root: Any, budget: Budget) -> Iterator[Artifact | str]:
    """The expressions of a document as one Python module, and each text that is none.

    Raises:
        BudgetError: more values than the budget allows.
    """
    imports: list[str] = []
    others: list[str] = []
    for text in strings(root, budget):
        if not text.startswith(MARK) or text.startswith("${") or len(text) > _MAX_TEXT:
            continue
        source = _REFERENCE.sub("_", text[1:]).strip()
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


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(source)
