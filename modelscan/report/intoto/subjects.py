"""What a statement is about: digests of a model, and never a name alone.

- The model's own digest, over names, sizes and bytes (`vocabulary.digest`). `verify --attestation`
  looks for this one.
- Of a single file, the digest of its bytes.
- The root of OpenSSF Model Signing v1.0: SHA-256 over the files' digests in the order of their
  names, without git's folder and the signature itself. A model signature has the same subject.
- Of a model from a registry, the digest of the manifest: what admission controllers ask about.
- Where git's objects proved every file, the commit.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from modelscan.report.identity import of_model
from modelscan.report.machine import Json, name
from modelscan.vocabulary.result import ModelReport

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GIT = ".git/"
_MODEL_SIGNING = "OpenSSF Model Signing"
"""How reports name that method, see `facts.provenance`."""


def subjects(model: ModelReport) -> list[Json]:
    """The resource descriptors of a model; none when not every byte of it was hashed.

    Source: in-toto Statement v1, `subject`.
    """
    whole = _SHA256.fullmatch(model.digest or "")
    hashed = all("sha256" in file.digests for file in model.files)
    if whole is None or not model.files or not hashed:
        return []
    called = name(model.ref)
    found = {whole[1]: called}
    if model.source.kind == "file" and len(model.files) == 1:
        found.setdefault(model.files[0].digests["sha256"], f"{called} (bytes of the file)")
    found.setdefault(_root(model), f"{called} (OpenSSF Model Signing root)")
    manifest = _SHA256.fullmatch(model.source.revision or "")
    if manifest is not None and model.source.kind == "oci":
        found.setdefault(manifest[1], f"{called} (registry manifest)")
    described = [{"name": what, "digest": {"sha256": sha256}} for sha256, what in found.items()]
    return [*described, *_commit(model)]


def _root(model: ModelReport) -> str:
    signatures = model.facts.provenance.get("signatures")
    listed = signatures if isinstance(signatures, list) else []
    own = {
        entry.get("file")
        for entry in listed
        if isinstance(entry, dict) and str(entry.get("method", "")).startswith(_MODEL_SIGNING)
    }
    digests = sorted(
        (file.path, file.digests["sha256"])
        for file in model.files
        if file.path not in own and not file.path.startswith(_GIT)
    )
    return hashlib.sha256(b"".join(bytes.fromhex(sha256) for _, sha256 in digests)).hexdigest()


def _commit(model: ModelReport) -> Iterator[Json]:
    """The commit, when git's objects proved each of the files."""
    proved = model.facts.provenance.get("proved_by_commit")
    commit = model.source.revision or ""
    if not isinstance(proved, dict) or not _COMMIT.fullmatch(commit):
        return
    if all(file.path in proved for file in model.files):
        where = of_model(model)
        uri = {"uri": where.purl} if where.purl else {}
        yield {"name": f"{name(model.ref)} (commit)", **uri, "digest": {"gitCommit": commit}}
