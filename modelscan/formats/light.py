"""Readers for remote files, of which only some parts are fetched.

Two things differ from a local file. A zip is read without the storages of a torch checkpoint. And a
file that begins with a header which accounts for all its bytes is not asked for its end as well,
where a second archive might hang on: that end is tensor payload, which is stated as not read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from modelscan.formats.candidates import Candidates
from modelscan.formats.sniff import AROUND_ZIP
from modelscan.formats.zip_light import LightZipReader
from modelscan.vocabulary.artifact import Artifact

_BY_END = frozenset({"zip", "llamafile", AROUND_ZIP})
"""Formats that are told by the end of a file."""
_BRACE_AT, _GGUF = 8, b"GGUF"


class LightReaders(NamedTuple):
    """The table of readers, twice."""

    usual: Candidates
    headers: Candidates
    """For a file that begins with a header which accounts for all of it."""

    def choose(self, artifact: Artifact) -> Candidates:
        """The readers to ask about a file.

        Raises:
            ReadError: its beginning cannot be fetched.
        """
        head = artifact.read_at(0, _BRACE_AT + 2)
        safetensors = artifact.name.endswith(".safetensors") and head[_BRACE_AT:] == b'{"'
        return self.headers if safetensors or head.startswith(_GGUF) else self.usual


@lru_cache(maxsize=4)
def light_readers(readers: Candidates) -> LightReaders:
    """The readers for remote files that correspond to those for local ones."""
    light = tuple(LightZipReader() if reader.format == "zip" else reader for reader in readers)
    headers = (reader for reader in light if reader.format not in _BY_END)
    return LightReaders(Candidates(light), Candidates(headers))
