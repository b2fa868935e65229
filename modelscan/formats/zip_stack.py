"""Zip archives one right after the other in one file: the `.distcp` files of distributed training.

`torch.distributed.checkpoint` writes what `torch.save` makes of each tensor one after the other,
and reads each again at the place that `.metadata` tells. Such a file is read as what it is: several
archives. Everything else keeps being judged as one archive, of which other programs see less.

Invariants: the archives cover the file from its first byte to its last, each is closed by an end
record that points to its own first byte, and an archive inside another one is named as well.

Source: torch 2.13, `torch/distributed/checkpoint/filesystem.py` (`_write_item`, `read_data`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modelscan.budget import Budget
from modelscan.formats import archive, zip_records
from modelscan.formats.archive import Window
from modelscan.vocabulary.artifact import Artifact, SliceArtifact, place
from modelscan.vocabulary.fact import TorchParts

_EXTENSION = ".distcp"
_INSIDE = 16
"""Archives inside archives that are named; more of them are no checkpoint."""
_END = re.compile(re.escape(zip_records.END_MARK))


def is_stack(artifact: Artifact) -> bool:
    """True for a file whose loader expects several archives in it, by its name.

    An extension may have compressed them, so that they are a member with the name of the file.
    """
    name = artifact.name.rpartition("/")[2]
    return artifact.member in {None, name} and name.lower().endswith(_EXTENSION)


def archives(artifact: Artifact, budget: Budget) -> list[SliceArtifact]:
    """The archives that make up the file, and those inside them; none when they do not cover it."""
    found: list[SliceArtifact] = []
    reached = inside = 0
    for start, stop in _closed(artifact, budget):
        if start < reached:
            continue
        found.append(SliceArtifact(artifact, start, stop - start, f"@{start}"))
        if start > reached:
            inside += 1
        else:
            reached, inside = stop, 0
        if inside > _INSIDE:
            return []
    return found if reached == artifact.size else []


def held(artifact: Artifact, stacked: Sequence[SliceArtifact], budget: Budget) -> TorchParts:
    """Where the archives are: places that the table of the checkpoint may point to."""
    budget.fact()
    starts = tuple(int((part.member or "@0").rpartition("@")[2]) for part in stacked)
    return TorchParts(
        location=place(artifact),
        side="held",
        files=(),
        offsets=starts,
        lengths=tuple(part.size for part in stacked),
    )


def _closed(artifact: Artifact, budget: Budget) -> Iterator[tuple[int, int]]:
    """First byte and end of whatever an end record says is an archive, by where it ends."""
    window = Window(artifact)
    at = archive.find(artifact, window, _END, 0, artifact.size)
    while at < artifact.size:
        budget.step()
        for directory in zip_records.directories_at(artifact, at):
            if directory.start + directory.size == directory.records:
                budget.member()
                yield directory.base, directory.stop
        at = archive.find(artifact, window, _END, at + 1, artifact.size)
