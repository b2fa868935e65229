"""The official schemas of report formats, where they are at hand. Tests skip without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "schemas"
_COMPANIONS = ("spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json")

needs_schemas = pytest.mark.skipif(
    not (SCHEMAS / "bom-1.6.schema.json").is_file(), reason="the official schemas are not here"
)


def load(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def cyclonedx(specification: str) -> jsonschema_rs.Draft7Validator:
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}", load(name)) for name in _COMPANIONS]
    )
    return jsonschema_rs.Draft7Validator(
        load(f"bom-{specification}.schema.json"), registry=registry, validate_formats=True
    )


def sarif() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(load("sarif-schema-2.1.0.json"), validate_formats=True)


def spdx() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(load("spdx-3.0.1.schema.json"), validate_formats=True)


def openvex() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        load("openvex-0.2.0.schema.json"), validate_formats=True
    )
