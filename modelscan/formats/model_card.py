"""Model cards: what the metadata at the top of `README.md` claims.

Of the prose below it, only that it says who made the model, how, and whom to ask: see `card_prose`.

Invariants: everything here is a claim, whoever wrote it; a broken card is a fact and never a gap,
since no loader needs it; a card inside a folder speaks for that folder, so its claims are left.

Source: Hugging Face, "Model Cards" and "Model Card metadata": `license`, `base_model`,
`base_model_relation`, `datasets`, `pipeline_tag`, `library_name`, `language`, `tags`,
`model-index`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelscan.budget import Budget
from modelscan.formats import claims, front_matter
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CardDefect, CardMention, Fact, ModelClaim
from modelscan.vocabulary.location import Location

NAMES = frozenset({"readme.md", "model_card.md", "modelcard.md"})
"""File names of a card, in lower case."""

_FIELDS: tuple[tuple[str, Any], ...] = (
    ("model_name", "name"),
    ("pipeline_tag", "task"),
    ("library_name", "library"),
    ("language", "language"),
    ("datasets", "dataset"),
)
"""Keys that are claims as they stand."""
_WANTED = frozenset(
    {"license", "license_name", "base_model", "base_model_relation", "tags"}
    | {key for key, _ in _FIELDS}
)
"""Keys whose value must be written out."""
_MADE: tuple[tuple[str, Any], ...] = (
    ("author", "author"),
    ("authors", "author"),
    ("developers", "author"),
    ("contact", "contact"),
    ("base_model_revision", "base-revision"),
)
"""Keys of no standard that authors use all the same."""
_METHODS = frozenset(
    {"distillation", "dpo", "grpo", "kto", "lora", "mergekit", "orpo", "ppo", "qlora", "rlhf",
     "sft", "simpo"}
)  # fmt: skip
"""Tags that say how a model was made."""
_PROSE = 2 << 20
"""Bytes of a card that are read for its prose."""
_RELATIONS = frozenset({"finetune", "adapter", "merge", "quantized"})
_BASE_TAG = "base_model:"
_MERGE_TAGS = frozenset({"merge", "mergekit"})
_OWN_TERMS = "other"
"""What `license` says when `license_name` names terms that are on no list."""
_UNGUARDED = frozenset(
    {"abliterated", "abliteration", "decensored", "derestricted", "heretic", "uncensored"}
)
"""Words by which authors tag models whose refusals they removed."""
_WORD = re.compile(r"[a-z]+")
_MAX_VALUES = 100
"""Values taken from one list."""
_MAX_DEFECTS = 20


class ModelCardReader:
    """`README.md` and its kin, when they begin with metadata."""

    format = "model card"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name, and by a first line of `---`: without it there is only prose."""
        return glimpse.name.lower() in NAMES and front_matter.begins(glimpse.head)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State what the card claims, and what is wrong with its metadata."""
        if artifact.member is not None or "/" in artifact.name:
            yield Coverage(
                file=artifact.name,
                member=artifact.member,
                status="skipped",
                reason="a card inside a folder does not speak for the model",
            )
            return
        where = place(artifact)
        data = artifact.read_at(0, front_matter.LIMIT + (1 << 10))
        metadata = front_matter.parse(data, budget)
        for kind, key in _worth_stating(metadata.defects):
            budget.fact()
            yield CardDefect(location=where, kind=kind, key=key)
        for claim in _claims(metadata.table, where):
            budget.fact()
            yield claim
        for kind, value in _made(metadata.table, artifact):
            yield ModelClaim(location=where, status="declared", claim=kind, value=value)
        from modelscan.formats import card_mentions  # lazy: most texts are no card

        text = front_matter.below(artifact.read_at(0, card_mentions.LONGEST))
        for name in card_mentions.repositories(text):
            budget.fact()
            yield CardMention(location=where, status="declared", repository=name)


def _made(table: dict[str, Any], artifact: Artifact) -> Iterator[tuple[Any, str]]:
    """Who made it, how, from which revision: by the metadata, and once more by the prose."""
    from modelscan.formats import card_prose  # lazy: most texts are no card

    for key, claim in _MADE:
        yield from ((claim, value) for value in _texts(table.get(key)))
    for tag in _texts(table.get("tags")):
        if tag.lower() in _METHODS:
            yield "method", tag
    prose = artifact.read_at(0, min(artifact.size, _PROSE))
    bases = {claims.identity(text).lower() for text in _texts(table.get("base_model"))}
    for found in card_prose.statements(front_matter.below(prose)):
        name, at, revision = found.words.rpartition("@")
        if found.what != "base-revision":
            yield found.what, found.words
        elif at and name.lower() in bases:
            yield found.what, revision


def _worth_stating(defects: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Each defect once. Tools that write YAML use aliases; they matter only where we look."""
    kept = (each for each in defects if each[0] != "alias" or each[1] in _WANTED)
    return list(dict.fromkeys(kept))[:_MAX_DEFECTS]


