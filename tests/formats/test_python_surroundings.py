"""Changes to the environment and the import path, and what unpickling calls."""

from __future__ import annotations

import pytest

from modelscan.budget import Budget
from modelscan.formats.python_code.analysis import Analysis


def _found(text: str) -> list[tuple[str, str, str]]:
    found = Analysis(text, Budget()).run()
    return [(each.judged.behaviour, each.judged.call, each.when) for each in found]


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['LD_PRELOAD'] = '/tmp/x.so'",
        "os.environ.setdefault('PYTHONPATH', 'x')",
        "os.putenv('LD_AUDIT', 'x')",
        "os.environ.update({'A': 'b', 'PYTHONSTARTUP': 'x'})",
        "os.environ.update(BASH_ENV='x')",
        "e = os.environ\ne['GIT_SSH_COMMAND'] = 'x'",
        "os.environ[b'LD_PRELOAD'.decode()] = 'x'",
    ],
)
def test_variables_that_make_programs_load_something(line: str) -> None:
    assert [kind for kind, _, _ in _found(f"import os\n{line}\n")] == ["changes-environment"]


@pytest.mark.parametrize(
    "line", ["os.environ['https_proxy'] = 'http://x'", "os.environ['HF_ENDPOINT'] = 'https://x'"]
)
def test_variables_that_lead_connections_elsewhere(line: str) -> None:
    assert [kind for kind, _, _ in _found(f"import os\n{line}\n")] == ["leads-elsewhere"]


@pytest.mark.parametrize(
    "line",
    [
        "sys.path.insert(0, '/tmp/x')",
        "sys.path.append('/dev/shm')",
        "sys.path.extend(['a', '/var/tmp/x'])",
        "sys.path.insert(0, 'payload.zip')",
        "sys.path.insert(0, tempfile.mkdtemp())",
        "sys.meta_path.insert(0, object())",
        "sys.path_hooks.append(print)",
    ],
)
def test_paths_that_are_not_the_models_own(line: str) -> None:
    found = _found(f"import sys, tempfile\n{line}\n")
    assert [(kind, when) for kind, _, when in found] == [("changes-import-path", "import")]


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['TOKENIZERS_PARALLELISM'] = 'false'",
        "import os\nos.environ[name] = 'x'",
        "import os\nos.environ.update(other)\nos.environ.update({**other, 'A': 'b'})",
        "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\nsys.path.append('.')",
        "import sys\nsys.path.append('src')\nsys.path.append('/home/me/x')",
        "x = {}\nx['LD_PRELOAD'] = 'y'",
        "class A:\n def __reduce__(self): return (A, (1,))",
        "class A:\n def __reduce__(self): return 'name'",
        "class A:\n def __setstate__(self, state): self.__dict__.update(state)",
        "from transformers import AutoModel\nAutoModel.from_pretrained(path, trust_remote_code=True)",
        "from transformers import AutoModel\nAutoModel.from_pretrained('a/b', trust_remote_code=False)",
        "TABLE = {}\ndef f():\n import os; os.system('id')\nTABLE['f'] = len",
    ],
)
def test_ordinary_code(text: str) -> None:
    kinds = {kind for kind, _, when in _found(text + "\n") if when != "call"}
    assert kinds == set()


def test_what_unpickling_calls() -> None:
    text = "import os\nclass A:\n def __reduce__(self):\n  return (os.system, ('id',))\n"
    assert _found(text) == [("starts-process", "os.system", "instantiation")]


def test_a_table_of_functions_is_not_a_call() -> None:
    text = "import os\ntable = {}\ndef f(): os.system('id')\ntable['f'] = f\n"
    assert _found(text) == [("starts-process", "os.system", "call")]


def test_code_of_another_repository_by_name() -> None:
    text = "from transformers import AutoModel\nAutoModel.from_pretrained('a/b', trust_remote_code=True)\n"
    assert _found(text) == [
        ("loads-remote-code", "transformers.AutoModel.from_pretrained", "import")
    ]
