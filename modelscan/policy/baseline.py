"""A baseline: an earlier report, against which findings are new, unchanged or fixed.

Invariants: a finding is unchanged when its rule and identity are those of an earlier one, and
either the file has the same bytes or the evidence is the same: another payload in the same place is
new. A file that was moved keeps its findings, by its digest. A model is held against the model of
the same name, or of the same digest, and against no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.result import FileEntry, ModelReport, Report


class Compared(NamedTuple):
    """The findings of today, each with its state, and those of the baseline that are gone."""

    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


class Baseline:
    """The models of an earlier report."""

    def __init__(self, report: Report) -> None:
        self._models = report.models

    def compare(
        self,
        ref: str,
        digest: str | None,
        files: Sequence[FileEntry],
        findings: Iterable[Finding],
    ) -> Compared:
        """Hold the findings of one model against the baseline."""
        earlier = [_Earlier(finding, model) for model in self._of(ref, digest)
                   for finding in model.findings]  # fmt: skip
        by_identity: dict[str, list[_Earlier]] = {}
        by_place: dict[str, list[_Earlier]] = {}
        for old in earlier:
            by_identity.setdefault(old.finding.identity, []).append(old)
            if old.sha256:
                by_place.setdefault(_place(old.finding, old.sha256), []).append(old)
        digests = _digests(files)
        seen: set[int] = set()
        stated = []
        for finding in findings:
            sha256 = digests.get(finding.location.file, "")
            same = [
                old
                for old in by_identity.get(finding.identity, ())
                if old.finding.rule == finding.rule and old.equals(finding, sha256)
            ]
            if sha256:
                same += by_place.get(_place(finding, sha256), ())
            seen.update(id(old) for old in same)
            state = "unchanged" if same else "new"
            stated.append(msgspec.structs.replace(finding, baseline=state))
        fixed = tuple(old.finding for old in earlier if id(old) not in seen)
        return Compared(tuple(stated), fixed)

    def _of(self, ref: str, digest: str | None) -> list[ModelReport]:
        """The earlier entries for a model: of its name, or else of its bytes."""
        named = [model for model in self._models if _name(model.ref) == _name(ref)]
        return named or [m for m in self._models if digest is not None and m.digest == digest]


class _Earlier:
    """A finding of the baseline, with the digest of its file then."""

    def __init__(self, finding: Finding, model: ModelReport) -> None:
        self.finding = finding
        self.sha256 = _digests(model.files).get(finding.location.file, "")

    def equals(self, finding: Finding, sha256: str) -> bool:
        """True when a finding of the same identity is about the same thing."""
        return (bool(sha256) and sha256 == self.sha256) or _evidence(finding) == _evidence(
            self.finding
        )


def _digests(files: Iterable[FileEntry]) -> dict[str, str]:
    return {entry.path: entry.digests.get("sha256", "") for entry in files}


def _name(ref: str) -> str:
    """A reference without its revision or folders: another commit is the same model, changed."""
    if ref.startswith("hf:"):
        return ref.partition("@")[0]
    return ref.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _evidence(finding: Finding) -> str:
    import json  # lazy: few runs have a baseline

    kept = {name: value for name, value in finding.evidence.items() if name != "count"}
    return json.dumps(kept, sort_keys=True, default=str)  # escaped: names may not be Unicode


def _place(finding: Finding, sha256: str) -> str:
    """What a finding is about, wherever its file lies."""
    where = finding.location
    inside = (where.member, where.offset, where.line)
    return repr((finding.rule, sha256, inside, _evidence(finding)))
