"""A pytest plugin for `make fuzz`: keeps what the tests of readers let them read, as samples.

    pytest -p tools.fuzz_seeds tests/formats

Invariants: names and bytes are kept, a few of each test, and no test notices. The folder is named
by `FUZZ_SAMPLES`; each file in it is a name, a NUL, and the bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from modelscan.vocabulary.artifact import BytesArtifact

FOLDER: Final = "FUZZ_SAMPLES"
EACH: Final = 12
"""Samples of one test: those which try thousands of random inputs would drown the others."""
LONGEST: Final = 1 << 18
"""Bytes of a sample."""


class Keeper:
    """Keeps samples in a folder.

    Args:
        folder: where; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._left = 0

    def next_test(self) -> None:
        """From here on another test runs."""
        self._left = EACH

    def keep(self, name: str, data: bytes) -> None:
        """Keep one sample, unless the test has given enough of them."""
        if self._left and 0 < len(data) <= LONGEST:
            self._left -= 1
            sample = name.encode("utf-8", "replace") + b"\0" + data
            (self._folder / sha256(sample).hexdigest()[:24]).write_bytes(sample)


def samples(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of what was kept."""
    for path in sorted(folder.glob("*")):
        name, _, data = path.read_bytes().partition(b"\0")
        yield name.decode("utf-8", "replace"), data


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    """From here on artifacts of bytes are kept as they are made."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    keeper = Keeper(Path(folder))
    made = BytesArtifact.__init__

    def watched(
        self: BytesArtifact, name: str, data: bytes, *, member: str | None = None, depth: int = 0
    ) -> None:
        made(self, name, data, member=member, depth=depth)
        keeper.keep((member or name).rpartition("/")[2].rpartition("!")[2], bytes(data))

    BytesArtifact.__init__ = watched  # type: ignore[method-assign]  # in this process of pytest
    config.pluginmanager.register(_Turns(keeper))


class _Turns:
    """Tells the keeper when a test begins."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def pytest_runtest_call(self, item: Any) -> None:
        """See pytest."""
        del item
        self._keeper.next_test()
