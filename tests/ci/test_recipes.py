"""The recipes of docs/examples/ci: each script runs as its CI system would run it, without network."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ci.conftest import LOAD, Git
from tests.ci.steps import EXAMPLES, GitHub, Ran, Runner, load
from tests.forge import codebases, locks, models

LAX = 'fail-on = {severity = "critical", confidence = "high"}\n'
GITLAB = load(EXAMPLES / "gitlab/templates/modelassay.yml")
AZURE = load(EXAMPLES / "azure/azure-pipelines.yml")
JENKINS = (EXAMPLES / "jenkins/Jenkinsfile").read_text(encoding="utf-8")
NEW = LOAD.replace("chat-7b", "new-7b").format(locks.COMMIT)


@pytest.fixture
def clone(tmp_path: Path, base: Path, git: Git) -> Path:
    """A checkout of a pull request's branch, whose origin has the target branch."""
    git(base, "init", "-q")
    git(base, "add", ".")
    git(base, "commit", "-q", "-m", "base")
    git(tmp_path, "clone", "-q", str(base), "clone")
    return tmp_path / "clone"


class System(NamedTuple):
    """A CI system: how it starts the script, and what tells a pull request."""

    name: str
    reports: str
    """Where JUnit reports lie, below the checkout or the runner's temporary folder."""
    pull: dict[str, str]


SYSTEMS = (
    System("gitlab", "modelassay-lock.xml", {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}),
    System("jenkins", "modelassay-reports/lock.xml", {"CHANGE_TARGET": "main"}),
    System(
        "azure",
        "modelassay-reports/lock.xml",
        {"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
    ),
)
systems = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)


def script(system: str, job: str = "modelassay-lock") -> str:
    """The script, as the system hands it to a shell."""
    if system == "gitlab":
        parts = [*GITLAB[".modelassay"]["before_script"], *GITLAB[job]["script"]]
        return "\n".join(parts)
    if system == "jenkins":
        # https://groovy-lang.org/syntax.html, "Triple-single-quoted string": a backslash escapes
        (text,) = re.findall(r"sh '''(.*?)'''", JENKINS, re.DOTALL)
        return str(text).replace("\\\n", "").replace("\\\\", "\\")
    return str(AZURE["jobs"][0]["steps"][1]["bash"])


def go(
    runner: Runner, system: str, cwd: Path, *, job: str = "modelassay-lock", **values: str
) -> Ran:
    defaults = {"REQUIREMENT": "modelassay", "CODE": ".", "PATHS": "", "POLICY": ""}
    settings = {k: v for k, v in values.items() if k in defaults}
    rest = {k: v for k, v in values.items() if k not in defaults}
    variables = {f"MODELASSAY_{name}": value for name, value in (defaults | settings).items()}
    shell = {"azure": ("bash", "--noprofile", "--norc"), "jenkins": ("sh", "-xe")}
    variables |= {"AGENT_TEMPDIRECTORY": str(runner.temp)} | rest
    return runner.run(script(system, job), cwd, shell.get(system, ("sh", "-e")), **variables)


@systems
def test_pass_and_fail(tmp_path: Path, clone: Path, system: System) -> None:
    for name in ("pip", "venv", "json"):
        (clone / f"{name}.py").write_text("raise SystemExit('imported')\n")
    runner = Runner(tmp_path / "job")
    ran = go(runner, system.name, clone)
    assert ran.code == 0, ran.out
    assert "no findings" in ran.out
    assert runner.log.read_text().endswith("install modelassay\n")
    report = (runner.temp if system.name == "azure" else clone) / system.reports
    assert report.read_text().startswith("<?xml")
    codebases.write(clone, "app/new.py", NEW)
    ran = go(runner, system.name, clone)
    assert ran.code == 1
    assert "model-not-locked" in ran.out


SAYS = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in --config) echo "config: $(cat "$2")" ;; --policy) echo "policy: $2" ;; esac
  shift
