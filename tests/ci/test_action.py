from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modelscan.report.writers import BY_NAME
from tests.ci.conftest import LOAD
from tests.ci.steps import ROOT, GitHub, Ran, load
from tests.forge import codebases, locks, models

ACTION = load(ROOT / "action.yml")
INSTALL, CHECK, UPLOAD, VERDICT = ACTION["runs"]["steps"]
DEFAULTS = {f"inputs.{name}": str(each["default"]) for name, each in ACTION["inputs"].items()}
OLD = 'fail-on = {severity = "critical", confidence = "high"}\n'


@pytest.fixture
def runner(tmp_path: Path) -> GitHub:
    made = GitHub(tmp_path / "push")
    assert install(made, tmp_path).code == 0
    return made


@pytest.fixture
def pull(tmp_path: Path) -> GitHub:
    made = GitHub(tmp_path / "pull", "pull_request")
    assert install(made, tmp_path).code == 0
    return made


def install(runner: GitHub, cwd: Path) -> Ran:
    return runner.step(
        INSTALL, cwd, DEFAULTS | {"github.action_path": str(ROOT), "inputs.python": "python3"}
    )


def check(runner: GitHub, cwd: Path, **inputs: str) -> Ran:
    """The steps after the installation, up to the verdict."""
    given = {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
    ran = runner.step(CHECK, cwd, DEFAULTS | given)
    if ran.code:
        return ran
    code = runner.outputs()["exit-code"]
    verdict = runner.step(VERDICT, cwd, {"steps.check.outputs.exit-code": code})
    return Ran(verdict.code, ran.out)


# installation


def test_what_is_installed_is_pinned_and_nothing_is_imported_from_the_checkout(
    tmp_path: Path, head: Path
) -> None:
    for name in ("pip", "venv", "sys", "json", "base64", "modelscan"):
        (head / f"{name}.py").write_text("raise SystemExit('imported')\n")
    runner = GitHub(tmp_path / "job")
    assert install(runner, head) == Ran(0, "")
    locked, own = runner.log.read_text().splitlines()
    assert "--require-hashes --only-binary :all:" in locked
    assert locked.endswith(f"--requirement {ROOT}/requirements/run.txt")
    assert own.endswith(f"install --no-deps --no-build-isolation {ROOT}")
    assert check(runner, head).code == 0
    assert Path(runner.outputs()["command"]).is_file()


def test_the_pins_are_those_that_our_tests_run_with() -> None:
    blocks = re.compile(r"^(\S+==[^\\]*\\\n(?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)
    folder = ROOT / "requirements"
    tested = {
        block.split()[0]: set(re.findall(r"sha256:\w+", block))
        for block in blocks.findall((folder / "dev.txt").read_text())
    }
    run = {
        block.split()[0]: set(re.findall(r"sha256:\w+", block))
        for block in blocks.findall((folder / "run.txt").read_text())
    }
    assert len(run) > 40
    assert {
        name for name, digests in run.items() if not digests <= tested.get(name, set())
    } == set()
    names = {name.partition("==")[0].lower().replace("_", "-") for name in run}
    text = (ROOT / "pyproject.toml").read_text()
    (declared,) = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    needed = {
        name.lower().replace("_", "-")
        for name in re.findall(r'^  "([\w-]+)', declared, re.MULTILINE)
    }
    assert needed - names == set()
    assert "hatchling" in names


def test_an_old_python_is_named(tmp_path: Path) -> None:
    runner = GitHub(tmp_path / "job")
    runner.program("python3", "#!/bin/sh\necho old >&2\nexit 1\n")
    assert install(runner, tmp_path).code == 1


# checks


def test_an_unchanged_tree_passes(runner: GitHub, head: Path) -> None:
    ran = check(runner, head)
    assert ran.code == 0
    assert "held against 1 locked model (1 lock), no findings." in ran.out
    assert "## Lock: pass" in runner.summary.read_text()
    reports = Path(runner.outputs()["reports"])
    assert json.loads((reports / "lock.sarif").read_text())["version"] == "2.1.0"


def test_an_unlocked_model_fails_with_an_annotation(runner: GitHub, head: Path) -> None:
    codebases.write(head, "app/new.py", LOAD.replace("chat-7b", "new-7b").format(locks.COMMIT))
    ran = check(runner, head)
    assert ran.code == 1
    assert re.search(
        r"^::error file=app/new.py,line=3,title=model-not-locked::", ran.out, re.MULTILINE
    )
    assert "model-not-locked" in runner.summary.read_text()


def test_models_are_scanned_and_the_strongest_code_decides(runner: GitHub, head: Path) -> None:
    models.plain(head / "out/my model")
    (head / "out/-bad.pkl").write_bytes(models.ECHO)
    ran = check(runner, head, code="", paths="out/my model\n\nout/-bad.pkl\n", formats="json junit")
    assert ran.code == 1
    reports = Path(runner.outputs()["reports"])
    assert [each["ref"] for each in json.loads((reports / "scan.json").read_text())["models"]] == [
        "my model", "-bad.pkl",
    ]  # fmt: skip
    assert (reports / "scan.junit").read_text().startswith("<?xml")
    assert not (reports / "lock.sarif").exists()
    ran = check(runner, head, code="", paths="not-there")
    assert (ran.code, runner.outputs()["exit-code"]) == (3, "3")
    assert check(runner, head, code="", paths="out/-bad.pkl", fail_on="critical").code == 1


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"code": ""}, "nothing to check"),
        ({"directory": "nowhere"}, "the input directory names no folder"),
        ({"base": "nowhere"}, "the input base names no folder"),
    ],
)
def test_mistakes_are_named(runner: GitHub, head: Path, inputs: dict[str, str], says: str) -> None:
    ran = check(runner, head, **inputs)
    assert ran.code == 2
    assert f"::error title=modelassay::{says}" in ran.out


