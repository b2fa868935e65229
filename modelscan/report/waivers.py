"""What a waiver states, in the words of OpenVEX.

A waiver's text may begin with one of the five justifications of OpenVEX 0.2.0, `<justification>:
<reason>`. Then somebody says that the model is not affected. Without one, somebody has accepted the
finding, which denies nothing: the model counts as affected.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from modelscan.report.machine import prose

JUSTIFICATIONS = (
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
)
"""OpenVEX specification 0.2.0, "Status Justifications"."""
_STATED = re.compile(rf"\s*(?P<stated>{'|'.join(JUSTIFICATIONS)})(?:\s*:\s*|\s*$)")


class Waiver(NamedTuple):
    """Why a finding does not count."""

    justification: str
    """One of `JUSTIFICATIONS`, or empty when none was stated."""
    reason: str
    """Inert; never empty."""


def waiver(waived: str | None) -> Waiver | None:
    """The waiver of a finding; `None` when there is none."""
    if waived is None:
        return None
    stated = _STATED.match(waived)
    if stated is None:
        return Waiver("", prose(waived) or "waived")
    reason = prose(waived[stated.end() :])
    return Waiver(stated["stated"], reason or stated["stated"].replace("_", " "))
