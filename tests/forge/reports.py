"""Builds reports for tests of writers: small, hostile and large ones."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from modelscan.vocabulary.ancestry import Lineage, Relation
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.digest import model_digest
from modelscan.vocabulary.evidence import OfficialBytes, Signed
from modelscan.vocabulary.finding import Finding
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import (
    Allowed,
    Answers,
    Decision,
    FileEntry,
    LoadHazards,
    ModelFacts,
    ModelReport,
    PolicyEntry,
    Report,
    RuleEntry,
    Tool,
)
from modelscan.vocabulary.rule import Maps, Severity
from modelscan.vocabulary.snapshot import Source

BASE = "nreimers/MiniLM-L6-H384-uncased"
COMMIT = "c" * 40


def file(path: str, size: int = 1_000, file_format: str = "json") -> FileEntry:
    sha256 = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()
    return FileEntry(
        path=path, size=size, digests={"git-blob": "b" * 40, "sha256": sha256}, format=file_format
    )


def finding(
    rule: str = "pickle-dangerous-call",
    severity: Severity = "critical",
    *,
    location: Location | None = None,
    **changes: Any,
) -> Finding:
    location = location or Location("pytorch_model.bin", None, 2)
    values: dict[str, Any] = {
        "confidence": "high",
        "answer": "load_hazards",
        "message": "Loading this file runs posix.system('echo hi').",
        "identity": hashlib.sha256(f"{rule}{location!r}".encode(errors="replace")).hexdigest(),
        "fix": "Do not load it; there is a model.safetensors beside it.",
    }
    return Finding(rule=rule, severity=severity, location=location, **(values | changes))


def answers(**changes: Any) -> Answers:
    values: dict[str, Any] = {
        "load_hazards": LoadHazards(status="none-found", reason="2 files read"),
        "official_bytes": OfficialBytes(status="unknown", reason="no manifest lists these bytes"),
        "signed": Signed(status="unsigned", reason="no signature beside the model"),
        "descends_from": Lineage(status="unknown", tier="none", reason="no base is named"),
        "allowed": Allowed(status="pass", policy="default", reason="policy default"),
    }
    return Answers(**(values | changes))


def bad_answers() -> Answers:
    return answers(
        load_hazards=LoadHazards(status="found", reason="pytorch_model.bin @2 calls posix.system"),
        official_bytes=OfficialBytes(
            status="modified",
            release="sentence-transformers/all-MiniLM-L6-v2",
            reason="of sentence-transformers/all-MiniLM-L6-v2: model.safetensors differs",
        ),
        descends_from=Lineage(
            status="claimed", base=BASE, tier="declared", reason="not measured; --base to measure"
        ),
        allowed=Allowed(
            status="fail", policy="default", reason="policy default: 2 findings at or above high"
        ),
    )


def model(**changes: Any) -> ModelReport:
    files = changes.pop(
        "files",
        (file("config.json"), file("model.safetensors", 90_800_000, "safetensors")),
    )
    values: dict[str, Any] = {
        "ref": "minilm-copy",
        "source": Source(kind="directory"),
        "digest": model_digest(
            (one.path, one.size, one.digests.get("sha256", "")) for one in files
        ),
        "files": files,
        "answers": answers(),
        "findings": (),
        "coverage": (),
        "facts": ModelFacts(),
    }
    return ModelReport(**(values | changes))


def bad_model() -> ModelReport:
    """The example of the documentation, and a bit more."""
    return model(
        files=(
            file("config.json"),
            file("model.safetensors", 90_800_000, "safetensors"),
            file("pytorch_model.bin", 1_000_000, "pickle"),
        ),
        answers=bad_answers(),
        findings=(
            finding(),
            finding(
                "release-file-modified",
                "high",
                location=Location("model.safetensors"),
                answer="official_bytes",
                message="This is not the file that the release lists.",
                fix="Fetch the release again\nfrom its publisher.\n",
            ),
            finding("pickle-present", "info", location=Location("pytorch_model.bin")),
            finding("model-card-missing", "info", location=Location()),
            finding("pickle-present", "info", location=Location("optimizer.pt")),
        ),
        coverage=(
            Coverage(file="config.json", status="read"),
            Coverage(file="model.safetensors", status="header-only", reason="tensor data"),
        ),
        facts=ModelFacts(
            licence=("apache-2.0", "my own terms"),
            claims=(
                {"claim": "task", "value": "sentence-similarity"},
                {"claim": "architecture", "value": "BertModel"},
                {"claim": "dataset", "value": "s2orc"},
                {"claim": "base", "value": BASE},
            ),
        ),
    )


def unreadable_model() -> ModelReport:
    reason = "could not be read"
    return model(
        ref="gone",
        files=(),
        digest=None,
        error="no such file or directory: gone",
        answers=answers(
            load_hazards=LoadHazards(status="incomplete", reason=reason),
            official_bytes=OfficialBytes(status="error", reason=reason),
            signed=Signed(status="error", reason=reason),
            allowed=Allowed(status="incomplete", policy="default", reason=reason),
        ),
    )


def rule(severity: Severity = "critical") -> RuleEntry:
    return RuleEntry(
        title="Loading this pickle calls a function that can run code",
        severity=severity,
        why="A pickle is a program.",
        fix="Do not load it.",
        maps=Maps(
            atlas=("AML.T0011.000", "AML.T0010.003"), owasp_llm=("LLM04:2026",), cwe=("CWE-502",)
        ),
        references=("PEP 307",),
        doc="docs/rules/pickle-dangerous-call.md",
    )


def report(*models: ModelReport, exit_code: int = 0, **changes: Any) -> Report:
    status = {0: "pass", 1: "fail", 3: "incomplete", 4: "nothing"}[exit_code]
    named = sorted({one.rule: one.severity for each in models for one in each.findings}.items())
    values: dict[str, Any] = {
        "created": "2026-11-21T00:00:00Z",
        "tool": Tool(name="modelassay", version="0.1.0", rules_digest="sha256:" + "a" * 64),
        "policy": PolicyEntry(name="default", digest="sha256:" + "d" * 64),
        "rules": {name: rule(severity) for name, severity in named},
        "models": models,
        "decision": Decision(exit_code=exit_code, status=status),  # type: ignore[arg-type]  # one of the four
    }
    return Report(**(values | changes))


def bad_report() -> Report:
    return report(bad_model(), exit_code=1)


HOSTILE = (
    "\x1b]8;;x\x07\x1b[31mred\x1b[0m",
    "\x9b2J\x85\x7f\x00",
    "a\u202egnp.exe\u2066\u200b\u061c\ufeff\u2028\u2029",
    "not utf-8: \udcff\ud800",
    "[bold]</bold><script>alert(1)</script>&amp;![x](y)|`\"'\\",
    "line\nbreak\r\n\ttab",
    "\U000e0041tags\ufe0f\u3164blank",
    "\ufffe\uffff\U0010ffff",
    "e" + "\u0301" * 5_000,
    "宽" * 3_000,
    "x" * 1_000_000,
    "",
)
"""Text that a model's author could put anywhere."""


