"""Builds rule files: a sound one, changed as a test needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MAPPINGS = {
    "atlas": {"AML.T0010.003": "Model"},
    "owasp_llm": {"LLM04:2026": "Supply Chain"},
    "cwe": {"CWE-502": "Deserialization of Untrusted Data"},
}


def rule(**changes: Any) -> dict[str, Any]:
    """A sound rule about overlapping tensors, with some keys replaced."""
    return {
        "id": "test-rule",
        "title": "A test",
        "since": "0.1.0",
        "status": "stable",
        "severity": "high",
        "confidence": "high",
        "answer": "load_hazards",
        "match": {"fact": "tensor.defect", "where": {"kind": "overlap"}},
        "message": "{location}: {tensor}",
        "identity": ["subject", "tensor"],
        "why": "Because.",
        "fix": "Mend it.",
        "false_positives": "None.",
        "maps": {"atlas": ["AML.T0010.003"], "owasp_llm": ["LLM04:2026"], "cwe": ["CWE-502"]},
        "examples": {
            "match": [{"fact": "tensor.defect", "kind": "overlap"}],
            "no-match": [{"fact": "tensor.defect", "kind": "hole"}],
        },
    } | changes


def text(**changes: Any) -> str:
    """The rule as a file: one line for each key, in JSON, which is YAML too."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in rule(**changes).items())


def write(folder: Path, **changes: Any) -> Path:
    """Write the rule into a folder, under its id."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{changes.get('id', 'test-rule')}.yaml"
    path.write_text(text(**changes), encoding="utf-8")
    return path


def pickle_globals(folder: Path, content: str) -> None:
    """Write the list of pickle globals of a folder of rules."""
    (folder / "lists").mkdir(parents=True, exist_ok=True)
    (folder / "lists" / "pickle-globals.yaml").write_text(content, encoding="utf-8")