done
"""
"""Stands in for the command: says what decides."""


@systems
def test_the_target_branch_decides(
    tmp_path: Path, clone: Path, base: Path, git: Git, system: System
) -> None:
    runner = Runner(tmp_path / "job")
    real = (tmp_path / "job/stubs/modelassay").read_text()
    (tmp_path / "job/stubs/modelassay").write_text(SAYS)
    (clone / "modelassay.toml").write_text(LAX)
    (clone / "lax.toml").write_text(LAX)
    ran = go(runner, system.name, clone, **system.pull)
    assert (ran.code, "config: \n" in ran.out, "policy:" in ran.out) == (0, True, False), ran.out
    ran = go(runner, system.name, clone, POLICY="strict", **system.pull)
    assert "policy: strict\n" in ran.out
    ran = go(runner, system.name, clone, POLICY="lax.toml", **system.pull)
    assert ran.code == 2
    assert "the target branch must have it" in ran.out
    (base / "lax.toml").write_text(LAX)
    (base / "pyproject.toml").write_text("[tool.modelassay]\n" + LAX)
    git(base, "add", ".")
    git(base, "commit", "-q", "-m", "lax")
    ran = go(runner, system.name, clone, POLICY="lax.toml", **system.pull)
    assert ran.code == 0, ran.out
    assert "config: [tool.modelassay]\n" in ran.out
    assert re.search(r"policy: /\S.*/base/lax\.toml\n", ran.out)
    # and the real command does what is said
    (tmp_path / "job/stubs/modelassay").write_text(real)
    codebases.write(clone, "app/new.py", NEW)
    assert go(runner, system.name, clone, **system.pull).code == 0


@systems
def test_models_are_scanned(tmp_path: Path, clone: Path, system: System) -> None:
    runner = Runner(tmp_path / "job")
    shutil.rmtree(clone / "app")
    (clone / "models.lock").unlink()
    (clone / "bad*.pkl").write_bytes(models.ECHO)
    (clone / "bad1.pkl").write_bytes(models.ECHO)
    values = {"CODE": "app.d", "PATHS": "app.d bad*.pkl"}
    models.plain(clone / "app.d")
    locks.write(clone / "app.d")
    (clone / "app.d/models.lock").unlink()
    ran = go(runner, system.name, clone, job="modelassay-scan", **values)
    assert ran.code == 1
    assert "bad*.pkl" in ran.out
    assert "bad1.pkl" not in ran.out


@systems
def test_nothing_to_look_at_and_a_program_that_dies(
    tmp_path: Path, clone: Path, system: System
) -> None:
    runner = Runner(tmp_path / "job")
    shutil.rmtree(clone / "app")
    (clone / "models.lock").unlink()
    assert go(runner, system.name, clone).code == 0
    stub = tmp_path / "job/stubs/modelassay"
    stub.write_text("#!/bin/sh\nexit 139\n")
    assert go(runner, system.name, clone).code == 139
    stub.write_text('#!/bin/sh\n[ "$1" = scan ] && exit 0\nexit 139\n')
    assert go(runner, system.name, clone, PATHS="app").code == 139


@systems
def test_settings_are_never_script(tmp_path: Path, clone: Path, system: System) -> None:
    runner = Runner(tmp_path / "job")
    (tmp_path / "job/stubs/modelassay").write_text("#!/bin/sh\nexit 0\n")
    bad = '"; touch injected; $(touch injected) `touch injected` ${IFS}'
    for name in ("CODE", "PATHS", "POLICY", "REQUIREMENT"):
        go(runner, system.name, clone, job="modelassay-scan", **{"PATHS": "app", name: bad})
        assert not list(tmp_path.rglob("injected"))


def test_text_of_a_model_is_no_command_to_azures_agent(tmp_path: Path, clone: Path) -> None:
    runner = Runner(tmp_path / "job")
    name = "##vso[task.setvariable]x##[error].pkl"
    (clone / name).write_bytes(models.ECHO)
    ran = go(runner, "azure", clone, CODE="app", PATHS=name)
    assert ran.code == 1
    assert "## vso[task.setvariable]" in ran.out
    assert "##vso[" not in ran.out
    assert "##[" not in ran.out


def test_the_reports_that_gitlab_takes(tmp_path: Path, clone: Path) -> None:
    runner = Runner(tmp_path / "job")
    models.plain(clone / "m")
    go(runner, "gitlab", clone, job="modelassay-scan", PATHS="m")
    for job in ("modelassay-lock", "modelassay-scan"):
        rules = GITLAB[job].get("rules", GITLAB[".modelassay"]["rules"])
        assert any("merge_request_event" in rule["if"] for rule in rules)
        reports = GITLAB[job]["artifacts"]["reports"]
        assert f"gitlab={reports['codequality']} " in script("gitlab", job)
        assert f"junit={reports['junit']} " in script("gitlab", job)
    bom = json.loads((clone / "gl-sbom-models.cdx.json").read_text())
    assert bom["bomFormat"] == "CycloneDX"
    assert json.loads((clone / "gl-code-quality-report.json").read_text()) == []


def test_expressions_stay_out_of_scripts() -> None:
    for system in SYSTEMS:
        for job in ("modelassay-lock", "modelassay-scan"):
            assert not re.search(r"\$\{\{|\$\[\[|\$\((?!mktemp|cat)[A-Z]", script(system.name, job))


# the weekly update

UPDATE = load(EXAMPLES / "github/update-models.yml")
STEPS = {step["name"]: step for step in UPDATE["jobs"]["update"]["steps"] if "run" in step}
GH = """#!/bin/sh
printf '%s\\n' "$*" >>{log}
case "$1 $2" in
  "pr list") cat {open} ;;
  "pr create" | "pr edit") while [ "$1" != --body-file ]; do shift; done; cp "$2" {body} ;;