def hostile_report() -> Report:
    """One model for each hostile text, which stands wherever a model's text can stand."""
    return report(*map(hostile_model, HOSTILE), exit_code=1)


def hostile_model(text: str) -> ModelReport:
    location = Location(text, text, 7)
    return model(
        ref=text,
        source=Source(kind="hub", endpoint=text, revision=text, asked_revision=text),
        files=(file(text), file("plain", file_format=text or "unknown")),
        answers=answers(
            load_hazards=LoadHazards(status="found", reason=text),
            official_bytes=OfficialBytes(status="denied", release=text, reason=text),
            signed=Signed(status="invalid-signature", signer=text, method=text, reason=text),
            descends_from=Lineage(status="merge", base=text, tier="hint", reason=text),
            allowed=Allowed(status="fail", policy=text, reason=text),
        ),
        findings=(
            finding(text or "empty", location=location, message=text, fix=text, waived=text,
                    evidence={"callable": text, "big": 1 << 100_000, "list": [text, {text: 1}]}),
        ),
        coverage=(
            Coverage(file=text, member=text, status="encrypted", needed=True, reason=text),
        ),
        facts=ModelFacts(
            licence=(text, "MIT", "mit"),
            claims=tuple(
                {"claim": claim, "value": text, text: text}
                for claim in ("task", "architecture", "dataset", "base")
            ),
            provenance={text: text},
        ),
    )  # fmt: skip


