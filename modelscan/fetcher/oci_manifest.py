"""Manifests of packaged models: OCI, Docker and Ollama list their parts in the same way.

Invariants: a manifest is data of the other side, so its size, the number of its parts and the depth
of its JSON are bounded; a part is known by its digest alone; every entry that cannot be followed is
stated and is a needed gap.

Source: OCI image specification 1.1, "Image Manifest", "Image Index", "Content Descriptors".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from modelscan.errors import SourceError
from modelscan.fetcher import oci_names
from modelscan.fetcher.oci_names import Role
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, SourceDefect, SourceDigest, SourcePart
from modelscan.vocabulary.location import Location

MANIFEST: Final = "package.manifest.json"
"""The name that a package's own manifest goes by here."""
INNER: Final = "image.package.manifest.json"
"""The name of the only manifest of an index."""
LARGEST: Final = 4 << 20
"""Bytes of a manifest or an index: what registries have to accept at least, and take at most."""
MOST_PARTS: Final = 20_000
_MOST_PLATFORMS: Final = 32
_DIGEST: Final = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_EMPTY: Final = "application/vnd.oci.empty.v1+json"
_SHORT: Final = 12
"""Hexadecimal digits of a digest inside a name."""


class Part(NamedTuple):
    """One part of a package."""

    name: str
    """Path inside the model, safe and without a second one like it."""
    role: Role
    media_type: str
    digest: str
    """`sha256:` or `sha512:` and hexadecimal digits."""
    size: int


class Package(NamedTuple):
    """What a manifest says."""

    parts: tuple[Part, ...]
    facts: tuple[Fact, ...]
    coverage: tuple[Coverage, ...]


class Child(NamedTuple):
    """A manifest that an index names."""

    digest: str
    prefix: str
    """Folder for the parts of its platform, `linux-arm64/`; empty when there is only one."""


def parse(data: bytes) -> dict[str, Any]:
    """A manifest or an index as a table.

    Raises:
        SourceError: it is too large or not JSON.
    """
    if len(data) > LARGEST:
        raise SourceError(f"a manifest of more than {LARGEST:,} bytes", "no registry takes that")
    try:
        root = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SourceError(f"not a manifest: {error}") from None
    if not isinstance(root, dict):
        raise SourceError("not a manifest: no JSON object")
    return root


def is_index(root: Mapping[str, Any]) -> bool:
    """True for a list of manifests."""
    return isinstance(root.get("manifests"), list) and "layers" not in root


def children(root: Mapping[str, Any]) -> list[Child]:
    """The manifests of an index, one for each platform. Those of attestations are left out.

    Raises:
        SourceError: there is none, or there are too many.
    """
    listed = [entry for entry in root["manifests"] if isinstance(entry, dict)]
    found: dict[str, Child] = {}
    for entry in listed:
        digest = entry.get("digest")
        platform = _platform(entry)
        if platform == "unknown-unknown" or not isinstance(digest, str) or not is_digest(digest):
            continue
        found.setdefault(digest, Child(digest, platform))
    if not found:
        raise SourceError("an index that names no manifest", "check the reference")
    if len(found) > _MOST_PLATFORMS:
        raise SourceError(
            f"an index of {len(found)} manifests", "name one of them by its digest, @sha256:…"
        )
    if len(found) == 1:
        return [child._replace(prefix="") for child in found.values()]
    platforms = Counter(child.prefix for child in found.values())
    return [child._replace(prefix=_folder(child, platforms)) for child in found.values()]


def _folder(child: Child, platforms: Mapping[str, int]) -> str:
    """The folder of a platform; of two that say the same, each has its digest in its name."""
    digits = child.digest.partition(":")[2][:_SHORT]
    if not child.prefix or platforms[child.prefix] > 1:
        return f"{child.prefix}-{digits}/".lstrip("-")
    return child.prefix + "/"


def is_digest(text: str) -> bool:
    """True for a digest that can be compared with bytes."""
    return _DIGEST.fullmatch(text) is not None


def _platform(entry: Mapping[str, Any]) -> str:
    platform = entry.get("platform")
    if not isinstance(platform, dict):
        return ""
    words = [platform.get(key) for key in ("os", "architecture", "variant")]
    text = "-".join(word for word in words if isinstance(word, str) and word)
    return text if re.fullmatch(r"[\w.-]{1,64}", text) else ""


