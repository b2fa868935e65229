"""What the parts of a packaged model are for, and which names they go by here.

Invariant: a name that a package asks for is used only when it stays inside a folder; any other part
is read under its digest, and stated.

Sources: OCI image specification 1.1 (annotations), CNCF model specification (media types and
`org.cncf.model.filepath`), Docker's model specification (`vnd.docker.ai`), KitOps ModelKit, ORAS
(`org.opencontainers.image.title`; CVE-2021-21272 is what a hostile title does), Ollama's manifests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Role: TypeAlias = Literal[
    "manifest", "config", "weights", "adapter", "projector", "template", "system",
    "parameters", "messages", "licence", "document", "code", "dataset", "layer", "other",
]  # fmt: skip


class Kind(NamedTuple):
    """What a media type says of a part."""

    role: Role
    name: str = ""
    """The name that it gets when the package asks for none; empty for its role and number."""


_OLLAMA: Final = "application/vnd.ollama.image."
_BY_TYPE: Final[Mapping[str, Kind]] = {
    _OLLAMA + "model": Kind("weights", "model.gguf"),
    _OLLAMA + "adapter": Kind("adapter", "adapter.gguf"),
    _OLLAMA + "projector": Kind("projector", "projector.gguf"),
    _OLLAMA + "template": Kind("template", "template.gotmpl"),
    _OLLAMA + "prompt": Kind("template", "prompt.gotmpl"),
    _OLLAMA + "system": Kind("system", "system.prompt"),
    _OLLAMA + "params": Kind("parameters", "params.json"),
    _OLLAMA + "messages": Kind("messages", "messages.json"),
    _OLLAMA + "license": Kind("licence", "LICENSE"),
    _OLLAMA + "tensor": Kind("weights", "tensor.safetensors"),
    _OLLAMA + "json": Kind("config", "file.json"),
    "application/vnd.docker.ai.gguf.v3": Kind("weights", "model.gguf"),
    "application/vnd.docker.ai.gguf.v3.lora": Kind("adapter", "adapter.gguf"),
    "application/vnd.docker.ai.gguf.v3.mmproj": Kind("projector", "projector.gguf"),
    "application/vnd.docker.ai.mmproj": Kind("projector", "projector.gguf"),
    "application/vnd.docker.ai.safetensors": Kind("weights", "model.safetensors"),
    "application/vnd.docker.ai.license": Kind("licence", "LICENSE"),
    "application/vnd.docker.ai.chat.template.jinja": Kind("template", "chat_template.jinja"),
    "application/vnd.docker.ai.vllm.config.tar": Kind("config", "config.tar"),
}
_PATTERNS: Final[tuple[tuple[str, Role], ...]] = (
    (r"application/vnd\.cncf\.model\.weight\.config\.v\d", "config"),
    (r"application/vnd\.cncf\.model\.weight\.v\d", "weights"),
    (r"application/vnd\.cncf\.model\.doc\.v\d", "document"),
    (r"application/vnd\.cncf\.model\.code\.v\d", "code"),
    (r"application/vnd\.cncf\.model\.dataset\.v\d", "dataset"),
    (r"application/vnd\.kitops\.modelkit\.model(part)?\.v\d", "weights"),
    (r"application/vnd\.kitops\.modelkit\.docs\.v\d", "document"),
    (r"application/vnd\.kitops\.modelkit\.code\.v\d", "code"),
    (r"application/vnd\.kitops\.modelkit\.dataset\.v\d", "dataset"),
    (r"application/vnd\.(oci|docker)\.image\.(layer|rootfs)\.", "layer"),
)
_BY_PATTERN: Final = tuple((re.compile(pattern), role) for pattern, role in _PATTERNS)
_TITLES: Final = ("org.cncf.model.filepath", "org.opencontainers.image.title")
"""Annotations that say where a part belongs, the more specific first."""
_TAR: Final = re.compile(r"[.+]tar(?:[.+](gzip|gz|zstd|zst))?$|\.tar$")
_SUFFIX: Final = {None: ".tar", "gzip": ".tar.gz", "gz": ".tar.gz", "zstd": ".tar.zst",
                  "zst": ".tar.zst"}  # fmt: skip
_TAR_NAMES: Final = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")
_LONGEST: Final = 1024
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def kind_of(media_type: str) -> Kind:
    """What a part is for, by its media type; parameters behind `;` don't matter."""
    plain = media_type.partition(";")[0].strip().lower()
    known = _BY_TYPE.get(plain)
    if known is not None:
        return known
    role = next((role for pattern, role in _BY_PATTERN if pattern.match(plain)), None)
    return Kind(role or "other")


def suffix_of(media_type: str) -> str:
    """The extension of the archive that a part is, by its media type; empty for none."""
    found = _TAR.search(media_type.partition(";")[0].strip().lower())
    return _SUFFIX[found[1]] if found else ""


def is_encrypted(media_type: str) -> bool:
    """True for a part that is encrypted. Source: the project OCIcrypt, `+encrypted`."""
    return media_type.partition(";")[0].strip().lower().endswith("+encrypted")


def wished(descriptor: Mapping[str, Any]) -> str:
    """The name that a package asks for; empty when it asks for none."""
    stated = descriptor.get("annotations")
    annotations = stated if isinstance(stated, dict) else {}
    for title in _TITLES:
        value = annotations.get(title)
        if isinstance(value, str) and value:
            return value
    value = descriptor.get("name")  # Ollama's parts of a model in many files
    return value if isinstance(value, str) else ""


def inside(name: str) -> str:
    """A wished name as a path inside a folder; empty when it would lead out of it.

    Refused are absolute paths, drives, backslashes, `..`, control characters, and names longer than
    a file system would take.
    """
    if len(name) > _LONGEST or "\\" in name or name.startswith("/") or _DRIVE.match(name):
        return ""
    if not name.isprintable():
        return ""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    return "" if not parts or ".." in parts else "/".join(parts)


def archived(name: str, media_type: str) -> str:
    """The name of a part that is an archive, so that it shows what it is."""
    suffix = suffix_of(media_type)
    return name + suffix if suffix and not name.lower().endswith(_TAR_NAMES) else name
