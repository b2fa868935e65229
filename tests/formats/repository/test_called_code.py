"""Configurations that have functions of the model's own code called, as folders scanned whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan import api

RUNS = """
import subprocess
def helper(command):
    subprocess.run(command, shell=True)
def setup(command):
    helper(command)
def guarded(command):
    def inner():
        helper(command)
    return 1
def version():
    return 1
class Tool:
    @staticmethod
    def make(command):
        setup(command)
"""


def _rules(
    folder: Path,
    config: str,
    code: str = RUNS,
    module: str = "loader.py",
    document: str = "config.yaml",
) -> set[str]:
    for name, text in ((module, code), (document, config)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (model,) = api.scan(folder).models
    return {one.rule for one in model.findings if one.rule.startswith("python-process")}


LOADED, CALLED = "python-process-when-loaded", "python-process-when-called"


@pytest.mark.parametrize(
    "config",
    [
        "model: {_target_: loader.setup, command: id}",
        "model: {_target_: 'loader:setup', command: id}",
        "model: {_target_: loader.helper, command: id}",
        "model: {_target_: loader.Tool.make, command: id}",
        "model: {class_path: loader.setup, init_args: {command: id}}",
        "model: !!python/object/apply:loader.setup [id]",
    ],
)
def test_what_a_called_function_does_it_does_when_it_is_loaded(config: str, tmp_path: Path) -> None:
    assert LOADED in _rules(tmp_path, config)


@pytest.mark.parametrize(
    "config",
    [
        "model: {_target_: loader.version}",
        "model: {_target_: loader.missing}",
        "model: {_target_: other.setup}",
        "model: {_target_: loader.Tool}",
        "model: {name: loader.setup}",
    ],
)
def test_what_nothing_calls_waits_for_a_person(config: str, tmp_path: Path) -> None:
    assert _rules(tmp_path, config) == {CALLED}


@pytest.mark.parametrize(
    ("target", "module", "document"),
    [
        ("a.b.loader.setup", "a/b/loader.py", "conf/config.yaml"),
        ("loader.setup", "conf/loader.py", "conf/config.yaml"),
        ("a.setup", "a/__init__.py", "config.yaml"),
    ],
)
def test_modules_are_found_from_the_root_and_from_beside_the_document(
    target: str, module: str, document: str, tmp_path: Path
) -> None:
    text = f"model: {{_target_: {target}, command: id}}"
    assert LOADED in _rules(tmp_path, text, module=module, document=document)


def test_a_class_that_is_made_runs_nothing_else(tmp_path: Path) -> None:
    code = RUNS.replace(
        "class Tool:", "class Net:\n    def __init__(self, size): pass\nclass Tool:"
    )
    config = "model: {_target_: loader.Net, size: 3}"
    assert _rules(tmp_path, config, code) == {CALLED}