def large_report(findings: int = 10_000) -> Report:
    """As many findings as somebody could want to drown a reader in."""
    return report(
        model(
            files=tuple(file(f"part-{index:05}.bin") for index in range(findings)),
            answers=bad_answers(),
            findings=tuple(
                finding(location=Location(f"part-{index:05}.bin", "archive/data.pkl", index))
                for index in range(findings)
            ),
        ),
        exit_code=1,
    )


def renamed(one: ModelReport, ref: str) -> ModelReport:
    return msgspec.structs.replace(one, ref=ref)


def full_model() -> ModelReport:
    """A model about which everything that a report can hold is known."""
    bad = bad_model()
    waived = finding(
        "remote-code",
        "high",
        location=Location("modeling_custom.py", None, None, 12),
        confidence="medium",
        message="modeling_custom.py:12: the model brings Python of its own",
        fix="Read it, and pin the revision.",
        evidence={"call": "subprocess.run", "count": 3, "nested": {"words": ["a", "b"]}},
        waived="reviewed by the platform team, until 2027-01-31",
    )
    layers = [
        {"layer": layer, "role": role, "change": 10.0 ** (layer - 6), "rank": 8 if layer else None}
        for layer in range(6)
        for role in ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.up", "mlp.down")
    ]
    return msgspec.structs.replace(
        bad,
        source=Source(
            kind="hub", endpoint="https://hub.example.org", revision=COMMIT, asked_revision="main"
        ),
        answers=answers(
            load_hazards=bad.answers.load_hazards,
            official_bytes=OfficialBytes(
                status="modified",
                release="sentence-transformers/all-MiniLM-L6-v2",
                assurance="digests published by the maker",
                reason="model.safetensors differs",
            ),
            signed=Signed(
                status="signed-untrusted",
                signer="release@example.org",
                method="sigstore",
                reason="a valid signature by a signer whom the policy does not name",
            ),
            descends_from=Lineage(
                status="low-rank", base=BASE, tier="measured", reason="30 of 36 matrices, rank 8"
            ),
            allowed=Allowed(
                status="fail",
                policy="default",
                reason="official bytes: modified; 2 findings at or above high",
            ),
        ),
        findings=(*bad.findings, waived, finding("weights-odd", "medium", confidence="low")),
        coverage=(
            *bad.coverage,
            Coverage(file="code.zip", member="deep/inner.pkl", status="encrypted", needed=True,
                     reason="a password is needed"),
            Coverage(file="logo.png", status="unsupported", reason="not a model"),
        ),
        facts=ModelFacts(
            licence=("apache-2.0",),
            claims=(
                {"claim": "base", "value": BASE},
                {"claim": "base", "value": "other/merged"},
            ),
            provenance={
                "repository_created": "2024-03-01",
                "last_modified": "2025-06-30T10:11:12Z",
                "downloads": 12_345,
            },
            lineage={"layers": layers, "cosine": 0.997, "compared": 36},
        ),
    )  # fmt: skip


def full_report() -> Report:
    """Several models, among them one of which everything is known and one that is gone."""
    return report(full_model(), model(), unreadable_model(), exit_code=1)