def test_a_mistake_in_the_options_is_exit_2(runner: GitHub, head: Path) -> None:
    ran = check(runner, head, policy="no-such")
    assert ran.code == 2
    assert "no-such" in ran.out


def test_nothing_to_look_at_is_no_complaint(runner: GitHub, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert check(runner, tmp_path / "empty").code == 0


def test_a_program_that_dies_is_no_pass(runner: GitHub, head: Path) -> None:
    command = Path(runner.outputs()["command"])
    command.write_text("#!/bin/sh\nexit 139\n")
    assert check(runner, head).code == 2


def test_without_a_verdict_the_job_fails(runner: GitHub, head: Path) -> None:
    assert runner.step(VERDICT, head, {"steps.check.outputs.exit-code": ""}).code == 2


HOSTILE = "\"; echo INJECTED; $(touch injected) `touch injected` '; exit 0; # ${IFS}"


def test_inputs_are_never_script(runner: GitHub, head: Path) -> None:
    command = Path(runner.outputs()["command"])
    command.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    for name in ("code", "paths", "policy", "fail_on", "baseline", "formats"):
        ran = check(runner, head, **{"code": "", "paths": "app", name: HOSTILE})
        assert ran.code == 0
        if name != "formats":  # each of its words is one
            assert f"<{HOSTILE}>" in ran.out
        assert not list(head.rglob("injected"))
        assert not re.search("^INJECTED", ran.out, re.MULTILINE)


def test_text_of_a_model_is_no_workflow_command(runner: GitHub, head: Path) -> None:
    """The runner takes a line that starts with `::`, spaces before it allowed, for a command."""
    name = "x" * 60 + " ::add-mask::owned .pkl"
    (head / name).write_bytes(models.ECHO)
    ran = check(runner, head, code="", paths=name)
    stopped = ""
    live = []
    for line in ran.out.splitlines():
        if stopped:
            stopped = "" if line == f"::{stopped}::" else stopped
        elif line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
            assert re.fullmatch("[0-9a-f]{32}", stopped)
        elif line.lstrip().startswith("::"):
            live.append(line.lstrip().split("::")[1].split()[0])
    assert not stopped
    assert set(live) <= {"group", "endgroup", "error", "warning", "notice"}
    assert any(line.lstrip().startswith("::add-mask::") for line in ran.out.splitlines())


# pull requests


def test_a_change_of_a_revision_is_one_paragraph(pull: GitHub, head: Path, base: Path) -> None:
    codebases.write(head, "app/main.py", LOAD.format(locks.NEWER))
    locks.write(head, locks.model(asked=locks.NEWER, revision=locks.NEWER))
    ran = check(pull, head.parent, directory="head", base="base")
    assert ran.code == 0, ran.out
    summary = pull.summary.read_text()
    assert "## Lock: pass" in summary
    assert "## Models: " in summary
    assert "9f21b2a01c44" in summary
    assert base.is_dir()


@pytest.mark.parametrize("file", ["modelassay.toml", "pyproject.toml"])
@pytest.mark.parametrize("with_base", [True, False])
def test_a_pull_request_cannot_relax_the_policy(
    pull: GitHub, head: Path, file: str, *, with_base: bool
) -> None:
    codebases.write(head, "app/new.py", LOAD.replace("chat-7b", "new-7b").format(locks.COMMIT))
    (head / file).write_text(("[tool.modelassay]\n" if file[0] == "p" else "") + OLD)
    inputs = {"base": "base"} if with_base else {}
    assert check(pull, head.parent, directory="head", **inputs).code == 1


@pytest.mark.parametrize("file", ["modelassay.toml", "pyproject.toml"])
def test_the_base_branch_may(pull: GitHub, head: Path, base: Path, file: str) -> None:
    codebases.write(head, "app/new.py", LOAD.replace("chat-7b", "new-7b").format(locks.COMMIT))
    (base / file).write_text(("[tool.modelassay]\n" if file[0] == "p" else "") + OLD)
    assert check(pull, head.parent, directory="head", base="base").code == 0


def test_a_project_file_that_is_not_about_us(pull: GitHub, head: Path, base: Path) -> None:
    (base / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["modelassay"]\n')
    assert check(pull, head.parent, directory="head", base="base").code == 0


def test_a_policy_file_is_the_base_branchs(pull: GitHub, head: Path, base: Path) -> None:
    codebases.write(head, "app/new.py", LOAD.replace("chat-7b", "new-7b").format(locks.COMMIT))
    (head / "lax.toml").write_text(OLD)
    for inputs in ({"base": "base"}, {}):
        ran = check(pull, head.parent, directory="head", policy="lax.toml", **inputs)
        assert ran.code == 2
        assert "the base branch must have it" in ran.out
    (base / "lax.toml").write_text(OLD)
    assert check(pull, head.parent, directory="head", policy="lax.toml", base="base").code == 0


def test_a_baseline_is_the_base_branchs(pull: GitHub, head: Path, base: Path) -> None:
    (head / "one.pkl").write_bytes(models.ECHO)
    inputs = {"directory": "head", "code": "", "paths": "one.pkl", "formats": "json"}
    assert check(pull, head.parent, **inputs).code == 1
    report = (Path(pull.outputs()["reports"]) / "scan.json").read_text()
    (head / "old.json").write_text(report)
    ran = check(pull, head.parent, baseline="old.json", **inputs)
    assert (ran.code, "the baseline must be the base branch's" in ran.out) == (2, True)
    assert check(pull, head.parent, baseline="old.json", base="base", **inputs).code == 2
    (base / "old.json").write_text(report)
    new = inputs | {"baseline": "old.json", "base": "base"}
    check(pull, head.parent, **new)
    (found,) = json.loads((Path(pull.outputs()["reports"]) / "scan.json").read_text())["models"]
    assert {finding["baseline"] for finding in found["findings"]} == {"unchanged"}


# upload


class _Hub(BaseHTTPRequestHandler):
    status = 202
    asked: list[tuple[str, str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[tuple[type[_Hub], str]]:
    """A code host's interface."""
    handler = type("Hub", (_Hub,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def upload(runner: GitHub, head: Path, url: str, repository: str = "") -> Ran:
    runner.environment["GITHUB_API_URL"] = url
    return runner.step(
        UPLOAD,
        head,
        {
            "inputs.token": "secret-token",
            "github.event.pull_request.head.repo.full_name": repository,
            "steps.check.outputs.reports": runner.outputs()["reports"],
        },
    )


def test_sarif_is_uploaded(runner: GitHub, head: Path, hub: tuple[type[_Hub], str]) -> None:
    handler, url = hub
    models.plain(head / "m")
    assert check(runner, head, code="app", paths="m").code == 0
    ran = upload(runner, head, url)
    assert (ran.code, ran.out) == (0, "")
    assert len(handler.asked) == 2
    categories = set()
    for path, authorisation, body in handler.asked:
        assert path == "/repos/acme/app/code-scanning/sarifs"
        assert authorisation == "Bearer secret-token"
        assert (body["commit_sha"], body["ref"]) == ("1" * 40, "refs/heads/main")
        sarif = json.loads(gzip.decompress(base64.b64decode(body["sarif"])))
        categories |= {run["automationDetails"]["id"] for run in sarif["runs"]}
    assert categories == {"modelassay/lock/", "modelassay/scan/"}


def test_a_fork_uploads_nothing_and_a_refusal_is_a_warning(
    runner: GitHub, head: Path, hub: tuple[type[_Hub], str]
) -> None:
    handler, url = hub
    check(runner, head)
    ran = upload(runner, head, url, "somebody/app")
    assert ran.code == 0
    assert "::notice title=modelassay::The token of a fork may not write" in ran.out
    assert handler.asked == []
    handler.status = 403
    ran = upload(runner, head, url, "acme/app")
    assert ran.code == 0
    assert "::warning title=modelassay::SARIF was not uploaded" in ran.out
    assert "secret-token" not in ran.out


# the document


def test_the_document_says_what_runs() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert "uses" not in step
    scripts = "".join(step["run"] for step in ACTION["runs"]["steps"])
    bare = re.findall(r'(?<!\+)"\$\{(\w+)\[@\]\}"', scripts)
    assert set(bare) == {"pip", "paths", "words"}, "an empty array is unset to bash 3.2"
    for each in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert each["description"]
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert [name for name in ACTION["inputs"] if f"`{name}`" not in page] == []
    assert {"terminal", "markdown", "sarif", "github"} <= set(BY_NAME)
