"""Builds situations and exceptions for tests of policies: a sound model, and one thing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from modelscan.engine.catalogue import load
from modelscan.engine.evaluate import Engine
from modelscan.policy.entries import Approval, Consent, Override, Pin, Waiver
from modelscan.policy.situation import Situation
from modelscan.vocabulary.ancestry import Lineage
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.fact import Fact, LicenceStated, ModelClaim, Restriction
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry, LoadHazards
from modelscan.vocabulary.rule import Persona
from modelscan.vocabulary.snapshot import Source

EPOCH = "1794700800"
"""`SOURCE_DATE_EPOCH` of a day in tests."""
TODAY = date(2026, 11, 15)
COMMIT = "c" * 40


def file(path: str, form: str = "safetensors") -> FileEntry:
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return FileEntry(path=path, size=10, digests={"sha256": sha256}, format=form)


def sha256(path: str) -> str:
    """The subject of a file that `file` makes."""
    return "sha256:" + file(path).digests["sha256"]


def finding(rule: str = "pickle-own-class", path: str = "model.pkl", **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "severity": "high",
        "confidence": "medium",
        "answer": "load_hazards",
        "message": "a message",
        "identity": hashlib.sha256(f"{rule}{path}".encode()).hexdigest(),
        "fix": "a fix",
    }
    return Finding(rule=rule, location=Location(path), **(values | changes))


def claim(kind: Any, value: str, relation: str = "") -> ModelClaim:
    return ModelClaim(
        location=Location("README.md"), status="declared", claim=kind, value=value,
        relation=relation,
    )  # fmt: skip


def licence(
    identifier: str, *restrictions: Restriction, source: Any = "card", stated: str = ""
) -> LicenceStated:
    """A licence as the relator states it; written as its identifier unless said otherwise."""
    return LicenceStated(
        location=Location("README.md"), status="declared", source=source,
        stated=stated or identifier, identifier=identifier, restrictions=restrictions,
    )  # fmt: skip


def situation(**changes: Any) -> Situation:
    """An unknown, unsigned, harmless model with a card, as most good models are."""
    files = changes.pop("files", (file("model.safetensors"), file("README.md", "model-card")))
    values: dict[str, Any] = {
        "source": Source(kind="directory"),
        "claimed": "",
        "digest": model_digest((each.path, each.size, each.digests["sha256"]) for each in files),
        "files": files,
        "hazards": LoadHazards(status="none-found", reason="in 2 files"),
        "official": official("unknown"),
        "signed": signed("unsigned"),
        "lineage": Lineage(status="unknown", tier="none", reason="no file names a base"),
        "findings": (),
        "coverage": (Coverage(file="model.safetensors", status="header-only"),),
        "facts": (),
    }
    return Situation(**(values | changes))


def official(status: Any, release: str | None = None) -> OfficialBytes:
    return OfficialBytes(status=status, release=release, reason="a reason")


def signed(status: Any, signer: str | None = None) -> Signed:
    return Signed(status=status, signer=signer, reason="a reason")


def lineage(status: Any, tier: Any = "declared", base: str | None = "acme/base") -> Lineage:
    return Lineage(status=status, tier=tier, base=base, reason="a reason")


def gap() -> Coverage:
    return Coverage(file="a.zip", member="data.pkl", status="encrypted", needed=True)


def waiver(**changes: Any) -> Waiver:
    values: dict[str, Any] = {
        "rule": "pickle-own-class",
        "subject": sha256("model.pkl"),
        "justification": "vulnerable_code_not_in_execute_path",
        "reason": "loaded with our own class",
        "owner": "ml-platform",
        "expires": date(2027, 3, 1),
    }
    return Waiver(**(values | changes))


def approval(subject: str, until: date = date(2027, 3, 1)) -> Approval:
    return Approval(subject=subject, owner="ml-platform", reason="reviewed", until=until)


def override(severity: Any, **changes: Any) -> Override:
    values: dict[str, Any] = {"rule": "pickle-own-class", "reason": "our class"}
    return Override(severity=severity, **(values | changes))


def evaluate(facts: Iterable[Fact], persona: Persona = "regular") -> tuple[Finding, ...]:
    """The shipped rules over facts."""
    return Engine(load().rules.values(), persona).evaluate(facts)


def configure(folder: Path, text: str, name: str = "modelassay.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def consent(**changes: Any) -> Consent:
    values: dict[str, Any] = {
        "owner": "ml-platform", "reason": "reviewed", "until": date(2027, 3, 1),
    }  # fmt: skip
    return Consent(**(values | changes))


def pin(**changes: Any) -> Pin:
    values: dict[str, Any] = {"model": "m", "owner": "ml-platform", "since": date(2026, 11, 1)}
    return Pin(**(values | changes))
