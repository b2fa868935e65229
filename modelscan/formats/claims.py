"""Claims of a base model, told from paths on the author's machine: shared by cards and configs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelscan.vocabulary.fact import ModelClaim, Status
from modelscan.vocabulary.location import Location

_HUB_PAGE = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_IDENTITY = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?")


def identity(value: Any) -> str:
    """The repository that a value names, `owner/name` or `name`; empty when it names none.

    The address of a page on the hub counts as the repository that it shows.
    """
    if not isinstance(value, str):
        return ""
    text = value.strip()
    page = _HUB_PAGE.match(text)
    if page:
        text = "/".join(text[page.end() :].split("/")[:2])
    return text if _IDENTITY.fullmatch(text) else ""


def base(
    value: Any, relation: str, where: Location, status: Status = "declared"
) -> Iterator[ModelClaim]:
    """The claim of a base, when the value names a repository.

    Args:
        value: as found in the document.
        relation: `finetune`, `adapter`, `merge`, `quantized`, or empty when not said.
        where: the document.
        status: `inferred` when the relation was concluded and not said.
    """
    name = identity(value)
    if name:
        yield ModelClaim(location=where, status=status, claim="base", value=name, relation=relation)
