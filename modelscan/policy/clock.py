"""What time it is: the one place that asks, so that tests and reproducible builds can answer."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime


def now() -> datetime:
    """The time in UTC, or that of `SOURCE_DATE_EPOCH` (reproducible-builds.org, in seconds)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)


def today() -> date:
    """The day that end dates of waivers and approvals are held against, in UTC."""
    return now().date()
