"""What a hub's own scanners found, in both shapes in which its API tells it.

A path has a `securityFileStatus`: an overall `status`, and one object for each scanner, whose shape
differs from scanner to scanner. A repository has a `securityRepoStatus` with the paths that have
issues. Invariant: all of it is a claim of the hub; a word that is not known counts as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Verdict = Literal["safe", "caution", "suspicious", "unsafe", "error", "queued", "none"]

_WORST_FIRST: tuple[Verdict, ...] = (
    "unsafe", "suspicious", "caution", "error", "queued", "safe", "none",
)  # fmt: skip
_WORDS: Mapping[str, Verdict] = {
    **{word: word for word in _WORST_FIRST},
    "dangerous": "unsafe",
    "infected": "unsafe",
    "innocuous": "safe",
    "ok": "safe",
    "pending": "queued",
    "scanning": "queued",
    "unscanned": "none",
}
_QUIET = frozenset({"safe", "queued", "none"})
_MOST, _LONGEST = 16, 200


def of_path(entry: Mapping[str, Any], otherwise: str | None) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on one path, and the scanners that found something.

    Args:
        entry: what the API tells about the path; empty when it was not asked.
        otherwise: the verdict of the repository's list, if it is there.
    """
    found = entry.get("securityFileStatus")
    status = found if isinstance(found, dict) else {}
    verdicts = [_verdict(status.get("status")), _verdict(otherwise)]
    scanners = []
    for name, result in list(status.items())[:_MOST]:
        if not isinstance(result, dict):
            continue
        verdict = _result(result)
        verdicts.append(verdict)
        if verdict not in _QUIET:
            said = _said(result)
            scanners.append(f"{name[:_LONGEST]}: {verdict}" + (f" ({said})" if said else ""))
    return min(verdicts, key=_WORST_FIRST.index), tuple(sorted(scanners))


def of_repository(status: Any) -> dict[str, str]:
    """The level of each path that the repository's list names."""
    listed = status.get("filesWithIssues") if isinstance(status, dict) else None
    return {
        item["path"]: item["level"]
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict)
        and isinstance(item.get("path"), str)
        and isinstance(item.get("level"), str)
    }


def _result(result: Mapping[str, Any]) -> Verdict:
    """One scanner's verdict: in a word, or as one of two truth values."""
    verdict = _verdict(result.get("status") or result.get("highestSafetyLevel"))
    if result.get("virusFound") is True or result.get("safe") is False:
        return "unsafe"
    return verdict


def _verdict(word: Any) -> Verdict:
    return _WORDS.get(word.lower(), "none") if isinstance(word, str) else "none"


def _said(result: Mapping[str, Any]) -> str:
    for key in ("message", "reportLabel"):
        text = result.get(key)
        if isinstance(text, str) and text:
            return text[:_LONGEST]
    imports = result.get("pickleImports")
    named = [
        f"{item.get('module')}.{item.get('name')}"
        for item in (imports if isinstance(imports, list) else ())
        if isinstance(item, dict) and _verdict(item.get("safety")) not in _QUIET
    ]
    return ", ".join(named[:_MOST])[:_LONGEST]
