"""Where the `modelassay` command and `python -m modelscan` start.

`--version` is answered before the command line library is imported: it is asked by every hook.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from modelscan._about import NAME, VERSION

        sys.stdout.write(f"{NAME} {VERSION}\n")
        return
    from modelscan._cli.main import run  # lazy: see above

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
