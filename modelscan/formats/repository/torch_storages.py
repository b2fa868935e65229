"""Checkpoints of torch: does the archive hold as many bytes as its pickle asks for?

The pickle says how many elements each storage has, and loaders make a tensor of that length over
the bytes of the member. Versions of torch that do not compare the two read, and let the caller
write, memory behind the member (the same harm as CVE-2026-24747, from the other side).

Invariants: only what both sides speak of is compared; a member that is longer than asked for is
odd, and harms nobody.

Source: torch 2.13, `torch/serialization.py` (`load_tensor` in `_load`), and
`torch/csrc/jit/python/init.cpp` (`get_storage_from_record`).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelscan.formats.repository.relator import Facts, RepositoryView
from modelscan.vocabulary.fact import Fact, PickleOddity, TorchStorages


class StorageRelator:
    """See `Relator`."""

    def relate(self, view: RepositoryView, facts: Facts) -> Iterator[Fact]:
        """State each pickle that asks for more than its archive holds, once."""
        del view
        stated = facts.of(TorchStorages)
        held = {
            (found.location.file, found.location.member): found
            for found in stated
            if found.side == "held"
        }
        for asked in stated:
            other = held.get((asked.location.file, asked.location.member))
            if asked.side == "asked" and other is not None:
                yield from _short(asked, other)


def _short(asked: TorchStorages, held: TorchStorages) -> Iterator[PickleOddity]:
    sizes = dict(zip(held.keys, held.sizes, strict=True))
    short = [
        (key, size, sizes[key])
        for key, size in zip(asked.keys, asked.sizes, strict=True)
        if sizes.get(key, size) < size
    ]
    if short:
        key, wanted, there = short[0]
        others = f", and {len(short) - 1:,} more like it" if len(short) > 1 else ""
        detail = f"storage {key[:40]} is to have {wanted:,} bytes and has {there:,}{others}"
        yield PickleOddity(location=asked.location, kind="storage-mismatch", detail=detail)