esac
"""


def test_the_weekly_update_opens_one_request(
    tmp_path: Path, clone: Path, base: Path, git: Git
) -> None:
    runner = GitHub(tmp_path / "job", "schedule")
    log, opened, body = tmp_path / "gh.log", tmp_path / "open", tmp_path / "body"
    opened.touch()
    runner.program("gh", GH.format(log=log, open=opened, body=body))
    runner.environment |= {"GIT_CONFIG_NOSYSTEM": "1", "HF_HUB_OFFLINE": "1"}
    models.plain(clone / "models/mini")
    shutil.rmtree(clone / "app")
    (clone / "models.lock").unlink()
    assay = str(tmp_path / "job/stubs/modelassay")
    assert runner.run(f'"{assay}" lock write --offline', clone).code == 0
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "a local model")
    values = {
        "steps.install.outputs.command": assay,
        "github.token": "secret",
        "github.event.repository.default_branch": "main",
    }

    def week() -> str:
        for name in ("Ask what became of the locked models", "Update the lock"):
            ran = runner.step(STEPS[name], clone, values)
            assert ran.code == 0, ran.out
        return runner.outputs()["changed"]

    assert week() == "false"
    card = clone / "models/mini/README.md"
    card.write_text(card.read_text().replace("apache-2.0", "mit"))
    assert week() == "true"
    step = STEPS["Open the request"]
    ran = runner.step(step, clone, values)
    assert ran.code == 0, ran.out
    assert "pr create --head modelassay/update-models --base main" in log.read_text()
    assert "mit" in body.read_text()
    assert git(base, "show", "--stat", "--format=%s", "modelassay/update-models").startswith(
        "Update models.lock"
    )
    assert "README" not in git(base, "show", "--stat", "--format=", "modelassay/update-models")
    # the next week there is an open request, which is brought up to date
    opened.write_text("7\n")
    log.write_text("")
    locked = clone / "models.lock"
    locked.write_text(locked.read_text() + "# later\n")
    assert runner.step(step, clone, values).code == 0
    assert "pr edit 7 " in log.read_text()
    assert "pr create" not in log.read_text()


def test_a_model_that_nobody_can_ask_about_fails_the_update(tmp_path: Path, clone: Path) -> None:
    runner = GitHub(tmp_path / "job", "schedule", HF_HUB_OFFLINE="1")
    values = {"steps.install.outputs.command": str(tmp_path / "job/stubs/modelassay")}
    ran = runner.step(STEPS["Ask what became of the locked models"], clone, values)
    assert ran.code == 3


# the workflows as documents


@pytest.mark.parametrize(
    "path",
    sorted([*EXAMPLES.glob("github/*.yml"), *EXAMPLES.parents[2].glob(".github/workflows/*.yml")]),
    ids=lambda path: path.name,
)
def test_workflows_have_least_permissions_and_pinned_actions(path: Path) -> None:
    workflow = load(path)
    text = path.read_text(encoding="utf-8")
    assert "pull_request_target" not in text
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        assert "permissions" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            used = step.get("uses", "./")
            assert used.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used)
            if "checkout" in used:
                assert step["with"]["persist-credentials"] is False
