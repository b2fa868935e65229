from __future__ import annotations

import pytest

from modelscan.policy import discovery, layers
from tests.forge import policies


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same day in every test, and nothing of this machine's environment."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", policies.EPOCH)
    monkeypatch.delenv(discovery.VARIABLE, raising=False)
    monkeypatch.delenv(layers.FLOOR_VARIABLE, raising=False)
