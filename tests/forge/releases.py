"""Manifests, indexes and model files for the verifier's tests, made from names and bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from modelscan.verifier.compiling import compile_releases
from modelscan.verifier.index import ReleaseIndex
from modelscan.verifier.release import Manifest, parse_manifest
from modelscan.vocabulary.fact import TensorHeader
from modelscan.vocabulary.location import Location
from modelscan.vocabulary.result import FileEntry

MODEL: Mapping[str, bytes] = {
    "model.safetensors": b"header|weights",
    "config.json": b"{}",
    "tokenizer.json": b"[1]",
    "vocab.txt": b"a b c",
}
"""A model of four files; the bytes before `|` stand for the header of its weights."""
HEADER = hashlib.sha256(b"header").hexdigest()


def listed(
    path: str, data: bytes, *, algorithm: str = "sha256", size: bool = False, **more: Any
) -> dict[str, Any]:
    """One file of a release, as JSON."""
    digest = hashlib.new(algorithm, data).hexdigest()
    entry: dict[str, Any] = {"path": path, "digests": {algorithm: digest}, **more}
    return {**entry, "size": len(data)} if size else entry


def release(name: str, files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A release, as JSON."""
    return {"id": name, "files": files, **more}


def pinned(**more: Any) -> dict[str, Any]:
    """A release of `MODEL`, with the header of its weights."""
    files = [listed(path, data) for path, data in MODEL.items()]
    files[0]["header_sha256"] = HEADER
    return release("acme/model@1", files, **{"locations": ["hf:acme/model"], **more})


def document(*releases: dict[str, Any], assurance: str = "publisher-stated") -> dict[str, Any]:
    """A manifest, as JSON."""
    return {
        "schema": "modelassay-manifest/1",
        "serial": 1,
        "issued": "2026-01-02",
        "publisher": {"id": "acme", "name": "Acme", "verified_how": "made for a test"},
        "assurance": assurance,
        "evidence": [{"path": "a test"}],
        "releases": list(releases),
    }


def manifest(*releases: dict[str, Any], assurance: str = "publisher-stated") -> Manifest:
    """A manifest, parsed."""
    data = msgspec.json.encode(document(*releases, assurance=assurance))
    return parse_manifest(data, "test.json")


def index(*manifests: Manifest) -> ReleaseIndex:
    """An index over manifests."""
    return ReleaseIndex(compile_releases(manifests))


def entries(
    files: Mapping[str, bytes], *, algorithms: tuple[str, ...] = ("sha256",)
) -> list[FileEntry]:
    """A model's files, hashed."""
    return [
        FileEntry(
            path=path,
            size=len(data),
            digests={name: hashlib.new(name, data).hexdigest() for name in algorithms},
            format="unknown",
        )
        for path, data in files.items()
    ]


def header(path: str, data: bytes) -> TensorHeader:
    """What a reader states of weights: the digest of the bytes before `|`."""
    return header_fact(path, hashlib.sha256(data.partition(b"|")[0]).hexdigest())


def header_fact(path: str, sha256: str) -> TensorHeader:
    """What a reader states of weights with this header."""
    return TensorHeader(
        location=Location(path),
        format="safetensors",
        tensors=1,
        parameters=1,
        payload=1,
        dtypes=("F32",),
        digest="sha256:" + sha256,
        metadata=(),
    )
