from __future__ import annotations

import doctest

import pytest

from modelscan import api
from modelscan.errors import UsageError


def test_the_tutorial_in_the_docstring_is_true() -> None:
    results = doctest.testmod(api)
    assert results.attempted > 10
    assert results.failed == 0


def test_no_target_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        api.scan()
