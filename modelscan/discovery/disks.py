"""Models on a disk: files of weights, wherever they lie, also inside archives, wheels and images.

Invariants: a file counts by its bytes, or by an extension that stands for nothing else; equal bytes
are one entry with all their places; nothing of an archive is written out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.discovery import stores, weights
from modelscan.discovery.walking import Found, Tree
from modelscan.errors import BudgetError, ReadError
from modelscan.fetcher.local import LocalFile
from modelscan.formats import sniff
from modelscan.formats.compressed import CompressedReader
from modelscan.formats.ggml import GgmlReader
from modelscan.formats.gguf.reader import GgufReader
from modelscan.formats.lfs import LfsReader
from modelscan.formats.llamafile import LlamafileReader
from modelscan.formats.pickle.probe import looks_like_pickle
from modelscan.formats.reader import Glimpse, Reader
from modelscan.formats.safetensors import SafetensorsReader
from modelscan.formats.tar import TarReader
from modelscan.formats.torch import TorchReader
from modelscan.formats.zip import ZipReader
from modelscan.vocabulary.artifact import Artifact, base_name, stream
from modelscan.vocabulary.coverage import Coverage, Status
from modelscan.vocabulary.fact import Fact
from modelscan.vocabulary.location import MEMBER_SEPARATOR
from modelscan.vocabulary.reference import ModelFile

_READERS: Final[tuple[Reader, ...]] = (
    LfsReader(),
    SafetensorsReader(),
    GgufReader(),
    GgmlReader(),
    TorchReader(),
    LlamafileReader(),
)
"""What is recognised by its bytes, the strictest first."""
_BY_BYTES: Final = frozenset({"safetensors", "gguf", "ggml"})
"""Formats that are believed in a file without an extension, such as a blob of a cache."""
_MAGIC: Final = ((0, b"\x89HDF\r\n\x1a\n", "hdf5"), (4, b"TFL3", "tflite"))
_PICKLED: Final = frozenset({".pkl", ".pickle", ".joblib", ".dill"})
_CONTAINERS: Final[tuple[Reader, ...]] = (ZipReader(), TarReader(), CompressedReader())
_ARCHIVES: Final = frozenset(
    {".zip", ".whl", ".jar", ".tar", ".tgz", ".gz", ".egg", ".bz2", ".xz", ".war", ".apk", ".ear",
     ".tbz2", ".txz"}
)  # fmt: skip
_TENSORFLOW: Final = frozenset({"saved_model.pb", "frozen_inference_graph.pb", "frozen_graph.pb"})
_BLOBS: Final = "/blobs/"


def is_candidate(path: str) -> bool:
    """True for a file that may be a model, or an archive with one in it, by its name."""
    extension = weights.extension(path)
    return extension in weights.ANY or extension in _ARCHIVES or "." not in path.rpartition("/")[2]


def models(tree: Tree, hash_limit: int | None) -> Iterator[ModelFile | Coverage]:
    """Every model file below a path, each place by itself.

    Args:
        tree: what lies below the path.
        hash_limit: files of more bytes are listed without a digest; `None` hashes all.
    """
    claimed: dict[str, str] = {}
    for each in stores.ollama(tree):
        if isinstance(each, Coverage):
            yield each
        else:
            claimed.setdefault(each.path, each.ref)
    shown: set[str] = set()
    candidates = [file for file in tree.files if file.path in claimed or is_candidate(file.path)]
    for file in sorted(candidates, key=lambda each: (_BLOBS in f"/{each.path}", each.path)):
        if file.real in shown and _BLOBS in f"/{file.path}":
            continue  # a blob of the hub's cache, listed by the names that link to it
        shown.add(file.real)
        yield from _file(tree, file, claimed.get(file.path), hash_limit)


def _file(
    tree: Tree, file: Found, ref: str | None, hash_limit: int | None
) -> Iterator[ModelFile | Coverage]:
    ref = ref or stores.claim(f"{tree.root.as_posix()}/{file.path}")
    budget = Budget()
    try:
        with LocalFile(file.path, file.real, file.size).open() as artifact:
            yield from _artifact(artifact, ref, hash_limit, budget)
    except BudgetError as error:
        yield _gap(file.path, None, "truncated", error.message)
    except ReadError as error:
        yield _gap(file.path, None, "unreadable", error.message)


def _artifact(
    artifact: Artifact, ref: str | None, hash_limit: int | None, budget: Budget
) -> Iterator[ModelFile | Coverage]:
    """A file or a member: a model, or an archive that may hold some."""
    budget.depth(artifact.depth)
    glimpse = Glimpse(artifact)
    form = _format(glimpse)
    if form is not None:
        hashed = form != sniff.PLACEHOLDER and (hash_limit is None or artifact.size <= hash_limit)
        path = artifact.name
        if artifact.member is not None:
            path += MEMBER_SEPARATOR + artifact.member
        digest = f"sha256:{_digest(artifact)}" if hashed else None
        yield ModelFile(path=path, format=form, size=artifact.size, digest=digest, ref=ref)
        return
    inside = artifact.depth > 0 and not glimpse.extension
    if glimpse.extension not in _ARCHIVES and not inside:
        return
    for reader in _CONTAINERS:
        if reader.recognises(glimpse):
            yield from _members(reader, artifact, ref, hash_limit, budget)
            return


def _members(
    reader: Reader, artifact: Artifact, ref: str | None, hash_limit: int | None, budget: Budget
) -> Iterator[ModelFile | Coverage]:
    try:
        for item in reader.read(artifact, budget):
            if isinstance(item, Coverage):
                if item.needed:
                    yield item
            elif not isinstance(item, Fact) and is_candidate(base_name(item)):
                try:
                    yield from _artifact(item, ref, hash_limit, budget)
                except BudgetError:
                    raise
                except ReadError as error:
                    yield _gap(item.name, item.member, "unreadable", error.message)
    except BudgetError as error:
        yield _gap(artifact.name, artifact.member, "truncated", error.message)
    except ReadError as error:
        yield _gap(artifact.name, artifact.member, "unreadable", error.message)


def _format(glimpse: Glimpse) -> str | None:
    """The format of a model file; `None` for anything else."""
    extension = glimpse.extension
    if extension in _ARCHIVES:
        return None
    if not extension:
        strict = (reader for reader in _READERS if reader.format in _BY_BYTES)
        return next((reader.format for reader in strict if reader.recognises(glimpse)), None)
    if extension not in weights.ANY:
        return None
    for reader in _READERS:
        if reader.recognises(glimpse):
            return reader.format
    if looks_like_pickle(glimpse.head, glimpse.size, tail=lambda: glimpse.tail):
        return "pickle"
    found = next((name for at, magic, name in _MAGIC if glimpse.head.startswith(magic, at)), None)
    if found is None and glimpse.name.lower() in _TENSORFLOW:
        found = "tensorflow graph"
    if found is None and extension in _PICKLED and CompressedReader().recognises(glimpse):
        found = "compressed pickle"
    if found is None and extension in weights.CERTAIN and not _is_text(glimpse.head):
        found = extension[1:]
    return found


def _is_text(head: bytes) -> bool:
    """True for bytes that are words, whatever the extension says: `messages.pt`."""
    if b"\0" in head:
        return False
    try:
        head[:1024].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > 1000  # noqa: PLR2004  # a character cut in two at the end
    return True


def _digest(artifact: Artifact) -> str:
    digest = hashlib.sha256()
    for chunk in stream(artifact):
        digest.update(chunk)
    return digest.hexdigest()


def _gap(file: str, member: str | None, status: Status, reason: str) -> Coverage:
    return Coverage(file=file, member=member, status=status, needed=True, reason=reason)
