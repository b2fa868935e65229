"""What separates a workload from the machine that it runs on, and from the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.containment.model import Container
from modelscan.containment.view import Result, View
from modelscan.vocabulary.containment import Control

SOCKETS: Final = re.compile(
    r"(?:docker|containerd|crio|podman|dockershim)\.sock$|/var/run/?$|^/run/?$|/run/containerd/?$"
)
SYSTEM: Final = re.compile(
    r"^(?:/|/etc|/proc|/sys|/boot|/dev|/usr|/bin|/sbin|/lib|/lib64|/root|/home|/home/[^/]+"
    r"|/var|/opt"
    r"|/var/lib|/var/lib/(?:docker|kubelet|containerd|rancher|etcd).*|/var/log|~|\$\{?HOME\}?)/?$"
)
RAW: Final = re.compile(
    r"/dev/(?:mem|kmem|port|kmsg|disk|mapper|dm-\d|sd[a-z]|vd[a-z]|xvd[a-z]|nvme\d)"
)
"""Devices behind which the host's memory and disks lie."""
_FAR: Final = frozenset(
    {"SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH", "NET_ADMIN", "SYS_RAWIO", "BPF",
     "ALL", "DAC_OVERRIDE", "SYS_BOOT", "MKNOD"}
)  # fmt: skip
"""Capabilities that lead to the host, or close to it."""


def unprivileged(view: View) -> Iterator[Result]:
    """Whether a container is a container."""
    control: Control = "unprivileged"
    clean = True
    for container in view.workload.containers:
        if container.privileged.value:
            clean = False
            place = container.privileged.place or container.place
            reason = f"{container.name} is privileged: what it runs owns the host"
            yield view.bad(control, reason, place, severe=True)
        for name, place in container.added:
            if name.removeprefix("CAP_") in _FAR:
                clean = False
                yield view.bad(control, f"{container.name} has {name}", place, severe=True)
    for word, place in view.workload.host_namespaces:
        if word != "ipc":
            clean = False
            reason = f"it shares the host's {word} namespace"
            yield view.bad(control, reason, place, severe=word == "pid")
    if clean and view.workload.platform == "image":
        yield view.unknown(control, "how the image is run decides")
    elif clean:
        yield view.good(control, "not privileged, and in namespaces of its own")


def host_separated(view: View) -> Iterator[Result]:
    """Whether parts of the host lie in a container."""
    control: Control = "host-separated"
    clean = True
    for container in view.workload.containers:
        for mount in container.mounts:
            if mount.kind in {"host", "device"} and RAW.match(mount.source):
                clean = False
                reason = f"{mount.source} is the host's own memory or disk"
                yield view.bad(control, reason, mount.place, severe=True)
            if mount.kind != "host" or view.workload.kind == "systemd unit":
                continue
            if SOCKETS.search(mount.source):
                clean = False
                reason = f"{mount.source} is mounted: whoever speaks to it owns the host"
                yield view.bad(control, reason, mount.place, severe=True)
            elif SYSTEM.match(mount.source):
                clean = False
                how = "" if mount.read_only else ", and can be written"
                reason = f"{mount.source} of the host is mounted{how}"
                severe = not mount.read_only or mount.source in {"/", "/etc", "/root", "/proc"}
                yield view.bad(control, reason, mount.place, severe=severe)
        remote = container.setting("DOCKER_HOST", "CONTAINER_HOST")
        if remote is not None and remote.value != "":
            clean = False
            reason = f"{remote.name} leads to a container runtime, and what it may do there"
            yield view.bad(control, reason, remote.place)
    if clean and view.workload.platform == "image":
        yield view.unknown(control, "how the image is run decides")
    elif clean:
        yield view.good(control, "no part of the host's system is mounted")


def service_account(view: View) -> Iterator[Result]:
    """Whether the cluster's interface can be spoken to."""
    if view.workload.platform != "kubernetes":
        return
    control: Control = "no-service-account-token"
    said = view.workload.service_account_token
    kept = view.cluster.keeps_token_back(view.workload)
    if said.value is False:
        yield view.good(control, "no token of a service account is mounted", said.place)
    elif said.value:
        reason = "a token of a service account is mounted"
        yield view.bad(control, reason, said.place or view.workload.place)
    elif kept is not None:
        yield view.good(control, "the namespace's service account gives no token", kept)
    else:
        reason = "automountServiceAccountToken is not false, so that a token is mounted"
        yield view.silent(control, reason)


def root_read_only(view: View) -> Iterator[Result]:
    """Whether the container's own files can be changed."""
    for each in view.serving:
        yield _root(view, each.container)


def _root(view: View, container: Container) -> Result:
    control: Control = "root-read-only"
    said = container.root_read_only
    if said.value:
        return view.good(control, f"{container.name} cannot write its own files", said.place)
    reason = f"{container.name} can write its own files"
    if said.place:
        return view.bad(control, reason, said.place)
    return view.silent(control, reason, container.place)


def least_privilege(view: View) -> Iterator[Result]:
    """Whether all rights that can be given up are given up."""
    control: Control = "least-privilege"
    shared = next((place for word, place in view.workload.host_namespaces if word == "ipc"), None)
    if shared is not None:
        yield view.bad(control, "it shares the host's memory segments (ipc)", shared)
    for each in view.serving:
        container = each.container
        if container.unconfined is not None:
            reason = f"{container.name} runs without the filter of system calls"
            yield view.bad(control, reason, container.unconfined)
        lacking = [
            word
            for said, word in (
                (container.drops_all, "drop all capabilities"),
                (container.no_new_privileges, "refuse new privileges"),
                (container.user_not_root, "run as another user than root"),
            )
            if said.value is not True and not _excused(view, word)
        ]
        if lacking:
            reason = f"{container.name} does not {', '.join(lacking)}"
            yield view.silent(control, reason, container.place)
        else:
            yield view.good(control, f"{container.name} gives up what it can", container.place)


def _excused(view: View, word: str) -> bool:
    """Compose files cannot say that an image's own user is not root; units drop by their user."""
    platform = view.workload.platform
    if platform == "compose":
        return word.startswith("run")
    if view.workload.kind == "quadlet container":
        return word.startswith("run")
    return platform == "systemd" and word.startswith("drop")
