"""The fingerprints that come with this tool, and which of them a model is worth holding against.

They lie beside the manifests, as text: a line that says what they are of, then the fingerprint,
compressed, in base 85. `tools/measure_fingerprints.py` makes them from models that it finds.

Invariants: a model that has neither the number of parameters nor a header of a known one costs a
look at one line for each; what is shipped and cannot be read is an error, as every broken part of
an installation.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from modelscan import _resources
from modelscan._about import NAME
from modelscan.errors import ModelAssayError, ReadError
from modelscan.lineage.asked import Base
from modelscan.vocabulary.fact import Fact, TensorHeader

SUFFIX: Final = ".fingerprint"
_KIND: Final = "manifests"
_FOLDER: Final = "fingerprints"
_MOST: Final = 4096
"""Bytes of the first line."""
_COLUMNS: Final = 96


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the first line says."""

    source: str
    """What the fingerprint is of: `hf:owner/name@revision`."""
    parameters: tuple[int, ...]
    """Elements over all tensors of its files: all, and without what a loader derives itself."""
    headers: tuple[str, ...] = ()
    """Digests of the headers of its files."""
    measured: str
    """Which bytes were measured."""


class Shipped(msgspec.Struct, frozen=True):
    """One fingerprint that is there."""

    path: Path
    about: About

    def base(self) -> Base:
        """The fingerprint itself, as a base.

        Raises:
            ModelAssayError: it is damaged.
        """
        from modelscan.lineage.claims import identity_of  # lazy: most models are like no known one
        from modelscan.lineage.fingerprint_layout import LARGEST
        from modelscan.lineage.fingerprint_reading import decode

        try:
            text = b"".join(self.path.read_bytes().splitlines()[1:])
            data = zlib.decompressobj().decompress(base64.b85decode(text), LARGEST)
            found = decode(data, self.path.name)
        except (OSError, ValueError, zlib.error, ReadError) as error:
            raise _damaged(self.path, error) from None
        return Base(self.about.source, identity_of(self.about.source), found)


def every() -> list[Shipped]:
    """All that are shipped, in the order of their paths.

    Raises:
        ModelAssayError: one of them is damaged.
    """
    found = []
    for path in _resources.sources(_resources.folder(_KIND) / _FOLDER, SUFFIX):
        try:
            with path.open("rb") as file:
                about = msgspec.json.decode(file.readline(_MOST), type=About)
        except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
            raise _damaged(path, error) from None
        found.append(Shipped(path, about))
    return found


def alike(facts: Iterable[Fact], among: Callable[[], list[Shipped]] = every) -> list[Shipped]:
    """Those with as many parameters as the model, or with one of its headers.

    Args:
        facts: what the model's readers stated.
        among: gives those that there are.
    """
    headers = [fact for fact in facts if isinstance(fact, TensorHeader) and fact.parameters]
    if not headers:
        return []
    digests = {fact.digest for fact in headers}
    counts = {fact.parameters for fact in headers} | {sum(fact.parameters for fact in headers)}
    return [
        each
        for each in among()
        if counts & set(each.about.parameters) or digests & set(each.about.headers)
    ]


def text_of(about: About, data: bytes) -> str:
    """A shipped fingerprint as it lies in its file.

    Args:
        about: its first line.
        data: the fingerprint's own bytes.
    """
    line = msgspec.json.encode(about).decode()
    packed = base64.b85encode(zlib.compress(data, 9)).decode()
    rows = [packed[at : at + _COLUMNS] for at in range(0, len(packed), _COLUMNS)]
    return "\n".join([line, *rows]) + "\n"


def _damaged(path: Path, error: Exception) -> ModelAssayError:
    reason = "not base 85" if isinstance(error, binascii.Error) else str(error)
    return ModelAssayError(
        f"this installation of {NAME} has a damaged fingerprint, {path.name}: {reason}",
        "install it again",
    )
