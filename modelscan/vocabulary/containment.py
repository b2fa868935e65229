"""What was established about the deployments of models: controls, and what they leave open.

A control is *satisfied*, *violated*, or *unknown* when the files cannot tell. There is no score: a
workload with one open door is not nine tenths contained.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Control = Literal[
    "egress-restricted",  # connections outward are refused, but for a list
    "no-credentials",  # no token of a hub, no key of a cloud in the container
    "authenticated",  # whoever can reach the server needs a key, or nobody can
    "weights-local",  # weights come from a volume or image, and are not fetched at the start
    "hub-offline",  # the hub's client is told to stay offline
    "model-read-only",  # what is loaded cannot be written by what is loaded
    "no-remote-code",  # the server does not run code that comes with a model
    "no-runtime-loading",  # nobody can add models or adapters through the interface
    "no-local-files",  # requests cannot make the server read its own files
    "safe-loading",  # the safeguards of loaders are not switched off
    "model-pinned",  # commit or digest of the model
    "image-pinned",  # digest of the image
    "unprivileged",  # not privileged, and not in the host's namespaces
    "host-separated",  # no socket of the container runtime, no folder of the host's system
    "no-service-account-token",  # no token for the cluster's interface
    "root-read-only",  # the container's own files cannot be changed
    "least-privilege",  # no capabilities, no way to more rights
    "no-shell-beside-model",  # what can run commands does not share a container with the model
    "ephemeral",  # nothing that is written outlives the container
    "verified-before-start",  # something checks the model's bytes first
    "output-filtered",  # something looks at what comes out
    "requests-logged",  # what goes in and out is written down
]
"""What is looked at, named after the good state."""

Outcome = Literal["satisfied", "violated", "unknown"]


class ControlResult(msgspec.Struct, frozen=True, kw_only=True):
    """One control of one workload."""

    control: Control
    outcome: Outcome
    required: bool = False
    """True when the policy, or what is known of the model, asks for it."""
    reason: str
    """Why, in one line."""
    file: str
    line: int
    """From 1; of what decided, or of the workload when something is not there."""


class WorkloadReport(msgspec.Struct, frozen=True, kw_only=True):
    """Something that serves a model, or acts on what one says."""

    name: str
    kind: str
    """`Deployment`, `compose service`, `systemd unit`, `image`."""
    role: Literal["serves", "drives"]
    server: str
    """What runs: `vllm`, `ollama`."""
    file: str
    line: int
    images: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """As the files name them."""
    raised_by: tuple[str, ...] = ()
    """Why more controls are required than the policy's autonomy says."""
    controls: tuple[ControlResult, ...]
    """Every control, in a fixed order."""
    could_reach: tuple[str, ...] = ()
    """If the model were compromised: what could be connected to, as established."""
    could_read: tuple[str, ...] = ()
    could_persist: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    """What these files cannot tell."""


class Containment(msgspec.Struct, frozen=True, kw_only=True):
    """All workloads of one path."""

    autonomy: Literal["none", "read", "act"]
    """What the policy lets models do on their own."""
    workloads: tuple[WorkloadReport, ...]
