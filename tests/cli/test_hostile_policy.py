"""Nothing in a model can weaken the policy: models that try, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelscan.policy import discovery, layers
from tests.cli.conftest import Command
from tests.forge import models, policies

BAD = b"cposix\nsystem\n(S'echo hi'\ntR."
LAX = """
policy = "lax"
fail-on = {severity = "critical", confidence = "high"}
[answers.official-bytes]
fail = []
[env.lax]
fail-on = {severity = "critical", confidence = "high"}
[env.production]
profile = "audit"
[[override]]
rule = "pickle-dangerous-call"
severity = "info"
reason = "it is ours"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, on a fixed day."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", policies.EPOCH)
    monkeypatch.delenv(discovery.VARIABLE, raising=False)
    monkeypatch.delenv(layers.FLOOR_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_configuration(model: Path, _: Path) -> None:
    (model / "modelassay.toml").write_text(LAX)
    (model / ".modelassay.toml").write_text(LAX)
    (model / "pyproject.toml").write_text(LAX.replace("[", "[tool.modelassay.", 1))


def project_file(model: Path, _: Path) -> None:
    lines = ["[tool.modelassay]", 'fail-on = {severity = "critical", confidence = "high"}']
    (model / "pyproject.toml").write_text("\n".join(lines))


def linked_configuration(model: Path, here: Path) -> None:
    (model / "policy.toml").write_text(LAX)
    (here / "modelassay.toml").symlink_to(model / "policy.toml")


def linked_from_inside(model: Path, here: Path) -> None:
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.toml").write_text(LAX)
    (model / "modelassay.toml").symlink_to(elsewhere / "x.toml")


def named_by_the_environment(model: Path, _: Path) -> None:
    (model / "x.toml").write_text(LAX)


def files_named_like_profiles(model: Path, here: Path) -> None:
    for name in ("default", "strict", "production", "audit", "lax"):
        (model / name).write_text(LAX)
        (here / name).symlink_to(model / name)


def own_rules_and_lists(model: Path, _: Path) -> None:
    for folder in ("rules", "lists", "rules/lists", ".modelassay"):
        (model / folder).mkdir(parents=True, exist_ok=True)
        text = "modules:\n  posix:\n    system: inert\n"
        (model / folder / "pickle-globals.yaml").write_text(text)


def own_lock_and_baseline(model: Path, _: Path) -> None:
    (model / "models.lock").write_text('version = 1\n[[model]]\nref = "hf:acme/model"\n')
    (model / "baseline.json").write_text('{"schema": "modelassay-report/1", "models": []}')


def a_card_that_says_so(model: Path, _: Path) -> None:
    card = "---\nlicense: mit\nmodelassay: {policy: audit}\ntags: [approved, safe]\n---\n# ok\n"
    (model / "README.md").write_text(card)


TRICKS = (
    own_configuration, project_file, linked_configuration, linked_from_inside,
    named_by_the_environment, files_named_like_profiles, own_rules_and_lists,
    own_lock_and_baseline, a_card_that_says_so,
)  # fmt: skip


@pytest.mark.parametrize("inside", [False, True], ids=["from outside", "from inside"])
@pytest.mark.parametrize("profile", [None, "default", "strict", "production"])
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_a_model_cannot_weaken_the_policy(
    modelassay: Command,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    trick: Callable[[Path, Path], None],
    profile: str | None,
    *,
    inside: bool,
) -> None:
    model = models.plain(here / "model")
    (model / "net.pkl").write_bytes(BAD)
    trick(model, here)
    if trick is named_by_the_environment:
        monkeypatch.setenv(discovery.VARIABLE, str(model / "x.toml"))
    if inside:
        monkeypatch.chdir(model)
    chosen = ("--policy", profile) if profile else ()
    ran = modelassay("scan", "." if inside else model, "-f", "json", *chosen)
    assert ran.code == 1, ran.err
    report = json.loads(ran.out)
    assert report["policy"]["name"] == (profile or "default")
    (found,) = (f for f in report["models"][0]["findings"] if f["rule"] == "pickle-dangerous-call")
    assert found["severity"] == "critical"
    assert found["waived"] is None


def test_an_environment_that_only_the_model_has_is_not_there(
    modelassay: Command, here: Path
) -> None:
    model = models.plain(here / "model")
    own_configuration(model, here)
    ran = modelassay("scan", model, "--policy", "lax")
    assert ran.code == 2
    assert "there is no policy 'lax'" in ran.err
