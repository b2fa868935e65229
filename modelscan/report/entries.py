"""Files and gaps as other formats may hold them: well-formed digests, media types, words."""

from __future__ import annotations

import re

from modelscan.report.machine import text
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.result import FileEntry

_DIGITS = {
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "blake2b": 128,
    "blake3": 64,
}
"""Hexadecimal digits of a digest. A git object id is not among them: it is a hash of a header and
the bytes, and formats have slots of their own for it."""
MEDIA_TYPES = {
    "gguf": "application/octet-stream",
    "json": "application/json",
    "model card": "text/markdown",
    "pickle": "application/octet-stream",
    "python": "text/x-python",
    "pytorch": "application/zip",
    "safetensors": "application/octet-stream",
    "tar": "application/x-tar",
    "text": "text/plain",
    "zip": "application/zip",
}
"""By the format's name in reports. Weights formats have no registered type of their own."""
_GIT_DIGITS = 40
_HEX = re.compile(r"[0-9a-fA-F]+")


def well_formed(file: FileEntry) -> list[tuple[str, str]]:
    """Algorithm and digest, sorted by algorithm."""
    return [
        (algorithm, digest)
        for algorithm, digest in sorted(file.digests.items())
        if len(digest) == _DIGITS.get(algorithm) and _HEX.fullmatch(digest)
    ]


def git_blob(file: FileEntry) -> str:
    """The SHA-1 object id that git gives the bytes; empty when it was not computed."""
    digest = file.digests.get("git-blob", "")
    return digest if len(digest) == _GIT_DIGITS and _HEX.fullmatch(digest) else ""


def shortfall(gap: Coverage) -> str:
    """What became of a part, and why; inert."""
    return f"{gap.status}: {text(gap.reason)}" if gap.reason else gap.status
