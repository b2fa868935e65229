"""Models packed for one program: NeMo's `.nemo` and TorchServe's `.mar`, which are archives.

Invariants: this reader only says what the file is; the readers of tar, zip and compressed streams
recognise the same bytes and yield the members: weights, configuration, and the code of a handler.

Sources: NeMo, `save_restore_connector.py` (a tar, compressed in older versions, with
`model_config.yaml` and a checkpoint); TorchServe, "Torch Model archiver" (a zip, or a compressed
tar, with `MAR-INF/MANIFEST.json`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats import zip_records
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_GZIP: Final = b"\x1f\x8b"
_TAR: Final = b"ustar"
_TAR_AT: Final = 257


class PackedModelReader:
    """One kind of them, by its extension.

    Args:
        name: what the format is called.
        extension: of its files, with the dot.
    """

    def __init__(self, name: str, extension: str) -> None:
        self.format: Final = name
        self.extensions: Final = frozenset({extension})

    def recognises(self, glimpse: Glimpse) -> bool:
        """True for an archive with the extension: the program goes by both."""
        head = glimpse.head
        archive = head.startswith((zip_records.LOCAL_MARK, _GZIP)) or head.startswith(_TAR, _TAR_AT)
        return archive and glimpse.extension in self.extensions

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """See `Reader.read`: all there is to say is said about the members."""
        del artifact, budget
        yield from ()
