"""Values that an expression of a template can have, as far as they are known without rendering.

An expression has a *set* of possible values. What comes from the caller is `DATA`; text that the
template puts together in a way that is not followed is `Built`, with the characters it is known to
start with. Sets, texts and containers are small: what grows past its limit is replaced by a coarser
value that stands for at least as much, so that the analysis always ends and never forgets a danger.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, Union

import msgspec

from modelscan.formats.chat_template.names import is_internal

MAX_TEXT = 4096
"""Characters of a text that are followed."""
MAX_VALUES = 32
"""Alternatives of one expression."""
MAX_ITEMS = 32
"""Items of a list whose order is kept."""
_MAX_SIZE = 128
"""Values inside one container, over all its levels: what bounds the cost of comparing two."""
_LEAD = 64

Scalar: TypeAlias = str | int | float | bool | None


class Const(msgspec.Struct, frozen=True):
    """Exactly this value."""

    value: Scalar


class Data(msgspec.Struct, frozen=True):
    """Something that the caller hands in: a message, a tool, a number, a loop counter."""


class Built(msgspec.Struct, frozen=True):
    """Text that the template makes, and that starts with `lead`."""

    lead: str = ""


class Seq(msgspec.Struct, frozen=True):
    """A list of known length."""

    items: tuple[Values, ...]
    size: int = 1


class Star(msgspec.Struct, frozen=True):
    """A list of unknown length and order; every item is one of these."""

    item: Values
    size: int = 1


class Map(msgspec.Struct, frozen=True):
    """A mapping, or a namespace."""

    fields: tuple[tuple[str, Values], ...]
    size: int = 1


Atom: TypeAlias = Union[Const, Data, Built, Seq, Star, Map]  # noqa: UP007  # the names are used before they are classes
Values: TypeAlias = frozenset[Atom]

DATA = Data()
NOTHING: Values = frozenset()
SOME_DATA: Values = frozenset({DATA})
SOME_TEXT: Values = frozenset({Built()})


def const(value: Scalar) -> Atom:
    """A known value; a long text keeps only its start."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return Built(value[:_LEAD])
    return Const(value)


def built(lead: str) -> Atom:
    """Text that starts with `lead`."""
    return Built(lead[:_LEAD])


def capped(values: Iterable[Atom]) -> Values:
    """A set of values, made coarser when it has too many."""
    result = frozenset(values)
    return result if len(result) <= MAX_VALUES else coarse(result)


def seq(items: Iterable[Values]) -> Atom:
    """A list; without its order when it is long."""
    kept = tuple(items)
    if len(kept) > MAX_ITEMS:
        return star(capped(atom for item in kept for atom in item))
    size = 1 + sum(map(_size, kept))
    if size > _MAX_SIZE:
        kept = tuple(map(coarse, kept))
        size = 1 + len(kept)
    return Seq(kept, size)


def star(item: Values) -> Atom:
    """A list of unknown length."""
    size = 1 + _size(item)
    return Star(item, size) if size <= _MAX_SIZE else Star(coarse(item), 2)


def mapping(fields: Iterable[tuple[str, Values]]) -> Atom:
    """A mapping; of a key that stands twice, both values count."""
    merged: dict[str, Values] = {}
    for name, value in fields:
        merged[name] = merged.get(name, NOTHING) | value
    if len(merged) > MAX_ITEMS:
        keys = frozenset(map(const, merged))
        return star(capped(keys.union(*merged.values())))
    size = 1 + sum(map(_size, merged.values()))
    if size > _MAX_SIZE:
        merged = {name: coarse(value) for name, value in merged.items()}
        size = 1 + len(merged)
    return Map(tuple(merged.items()), size)


def coarse(values: Values) -> Values:
    """One value that stands for all of them: text if any of them could name something internal."""
    if not values:
        return NOTHING
    return SOME_TEXT if any(_risky(atom) for atom in values) else SOME_DATA


def has_text(values: Values) -> bool:
    """True when text of the template's own is among the values or inside them."""
    return any(
        isinstance(leaf, Built) or (isinstance(leaf, Const) and isinstance(leaf.value, str))
        for atom in values
        for leaf in leaves(atom)
    )


def derived(*sources: Values) -> Values:
    """What an operation that is not followed makes of its operands."""
    return SOME_TEXT if any(map(has_text, sources)) else SOME_DATA


def leaves(atom: Atom) -> Iterable[Atom]:
    """The values inside a container, its keys included; the value itself when it is none."""
    if isinstance(atom, Seq):
        for item in atom.items:
            for inner in item:
                yield from leaves(inner)
    elif isinstance(atom, Star):
        for inner in atom.item:
            yield from leaves(inner)
    elif isinstance(atom, Map):
        for name, value in atom.fields:
            yield Const(name)
            for inner in value:
                yield from leaves(inner)
    else:
        yield atom


def children(values: Values) -> Values:
    """What iterating over the values gives: items, characters, keys."""
    found: set[Atom] = set()
    for atom in values:
        if isinstance(atom, Seq):
            for item in atom.items:
                found |= item
        elif isinstance(atom, Star):
            found |= atom.item
        elif isinstance(atom, Map):
            found.update(Const(name) for name, _ in atom.fields)
        elif isinstance(atom, Const):
            if isinstance(atom.value, str):
                found.update(map(Const, atom.value))
        else:
            found.add(Built() if isinstance(atom, Built) else DATA)
    return capped(found)


def contents(values: Values) -> Values:
    """What looking up an unknown key in the values gives."""
    found: set[Atom] = set()
    for atom in values:
        if isinstance(atom, Map):
            for _, value in atom.fields:
                found |= value
        else:
            found |= children(frozenset({atom}))
    return capped(found)


def _size(values: Values) -> int:
    return sum(atom.size if isinstance(atom, Seq | Star | Map) else 1 for atom in values)


def _risky(atom: Atom) -> bool:
    """True when it is, or holds, text that could be (part of) an internal name."""
    return any(
        isinstance(leaf, Built)
        or (
            isinstance(leaf, Const)
            and isinstance(leaf.value, str)
            and (leaf.value.startswith("_") or "__" in leaf.value or is_internal(leaf.value))
        )
        for leaf in leaves(atom)
    )
