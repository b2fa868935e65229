"""The command, run in this process as `__main__` runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from modelscan._cli.main import run


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def modelassay(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the command line; returns exit code, standard output and standard error."""

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return call