def read(root: Mapping[str, Any], prefix: str = "") -> Package:
    """The parts that a manifest lists.

    Args:
        root: from `parse`, of a manifest that is no index.
        prefix: folder that the parts are put into.

    Raises:
        SourceError: it lists too many, or it is no manifest of parts.
    """
    layers = root.get("layers")
    if not isinstance(layers, list):
        version = root.get("schemaVersion")
        raise SourceError(
            f"a manifest without layers (schema version {version!r})",
            "this version reads OCI, Docker (version 2) and Ollama manifests",
        )
    if len(layers) > MOST_PARTS:
        raise SourceError(f"a manifest of {len(layers):,} parts")
    listing = _Listing(prefix)
    config = root.get("config")
    if isinstance(config, dict) and config.get("mediaType") != _EMPTY:
        listing.add(config, "config", "package.config.json")
    for layer in layers:
        if isinstance(layer, dict):
            kind = oci_names.kind_of(str(layer.get("mediaType") or ""))
            listing.add(layer, kind.role, kind.name)
        else:
            listing.malformed("an entry that is no object")
    return listing.package()


class _Listing:
    """Collects parts and gives each a name of its own."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._parts: dict[str, Part] = {}
        self._taken = {MANIFEST, INNER}
        self._numbers: dict[str, int] = {}
        self._facts: list[Fact] = []
        self._coverage: list[Coverage] = []

    def add(self, descriptor: Mapping[str, Any], role: Role, usual: str) -> None:
        media_type = str(descriptor.get("mediaType") or "")[:256]
        digest, size = descriptor.get("digest"), descriptor.get("size")
        if not isinstance(digest, str) or not is_digest(digest):
            self.malformed(f"the digest {str(digest)[:80]!r}")
            return
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            self.malformed(f"the size {str(size)[:80]!r} of {digest[: 7 + _SHORT]}")
            return
        wish = oci_names.wished(descriptor)
        name = oci_names.inside(wish)
        if wish and not name:
            self._facts.append(
                SourceDefect(
                    status="declared", kind="name-escapes", value=wish[:512], detail=digest
                )
            )
            name = f"parts/{digest.partition(':')[2][:_SHORT]}"
        name = oci_names.archived(name or self._usual(role, usual), media_type)
        same = self._parts.get(name)
        if same is not None and same.digest == digest:
            return
        if name.casefold() in self._taken:
            if wish:
                self._facts.append(
                    SourceDefect(status="declared", kind="name-repeated", value=name, detail=digest)
                )
            name = f"parts/{digest.partition(':')[2][:_SHORT]}/{name}"
        if oci_names.is_encrypted(media_type):
            self._coverage.append(
                Coverage(
                    file=self._prefix + name, status="encrypted", needed=True,
                    reason="a part that only who has the key can read",
                )
            )  # fmt: skip
            return
        self._taken.add(name.casefold())
        self._parts[name] = Part(self._prefix + name, role, media_type, digest, size)

    def malformed(self, what: str) -> None:
        """An entry that cannot be followed."""
        self._facts.append(SourceDefect(kind="part-malformed", value=what))
        reason = f"the manifest has {what}, which leads to no part"
        self._coverage.append(
            Coverage(file=MANIFEST, status="unreadable", needed=True, reason=reason)
        )

    def _usual(self, role: str, usual: str) -> str:
        """The usual name, numbered from the second one on: `model-2.gguf`."""
        stem, dot, extension = (usual or role).partition(".")
        number = self._numbers[stem] = self._numbers.get(stem, 0) + 1
        return stem + (f"-{number}" if number > 1 or not usual else "") + dot + extension

    def package(self) -> Package:
        """All of it, with what the manifest states of each part."""
        parts = tuple(self._parts.values())
        return Package(
            parts, (*self._facts, *(fact for part in parts for fact in stated(part))),
            tuple(self._coverage),
        )  # fmt: skip


def stated(part: Part) -> Iterator[Fact]:
    """What a manifest states of one part."""
    where = Location(part.name)
    yield SourcePart(
        location=where,
        status="declared",
        role=part.role,
        media_type=part.media_type,
        digest=part.digest,
        size=part.size,
    )
    algorithm, _, digits = part.digest.partition(":")
    yield SourceDigest(
        location=where,
        status="declared",
        algorithm="sha512" if algorithm == "sha512" else "sha256",
        expected=digits,
        stated_by="manifest",
        size=part.size,
    )


def missing(part: Part, reason: str) -> tuple[Fact, Coverage]:
    """A part that the manifest lists and that is not there."""
    where = Location(part.name)
    return (
        SourceDefect(location=where, kind="part-missing", value=part.digest, detail=reason),
        Coverage(file=part.name, status="unreadable", needed=True, reason=reason),
    )


def unique(packages: Sequence[Package]) -> Package:
    """Several packages as one: a part that several platforms share is there once."""
    if len(packages) == 1:
        return packages[0]
    seen: set[str] = set()
    kept: set[str] = set()
    parts = []
    for part in (part for package in packages for part in package.parts):
        if part.digest not in seen:
            seen.add(part.digest)
            kept.add(part.name)
            parts.append(part)
    facts = tuple(
        fact
        for package in packages
        for fact in package.facts
        if not fact.location.file or fact.location.file in kept
    )
    return Package(tuple(parts), facts, tuple(gap for each in packages for gap in each.coverage))
