"""What a model is called outside of this report: group, name, version, purl, page, content IRI.

Only a full reference (`hf:org/name@commit`) makes a purl: `org/name` may just as well be a folder.
A branch is no version (purl-spec, type huggingface), so that a purl has one only when a commit is
known. All of it says where a model was looked up, never what it is: that is the digest's part.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from modelscan.report.machine import name, stable_uuid, text
from modelscan.vocabulary.result import ModelReport

PUBLIC_HUB = "https://huggingface.co"
"""The registry that a `pkg:huggingface` purl means when it names no other (purl-spec)."""

_LONGEST_VERSION = 1_024
"""The limit of the CycloneDX schema."""
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[\w.~-]+)*/?", re.ASCII)
_HUB_REF = re.compile(
    r"hf:(?P<group>[\w.-]{1,96})/(?P<name>[\w.-]{1,96})(?::[\w.-]*)?(?:@(?P<revision>[^@]*))?",
    re.ASCII,
)


class Coordinates(NamedTuple):
    """How others find a model. Every part but the name may be empty."""

    name: str
    group: str = ""
    version: str = ""
    """The commit; else the digest of the bytes."""
    purl: str = ""
    page: str = ""
    """URL of the model's page on its hub."""
    files: str = ""
    """URL of the tree of the commit."""


def of_model(model: ModelReport) -> Coordinates:
    """By the model's reference if it names a hub, else by its name and the digest of its bytes."""
    source = model.source
    hub = _HUB_REF.fullmatch(model.ref)
    asked = hub["revision"] if hub else None
    revision = source.revision or (asked if asked and _COMMIT.fullmatch(asked) else None)
    version = text(revision or model.digest or "", _LONGEST_VERSION)
    if hub is None:
        return Coordinates(name(model.ref), version=version)
    return _on_hub(hub, revision, source.endpoint, version)


def of_base(base: str) -> Coordinates:
    """The same for a base model, of which there is nothing but its name."""
    hub = _HUB_REF.fullmatch(base)
    if hub is not None:
        revision = hub["revision"]
        return _on_hub(hub, revision, None, text(revision or "", _LONGEST_VERSION))
    group, slash, last = base.partition("/")
    if slash and group and last and "/" not in last:
        return Coordinates(name(last), group=text(group))
    return Coordinates(name(base))


def without_revision(ref: str) -> str:
    """The reference that stays the same when a model is updated."""
    hub = _HUB_REF.fullmatch(ref)
    return f"hf:{hub['group']}/{hub['name']}" if hub else ref


def content_iri(sha256: str) -> str:
    """The name of bytes by their digest, `ni:///sha-256;…` (RFC 6920); empty for no digest.

    Args:
        sha256: hexadecimal, with or without `sha256:`.
    """
    found = _SHA256.fullmatch(sha256)
    if found is None:
        return ""
    from base64 import urlsafe_b64encode  # lazy: few formats name things by an IRI

    value = urlsafe_b64encode(bytes.fromhex(found[1])).decode().rstrip("=")
    return f"ni:///sha-256;{value}"


def model_iri(model: ModelReport) -> str:
    """An IRI of the model: its purl, else its digest, else a UUID of its reference."""
    where = of_model(model)
    return (
        where.purl
        or content_iri(model.digest or "")
        or f"urn:uuid:{stable_uuid('model', where.name)}"
    )


def _on_hub(
    hub: re.Match[str], revision: str | None, endpoint: str | None, version: str
) -> Coordinates:
    commit = revision.lower() if revision is not None and _COMMIT.fullmatch(revision) else ""
    page = ""
    if endpoint is None or _ENDPOINT.fullmatch(endpoint):
        page = f"{(endpoint or PUBLIC_HUB).rstrip('/')}/{hub['group']}/{hub['name']}"
    return Coordinates(
        hub["name"],
        group=hub["group"],
        version=version,
        purl=_purl(hub["group"], hub["name"], commit, endpoint),
        page=page,
        files=f"{page}/tree/{commit}" if page and commit else "",
    )


def _purl(group: str, model: str, commit: str, endpoint: str | None) -> str:
    from urllib.parse import quote  # lazy: only a hub's model has a purl

    purl = f"pkg:huggingface/{quote(group, safe='')}/{quote(model, safe='')}"
    if commit:
        purl += "@" + commit
    if endpoint is not None and endpoint.rstrip("/") != PUBLIC_HUB:
        purl += "?repository_url=" + quote(
            endpoint[:_LONGEST_VERSION], safe="", errors="backslashreplace"
        )
    return purl
