"""If the model were compromised: what could be reached, read and kept, as the files establish it.

Only what follows from a setting that stands there, or from one whose absence means something. What
the files cannot tell is listed as not known, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from modelscan.containment.controls.host import SOCKETS
from modelscan.containment.view import Result, View
from modelscan.errors import BudgetError
from modelscan.vocabulary.containment import Control

_MOST: Final = 12
_SANDBOXES: Final = ("gvisor", "kata", "runsc", "firecracker")


class Impact(NamedTuple):
    """The three lists, and what is not known."""

    reach: tuple[str, ...]
    read: tuple[str, ...]
    persist: tuple[str, ...]
    unknown: tuple[str, ...]


def impact(view: View, said: Mapping[Control, Sequence[Result]]) -> Impact:
    """What a compromised model could do from where it runs."""
    unknown = [
        f"{control}: {result.reason}"
        for control, results in said.items()
        for result in results
        if result.outcome == "unknown"
    ]
    return Impact(
        _short(_reach(view, said)),
        _short(_read(view, said)),
        _short(_persist(said)),
        tuple(dict.fromkeys(unknown)),
    )


def _short(items: Iterator[str]) -> tuple[str, ...]:
    found = list(dict.fromkeys(items))
    more = len(found) - _MOST
    return (*found[:_MOST], f"and {more} more") if more > 0 else tuple(found)


def _violations(said: Mapping[Control, Sequence[Result]], control: Control) -> list[Result]:
    return [result for result in said.get(control, ()) if result.outcome == "violated"]


def _reach(view: View, said: Mapping[Control, Sequence[Result]]) -> Iterator[str]:
    if _violations(said, "egress-restricted"):
        yield "any address, the cloud's metadata service among them"
    elif any(result.outcome == "satisfied" for result in said.get("egress-restricted", ())):
        yield from _allowed(view)
    beside = _beside(view)
    if beside:
        yield f"{', '.join(beside)}, in a network with it"
    if any("owns the host" in each.reason for each in _violations(said, "host-separated")):
        yield "the container runtime, and through it the host"
    for control, what in _DOORS.items():
        if _violations(said, control):
            yield what
    sandboxed = any(word in view.workload.runtime_class for word in _SANDBOXES)
    if view.workload.platform != "image" and not sandboxed:
        yield "the kernel that it shares with the host (no sandboxed runtime)"


_DOORS: Final[dict[Control, str]] = {
    "unprivileged": "the host itself",
    "no-service-account-token": "the cluster's interface, with the rights of its service account",
    "no-shell-beside-model": "a shell in its own container",
}


def _allowed(view: View) -> Iterator[str]:
    """What is reached where egress is restricted."""
    if view.workload.platform == "kubernetes":
        with suppress(BudgetError):  # the control itself says so
            yield from view.cluster.egress(view.workload).allowed
    elif view.workload.platform == "compose" and not _beside(view):
        yield "no other service of its file"


def _beside(view: View) -> list[str]:
    """The other services of a compose file that share a network with it."""
    mine = set(view.workload.networks)
    found = [w.name for w in view.neighbours if w is not view.workload and mine & set(w.networks)]
    return found[:_MOST]


def _read(view: View, said: Mapping[Control, Sequence[Result]]) -> Iterator[str]:
    for result in _violations(said, "no-credentials"):
        yield f"a key: {result.reason}"
    opened: tuple[Control, ...] = ("host-separated", "no-local-files")
    for control in opened:
        for result in _violations(said, control):
            yield result.reason
    for each in view.serving:
        for mount in each.container.mounts:
            named = mount.kind in {"claim", "named", "host", "secret"} and mount.path
            if named and not SOCKETS.search(mount.source):
                from_ = mount.source or "a volume"
                yield mount.path if from_ == mount.path else f"{mount.path}, from {from_}"
    if view.serves:
        yield "every request that it is sent, and its own weights"
    else:
        yield "every request and answer that passes through it"


def _persist(said: Mapping[Control, Sequence[Result]]) -> Iterator[str]:
    if _violations(said, "unprivileged") or any(
        "owns the host" in result.reason for result in _violations(said, "host-separated")
    ):
        yield "anywhere on the host"
    for result in _violations(said, "ephemeral"):
        yield result.reason
    for result in _violations(said, "model-read-only"):
        yield f"in the model itself: {result.reason}"
    if _violations(said, "root-read-only"):
        yield "in its container, until that is replaced"
