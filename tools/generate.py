"""Write the files that are generated from code, or check that they are up to date.

    python tools/generate.py           write them
    python tools/generate.py --check   exit 1 when one is stale, naming it

A new generated file is one more line in `GENERATED`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this checkout's package, wherever the command is run from


def report_schema() -> str:
    """JSON Schema (2020-12) of the native report."""
    import msgspec  # lazy: each generated file imports only what it needs

    from modelscan.vocabulary.result import SCHEMA, Report

    schema = msgspec.json.schema(Report)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = "urn:modelassay:" + SCHEMA.replace("/", ":")
    schema["title"] = f"Native report, {SCHEMA}"
    # Readers tell reports apart by this one value, so that it is required and fixed.
    definition = schema["$defs"]["Report"]
    definition["properties"]["schema"] = {"const": SCHEMA}
    definition["required"] = sorted({"schema", *definition["required"]})
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def rule_schema() -> str:
    """JSON Schema of a rule file, for editors."""
    from modelscan.engine import schema  # lazy: as above

    return json.dumps(schema.rule_schema(), indent=2, sort_keys=True) + "\n"


GENERATED: tuple[tuple[str, Callable[[], str]], ...] = (
    ("docs/schema/report-1.json", report_schema),
    ("docs/schema/rule-1.json", rule_schema),
)
"""Path relative to the checkout, and what makes its content."""


def stale(root: Path = ROOT) -> list[str]:
    """The generated files that are missing or differ from what the code says."""
    return [
        path
        for path, make in GENERATED
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != make()
    ]


def write(root: Path = ROOT) -> None:
    """Write every generated file below `root`."""
    for path, make in GENERATED:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(make(), encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Run as a command; returns the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python tools/generate.py [--check]", file=sys.stderr)
        return 2
    if not arguments:
        write()
        return 0
    paths = stale()
    for path in paths:
        print(f"{path} is stale: run python tools/generate.py", file=sys.stderr)
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
