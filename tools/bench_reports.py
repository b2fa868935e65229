"""Makes the report that `make bench` converts: 10,000 findings of 40 rules in 10,000 files.

    python tools/bench_reports.py FILE

Every finding differs in place, message, fix and evidence, each twentieth is waived, and every tenth
file was not read in full: nothing can be said once for all of them. One character is no ASCII, and
takes four bytes: Python makes every character of a text as wide as its widest.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

FINDINGS = 10_000
_RULES = 40
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_PROSE = "A pickle is a program, and this one calls a function when it is loaded. " * 6


def report(count: int = FINDINGS) -> dict[str, Any]:
    """A native report of that many findings."""
    rules = {f"made-up-rule-{number:02}": _rule(number) for number in range(_RULES)}
    files: list[dict[str, Any]] = [
        {
            "path": f"shard-{index // 100:03}/part-{index:05}.bin",
            "size": 1_000 + index,
            "digests": {"git-blob": _digest(index)[:40], "sha256": _digest(index)},
            "format": "pickle",
        }
        for index in range(count)
    ]
    model = {
        "ref": "drowned",
        "source": {"kind": "directory"},
        "digest": f"sha256:{_digest(-1)}",
        "files": files,
        "answers": _answers(),
        "findings": [_finding(index, file["path"]) for index, file in enumerate(files)],
        "coverage": [_coverage(index, file["path"]) for index, file in enumerate(files)],
        "facts": {"licence": ["apache-2.0"]},
    }
    return {
        "schema": "modelassay-report/1",
        "created": "2026-11-21T00:00:00Z",
        "tool": {"name": "modelassay", "version": "0.1.0", "rules_digest": f"sha256:{_digest(-2)}"},
        "policy": {"name": "default", "digest": f"sha256:{_digest(-3)}"},
        "rules": rules,
        "models": [model],
        "decision": {"exit_code": 1, "status": "fail"},
    }


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _rule(number: int) -> dict[str, Any]:
    return {
        "title": f"Made-up rule {number}",
        "severity": _SEVERITIES[number % 5],
        "why": _PROSE,
        "fix": "Do not load it.",
        "maps": {"atlas": ["AML.T0011.000"], "owasp_llm": ["LLM04:2026"], "cwe": ["CWE-502"]},
        "references": ["https://example.org/a", "https://example.org/b"],
        "doc": f"docs/rules/made-up-rule-{number:02}.md",
    }


def _finding(index: int, path: str) -> dict[str, Any]:
    number = index % _RULES
    waived = "reviewed by acme [code_not_reachable], until 2027-01-31"
    return {
        "rule": f"made-up-rule-{number:02}",
        "severity": _SEVERITIES[number % 5],
        "confidence": "high",
        "answer": "load_hazards",
        "message": f"{path} calls posix.system('echo 🥒 {index}') when it is loaded",
        "location": {"file": path, "member": "archive/data.pkl", "offset": index},
        "identity": _digest(index),
        "fix": f"Do not load it; part {index} is in a model.safetensors beside it.",
        "evidence": {"callable": "posix.system", "arguments": [f"echo {index}"], "count": index},
        "waived": None if index % 20 else waived,
    }


def _coverage(index: int, path: str) -> dict[str, Any]:
    if index % 10:
        return {"file": path, "status": "read"}
    return {"file": path, "status": "truncated", "needed": True, "reason": f"part {index} is big"}


def _answers() -> dict[str, Any]:
    return {
        "load_hazards": {"status": "found", "reason": "10,000 findings"},
        "official_bytes": {"status": "unknown", "reason": "no manifest lists these bytes"},
        "signed": {"status": "unsigned", "reason": "no signature beside the model"},
        "descends_from": {"status": "unknown", "tier": "none", "reason": "no base is named"},
        "allowed": {"status": "fail", "policy": "default", "reason": "8,000 findings at high"},
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(report(), ensure_ascii=False), encoding="utf-8")
