"""References to models: what a person types as TARGET."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

import msgspec

Kind = Literal["path", "hub", "ollama", "oci", "url", "store"]

_SCHEME = re.compile(r"(hf|ollama|oci|https?):", re.IGNORECASE)
_KINDS: dict[str, Kind] = {
    "hf": "hub", "ollama": "ollama", "oci": "oci", "http": "url", "https": "url",
}  # fmt: skip
_STORE = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
"""Any other address, such as `s3://bucket/folder`. A single letter is a disk of Windows."""

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_]|[.-](?![.-]))*"
_REPOSITORY = rf"(?:{_NAME}/)?{_NAME}"
_REVISION = r"[A-Za-z0-9_](?:[A-Za-z0-9_+-]|[./](?![./]|\Z))*"
_FAMILY = r"[A-Za-z0-9_.-]+"
_HUB = (
    rf"hf:(?P<repository>{_REPOSITORY})(?::(?P<family>{_FAMILY}))?(?:@(?P<revision>{_REVISION}))?"
)
"""Compiled when one is met: a path is none."""
_PAGE = (
    rf"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<repository>{_NAME}/{_NAME})"
    rf"(?:/tree/(?P<revision>{_REVISION}))?/?"
)
"""The page of a model, as copied from a browser."""
_OTHER_SPELLING = re.compile(
    r"(?:hf://(?:models/)?|pkg:huggingface/|(docker://))(?=[^/])", re.IGNORECASE
)
"""As the hub's file system for Python writes it, as a package URL, and as tools for images do."""
_NOT_MODELS = frozenset(
    {"api", "blog", "buckets", "collections", "datasets", "docs", "kernels", "learn",
     "organizations", "papers", "posts", "spaces", "tasks"}
)  # fmt: skip
"""First words of addresses on the hub that are no owners of models."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LONGEST_NAME, _LONGEST_REVISION = 96, 250


class ModelRef(msgspec.Struct, frozen=True):
    """A parsed TARGET. A claim about where a model is, never evidence of what it is."""

    kind: Kind
    text: str
    """What the person typed."""

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Tell a reference with a scheme (`hf:`, `ollama:`, `oci:`, a URL) from a path.

        A path that looks like one can always be written `./hf:name`. The address of a model's page
        on the public hub is a hub reference, and so are `hf://org/name` and a package URL;
        `docker://` is a registry's.
        """
        if other := _OTHER_SPELLING.match(text):
            text = f"{'oci' if other[1] else 'hf'}:{text[other.end() :]}"
        found = _SCHEME.match(text)
        if found is None:
            return cls("store" if _STORE.match(text) else "path", text)
        page = re.fullmatch(_PAGE, text, re.IGNORECASE)
        if page and page["repository"].split("/")[0].lower() not in _NOT_MODELS:
            revision = f"@{page['revision']}" if page["revision"] else ""
            return cls("hub", f"hf:{page['repository']}{revision}")
        return cls(_KINDS[found[1].lower()], text)

    @property
    def shown(self) -> str:
        """The reference as a report may show it.

        That is the last part of a path, and an address without what stands before an `@` or behind
        a `?`, which may be secret.
        """
        if self.kind == "path":
            return PurePath(self.text).name or self.text
        if self.kind not in {"url", "store"}:
            return self.text
        scheme, _, rest = re.split(r"[?#]", self.text, maxsplit=1)[0].partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


class HubRef(msgspec.Struct, frozen=True):
    """The parts of a hub reference, `hf:org/name:family@revision`."""

    repository: str
    """`org/name`; old repositories have no owner."""
    revision: str | None = None
    """A branch, a tag or a commit; `None` means the default branch."""
    family: str | None = None
    """A part of file names, such as `Q4_K_M`, that picks one model of a GGUF repository."""

    @classmethod
    def parse(cls, text: str) -> HubRef | None:
        """Take a reference apart; `None` when it is none: names are those that the hub allows."""
        found = re.fullmatch(_HUB, text, re.IGNORECASE)
        if found is None or len(found["repository"]) > _LONGEST_NAME:
            return None
        if len(found["revision"] or "") > _LONGEST_REVISION:
            return None
        return cls(found["repository"], found["revision"], found["family"])

    @property
    def pinned(self) -> bool:
        """True when the revision is a commit, which cannot come to mean another one."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None
