"""What every part of a CycloneDX document is made of: inert text, properties, references, purls.

Text is escaped visibly, not only as JSON: tools that import a bill of materials copy it into XML
and web pages, where a control character or a lone surrogate is not allowed.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from modelscan._about import NAME
from modelscan.report.text import ELLIPSIS, inert
from modelscan.vocabulary.result import ModelReport

Json = dict[str, Any]

LONGEST_NAME = 4_096
"""Characters; Linux paths end here."""
LONGEST_PROSE = 2_000
_LONGEST_VERSION = 1_024
"""The limit of the schema."""
_PUBLIC_HUB = "https://huggingface.co"
"""The registry that a `pkg:huggingface` purl means when it names no other (purl-spec)."""
_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_HUB_REF = re.compile(
    r"hf:(?P<group>[\w.-]{1,96})/(?P<name>[\w.-]{1,96})(?::[\w.-]*)?(?:@(?P<revision>[^@]*))?",
    re.ASCII,
)


def text(value: str, longest: int = LONGEST_PROSE) -> str:
    """Inert text, cut when it is longer than any honest one."""
    return inert(value if len(value) <= longest else value[: longest - 1] + ELLIPSIS)


def name(value: str) -> str:
    """An inert name; never empty, which importers refuse."""
    return text(value, LONGEST_NAME) or "."


def properties(pairs: dict[str, str | None]) -> list[Json]:
    """Properties in this tool's namespace, in the order given, without those that are `None`."""
    return [
        {"name": f"{NAME}:{key}", "value": text(value)}
        for key, value in pairs.items()
        if value is not None
    ]


def compact(parts: Json) -> Json:
    """The same object without its empty members, which the schema mostly forbids."""
    return {key: value for key, value in parts.items() if value not in (None, "", [], {})}


class Refs:
    """Hands out `bom-ref`s: the same for the same thing in every run, and unique in a document."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def new(self, kind: str, *parts: str) -> str:
        """A reference made of a kind and a hash of what identifies the thing."""
        # Lone surrogates have no UTF-8 form, and NUL cannot occur in a path: it keeps parts apart.
        identity = "\0".join(parts).encode(errors="surrogatepass")
        ref = f"{kind}:{hashlib.sha256(identity).hexdigest()[:32]}"
        count = self._used[ref] = self._used.get(ref, 0) + 1
        return ref if count == 1 else f"{ref}:{count}"


def coordinates(model: ModelReport) -> Json:
    """Group, name, version and purl of a model: by its reference if it names a hub, else its name.

    The purl has a version only when a commit is known: a branch is none (purl-spec, huggingface).
    """
    source = model.source
    hub = _HUB_REF.fullmatch(model.ref)
    asked = hub["revision"] if hub else None
    revision = source.revision or (asked if asked and _COMMIT.fullmatch(asked) else None)
    version = text(revision or model.digest or "", _LONGEST_VERSION)
    if hub is None:
        return compact({"name": name(model.ref), "version": version})
    purl = _purl(hub["group"], hub["name"], revision, source.endpoint)
    return compact({"group": hub["group"], "name": hub["name"], "version": version, "purl": purl})


def base_coordinates(base: str) -> Json:
    """The same for a base model. Only a full reference makes a purl: `org/name` may be a folder."""
    hub = _HUB_REF.fullmatch(base)
    if hub is not None:
        purl = _purl(hub["group"], hub["name"], hub["revision"], None)
        version = text(hub["revision"] or "", _LONGEST_VERSION)
        return compact(
            {"group": hub["group"], "name": hub["name"], "version": version, "purl": purl}
        )
    group, slash, last = base.partition("/")
    if slash and group and last and "/" not in last:
        return {"group": text(group), "name": name(last)}
    return {"name": name(base)}


def _purl(group: str, model: str, revision: str | None, endpoint: str | None) -> str:
    from urllib.parse import quote  # lazy: only a hub's model has a purl

    purl = f"pkg:huggingface/{quote(group, safe='')}/{quote(model, safe='')}"
    if revision is not None and _COMMIT.fullmatch(revision):
        purl += "@" + revision.lower()
    if endpoint is not None and endpoint.rstrip("/") != _PUBLIC_HUB:
        purl += "?repository_url=" + quote(endpoint, safe="", errors="backslashreplace")
    return purl
