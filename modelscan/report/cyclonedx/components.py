"""A model as a CycloneDX component: its files, card, licence, ancestors and evidence."""

from __future__ import annotations

from modelscan.report.claims import claims_of, values
from modelscan.report.cyclonedx.card import Datasets, model_card
from modelscan.report.cyclonedx.licences import found_licences, licences
from modelscan.report.cyclonedx.pedigree import pedigree
from modelscan.report.cyclonedx.values import Refs, placed, properties
from modelscan.report.entries import MEDIA_TYPES, git_blob, well_formed
from modelscan.report.identity import Coordinates, of_model
from modelscan.report.machine import Json, compact, name, text
from modelscan.report.verdicts import verdicts
from modelscan.vocabulary.result import Answers, FileEntry, ModelReport

_ALGORITHMS = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
    "blake2b": "BLAKE2b-512",
    "blake3": "BLAKE3",
}
_BY_DIGEST = frozenset({"verified-official", "matches-known-release", "pinned-match"})
"""Statuses of "official bytes?" that rest on equal digests."""


class ModelComponent:
    """One model: the component, and the references by which others point at its parts."""

    def __init__(self, model: ModelReport, refs: Refs, datasets: Datasets) -> None:
        self.model = model
        self.ref = refs.new("model", model.ref, model.digest or "")
        self.card_ref = refs.new("card", self.ref)
        self.file_refs = {
            file.path: refs.new("file", self.ref, file.path)
            for file in sorted(model.files, key=lambda file: file.path)
        }
        self.claims = claims_of(model.facts)
        self.dataset_refs = datasets.refs(values(self.claims, "dataset"))
        self.json = self._build()

    def _build(self) -> Json:
        model = self.model
        files = {file.path: file for file in model.files}
        single = model.files[0] if model.source.kind == "file" and model.files else None
        where = of_model(model)
        return compact(
            {
                "type": "machine-learning-model",
                "bom-ref": self.ref,
                "publisher": where.group if model.source.kind == "hub" else None,
                **placed(where),
                "hashes": _hashes(single) if single else [],
                "licenses": licences(model),
                "pedigree": pedigree(model, self.claims),
                "externalReferences": _references(where),
                "components": [_file(files[path], ref) for path, ref in self.file_refs.items()],
                "evidence": {**_evidence(model.answers), **found_licences(model)},
                "modelCard": model_card(self.claims, self.card_ref, self.dataset_refs),
                "properties": _properties(model),
            }
        )


def _hashes(file: FileEntry) -> list[Json]:
    return [{"alg": _ALGORITHMS[name], "content": digest} for name, digest in well_formed(file)]


def _file(file: FileEntry, ref: str) -> Json:
    git = git_blob(file)
    hashes = _hashes(file)
    return compact(
        {
            "type": "file",
            "bom-ref": ref,
            "name": name(file.path),
            "mime-type": MEDIA_TYPES.get(file.format),
            "hashes": hashes,
            "omniborId": [f"gitoid:blob:sha1:{git}"] if git else [],
            "swhid": [f"swh:1:cnt:{git}"] if git else [],
            "evidence": compact(
                {
                    "identity": [_computed(one["content"]) for one in hashes[:1]],
                    "occurrences": [{"location": name(file.path)}],
                }
            ),
            "properties": properties(
                {"format": file.format, "size": str(file.size), "git-blob": git or None}
            ),
        }
    )


def _computed(digest: str) -> Json:
    """The evidence for a hash: it was computed here, and not taken from a listing."""
    method = {"technique": "binary-analysis", "confidence": 1, "value": "hash of all bytes"}
    return {"field": "hash", "confidence": 1, "concludedValue": digest, "methods": [method]}


def _references(where: Coordinates) -> list[Json]:
    pairs = (("distribution", where.files), ("model-card", where.page))
    return [{"type": kind, "url": url} for kind, url in pairs if url]


def _evidence(answers: Answers) -> Json:
    """Who the model is, as far as digests and signatures prove it. A name proves nothing."""
    methods = []
    official, signed = answers.official_bytes, answers.signed
    if official.status in _BY_DIGEST:
        methods.append(("hash-comparison", official.reason))
    if signed.status == "signed-trusted":
        methods.append(("attestation", signed.reason))
    if not methods:
        return {}
    identity: Json = {
        "field": "name",
        "confidence": 1,
        "methods": [
            {"technique": technique, "confidence": 1, "value": text(reason)}
            for technique, reason in methods
        ],
    }
    if official.release:
        identity["concludedValue"] = text(official.release)
    return {"identity": [identity]}


def _properties(model: ModelReport) -> list[Json]:
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
    for answer in verdicts(answers):
        pairs[f"answer:{answer.key}"] = answer.status
        pairs[f"answer:{answer.key}:reason"] = answer.reason
    pairs["answer:official_bytes:release"] = answers.official_bytes.release
    pairs["answer:official_bytes:assurance"] = answers.official_bytes.assurance
    pairs["answer:signed:signer"] = answers.signed.signer
    pairs["answer:signed:method"] = answers.signed.method
    pairs["answer:descends_from:base"] = answers.descends_from.base
    pairs["answer:descends_from:tier"] = answers.descends_from.tier
    return properties(pairs)
