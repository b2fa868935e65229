"""What a finder says: here a model is named. Turned into a reference in one place, `reference`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from modelscan.discovery import naming
from modelscan.discovery.naming import Name, Usual
from modelscan.vocabulary.reference import Certainty, Place, Reference

_SHOWN: Final = 200
_KEPT: Final = 300
"""Characters of an option's value that are kept."""


class Mention(NamedTuple):
    """A model, named in text where one is loaded, fetched or configured."""

    text: str
    """What names it; the expression itself when nobody can say."""
    line: int
    usual: Usual = "hub"
    certainty: Certainty = "declared"
    revision: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012  # never written to
    strict: bool = False
    """The place may hold something else: see `naming.named`."""
    member: str | None = None

    def weaker(self) -> Mention:
        """The same, from a weaker reading."""
        return self._replace(certainty="inferred") if self.certainty == "declared" else self


def reference(
    mention: Mention, file: str, kind: str, holds: Callable[[str], bool]
) -> Reference | None:
    """The reference that a mention is; `None` when its text names no model.

    Args:
        mention: what a finder said.
        file: where it said it about.
        kind: of the file.
        holds: true for a path that the code base has: `outputs/my-model` is a folder then.
    """
    # A text with a line of its own is a subclass, which encoders do not take.
    mention = mention._replace(
        text=str(mention.text),
        revision=None if mention.revision is None else str(mention.revision),
    )
    where = Place(file, mention.line, mention.member)
    options = {key: _kept(value) for key, value in mention.options.items()}
    if mention.certainty == "unresolved":
        return Reference(
            ref=_cut(mention.text, _SHOWN),
            revision=mention.revision,
            certainty="unresolved",
            kind=kind,
            where=where,
            options=options,
        )
    name = naming.named(mention.text, mention.usual, strict=mention.strict)
    if name is None:
        return None
    if name.ref == f"hf:{mention.text}" and holds(mention.text):
        name = Name(mention.text)
    name = Name(name.ref, mention.revision or name.revision, name.options)
    return Reference(
        ref=name.ref,
        purl=name.purl,
        revision=name.revision,
        pinned=name.pinned or str(options.get("checksum", "")).startswith("sha256:"),
        certainty=mention.certainty,
        kind=kind,
        where=where,
        options={**name.options, **options},
    )


def _kept(value: Any) -> Any:
    return _cut(str(value), _KEPT) if isinstance(value, str) else value


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
