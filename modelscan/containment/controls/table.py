"""The table of controls, in the order in which reports show them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from modelscan.containment.controls import assurance, host, loading, reach
from modelscan.containment.view import Result, View
from modelscan.vocabulary.containment import Control

FAULT: Final = "looking at it failed"
"""How the reason of a control begins that failed itself: always a needed gap."""
Check = Callable[[View], Iterator[Result]]


def _doors(control: Control) -> Check:
    return partial(loading.doors, control=control)


CONTROLS: Final[dict[Control, Check]] = {
    "egress-restricted": reach.egress,
    "no-credentials": reach.credentials,
    "authenticated": reach.authenticated,
    "weights-local": loading.weights_local,
    "hub-offline": loading.hub_offline,
    "model-read-only": loading.model_read_only,
    "no-remote-code": _doors("no-remote-code"),
    "no-runtime-loading": _doors("no-runtime-loading"),
    "no-local-files": _doors("no-local-files"),
    "safe-loading": _doors("safe-loading"),
    "model-pinned": loading.model_pinned,
    "image-pinned": loading.image_pinned,
    "unprivileged": host.unprivileged,
    "host-separated": host.host_separated,
    "no-service-account-token": host.service_account,
    "root-read-only": host.root_read_only,
    "least-privilege": host.least_privilege,
    "no-shell-beside-model": assurance.shell_beside_model,
    "ephemeral": assurance.ephemeral,
    "verified-before-start": assurance.verified,
    "output-filtered": assurance.output_filtered,
    "requests-logged": assurance.requests_logged,
}


def results(view: View) -> dict[Control, list[Result]]:
    """Every control that applies to a workload, with all that it says."""
    found = {control: _said(view, control) for control in CONTROLS}
    return {control: said for control, said in found.items() if said}


def _said(view: View, control: Control) -> list[Result]:
    """What one control says; its own fault is no good news, and no end of the others."""
    said: list[Result] = []
    try:
        said.extend(_weighed(view, each) for each in CONTROLS[control](view))
    except Exception as error:  # noqa: BLE001  # a control's own fault is a gap, never silence
        reason = f"{FAULT}: {type(error).__name__}: {error}"
        said.append(view.unknown(control, reason))
    return said


def _weighed(view: View, result: Result) -> Result:
    """A violation that a template has under a condition only is none that is established."""
    if result.outcome == "violated" and result.place.line in view.workload.conditional:
        return view.unknown(result.control, f"under a condition: {result.reason}", result.place)
    return result
