"""What a person looks for, and whether a value is that.

Invariants: values are compared as a whole, never searched for in prose; a digest matches by all of
its digits, or by at least `SHORTEST` that were typed on purpose.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from modelscan.errors import UsageError
from modelscan.vocabulary.search import Wanted

SHORTEST: Final = 12
"""Digits of a digest that are too many to be a coincidence."""
_DIGEST: Final = re.compile(r"(?:sha256:|sha-256:)?([0-9a-f]{12,64})", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f]+")
_COMMIT: Final = 40
_SHA256: Final = 64
_NAME: Final = r"[\w.-]{1,96}"
_REPOSITORY: Final = re.compile(
    r"(?:hf://|hf:|pkg:huggingface/|https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)?"
    rf"(?P<id>{_NAME}/{_NAME}|(?<=[:/]){_NAME})"
    r"(?::[\w.-]+)?(?:@(?P<revision>[\w./-]+)|/(?:tree|resolve|blob"
    r"|raw)/(?P<view>[\w.-]+)(?:/.*)?)?"
    r"(?:[?#].*)?/?",
    re.ASCII,
)
_LONGEST: Final = 2_000
_KINDS: Final[dict[str, Wanted]] = {
    "sha256": "digest", "sha-256": "digest", "digest": "digest", "tensor": "digest",
    "commit": "commit", "repo": "repository", "signer": "signer", "text": "text",
}  # fmt: skip
"""Prefixes that say what something is."""


class Query(NamedTuple):
    """What is looked for."""

    text: str
    """As typed."""
    kind: Wanted
    value: str
    """In lower case, without a prefix."""
    revision: str = ""
    """For a repository: this revision of it alone."""

    @property
    def needle(self) -> bytes:
        """What stands in every document that has it, in lower case."""
        last = self.value.rpartition("/")[2] if self.kind == "repository" else self.value
        return last.encode(errors="replace")

    def matches(self, value: str) -> bool:
        """True for a value that is what is looked for."""
        if len(value) > _LONGEST:
            return False
        text = value.casefold()
        if self.kind == "digest":
            found = _DIGEST.fullmatch(text)
            return found is not None and found[1].startswith(self.value)
        if self.kind == "commit":
            return self.value in re.split(r"[@?#/]", text)
        if self.kind == "repository":
            return self._is_repository(value)
        return text == self.value

    def _is_repository(self, value: str) -> bool:
        name = repository(unquote(value) if value.startswith("pkg:") else value)
        if name is None or name[0] != self.value:
            return False
        return self.revision in ("", name[1])


def repository(text: str) -> tuple[str, str] | None:
    """Name and revision of a repository, in lower case; `None` for anything else."""
    found = _REPOSITORY.fullmatch(text)
    if found is None:
        return None
    return found["id"].casefold(), (found["revision"] or found["view"] or "").casefold()


def parse(text: str) -> Query:
    """Take what a person typed for what it is.

    64 hexadecimal digits are a digest, 40 a commit (or a Git object), 12 or more the beginning of
    a digest; `org/name`, a reference, a purl and an address of the hub are a repository; anything
    else is the name of a signer. A prefix leaves no doubt: `sha256:`, `commit:`, `repo:`,
    `signer:`, `tensor:`.

    Raises:
        UsageError: it is empty, too long, or too short to mean anything.
    """
    stripped = text.strip()
    if not stripped or len(stripped) > _LONGEST:
        raise UsageError("there is nothing to find", "name a digest, a commit, a model or a signer")
    prefix, colon, rest = stripped.partition(":")
    kind = _KINDS.get(prefix.casefold()) if colon else None
    value = (rest if kind else stripped).strip().casefold()
    if kind is None:
        kind = _guess(stripped)
    if kind in {"digest", "commit"}:
        value = value.removeprefix("sha256:")
        longest = _SHA256 if kind == "digest" else _COMMIT
        if not _HEX.fullmatch(value) or not SHORTEST <= len(value) <= longest:
            raise UsageError(
                f"{stripped!r} is no {kind}",
                f"a {kind} has {longest} hexadecimal digits; the first {SHORTEST} will do",
            )
        if kind == "commit" and len(value) < _COMMIT:
            raise UsageError(f"{stripped!r} is no commit", "name all 40 digits")
        return Query(stripped, kind, value)
    if kind == "repository":
        name = repository(rest.strip() if prefix.casefold() == "repo" else unquote(stripped))
        if name is None:
            raise UsageError(f"{stripped!r} is no repository", "write it as org/name")
        return Query(stripped, kind, *name)
    return Query(stripped, kind, value)


def _guess(text: str) -> Wanted:
    if _HEX.fullmatch(text.casefold()):
        return "commit" if len(text) == _COMMIT else "digest"
    if "://" not in text and "@" in text.partition("/")[0]:
        return "signer"  # an address of mail
    found = repository(unquote(text))
    return "repository" if found is not None else "signer"