JUSTIFIED = "vulnerable_code_not_in_execute_path: the loader uses weights_only=True"
"""A waiver that states why the model is not affected."""


def waived_model() -> ModelReport:
    """A waiver with a justification, one without, and one that gives no reason at all."""
    return model(
        files=(file("config.json"), file("pytorch_model.bin", 1_000_000, "pickle")),
        findings=(
            finding(waived=JUSTIFIED),
            finding("release-file-modified", "high", waived="reviewed on\n  2026-11-20"),
            finding("pickle-present", "info", waived=""),
            finding("model-card-missing", "info", location=Location()),
        ),
    )


def hub_model(ref: str = f"hf:org/name@{COMMIT}", **source: Any) -> ModelReport:
    return model(ref=ref, source=Source(kind="hub", **source))


def gap_model(gaps: int = 1) -> ModelReport:
    """Parts that loading needs were not looked at."""
    return model(
        coverage=tuple(
            Coverage(file="a.zip", member=f"{index}.pkl", status="encrypted", needed=True)
            for index in range(gaps)
        )
    )


def proven_model() -> ModelReport:
    """Good news all over: a release by its digests, a trusted signature, a measured descent."""
    return model(
        source=Source(kind="hub", revision=COMMIT),
        ref=f"hf:org/name@{COMMIT}",
        answers=answers(
            official_bytes=OfficialBytes(
                status="verified-official", release="org/name", reason="2 files"
            ),
            signed=Signed(
                status="signed-trusted", signer="release@org", method="sigstore", reason="key known"
            ),
            descends_from=Lineage(
                status="finetune", base="hf:org/base", tier="measured", reason="by its tensors"
            ),
        ),
        facts=ModelFacts(
            licence=("MIT",),
            claims=(
                {"claim": "task", "value": "text-generation", "file": "config.json"},
                {"claim": "library", "value": "transformers", "file": "config.json"},
                {"claim": "language", "value": "en", "file": "elsewhere"},
                {"claim": "safeguards-removed", "value": "abliterated", "file": "config.json"},
                {"claim": "dataset", "value": "s2orc", "file": "config.json"},
                {"claim": "licence", "value": "MIT", "file": "config.json"},
            ),
            provenance={"released": "2026-01-02T03:04:05Z"},
        ),
    )


def every_report() -> dict[str, Report]:
    """One report of each kind that a writer has to cope with."""
    from tests.forge import told  # lazy: it is built on this module

    statuses: tuple[Relation, ...] = ("unrelated", "merge")
    related = {
        status: answers(
            descends_from=Lineage(status=status, base="a/b", tier="measured", reason="r")
        )
        for status in statuses
    }
    bases = tuple({"claim": "base", "value": base, "relation": "merge"} for base in ("a/b", "c/d"))
    return {
        "empty": report(exit_code=4),
        "clean": report(model()),
        "unreadable": report(model(), unreadable_model(), exit_code=3),
        "bad": bad_report(),
        "twice": report(bad_model(), bad_model(), exit_code=1),
        "single": report(model(files=(file("a.gguf"),), ref="a.gguf", source=Source(kind="file"))),
        "hub": report(hub_model("hf:org/name@main", revision=COMMIT, endpoint="https://m.example")),
        "odd hub": report(hub_model("hf:org/name", endpoint="javascript:alert(1)")),
        "proven": report(proven_model()),
        "unrelated": report(model(answers=related["unrelated"])),
        "merge": report(model(answers=related["merge"], facts=ModelFacts(claims=bases))),
        "waived": report(waived_model()),
        "told": told.report(),
        "told by others": report(told.forged()),
        "gaps": report(gap_model(1_500), exit_code=3),
        "no rules": report(bad_model(), exit_code=1, rules={}),
        "large": large_report(2_000),
        "hostile": hostile_report(),
    }
