"""Models, their base models, datasets and files as SPDX elements.

The AI and Dataset profiles demand properties that a model rarely comes with. What is unknown is
said to be so, `NOASSERTION`, as text and as the name of an agent. A time cannot say that:
`UNKNOWN_TIME` stands for it, and the element's comment says so.

Sources: SPDX 3.0.1, "External properties restrictions" of `AIPackage` (`suppliedBy`,
`downloadLocation`, `packageVersion`, `primaryPurpose`, `releaseTime`) and of `DatasetPackage`
(`originatedBy`, `downloadLocation`, `primaryPurpose`, `builtTime`, `releaseTime`).
"""

from __future__ import annotations

import re

from modelscan.report.claims import Claims, claims_of, values
from modelscan.report.entries import MEDIA_TYPES, git_blob, well_formed
from modelscan.report.identity import Coordinates, of_base, of_model
from modelscan.report.machine import Json, name, text
from modelscan.report.spdx.graph import Graph
from modelscan.vocabulary.result import FileEntry, ModelReport

UNKNOWN = "NOASSERTION"
UNKNOWN_TIME = "1970-01-01T00:00:00Z"
RELEASED = "released"
"""Key of `ModelFacts.provenance`: when the model was published, in UTC as RFC 3339."""

_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\dZ", re.ASCII)
_ALGORITHMS = {"blake2b": "blake2b512"}
"""Algorithms that SPDX calls otherwise than we do."""


class Packages:
    """The packages of a document, and the agents behind them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._agents: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        """Base models and datasets, which several models may share, by kind and name."""

    def model(self, model: ModelReport) -> str:
        """The package of a model; returns its identifier."""
        where, claims = of_model(model), claims_of(model.facts)
        released = model.facts.provenance.get(RELEASED)
        known = isinstance(released, str) and _TIME.fullmatch(released) is not None
        members = {
            **_placed(where),
            "suppliedBy": self._supplier(model, where),
            "releaseTime": released if known else UNKNOWN_TIME,
            "comment": "" if known else f"releaseTime is not known: {UNKNOWN}",
            "verifiedUsing": _integrity(model),
            "ai_domain": [text(one) for one in values(claims, "task")],
            "ai_typeOfModel": [text(one) for one in values(claims, "architecture")],
            "ai_informationAboutApplication": _application(claims),
            "ai_limitation": _limitation(claims),
        }
        iri = self._graph.iri("model", model.ref, model.digest or "")
        return self._graph.add("ai_AIPackage", iri, members)

    def base(self, base: str) -> str:
        """The package of a base model, of which only the name is known."""
        if ("base", base) not in self._known:
            members = {
                **_placed(of_base(base)),
                "suppliedBy": self._agent(UNKNOWN),
                "releaseTime": UNKNOWN_TIME,
                "comment": f"named as a base model, and not looked at; releaseTime: {UNKNOWN}",
            }
            iri = self._graph.iri("base", base)
            self._known["base", base] = self._graph.add("ai_AIPackage", iri, members)
        return self._known["base", base]

    def dataset(self, dataset: str) -> str:
        """The package of a dataset that a model claims to be trained on."""
        if ("dataset", dataset) not in self._known:
            members: Json = {
                "name": name(dataset),
                "originatedBy": [self._agent(UNKNOWN)],
                "software_downloadLocation": UNKNOWN,
                "software_primaryPurpose": "data",
                "builtTime": UNKNOWN_TIME,
                "releaseTime": UNKNOWN_TIME,
                "dataset_datasetType": ["noAssertion"],
                "comment": f"declared by a model's files; builtTime and releaseTime: {UNKNOWN}",
            }
            iri = self._graph.iri("dataset", dataset)
            self._known["dataset", dataset] = self._graph.add(
                "dataset_DatasetPackage", iri, members
            )
        return self._known["dataset", dataset]

    @property
    def has_datasets(self) -> bool:
        """True once a dataset was named."""
        return any(kind == "dataset" for kind, _ in self._known)

    def file(self, file: FileEntry, model: str) -> str:
        """A file of a model."""
        git = git_blob(file)
        identifier = {
            "type": "software_ContentIdentifier",
            "software_contentIdentifierType": "gitoid",
            "software_contentIdentifierValue": f"gitoid:blob:sha1:{git}",
        }
        members = {
            "name": name(file.path),
            "contentType": MEDIA_TYPES.get(file.format),
            "software_fileKind": "file",
            "software_contentIdentifier": [identifier] if git else [],
            "verifiedUsing": _hashes(file),
            "comment": f"format: {text(file.format)}; size: {file.size}",
        }
        return self._graph.add("software_File", self._graph.iri("file", model, file.path), members)

    def _supplier(self, model: ModelReport, where: Coordinates) -> str:
        """Who signed it, if that is trusted; else whose name the hub shows; else nobody."""
        signed = model.answers.signed
        if signed.status == "signed-trusted" and signed.signer:
            return self._agent(text(signed.signer))
        return self._agent(where.group if model.source.kind == "hub" and where.group else UNKNOWN)

    def _agent(self, who: str) -> str:
        if who not in self._agents:
            members = {"name": who}
            if who == UNKNOWN:
                members["comment"] = "It is not known who this is."
            self._agents[who] = self._graph.add("Agent", self._graph.iri("agent", who), members)
        return self._agents[who]


def _placed(where: Coordinates) -> Json:
    full = f"{where.group}/{where.name}" if where.group else where.name
    return {
        "name": full,
        "software_packageVersion": where.version or UNKNOWN,
        "software_packageUrl": where.purl,
        "software_downloadLocation": where.files or where.page or UNKNOWN,
        "software_homePage": where.page,
        "software_primaryPurpose": "model",
    }


def _hashes(file: FileEntry) -> list[Json]:
    return [
        {"type": "Hash", "algorithm": _ALGORITHMS.get(algorithm, algorithm), "hashValue": digest}
        for algorithm, digest in well_formed(file)
    ]


def _integrity(model: ModelReport) -> list[Json]:
    """A single file's hashes are the model's; of several files there is a digest of digests."""
    if model.source.kind == "file" and model.files:
        return _hashes(model.files[0])
    if model.digest is None:
        return []
    comment = "SHA-256 over the sorted rows [name, size, sha256] of the files"
    value = text(model.digest)
    return [{"type": "Hash", "algorithm": "other", "hashValue": value, "comment": comment}]


def _application(claims: Claims) -> str:
    parts = []
    for kind in ("task", "library", "language"):
        found = ", ".join(values(claims, kind))
        if found:
            parts.append(f"{kind}: {text(found)}")
    return "; ".join(parts)


def _limitation(claims: Claims) -> str:
    removed = ", ".join(values(claims, "safeguards-removed"))
    return f"safeguards removed, by the author's own account: {text(removed)}" if removed else ""
