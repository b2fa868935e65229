"""Where the `modelassay` command and `python -m modelscan` start.

`--version` is answered before the command line library is imported: it is asked by every hook.
"""

from __future__ import annotations

import gc
import sys

_COLLECT_AFTER = 1_000_000
"""Allocations between two garbage collections. A scan makes many small immutable values that live
to its end and hardly a cycle: Python's default of 700 spends a tenth of the time looking for them.
"""


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from modelscan._about import NAME, VERSION

        sys.stdout.write(f"{NAME} {VERSION}\n")
        return
    gc.set_threshold(_COLLECT_AFTER)
    from modelscan._cli.main import run  # lazy: see above

    code = run(sys.argv[1:])
    gc.freeze()  # the process ends here: looking for cycles in what it held would only delay that
    sys.exit(code)


if __name__ == "__main__":
    main()
