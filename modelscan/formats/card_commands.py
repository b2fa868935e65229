"""Commands that a text for people gives them to copy: the model card, and what is called like one.

Nothing runs a card, so what stands there is a warning and never more. Every model brings a card:
nothing is imported here before a word stands in it that such commands have.

Source: MITRE ATT&CK T1204.004 (malicious copy and paste); HiddenLayer on a repository whose card
sent people to a start script (2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.formats.words import Words
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_WORDS: Final = Words((
    b"curl ", b"wget ", b"iwr ", b"irm ", b"iex", b"powershell", b"/dev/tcp", b"base64 ",
    b"mshta", b"bash -i", b"rm -", b"stratum", b"mppreference", b"xattr",
))  # fmt: skip
"""One of these is in every command that is worth a word."""
_NAMES: Final = frozenset({"readme.txt", "readme", "install.txt", "howto.txt", "read_me.txt"})
_LONGEST: Final = 256 << 10


class CardCommandsReader:
    """Markdown, and a few texts by their names."""

    format = "text"
    aside = True

    def recognises(self, glimpse: Glimpse) -> bool:
        """By name; bytes that are no text are left to others."""
        named = glimpse.extension == ".md" or glimpse.name.lower() in _NAMES
        return named and b"\0" not in glimpse.head

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """State each command that attacks whoever copies it."""
        data = artifact.read_at(0, min(artifact.size, _LONGEST))
        lowered = data.lower()
        if _WORDS.found(lowered):
            from modelscan.formats import scripts  # lazy: few cards hold such a word

            yield from scripts.stated(scripts.decoded(data), "card", artifact, budget)
