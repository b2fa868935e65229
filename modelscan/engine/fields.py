"""The fields that a rule may name, for every kind of fact.

Taken from the fact structs themselves, so a field that is added to a fact can be tested by rules
at once, and one that is renamed breaks the rules that used it when they are loaded.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from modelscan.vocabulary.fact import FACTS, Fact, kind_of
from modelscan.vocabulary.location import Location

ValueType = Literal["string", "integer", "boolean"]

KINDS: Mapping[str, type[Fact]] = {kind_of(fact): fact for fact in FACTS}
"""The struct of each kind of fact."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A field in a message."""

_VALUES: dict[Any, ValueType] = {str: "string", int: "integer", bool: "boolean"}


class Field(msgspec.Struct, frozen=True):
    """What a field of a fact can hold."""

    type: ValueType
    """The type of its value, or of its items."""
    choices: tuple[str, ...] = ()
    """The only values that it can have; empty when it is free."""
    optional: bool = False
    """True when it can be absent."""
    many: bool = False
    """True when it holds any number of items."""


@cache
def fields(kind: str) -> Mapping[str, Field]:
    """The fields of a kind of fact that a rule may test, by path.

    `subject` is the file that the fact is about, `location.…` the parts of its location; a location
    as a whole can be shown but not tested.

    Raises:
        KeyError: there is no such kind.
    """
    found: dict[str, Field] = {"subject": Field("string")}
    for field in msgspec.structs.fields(KINDS[kind]):
        if field.type is Location:
            for part in msgspec.structs.fields(Location):
                found[f"{field.name}.{part.name}"] = _field(part.type)
        else:
            found[field.name] = _field(field.type)
    return found


@cache
def shown(kind: str) -> frozenset[str]:
    """The paths that a message or an identity may name: every field, and the whole location."""
    return frozenset({*fields(kind), "location"})


def _field(annotation: Any) -> Field:
    """Describe a field by its annotation.

    Raises:
        TypeError: rules have no operators for such a type; the fact must be shaped differently.
    """
    if annotation in _VALUES:
        return Field(_VALUES[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Field("string", choices=arguments)
    if origin in (Union, types.UnionType) and type(None) in arguments and len(arguments) == 2:  # noqa: PLR2004 - X | None
        inner = arguments[0] if arguments[1] is type(None) else arguments[1]
        return msgspec.structs.replace(_field(inner), optional=True)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
        return msgspec.structs.replace(_field(arguments[0]), many=True)
    raise TypeError(f"rules cannot test a field of type {annotation}")
