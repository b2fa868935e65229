"""What a signer states of a model: an in-toto statement with a list of files and their digests.

Sources: OpenSSF Model Signing specification v1.0, sections 5 to 7; in-toto Statement v1.

Invariants of a parsed statement: names are plain relative paths, none occurs twice, and none could
fall together with another on a file system that ignores case or Unicode form; shards tile their
file from its first byte without gaps; the root digest is that of the listed digests. The root
digest does not cover the names, so it is checked and never used as an identity.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from modelscan.verifier.oms.failures import BrokenSignatureError
from modelscan.verifier.oms.shape import document, items, table, text
from modelscan.verifier.release import DIGITS, unsafe_path

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
ALGORITHMS = {
    "sha256": "sha256", "blake2b": "blake2b", "blake2": "blake2b", "blake3": "blake3",
}  # fmt: skip
"""Names of algorithms in statements, and ours."""
SIGNED = "modelassay.signed"
"""The subject's annotation in which `writing` states the time of signing. It is the signer's word,
and nobody can change it afterwards: enough to tell an older release of theirs from a newer one."""
WHOLE = "."
"""The name that the reference implementation gives a model of one file."""

_SERIALIZATION = ("method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths")
_SHARD = re.compile(r"(.+):(0|[1-9]\d{0,18}):([1-9]\d{0,18})", re.DOTALL)
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_LARGEST = 1 << 63


class Listed(NamedTuple):
    """One file of a statement."""

    digests: tuple[str, ...]
    """Hexadecimal: of the file, or of each of its shards in order."""
    ends: tuple[int, ...] = ()
    """Offset behind each shard, in bytes; empty when the file is hashed as a whole."""


class Statement(NamedTuple):
    """A statement that is sound in itself."""

    subject: str
    """The name that the signer gave the model. Informational."""
    algorithm: str
    """Of all its digests."""
    files: Mapping[str, Listed]
    """By path relative to the signed folder."""
    ignored: tuple[str, ...]
    """Paths that the signer left out."""
    sharded: bool
    signed: str = ""
    """When, as the signer says, UTC; empty when they do not."""

    @property
    def identity(self) -> str:
        """What is stated, names included, however it is written down: `sha256:` and hexadecimal."""
        listed = [
            (name, *map(list, self.files[name]))  # offsets tell shards from each other
            for name in sorted(self.files)
        ]
        text = json.dumps([self.algorithm, listed], separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def ignores(self, path: str) -> bool:
        """True for a path that the signer left out, or that lies below one."""
        return any(path == left or path.startswith(left + "/") for left in self.ignored)


def predicate_type(payload: bytes) -> str:
    """The kind of statement in a payload.

    Raises:
        BrokenSignatureError: it is no in-toto statement.
    """
    return text(_statement(payload).get("predicateType"), "predicateType")


def parse_statement(payload: bytes) -> Statement:
    """Read the statement of a model's signature.

    Raises:
        BrokenSignatureError: it is none, or breaks an invariant.
    """
    root = _statement(payload)
    if root.get("predicateType") != PREDICATE_TYPE:
        raise BrokenSignatureError(f"a statement of another type: {root.get('predicateType')!r}")
    (only,) = items(root.get("subject"), "subject", least=1, most=1)
    subject = table(only, "subject")
    predicate = table(root.get("predicate"), "predicate", ("resources", "serialization"))
    serialization = table(predicate.get("serialization"), "serialization", _SERIALIZATION)
    algorithm = ALGORITHMS.get(text(serialization.get("hash_type"), "hash_type"))
    if algorithm is None:
        raise BrokenSignatureError(f"an unknown algorithm {serialization['hash_type']!r}")
    shard = _shard_size(serialization)
    named = {algorithm, f"{algorithm}-sharded-{shard}"} if shard else {algorithm}
    resources = list(
        _resources(items(predicate.get("resources"), "resources", least=1), named, algorithm)
    )
    _check_root(subject, [digest for _, digest in resources])
    files = _shards(resources, shard) if shard else _files(resources)
    _check_names(files)
    ignored = items(serialization.get("ignore_paths", []), "ignore_paths")
    return Statement(
        subject=text(subject.get("name"), "the subject's name"),
        algorithm=algorithm,
        files=files,
        ignored=tuple(text(path, "ignore_paths").rstrip("/") for path in ignored),
        sharded=shard > 0,
        signed=_signed(subject),
    )


def stamp(moment: datetime) -> str:
    """A time as statements and reports write it: UTC, so that texts sort as times do."""
    utc = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return utc.isoformat() + "Z"  # unlike strftime, it writes every year with four digits


def _statement(payload: bytes) -> dict[str, Any]:
    root = document(payload, "the statement")
    table(root, "the statement", ("_type", "subject", "predicateType", "predicate"))
    if root.get("_type") != STATEMENT_TYPE:
        raise BrokenSignatureError("not an in-toto statement, version 1")
    return root


def _signed(subject: dict[str, Any]) -> str:
    """When the signer says that they signed."""
    annotations = subject.get("annotations", {})
    said = annotations.get(SIGNED) if isinstance(annotations, dict) else None
    if said is None:
        return ""
    try:
        moment = datetime.strptime(text(said, SIGNED), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise BrokenSignatureError(f"{SIGNED} is no time: {said!r}") from None
    try:
        return stamp(moment)
    except OverflowError:  # the first or last day that there is, in another zone
        raise BrokenSignatureError(f"{SIGNED} is no time: {said!r}") from None


def _shard_size(serialization: dict[str, Any]) -> int:
    """Bytes in a shard; 0 when files are hashed as wholes."""
    method, size = serialization.get("method"), serialization.get("shard_size")
    if method == "files":
        if size is not None:
            raise BrokenSignatureError("a shard size, although files are hashed as wholes")
        return 0
    if method != "shards":
        raise BrokenSignatureError(f"an unknown serialization {method!r}")
    # Signers pass numbers through protobuf's Struct, which turns 1000 into 1000.0.
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size < _LARGEST:
        raise BrokenSignatureError("no size of shards")
    if size != int(size):
        raise BrokenSignatureError("a size of shards that is no whole number")
    return int(size)


def _resources(listed: Iterable[Any], named: set[str], algorithm: str) -> Iterable[tuple[str, str]]:
    """Name and digest of each resource, in the order in which the root digest covers them."""
    digits = DIGITS[algorithm]
    for item in listed:
        resource = table(item, "a resource")
        name = text(resource.get("name"), "a resource's name")
        stated = text(resource.get("algorithm"), f"the algorithm of {name!r}")
        if ALGORITHMS.get(stated, stated) not in named:
            raise BrokenSignatureError(f"{name!r} has a digest of another algorithm")
        digest = text(resource.get("digest"), f"the digest of {name!r}")
        if len(digest) != digits or not _HEXADECIMAL.fullmatch(digest):
            raise BrokenSignatureError(f"the digest of {name!r} is not {digits} hexadecimal digits")
        yield name, digest


def _check_root(subject: dict[str, Any], digests: Iterable[str]) -> None:
    stated = table(subject.get("digest"), "the subject's digest").get("sha256")
    root = hashlib.sha256()
    for digest in digests:
        root.update(bytes.fromhex(digest))
    if stated != root.hexdigest():
        raise BrokenSignatureError("the root digest is not that of the listed digests")


def _files(resources: Iterable[tuple[str, str]]) -> dict[str, Listed]:
    files: dict[str, Listed] = {}
    for name, digest in resources:
        if name in files:
            raise BrokenSignatureError(f"{name!r} is listed twice")
        files[name] = Listed((digest,))
    return files


def _shards(resources: Iterable[tuple[str, str]], size: int) -> dict[str, Listed]:
    """The files that shards make up, each hashed from its first byte to its last."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for name, digest in resources:
        parts = _SHARD.fullmatch(name)
        if parts is None:
            raise BrokenSignatureError(f"{name!r} is not the name of a shard")
        found.setdefault(parts[1], []).append((int(parts[2]), int(parts[3]), digest))
    files: dict[str, Listed] = {}
    for name, shards in found.items():
        shards.sort()
        reached = 0
        for start, end, _ in shards:
            if start != reached or start % size or not 0 < end - start <= size:
                raise BrokenSignatureError(f"the shards of {name!r} leave gaps or overlap")
            reached = end
        files[name] = Listed(
            tuple(digest for _, _, digest in shards), tuple(end for _, end, _ in shards)
        )
    return files


def _check_names(files: Iterable[str]) -> None:
    folded: dict[str, str] = {}
    for name in files:
        problem = "" if name == WHOLE else unsafe_path(name)
        if problem:
            raise BrokenSignatureError(f"{name!r} is listed: {problem}")
        other = folded.setdefault(folded_name(name), name)
        if other != name:
            raise BrokenSignatureError(
                f"{other!r} and {name!r} are one name to file systems that ignore case"
            )


def folded_name(name: str) -> str:
    """What a name is to a file system that ignores case and Unicode form."""
    return unicodedata.normalize("NFC", name).casefold()
