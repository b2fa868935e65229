"""The JSON Schema of a rule file, generated from the rule's type and from the kinds of facts.

For editors: it completes and checks fields while a rule is written. `modelassay rules lint` checks
more, since a schema cannot run examples.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelscan.engine.fields import KINDS, Field, fields
from modelscan.engine.mappings import TAXONOMIES
from modelscan.vocabulary.rule import Rule

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}


def rule_schema() -> dict[str, Any]:
    """The schema of one rule file, in JSON Schema 2020-12."""
    (_,), definitions = msgspec.json.schema_components([Rule], ref_template="#/$defs/{name}")
    for name in ("Rule", "Match", "Maps", "Examples"):
        definitions[name]["additionalProperties"] = False
    definitions["Rule"]["properties"]["id"] = {
        "type": "string", "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)+$",
    }  # fmt: skip
    for key, taxonomy in TAXONOMIES.items():
        pattern = f"^(?:{taxonomy.pattern.pattern})$"
        definitions["Maps"]["properties"][key]["items"] = {"type": "string", "pattern": pattern}
    for key in ("match", "no-match"):
        examples = definitions["Examples"]["properties"][key]
        examples["minItems"] = 1
        examples["items"] = {
            "type": "object",
            "properties": {"fact": {"enum": sorted(KINDS)}},
            "required": ["fact"],
        }
    definitions["Match"] = {"oneOf": [_match(kind) for kind in sorted(KINDS)]}
    definitions.update({_name(kind): _conditions(kind) for kind in KINDS})
    definitions.update(
        {_test_name(field): _test(field) for kind in KINDS for field in fields(kind).values()}
    )
    rule = definitions.pop("Rule")
    return {"$schema": _DRAFT, **rule, "$defs": dict(sorted(definitions.items()))}


def _name(kind: str) -> str:
    return f"conditions.{kind}"


def _test_name(field: Field) -> str:
    """One name for all fields that can hold the same."""
    words = ["test", field.type, *("optional",) * field.optional, *("many",) * field.many]
    return ".".join([*words, *field.choices])


def _match(kind: str) -> dict[str, Any]:
    conditions = {"$ref": f"#/$defs/{_name(kind)}"}
    return {
        "type": "object",
        "properties": {"fact": {"const": kind}, "where": conditions, "unless": conditions},
        "required": ["fact"],
        "additionalProperties": False,
    }


def _conditions(kind: str) -> dict[str, Any]:
    """A condition map over the fields of a kind of fact."""
    itself = {"$ref": f"#/$defs/{_name(kind)}"}
    several = {"type": "array", "items": itself, "minItems": 1}
    tests = {name: {"$ref": f"#/$defs/{_test_name(field)}"} for name, field in fields(kind).items()}
    return {
        "type": "object",
        "properties": {**tests, "any": several, "all": several, "not": itself},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _test(field: Field) -> dict[str, Any]:
    """A plain value or a map of operators, see `match.py`."""
    value: dict[str, Any] = {"type": field.type}
    if field.choices:
        value = {"enum": list(field.choices)}
    operators = _many(value) if field.many else _one(value, field)
    table = {
        "type": "object",
        "properties": operators,
        "additionalProperties": False,
        "minProperties": 1,
    }
    operators["not"] = {**table, "properties": dict(operators)}
    return table if field.many else {"anyOf": [value, table]}


def _one(value: dict[str, Any], field: Field) -> dict[str, Any]:
    values = {"type": "array", "items": value, "minItems": 1}
    operators: dict[str, Any] = {"eq": value, "in": values, "not-in": values}
    if field.type == "integer":
        operators |= {"lt": value, "gt": value}
    if field.type == "string":
        operators |= dict.fromkeys(("glob", "regex", "starts-with", "contains"), _TEXT)
    if field.type == "string" or field.optional:
        operators["exists"] = {"type": "boolean"}
    return operators


def _many(value: dict[str, Any]) -> dict[str, Any]:
    items = {"type": "object", "minProperties": 1}
    return {"contains": value, "exists": {"type": "boolean"}, "any": items, "all": items}
