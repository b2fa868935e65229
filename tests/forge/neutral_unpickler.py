"""The real C unpickler with every name neutralised: what a stream would import and call.

`find_class` hands out stubs that only write down what happens to them, so that nothing a stream
names is ever imported. It runs in a process of its own with limits on memory and time, since a
stream may ask for any amount of either. `python -m` is not used: the process knows this file only.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

MEMORY = 1 << 30
SECONDS = 60


Name = tuple[str, str]
"""Module and qualified name."""


class Seen(NamedTuple):
    """What the unpickler did before it ended."""

    imported: frozenset[Name]
    """What was given to `find_class`: names of Python 2 are not mapped yet."""
    called: frozenset[Name]
    """The names among them that were called or instantiated."""
    finished: bool
    """It came to STOP."""


class NeutralUnpickler:
    """A process that unpickles what it is sent, and says what it has seen."""

    def __init__(self) -> None:
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, data: bytes) -> Seen | None:
        """Unpickle; `None` when the limits ended the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack("<I", len(data)) + data)
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            self._process = self._start()
            return None
        found = json.loads(line)
        imported, called = (frozenset(map(tuple, found[key])) for key in ("imported", "called"))
        return Seen(imported, called, found["finished"])

    @staticmethod
    def _start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def _stub(name: Name, events: dict[str, set[Name]]) -> type:
    """A class that stands for an imported name, whatever that is."""

    def note(_cls: type, *_arguments: object, **_keywords: object) -> Any:
        events["called"].add(name)
        return object.__new__(made)

    def accept(_self: object, *_arguments: object, **_keywords: object) -> None:
        """Take anything."""

    methods: tuple[str, ...] = (
        "__init__",
        "__setitem__",
        "__setstate__",
        "append",
        "extend",
        "add",
        "__call__",
    )
    body: dict[str, object] = {"__new__": note, **dict.fromkeys(methods, accept)}
    made = type("Stub", (), body)
    return made


def _serve() -> None:
    import resource  # lazy: only this process needs it, and Windows has none

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    while header := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(struct.unpack("<I", header)[0])
        events: dict[str, set[Name]] = {"imported": set(), "called": set()}

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str) -> type:
                key = (module, name)
                events["imported"].add(key)  # noqa: B023  # used up before the next round
                return _stub(key, events)  # noqa: B023  # the same

            def persistent_load(self, _pid: object) -> object:
                return object()

        finished = False
        with suppress(Exception):  # a broken stream breaks in many ways, and each is an answer
            Unpickler(io.BytesIO(data)).load()
            finished = True
        sys.stdout.write(
            json.dumps({k: sorted(v) for k, v in events.items()} | {"finished": finished})
        )
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
