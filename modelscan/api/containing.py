"""What a compromised model could reach: `contain` and `write_containment`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelscan.api.reporting import report_on
from modelscan.containment import door as containment
from modelscan.engine.catalogue import load
from modelscan.errors import UsageError
from modelscan.pipeline import Tools
from modelscan.policy.layers import Policy, plain
from modelscan.vocabulary.result import Report

if TYPE_CHECKING:
    from modelscan.containment.write import Written
    from modelscan.vocabulary.lock import LockedModel


def contain(
    *paths: str | Path,
    policy: Policy | None = None,
    reports: Sequence[str | Path] = (),
    lock: str | Path | None = None,
    absolute_paths: bool = False,
) -> Report:
    """Say what a compromised model could reach, read and keep where it runs.

    The report's entries have a section `containment`: for each workload every control, with its
    outcome, place and reason. Policies and services of one path count for the workloads of all.

    Args:
        paths: folders or files: compose, Kubernetes, kustomizations, Dockerfiles, systemd units.
        policy: what is allowed, and what models may do on their own; by default the profile
            `default`, in which they do nothing.
        reports: native reports about the models that run there, which can raise what is required.
        lock: the lock that names the models.
        absolute_paths: name paths by their full path instead of their last part.

    Raises:
        UsageError: no path is given, or a report or the lock is broken.
        SourceError: the lock cannot be read.
    """
    if not paths:
        raise UsageError("no path given", "name a folder or a file")
    tools = Tools.prepare(load(()), (policy or plain()).profile)
    scanned = containment.contain(
        [Path(path) for path in paths],
        tools,
        models=containment.models_of([Path(path) for path in reports]),
        locked=_locked(lock),
        absolute_paths=absolute_paths,
    )
    return report_on(scanned, tools)


def write_containment(
    *paths: str | Path,
    folder: str | Path,
    reports: Sequence[str | Path] = (),
    lock: str | Path | None = None,
    pins: Sequence[str] = (),
    verifier: str | None = None,
    allowed: Sequence[str] = (),
) -> Written:
    """Write overlays that contain the deployments below some paths.

    Args:
        paths: as for `contain`.
        folder: where to write; new or empty.
        reports: native reports about the models, whose digests are verified before the start.
        lock: the lock, for the same.
        pins: digests of images, as `name@sha256:…`.
        verifier: an image of this tool, in the same form.
        allowed: networks (`10.0.0.0/8`) and labels (`app=db`) that may be connected to.

    Raises:
        UsageError: the folder is not empty, there is nothing to contain, or a wish is malformed.
        SourceError: a path cannot be listed, or the lock cannot be read.
    """
    from modelscan.containment.write import Wishes  # lazy: seldom needed

    models = containment.models_of([Path(path) for path in reports])
    wishes = Wishes(models, _locked(lock), tuple(pins), verifier or "", tuple(allowed))
    return containment.write([Path(path) for path in paths], Path(folder), wishes)


def _locked(path: str | Path | None) -> tuple[LockedModel, ...]:
    """The models of a lock."""
    if path is None:
        return ()
    from modelscan.dependencies import lockfile  # lazy: seldom needed

    return lockfile.read(Path(path)).model
