from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.api import scan
from modelscan.vocabulary.fact import RemoteCode
from tests.forge.reading import fails, found, gaps, quiet, read

HONEST = """artifact_path: model
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.9
  sklearn: {code: null, pickled_model: model.pkl, serialization_format: cloudpickle}
mlflow_version: 3.4.0
"""


def references(text: str, name: str = "MLmodel") -> list[tuple[str, str]]:
    facts, _ = read(text.encode(), name)
    return [(fact.key, fact.reference) for fact in facts if isinstance(fact, RemoteCode)]


def test_an_honest_model_is_quiet() -> None:
    assert references(HONEST) == []
    assert quiet(HONEST.encode(), "MLmodel")


@pytest.mark.parametrize(
    ("flavor", "key", "reference"),
    [
        ("loader_module: loader", "loader_module", "loader._load_pyfunc"),
        ("{loader_module: my.loader, code: code}", "loader_module", "code.my.loader._load_pyfunc"),
        ("loader_module: mlflowx", "loader_module", "mlflowx._load_pyfunc"),
        ("loader_module: [a]", "loader_module", "?._load_pyfunc"),
        ("model_code_path: ./agent.py", "model_code_path", "agent.set_model"),
        ("{loader_module: mlflow.x, loader_module: os}", "loader_module", "os._load_pyfunc"),
    ],
)
def test_code_that_comes_with_the_model(flavor: str, key: str, reference: str) -> None:
    text = f"flavors:\n  python_function:\n    {flavor}\n"
    assert references(text) == [(f"flavors.python_function.{key}", reference)]
    assert found(text.encode(), "MLmodel")["remote-code-requested"] == "medium"
    assert references(text, "notes") == []


@pytest.mark.parametrize("text", ["flavors: [", "flavors: 1\n\t- x", "flavors: !!python/name:os"])
def test_what_cannot_be_read_is_a_gap(text: str) -> None:
    assert gaps(text.encode(), "MLmodel")


def test_other_shapes_name_nothing() -> None:
    assert references("flavors: 7") == []
    assert references("flavors: {a: 7}") == []
    assert not fails(b"words about flavors", "MLmodel")


@given(st.text(alphabet="flavors: {}[]&*!loader_module\n-", max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    references("flavors: " + text)


@pytest.mark.parametrize("module", ["code/pkg.py", "code/pkg/__init__.py"])
def test_code_in_a_package_is_not_missed(tmp_path: Path, module: str) -> None:
    (tmp_path / module).parent.mkdir(parents=True)
    (tmp_path / module).write_text("def _load_pyfunc(path):\n    return path\n")
    text = "flavors: {python_function: {loader_module: pkg, code: code}}"
    (tmp_path / "MLmodel").write_text(text)
    rules = {found.rule for found in scan(tmp_path, jobs=1).models[0].findings}
    assert "remote-code-requested" in rules
    assert "remote-code-missing" not in rules
