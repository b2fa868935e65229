"""References to models: what a person types as TARGET."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Kind = Literal["path", "hub", "ollama", "oci", "url"]

_SCHEME = re.compile(r"(hf|ollama|oci|https?):", re.IGNORECASE)
_KINDS: dict[str, Kind] = {
    "hf": "hub", "ollama": "ollama", "oci": "oci", "http": "url", "https": "url",
}  # fmt: skip


class ModelRef(msgspec.Struct, frozen=True):
    """A parsed TARGET. A claim about where a model is, never evidence of what it is."""

    kind: Kind
    text: str
    """What the person typed."""

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Tell a reference with a scheme (`hf:`, `ollama:`, `oci:`, a URL) from a path.

        A path that looks like one can always be written `./hf:name`.
        """
        found = _SCHEME.match(text)
        return cls(_KINDS[found[1].lower()] if found else "path", text)
