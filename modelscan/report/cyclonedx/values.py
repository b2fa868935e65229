"""What every part of a CycloneDX document is made of: properties, references, coordinates."""

from __future__ import annotations

from modelscan._about import NAME
from modelscan.report.identity import Coordinates
from modelscan.report.machine import Json, compact, stable, text


def properties(pairs: dict[str, str | None]) -> list[Json]:
    """Properties in this tool's namespace, in the order given, without those that are `None`."""
    return [
        {"name": f"{NAME}:{key}", "value": text(value)}
        for key, value in pairs.items()
        if value is not None
    ]


def placed(where: Coordinates) -> Json:
    """The part of a component that says how others find it."""
    return compact(
        {"group": where.group, "name": where.name, "version": where.version, "purl": where.purl}
    )


class Refs:
    """Hands out `bom-ref`s: the same for the same thing in every run, and unique in a document."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def new(self, kind: str, *parts: str) -> str:
        """A reference made of a kind and a hash of what identifies the thing."""
        ref = f"{kind}:{stable(*parts)[:32]}"
        count = self._used[ref] = self._used.get(ref, 0) + 1
        return ref if count == 1 else f"{ref}:{count}"
