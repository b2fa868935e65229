from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from modelscan import api
from modelscan.api import scanning, taking
from modelscan.errors import UsageError


@pytest.mark.parametrize(("module", "least"), [(scanning, 11), (taking, 5)])
def test_the_tutorial_in_the_docstring_is_true(module: ModuleType, least: int) -> None:
    results = doctest.testmod(module)
    assert results.attempted >= least
    assert results.failed == 0


def test_no_target_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        api.scan()
