"""The door to containment, for `modelscan.api`: paths in, one report for each of them out.

Invariant: importing this costs nothing; what a function needs is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelscan.pipeline import Scanned, Tools
from modelscan.vocabulary.result import ModelReport

if TYPE_CHECKING:
    from modelscan.containment.write import Wishes, Written
    from modelscan.vocabulary.lock import LockedModel


def models_of(reports: Sequence[Path]) -> tuple[ModelReport, ...]:
    """The models of some native reports.

    Raises:
        UsageError: a file is no native report.
    """
    from modelscan.report.reading import read_report  # lazy: most runs have none

    return tuple(model for path in reports for model in read_report(path).models)


def contain(
    paths: Sequence[Path],
    tools: Tools,
    *,
    models: Sequence[ModelReport] = (),
    locked: Sequence[LockedModel] = (),
    absolute_paths: bool = False,
) -> list[Scanned]:
    """Look at the deployments below some paths, in the order given.

    Args:
        paths: folders or files.
        tools: rules and policy.
        models: what scans said about the models that run there.
        locked: the models that the lock agrees on.
        absolute_paths: name paths by their full path instead of their last part.
    """
    from modelscan.containment.examine import Joined, examine  # lazy: a scan needs no deployments

    joined = Joined(tuple(models), tuple(locked))
    return examine(paths, tools, joined, absolute_paths=absolute_paths)


def write(paths: Sequence[Path], folder: Path, wishes: Wishes) -> Written:
    """Write overlays that contain what is found below some paths.

    Raises:
        UsageError: the folder has files in it already.
        SourceError: a path cannot be listed.
    """
    from modelscan.containment.write import write_overlays  # lazy: the same

    return write_overlays(paths, folder, wishes)
