"""Requirement files: models that are installed as packages, and wheels fetched from the hub.

Source: spaCy, "Models & Languages": `https://github.com/explosion/spacy-models/releases/download/
<name>-<version>/<name>-<version>-py3-none-any.whl`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.discovery.finder import CodeFile
from modelscan.discovery.mention import Mention
from modelscan.discovery.shelltext import address_mentions
from modelscan.vocabulary.coverage import Coverage

_NAME: Final = re.compile(
    r"(?:.*[_.-])?(?:requirements|constraints)(?:[_.-].*)?\.(?:txt|in)|environment\.txt"
)
_SPACY: Final = re.compile(
    r"https://github\.com/explosion/spacy-models/releases/download/(?P<name>\w+)-(?P<version>[\w.]+)/"
)
_DIGEST: Final = re.compile(r"sha256[=:](?P<digest>[0-9a-f]{64})")


class RequirementsFinder:
    """Requirement files of pip."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        return "requirements" if _NAME.fullmatch(file.lower) else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if b"://" not in file.data:
            return
        for number, row in enumerate(file.text.split("\n"), start=1):
            found = _SPACY.search(row.partition(" #")[0])
            if found and not row.lstrip().startswith("#"):
                digest = _DIGEST.search(row)
                options = {"checksum": f"sha256:{digest['digest']}"} if digest else {}
                version = found["version"]
                yield Mention(found["name"], number, "spacy", revision=version, options=options)
        yield from address_mentions(re.sub(r"(?m)^\s*#.*$", "", file.text))
