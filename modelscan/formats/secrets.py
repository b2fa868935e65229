"""Credentials that were left in a repository, by shapes that nothing else has.

Invariants: what was found is never stated, only whose it would be and in which line; a shape with a
checksum is tested by it; words beside a value ("password =") are no shape, and are not looked at.

Sources: the documented token formats of the services; GitHub, "Behind GitHub's new authentication
token formats" (2021), for the checksum: CRC-32 of the random part, in six digits of base 62.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.formats.words import Words
from modelscan.vocabulary.artifact import Artifact, place
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositorySecret

_LARGEST: Final = 1 << 20
"""Larger documents are vocabularies and indexes."""
_MOST: Final = 20
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VARIED: Final = 10
"""Different characters that a random token has at least; examples in documentation have fewer."""


def _checked(token: bytes) -> bool:
    """True when the last six characters are the checksum of those between prefix and them."""
    body = token.rpartition(b"_")[2]
    value, digits = zlib.crc32(body[:-6]), ""
    while value:
        value, digit = divmod(value, 62)
        digits = _DIGITS[digit] + digits
    return body[-6:] == digits.rjust(6, "0").encode()


def _random(token: bytes) -> bool:
    """True unless it is plainly an example."""
    return len(set(token)) >= _VARIED and b"EXAMPLE" not in token.upper()


class _Shape(NamedTuple):
    kind: str
    mark: bytes
    """Bytes that are in every such token: a quick search for them comes first."""
    pattern: bytes
    """Compiled when it is first needed: hardly a file has a mark."""
    holds: Callable[[bytes], bool]


_SHAPES: Final = tuple(
    _Shape(kind, mark, rb"(?<![\w-])" + pattern + rb"(?![\w-])", holds)
    for kind, mark, pattern, holds in (
        ("hugging face token", b"hf_", rb"hf_[A-Za-z]{34}", _random),
        *(
            ("github token", mark, mark + rb"[A-Za-z0-9]{36}", _checked)
            for mark in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
        ),
        ("github token", b"github_pat_", rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", _random),
        ("npm token", b"npm_", rb"npm_[A-Za-z0-9]{36}", _checked),
        ("aws access key", b"AKIA", rb"AKIA[A-Z2-7]{16}", _random),
        ("google key", b"AIza", rb"AIza[\w-]{35}", _random),
        ("openai key", b"T3BlbkFJ", rb"sk-[\w-]{16,90}T3BlbkFJ[\w-]{16,90}", _random),
        ("anthropic key", b"sk-ant-", rb"sk-ant-(?:api|admin)\d\d-[\w-]{80,110}", _random),
        ("slack token", b"xox", rb"xox[abprs]-\d{8,14}-\d{8,14}-[A-Za-z0-9-]{20,80}", _random),
        ("gitlab token", b"glpat-", rb"glpat-[\w-]{20}", _random),
        ("package index token", b"pypi-AgE", rb"pypi-AgE[\w-]{80,250}", _random),
    )
)
_GITHUB: Final = b"gh"
"""What five marks begin with: they are looked for together."""
_KEY: Final = re.compile(
    rb"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----[\r\n\\nA-Za-z0-9+/=]{200}"
)
_KEY_MARK: Final = b"PRIVATE KEY-----"
_MARKS: Final = Words(
    {_KEY_MARK, *(_GITHUB if s.mark.startswith(_GITHUB) else s.mark for s in _SHAPES)}
)


class SecretReader:
    """Text files that people write by hand."""

    format = "text"
    aside = True
    """Other readers say what the file is, and that it was read."""

    extensions = frozenset(
        {".bash", ".bat", ".cfg", ".conf", ".env", ".in", ".ini", ".ipynb", ".json", ".pem", ".ps1",
         ".py", ".sh", ".toml", ".yaml", ".yml"}
    )  # fmt: skip

    def recognises(self, glimpse: Glimpse) -> bool:
        """By extension, and only what is small enough to have been written by somebody."""
        return glimpse.size <= _LARGEST and glimpse.extension in self.extensions

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State whose credentials are in the file, and where."""
        data = artifact.read_at(0, artifact.size)
        marks = _MARKS.found(data)
        for kind, at in islice(_found(data), _MOST) if marks else ():
            budget.fact()
            line = data.count(b"\n", 0, at) + 1
            yield RepositorySecret(location=place(artifact, line=line), kind=kind)


def _found(data: bytes) -> Iterator[tuple[str, int]]:
    for kind, mark, pattern, holds in _SHAPES:
        if mark in data:
            for token in re.finditer(pattern, data):
                if holds(token[0]):
                    yield kind, token.start()
    if _KEY_MARK in data:
        for key in _KEY.finditer(data):
            yield "private key", key.start()
