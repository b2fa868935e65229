"""A model as a CycloneDX component: its files, card, licence and ancestors."""

from __future__ import annotations

import re

from modelscan.report.cyclonedx.licences import licences
from modelscan.report.cyclonedx.values import (
    Json,
    Refs,
    base_coordinates,
    compact,
    coordinates,
    name,
    properties,
    text,
)
from modelscan.vocabulary.result import Answers, FileEntry, ModelFacts, ModelReport

_ALGORITHMS = {
    "md5": ("MD5", 32),
    "sha1": ("SHA-1", 40),
    "sha256": ("SHA-256", 64),
    "sha384": ("SHA-384", 96),
    "sha512": ("SHA-512", 128),
    "blake2b": ("BLAKE2b-512", 128),
    "blake3": ("BLAKE3", 64),
}
"""Algorithms that the schema knows, with the digits of a digest. A git object id is not among them:
it is a hash of a header and the bytes, so it goes to the properties."""
_MIME_TYPES = {
    "gguf": "application/octet-stream",
    "json": "application/json",
    "pickle": "application/octet-stream",
    "safetensors": "application/octet-stream",
    "tar": "application/x-tar",
    "text": "text/plain",
    "pytorch": "application/zip",
    "zip": "application/zip",
}
"""By the format's name in reports. Weights formats have no registered type of their own."""
_NO_ANCESTOR = frozenset({"unrelated", "unknown"})
_HEX = re.compile(r"[0-9a-fA-F]+")


class ModelComponent:
    """One model: the component, and the references by which findings point at its files."""

    def __init__(self, model: ModelReport, refs: Refs) -> None:
        self.ref = refs.new("model", model.ref, model.digest or "")
        self.file_refs = {
            file.path: refs.new("file", self.ref, file.path)
            for file in sorted(model.files, key=lambda file: file.path)
        }
        self.json = self._build(model)

    def _build(self, model: ModelReport) -> Json:
        files = {file.path: file for file in model.files}
        single = model.files[0] if model.source.kind == "file" and model.files else None
        return compact(
            {
                "type": "machine-learning-model",
                "bom-ref": self.ref,
                **coordinates(model),
                "hashes": _hashes(single) if single else [],
                "licenses": licences(model.facts.licence),
                "pedigree": _pedigree(model.answers),
                "components": [_file(files[path], ref) for path, ref in self.file_refs.items()],
                "modelCard": _model_card(model.facts),
                "properties": _model_properties(model),
            }
        )


def _hashes(file: FileEntry) -> list[Json]:
    known = ((_ALGORITHMS.get(name), digest) for name, digest in sorted(file.digests.items()))
    return [
        {"alg": entry[0], "content": digest}
        for entry, digest in known
        if entry is not None and len(digest) == entry[1] and _HEX.fullmatch(digest)
    ]


def _file(file: FileEntry, ref: str) -> Json:
    return compact(
        {
            "type": "file",
            "bom-ref": ref,
            "name": name(file.path),
            "mime-type": _MIME_TYPES.get(file.format),
            "hashes": _hashes(file),
            "properties": properties(
                {
                    "format": file.format,
                    "size": str(file.size),
                    "git-blob": file.digests.get("git-blob"),
                }
            ),
        }
    )


def _pedigree(answers: Answers) -> Json:
    """The base model as an ancestor, with how well that is known. A denied descent names nobody."""
    lineage = answers.descends_from
    if lineage.base is None:
        return {}
    notes = f"relation: {lineage.status}; known by: {lineage.tier}; {text(lineage.reason)}"
    if lineage.status in _NO_ANCESTOR:
        return {"notes": f"base asked about: {text(lineage.base)}; {notes}"}
    ancestor = {"type": "machine-learning-model", **base_coordinates(lineage.base)}
    return {"ancestors": [ancestor], "notes": notes}


def _model_card(facts: ModelFacts) -> Json:
    """What the model's files claim: enough to find it by, and nothing that was not said."""
    claims: dict[str, list[str]] = {}
    for claim in facts.claims:
        kind, value = claim.get("claim"), claim.get("value")
        if isinstance(kind, str) and isinstance(value, str) and value:
            claims.setdefault(kind, []).append(value)
    datasets = sorted({text(value) for value in claims.get("dataset", ())})
    parameters = compact(
        {
            "task": ", ".join(sorted({text(value) for value in claims.get("task", ())})),
            "modelArchitecture": ", ".join(
                sorted({text(value) for value in claims.get("architecture", ())})
            ),
            "datasets": [{"type": "dataset", "name": dataset} for dataset in datasets],
        }
    )
    return {"modelParameters": parameters} if parameters else {}


def _model_properties(model: ModelReport) -> list[Json]:
    answers = model.answers
    source = model.source
    pairs: dict[str, str | None] = {
        "ref": model.ref,
        "digest": model.digest,
        "error": model.error,
        "source:kind": source.kind,
        "source:endpoint": source.endpoint,
        "source:asked-revision": source.asked_revision,
    }
    for key, answer in (
        ("load_hazards", answers.load_hazards),
        ("official_bytes", answers.official_bytes),
        ("signed", answers.signed),
        ("descends_from", answers.descends_from),
        ("allowed", answers.allowed),
    ):
        pairs[f"answer:{key}"] = answer.status
        pairs[f"answer:{key}:reason"] = answer.reason
    pairs["answer:official_bytes:release"] = answers.official_bytes.release
    pairs["answer:signed:signer"] = answers.signed.signer
    pairs["answer:descends_from:base"] = answers.descends_from.base
    pairs["answer:descends_from:tier"] = answers.descends_from.tier
    return properties(pairs)
