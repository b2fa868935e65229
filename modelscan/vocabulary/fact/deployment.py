"""Facts about deployments: workloads that serve or drive a model, their settings and controls."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.containment import Control, Outcome
from modelscan.vocabulary.fact.base import Fact


class DeploymentWorkload(Fact, frozen=True, kw_only=True, tag="deployment.workload"):
    """Something that serves a model, or acts on what one says."""

    workload: str
    """Its name, with the namespace where it has one."""
    kind: str
    """`Deployment`, `compose service`, `systemd unit`, `image`, ..."""
    role: Literal["serves", "drives"]
    """`drives`: it sends requests to a model and acts on the answers."""
    server: str
    """What runs, by its usual name; `unknown` when only the model that it names tells."""
    images: tuple[str, ...] = ()
    """Images of its containers, as written."""
    models: tuple[str, ...] = ()
    """Models that it names, as references."""


class DeploymentSetting(Fact, frozen=True, kw_only=True, tag="deployment.setting"):
    """A flag or an environment variable that opens a door."""

    workload: str
    """Whose setting it is."""
    server: str
    """What runs there."""
    control: Control
    """The control that it violates."""
    setting: str
    """The flag or variable, as written."""
    value: str = ""
    """Its value; never that of a credential."""
    effect: str
    """What it does, in one line."""
    required: bool = False
    """True when the policy, or what is known of the model, asks for the control."""


class DeploymentControl(Fact, frozen=True, kw_only=True, tag="deployment.control"):
    """One control of a workload, and how it stands."""

    workload: str
    """Whose control it is."""
    server: str
    """What runs there."""
    control: Control
    """Which one."""
    outcome: Outcome
    """`unknown`: the files cannot tell."""
    grade: Literal["", "severe"] = ""
    """`severe` when the violation gives away the host, or is wide open to everybody."""
    reason: str
    """Why, in one line."""
    required: bool = False
    """True when the policy, or what is known of the model, asks for it."""
