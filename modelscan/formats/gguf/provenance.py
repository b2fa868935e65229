"""What the metadata of a GGUF file says about the model: claims, and the file's own role.

Source: the `general.*`, `adapter.*` and `split.*` keys of the GGUF specification. `source` is what
was converted, `base_model` is what that was trained from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from modelscan.formats import claims
from modelscan.formats.gguf.defects import Defects
from modelscan.formats.gguf.metadata import Metadata
from modelscan.vocabulary.fact import ModelClaim
from modelscan.vocabulary.location import Location

Role = Literal["model", "adapter", "control-vector", "projector", "imatrix", "vocabulary"]

_FIELDS: Final = (
    ("general.name", "name"),
    ("general.architecture", "architecture"),
)
_LICENCES: Final = ("general.license", "general.license.name")
_OWN_TERMS: Final = "other"
_ROLES: Final[dict[str, Role]] = {
    "adapter": "adapter",
    "controlvector": "control-vector",
    "imatrix": "imatrix",
    "mmproj": "projector",
    "clip": "projector",
}
"""By `general.type` and `general.architecture`."""
_MAX_LISTED: Final = 32
_MAX_VALUE: Final = 500


def role(metadata: Metadata, tensors: int) -> Role:
    """What the file is for."""
    texts = metadata.texts
    for key in ("general.type", "general.architecture"):
        found = _ROLES.get(texts.get(key, "").lower())
        if found:
            return found
    if "adapter.type" in texts:
        return "adapter"
    if not tensors and "split.count" not in metadata.numbers:
        return "vocabulary"
    return "model"


def stated(metadata: Metadata, what: Role, where: Location, *, quantised: bool) -> Iterator[Any]:
    """The claims that the metadata makes.

    Args:
        metadata: what was read.
        what: the file's role: an adapter's base is what it is for.
        where: the file.
        quantised: whether a tensor has a quantised type, so that the source was quantised.
    """
    for key, claim in _FIELDS:
        yield from _claim(claim, metadata.texts.get(key, ""), where)
    licences = [metadata.texts.get(key, "") for key in _LICENCES]
    named = [text for text in licences if text.lower() != _OWN_TERMS]
    yield from _claim("licence", next(filter(None, named), licences[0]), where)
    for value in _datasets(metadata):
        yield from _claim("dataset", value, where)
    for prefix in ("general.source.huggingface.repository", "general.source"):
        yield from _base(metadata, prefix, "quantized" if quantised else "", where)
    relation = "adapter" if what == "adapter" else ""
    for index in range(min(metadata.numbers.get("general.base_model.count", 0), _MAX_LISTED)):
        yield from _base(metadata, f"general.base_model.{index}", relation, where)


def split(metadata: Metadata, defects: Defects) -> tuple[int | None, int | None]:
    """Which part of how many this file is; both absent when it is whole."""
    part, parts = metadata.numbers.get("split.no"), metadata.numbers.get("split.count")
    if parts is None and part is None:
        return None, None
    if part is None or parts is None or not 0 <= part < max(parts, 1):
        defects.add("split-mismatch", "split.no", f"part {part} of {parts}, counted from 0")
    return part, parts


def _base(metadata: Metadata, prefix: str, relation: str, where: Location) -> Iterator[ModelClaim]:
    """The repository under the keys with this prefix, once."""
    for key in (f"{prefix}.repo_url", f"{prefix}.url", prefix):
        found = list(claims.base(metadata.texts.get(key), relation, where))
        if found:
            yield found[0]
            return


def _datasets(metadata: Metadata) -> list[str]:
    found = list(metadata.listed.get("general.datasets", ()))
    for index in range(min(metadata.numbers.get("general.dataset.count", 0), _MAX_LISTED)):
        texts = (
            metadata.texts.get(f"general.dataset.{index}.{key}") for key in ("repo_url", "name")
        )
        found += [next((text for text in texts if text), "")]
    return found[:_MAX_LISTED]


def _claim(claim: Any, value: str, where: Location) -> Iterator[ModelClaim]:
    if value.strip():
        text = value.strip()[:_MAX_VALUE]
        yield ModelClaim(location=where, status="declared", claim=claim, value=text)
