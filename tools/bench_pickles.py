"""`make bench`: how fast inert opcodes are stepped over, as ratios to the standard disassembler.

Both split the same pickles into opcodes, in this process and in turn; each figure is the least CPU
time of several rounds. The goal is the same for every stream. Of long texts there are few opcodes
for many bytes, and what each costs is finding its end: megabytes per second are printed as well,
and how many times faster than the disassembler the unpickler is that CPython has in C. What the
reader notes of the first bytes on the way, fetches from the memo, is not counted here.
"""

from __future__ import annotations

import gc
import pickle
import pickletools
import random
import time
from collections.abc import Callable
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.pickle.skip import skip_inert
from modelscan.formats.pickle.window import Window
from modelscan.vocabulary.artifact import BytesArtifact

GOAL: Final = 10
ROUNDS: Final = 5


def streams() -> dict[str, bytes]:
    """Pickles of plain data: what models keep, in several protocols."""
    numbers = random.Random("inert")

    def row(index: int) -> dict[str, object]:
        return {
            "id": index,
            "name": f"token_{index}",
            "score": numbers.random(),
            "tags": [f"x{index % 97}", "y", None, True],
            "span": (index, index + 3, index % 255),
        }

    rows = [row(index) for index in range(20_000)]
    words = [f"word{index}" for index in range(100_000)]
    found = {f"objects, protocol {p}": pickle.dumps(rows, p) for p in range(6)}
    return found | {
        "floats": pickle.dumps([numbers.random() for _ in words], 4),
        "integers": pickle.dumps([numbers.randrange(1 << 20) for _ in words], 4),
        "words": pickle.dumps(words, 4),
        "vocabulary, protocol 2": pickle.dumps(dict(zip(words, range(100_000), strict=True)), 2),
        "vocabulary, protocol 4": pickle.dumps(dict(zip(words, range(100_000), strict=True)), 4),
        "tuples": pickle.dumps([(n, str(n), None, True) for n in range(50_000)], 4),
        "sentences": pickle.dumps([word * numbers.randrange(3, 40) for word in words[:40_000]], 4),
    }


def least(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    gc.disable()
    begin = time.process_time()
    work()
    taken = time.process_time() - begin
    gc.enable()
    return taken


def main() -> None:
    """Print one line for each stream, and one for all of them."""
    taken: list[tuple[float, float, float]] = []
    sizes = 0
    for name, data in streams().items():
        artifact = BytesArtifact("m", data)

        def ours(artifact: BytesArtifact = artifact) -> None:
            run = skip_inert(Window(artifact), 0, Budget(), fast=True)
            assert not run.hot  # noqa: S101  # else the two would not do the same

        def theirs(data: bytes = data) -> int:
            return sum(1 for _ in pickletools.genops(data))

        def unpickled(data: bytes = data) -> object:
            return pickle.loads(data)  # noqa: S301  # written above

        ours()  # compiles
        rounds = [(least(ours), least(theirs), least(unpickled)) for _ in range(ROUNDS)]
        first, second, third = (min(times) for times in zip(*rounds, strict=True))
        show(name, len(data), first, second, third)
        taken.append((first, second, third))
        sizes += len(data)
    first, second, third = map(sum, zip(*taken, strict=True))
    show("all of these", sizes, first, second, third)


def show(name: str, size: int, ours: float, theirs: float, unpickler: float) -> None:
    """Print one line: CPU seconds that a stream of `size` bytes took."""
    ratio = theirs / ours
    goal = f"(goal {GOAL}) {'met' if ratio >= GOAL else 'NOT MET'}"
    what = f"inert pickle: {name} / genops"
    print(
        f"{what:<46} {ours:8.4f} s {theirs:8.3f} s   "
        f"x {ratio:5.1f} faster {goal:<19} {size / ours / 1e6:6.0f} MB/s"
        f"   (C unpickler x {theirs / unpickler:4.1f})",
        flush=True,
    )


if __name__ == "__main__":
    main()