def _claims(table: dict[str, Any], where: Location) -> Iterator[ModelClaim]:
    for key, claim in _FIELDS:
        for value in _texts(table.get(key)):
            yield ModelClaim(location=where, status="declared", claim=claim, value=value)
    for entry in _items(table.get("model-index")):
        for value in _texts(entry.get("name") if isinstance(entry, dict) else None):
            yield ModelClaim(location=where, status="declared", claim="name", value=value)
    for value in _licences(table):
        yield ModelClaim(location=where, status="declared", claim="licence", value=value)
    tags = _texts(table.get("tags"))
    yield from _bases(table, tags, where)
    for tag in tags:
        if not _UNGUARDED.isdisjoint(_WORD.findall(tag.lower())):
            yield ModelClaim(
                location=where, status="declared", claim="safeguards-removed", value=tag
            )


def _licences(table: dict[str, Any]) -> list[str]:
    """The licences claimed; terms of the author's own go by their name."""
    stated = _texts(table.get("license"))
    named = _texts(table.get("license_name"))
    listed = [value for value in stated if value.lower() != _OWN_TERMS]
    return listed + named if listed or named else stated


def _bases(table: dict[str, Any], tags: list[str], where: Location) -> Iterator[ModelClaim]:
    """The bases claimed, each with its relation: as said, as a tag says, or as it follows."""
    tagged = dict(_base_tag(tag) for tag in tags if tag.startswith(_BASE_TAG))
    names = dict.fromkeys(claims.identity(text) for text in _texts(table.get("base_model")))
    names.update(dict.fromkeys(claims.identity(text) for text in tagged))
    stated = next(iter(_texts(table.get("base_model_relation"))), "").lower()
    inferred = _inferred(table, tags, len(names))
    for name in names:
        relation = stated if stated in _RELATIONS else tagged.get(name, "")
        if relation:
            yield from claims.base(name, relation, where)
        else:
            yield from claims.base(
                name, inferred, where, status="inferred" if inferred else "declared"
            )


def _base_tag(tag: str) -> tuple[str, str]:
    """`base_model:finetune:org/name`, as the hub writes it, as name and relation."""
    relation, _, name = tag.removeprefix(_BASE_TAG).partition(":")
    return (name, relation) if relation in _RELATIONS else (tag.removeprefix(_BASE_TAG), "")


def _inferred(table: dict[str, Any], tags: list[str], count: int) -> str:
    """The relation that follows from the rest of the card."""
    if "peft" in _texts(table.get("library_name")):
        return "adapter"
    return "merge" if count > 1 and not _MERGE_TAGS.isdisjoint(tags) else ""


def _texts(value: Any) -> list[str]:
    """The text, or the texts of a list."""
    return [item.strip() for item in _items(value) if isinstance(item, str) and item.strip()]


def _items(value: Any) -> list[Any]:
    return value[:_MAX_VALUES] if isinstance(value, list) else [value]
