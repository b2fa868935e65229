"""A runner for the shell steps of action.yml and of the examples: what they say, run as a CI system runs it.

The steps run in a scratch repository, with an environment of nothing but what the system promises. Python's `venv` and
`pip` are stood in for, so that nothing is downloaded; the command that they would install is the real one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "ci"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_INSTALLED = """#!/bin/sh
exec env PYTHONPATH={root} {python} -P -m modelscan "$@"
"""
_PYTHON = """#!/bin/sh
if [ "$2 $3" = "-m pip" ]; then
  [ "$1" = -I ] || exit 97
  shift 3
  printf '%s\\n' "$*" >>{log}
  exit 0
fi
exec {python} "$@"
"""
_OUTER = """#!/bin/sh
if [ "$1 $2 $3" = "-I -m venv" ]; then
  mkdir -p "$4/bin"
  cp {stubs}/inner "$4/bin/python"
  cp {stubs}/modelassay "$4/bin/modelassay"
  exit 0
fi
[ "$1" = -I ] || exit 97
exec {python} "$@"
"""


class Ran(NamedTuple):
    code: int
    out: str


class Runner:
    """One job: a folder for its files, and an environment."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.temp = folder / "runner temp"  # a space, to catch what is not quoted
        self.bin = folder / "bin"
        stubs = folder / "stubs"
        self.log = folder / "pip.log"
        for each in (self.temp, self.bin, stubs, folder / "home"):
            each.mkdir(parents=True)
        self.log.touch()
        python = sys.executable
        _program(stubs / "inner", _PYTHON.format(log=self.log, python=python))
        _program(stubs / "modelassay", _INSTALLED.format(root=ROOT, python=python))
        self.program("python3", _OUTER.format(stubs=stubs, python=python))
        self.environment = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "TMPDIR": str(self.temp),
            "LANG": "C.UTF-8",
            "CI": "true",
        } | variables

    def program(self, name: str, text: str) -> None:
        """Put a program on the path."""
        _program(self.bin / name, text)

    def run(
        self, script: str, cwd: Path, shell: Sequence[str] = ("bash", "-e"), **variables: str
    ) -> Ran:
        """Run a step."""
        file = self.temp / "step.sh"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [*shell, str(file)],
            cwd=cwd,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout)


class GitHub(Runner):
    """A GitHub Actions runner: files for outputs and the summary, and expressions."""

    def __init__(self, folder: Path, event: str = "push", **variables: str) -> None:
        super().__init__(folder)
        self.output, self.summary = folder / "output", folder / "summary"
        self.output.touch()
        self.summary.touch()
        self.environment |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "acme/app",
            "GITHUB_SHA": "1" * 40,
            "GITHUB_REF": "refs/heads/main",
            "RUNNER_TEMP": str(self.temp),
        } | variables

    def outputs(self) -> dict[str, str]:
        """What steps have written."""
        lines = self.output.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def step(self, step: Mapping[str, Any], cwd: Path, values: Mapping[str, str]) -> Ran:
        """Run a step of a workflow, its expressions with these values; others are a mistake."""
        assert not _EXPRESSION.search(step["run"]), "an expression in a script is an injection"
        filled = {
            name: _EXPRESSION.sub(lambda found: values[found[1]], str(value))
            for name, value in step.get("env", {}).items()
        }
        # https://docs.github.com/actions, "Workflow syntax", jobs.<id>.steps[*].shell
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
        return self.run(
            step["run"], cwd, shell if step.get("shell") == "bash" else ("bash", "-e"), **filled
        )


def load(path: Path) -> Any:
    """A YAML document; of several, the last (a GitLab component's jobs)."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))[-1]


def _program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
