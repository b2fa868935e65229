from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.discovery.finder import Imported
from modelscan.discovery.python import finder
from modelscan.errors import BudgetError
from tests.discovery.conftest import Find, refs
from tests.forge.codebases import COMMIT

HEAD = "from transformers import AutoModel as M, pipeline\nimport os\n"


class _Alone:
    """A code base of one file."""

    def __init__(self) -> None:
        self.parsed: dict[str, object] = {}

    def holds(self, path: str) -> bool:  # noqa: ARG002  # as `CodeBase` has it
        return False

    def module(self, dotted: str, importer: str) -> Imported | None:  # noqa: ARG002  # the same
        return None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("M.from_pretrained('org/m-1')", ["hf:org/m-1"]),
        ("M.from_pretrained(pretrained_model_name_or_path='org/m-1')", ["hf:org/m-1"]),
        ("A, B = 'org/m-1', 'x'\nM.from_pretrained(('org/m-1', 1)[0])", ["hf:org/m-1"]),
        ("x: str = 'org/m-1'\nM.from_pretrained(x)", ["hf:org/m-1"]),
        ("M.from_pretrained('{}/{name}'.format('org', name='m-1'))", ["hf:org/m-1"]),
        ("M.from_pretrained('{0}/m-1'.format('org'))", ["hf:org/m-1"]),
        ("M.from_pretrained('%s/%s' % ('org', 'm-1'))", ["hf:org/m-1"]),
        ("D = dict(a='org/m-1')\nM.from_pretrained(D['a'])", ["hf:org/m-1"]),
        ("D = {'a': 'org/m-1', 'b': 'org/n-1'}\nM.from_pretrained(D.get('a'))", ["hf:org/m-1"]),
        ("D = {'a': 'org/m-1', 'b': 'org/n-1'}\nM.from_pretrained(D[k])",
         ["hf:org/m-1", "hf:org/n-1"]),
        ("D = {'a': 'org/m-1'}\nE = {**D}\nM.from_pretrained(E['a'])", ["hf:org/m-1"]),
        ("D = {'a': 'org/m-1'}\nfor k, v in D.items():\n  M.from_pretrained(v)", ["hf:org/m-1"]),
        ("D = {'org/m-1': 1}\nfor k in D.keys():\n  M.from_pretrained(k)", ["hf:org/m-1"]),
        ("D = {'org/m-1': 1}\nfor k in D:\n  M.from_pretrained(k)", ["hf:org/m-1"]),
        ("[M.from_pretrained(x) for x in ['org/m-1']]", ["hf:org/m-1"]),
        ("M.from_pretrained(os.environ.get('X') or 'org/m-1')", ["hf:org/m-1"]),
        ("M.from_pretrained(os.environ.get('X', default='org/m-1'))", ["hf:org/m-1"]),
        ("def f(): return 'org/m-1'\nM.from_pretrained(f())", ["hf:org/m-1"]),
        ("def f(*, n='org/m-1'): M.from_pretrained(n)", ["hf:org/m-1"]),
        ("def f(n): M.from_pretrained(n)\nf(n='org/m-1')", ["hf:org/m-1"]),
        ("def f(n): M.from_pretrained(n)\nf(*x)", ["n"]),
        ("class E:\n  A = 'org/m-1'\nM.from_pretrained(E.A.value)", ["hf:org/m-1"]),
        ("class C:\n  def __init__(s, n): s.n = n\n  def g(s): M.from_pretrained(s.n)\nC('o/m-1')",
         ["hf:o/m-1"]),
        ("class C:\n  @staticmethod\n  def go(n): M.from_pretrained(n)\nC.go('org/m-1')",
         ["hf:org/m-1"]),
        ("class C:\n  n: str = 'org/m-1'\nc = C(n='org/o-1')\nM.from_pretrained(c.n)",
         ["hf:org/o-1"]),
        ("class B:\n  n = 'org/m-1'\nclass C(B): pass\nM.from_pretrained(C().n)", ["hf:org/m-1"]),
        ("class C:\n  @property\n  def n(s): return 'org/m-1'\nM.from_pretrained(C().n)",
         ["hf:org/m-1"]),
        (("from pydantic import Field\nclass C:\n  n: str = Field(default='org/m-1')\n"
          "def f(cfg: C): M.from_pretrained(cfg.n)"), ["hf:org/m-1"]),
        (("from dataclasses import field\nclass C:\n"
          "  n: str = field(default_factory=lambda: 'org/m-1')\n"
          "def f(model_args): M.from_pretrained(model_args.n)"), ["hf:org/m-1"]),
        ("import click\n@click.option('--n', default='org/m-1')\ndef f(n): M.from_pretrained(n)",
         ["hf:org/m-1"]),
        ("import typer\ndef f(n: str = typer.Option('org/m-1')): M.from_pretrained(n)",
         ["hf:org/m-1"]),
        ("p.add_argument('-m', dest='n', default='org/m-1')\nM.from_pretrained(args.n)",
         ["hf:org/m-1"]),
        ("flags.DEFINE_string('n', 'org/m-1', 'help')\nM.from_pretrained(FLAGS.n)", ["hf:org/m-1"]),
        ("n = st.selectbox('Model', ['org/m-1', 'org/n-1'])\nM.from_pretrained(n)",
         ["hf:org/m-1", "hf:org/n-1"]),
        ("n = gr.Dropdown(choices=['org/m-1'], value='org/m-1')\nM.from_pretrained(n)",
         ["hf:org/m-1"]),
        ("from typing import cast\nM.from_pretrained(cast(str, 'org/m-1'))", ["hf:org/m-1"]),
        ("from pathlib import Path\nM.from_pretrained(Path('out', 'm'))", ["out/m"]),
        ("from pathlib import Path\nM.from_pretrained(Path('out') / 'm')", ["out/m"]),
        ("M.from_pretrained(' org/m-1 '.strip())", ["hf:org/m-1"]),
        ("M.from_pretrained(not_known)", ["not_known"]),
        ("M.from_pretrained(*args)", ["*args"]),
        ("M.from_pretrained(**kwargs)", ["kwargs"]),
        ("M.from_pretrained('model')", ["model"]),
        ("M.from_pretrained('https://huggingface.co/datasets/a/b')", []),
        ("from ultralytics import YOLO\nYOLO('yolov8n.yaml')", []),
        ("M.from_pretrained(None)", []),
        ("M.from_pretrained()", []),
        ("pipeline('text-generation')", []),
        ("pipeline('text-generation', 'org/m-1')", ["hf:org/m-1"]),
        ("m = M.from_pretrained('org/m-1')\npipeline('x', model=m)", ["hf:org/m-1"]),
        ("pipeline('x', model=M.from_pretrained('org/m-1').eval())", ["hf:org/m-1"]),
        ("import torch\ntorch.load(p)", ["p"]),
        ("import pickle\npickle.load(f)", []),
        ("import pickle\npickle.load(open(model_path, 'rb'))", ["open(model_path, 'rb')"]),
        ("import joblib as j\nj.load('m.joblib')", ["m.joblib"]),
        ("from torch import load\nload('m.pt')", ["m.pt"]),
        ("from transformers import *\npipeline('x', 'org/m-1')", ["hf:org/m-1"]),
        ("import json\njson.load(open('x.json'))", []),
        ("import timm\ntimm.create_model('resnet50', pretrained=flag)", ["timm:resnet50"]),
        (("from openai import OpenAI\nc = OpenAI(base_url='http://localhost:11434/v1')\n"
          "c.chat.completions.create(model='llama3.2')"), ["ollama:llama3.2"]),
        ("from litellm import completion\ncompletion('ollama/llama3', [])", ["ollama:llama3"]),
        ("from litellm import completion\ncompletion(model='huggingface/org/m-1')", ["hf:org/m-1"]),
        ("import dspy\ndspy.LM('openai/gpt-4o-mini')", ["hosted:gpt-4o-mini"]),
        ("genai.GenerativeModel(f'gemini-{v}')", []),
        ("import subprocess as s\ns.run('ollama pull llama3', shell=True)", ["ollama:llama3"]),
        ("import subprocess\nsubprocess.run(['vllm', 'serve', name])", ["name"]),
        ("import asyncio\nasyncio.create_subprocess_exec('ollama', 'pull', 'llama3')",
         ["ollama:llama3"]),
        ("import os\nos.system('python -c \"import torch; torch.load(\\'m.pt\\')\"')", ["m.pt"]),
        ("import subprocess\nsubprocess.run()", []),
        ("runner.run('ollama pull llama3')", []),
        ("U = 'https://huggingface.co/org/m-1/resolve/main/m.bin'", ["hf:org/m-1"]),
        ("R = 'org/m-1'\nget(f'https://huggingface.co/{R}/resolve/main/m.bin')", ["hf:org/m-1"]),
        ("U = 'https://api-inference.huggingface.co/models/org/m-1'\n# hf.co/", ["hf:org/m-1"]),
        ("'''https://huggingface.co/org/m-1/resolve/main/m.bin'''", []),
        ("U = 'https://api-inference.huggingface.co/models/'", []),
        ("own(model_id='org/m-1')", ["hf:org/m-1"]),
        ("own(model='plain/words')", []),
        ("own(model_name='gpt-4o')", ["hosted:gpt-4o"]),
        (("class S:\n  def __init__(s):\n    import ollama\n    s.c = ollama.Client()\n"
          "  def go(s): s.c.chat(model='phi3')"), ["ollama:phi3"]),
        ("import ollama\nollama.chat(model=name)", ["name"]),
        ("n = -1\nM.from_pretrained(['org/m-1'][n])", ["hf:org/m-1"]),
        ("M.from_pretrained(['a'][7])", ["['a'][7]"]),
        ("M.from_pretrained('org/m-1'[1:])", ["'org/m-1'[1:]"]),
        ("x = 'org'\nx += '/m-1'\nM.from_pretrained(x)", ["x"]),
        ("D = {'a': {'b': 'org/m-1'}}\nM.from_pretrained(D['a']['b'])", ["hf:org/m-1"]),
        ("A = {'n': 'org/a-1'} | {'n': 'org/m-1'}\nM.from_pretrained(A['n'])", ["hf:org/m-1"]),
    ],
)  # fmt: skip
def test_how_a_name_is_given(find: Find, code: str, expected: list[str]) -> None:
    assert refs(find("x.py", HEAD + code)) == expected


@pytest.mark.parametrize(
    ("code", "revision", "options"),
    [
        ("M.from_pretrained('org/m-1', revision='v1')", "v1", {}),
        ("M.from_pretrained('org/m-1', revision=r)", None, {"revision": "unresolved"}),
        ("M.from_pretrained('org/m-1', revision=None)", None, {}),
        ("M.from_pretrained('org/m-1', trust_remote_code=t)", None, {"trust_remote_code": "t"}),
        ("M.from_pretrained('org/m-1', **{'trust_remote_code': True, **{'variant': 'fp16'}})", None,
         {"trust_remote_code": True, "variant": "fp16"}),
        ("M.from_pretrained('org/m-1', trust_remote_code=not False, x=-1)", None,
         {"trust_remote_code": True}),
        ("f(model_id='org/m-1', revision='v1', trust_remote_code=False)", "v1",
         {"trust_remote_code": False}),
    ],
)  # fmt: skip
def test_what_is_recorded(
    find: Find, code: str, revision: str | None, options: dict[str, object]
) -> None:
    (one,) = find("x.py", HEAD + code)
    assert (one.revision, one.options) == (revision, options)


def test_constants_of_other_modules(find: Find) -> None:
    found = find(
        "pkg/app.py",
        HEAD + "from .consts import A\nfrom pkg import consts\nimport pkg.consts as c\n"
        "from pkg.deep import S\n"
        "M.from_pretrained(A)\nM.from_pretrained(consts.B)\nM.from_pretrained(c.C.name)\n"
        "M.from_pretrained(S.inner.name)\n",
        **{
            "pkg/__init__.py": "",
            "pkg/consts.py": "from .other import A\nB = 'org/b-1'\nclass C:\n  name = 'org/c-1'\n",
            "pkg/other.py": "A = 'org/a-1'\n",
            "pkg/deep.py": "class I:\n  name = 'org/d-1'\nclass O:\n  inner = I()\nS = O()\n",
        },
    )
    assert refs(found) == ["hf:org/a-1", "hf:org/b-1", "hf:org/c-1", "hf:org/d-1"]


def test_star_imports_and_circles(find: Find) -> None:
    found = find(
        "a.py",
        HEAD + "from b import *\nfrom c import X, Y\nM.from_pretrained(N)\nM.from_pretrained(X)\n"
        "M.from_pretrained(Y)\n",
        **{
            "b.py": "N = 'org/m-1'\n",
            "c.py": "from a import X\nfrom d import Y\n",
            "d.py": "def:\n",
        },
    )
    assert refs(found) == ["hf:org/m-1", "X", "Y"]


def test_circles_of_classes_end(find: Find) -> None:
    code = "class A(B): pass\nclass B(A): pass\nM.from_pretrained(A().x)\nx = y\ny = x\n"
    code += "M.from_pretrained(x)"
    assert refs(find("x.py", HEAD + code)) == ["A().x", "x"]
    loop = "f = g\ng = f\nf('org/m-1')\nclass C:\n  def h(s): s.a = s.a; s.a('org/m-1')"
    assert refs(find("x.py", HEAD + loop)) == []


def test_deep_expressions_end(find: Find) -> None:
    deep = "+".join(["'a'"] * 900)
    assert len(find("x.py", HEAD + f"M.from_pretrained({deep})")) == 1


def test_many_alternatives_end(find: Find) -> None:
    rows = "".join(f"x = '{n}'\n" for n in range(40))
    parts = "/".join(["{x}"] * 12)
    assert find("x.py", HEAD + rows + f"M.from_pretrained(f'{parts}')")
    assert find("x.py", HEAD + rows + "M.from_pretrained('%s/%s/%s/%s/%s' % (x, x, x, x, x))")


def test_what_is_no_python_is_read_in_a_weaker_way(find: Find) -> None:
    code = HEAD + "print 'x'\nR = 'v1'\nM.from_pretrained('org/m-1', revision=R)\nx = 'a/b-1'\n"
    (one,) = find("x.py", code)
    assert (one.ref, one.certainty, one.revision) == ("hf:org/m-1", "inferred", "v1")


def test_bytes_that_are_no_text(find: Find) -> None:
    assert find("x.py", b"# from_pretrained \xff\xfe\n") == []


def test_scripts_are_told_by_their_first_line(find: Find) -> None:
    code = "#!/usr/bin/env python3\n" + HEAD + "M.from_pretrained('org/m-1')\n"
    assert refs(find("tool", code)) == ["hf:org/m-1"]


def test_a_budget_ends_it() -> None:
    code = HEAD + "M.from_pretrained(x)\n" * 100
    with pytest.raises(BudgetError):
        list(finder.read(code, "x.py", _Alone(), Budget(Limits(steps=200))))


def test_pinned_by_a_constant(find: Find) -> None:
    (one,) = find("x.py", HEAD + f"R = '{COMMIT}'\nM.from_pretrained('org/m-1', revision=R)")
    assert one.pinned


_PIECES = st.sampled_from(
    ["M.from_pretrained(", "'a/b-1'", ")", "x", "=", "\n", "def f(x", "):\n ", "{", "}", "f'{x}'",
     ",",
     "class C", ":\n", " ", "os.getenv(", "[", "]", ".", "**", "return ", "lambda x: ", "self.x"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_any_text_ends(text: str) -> None:
    with suppress(BudgetError):
        list(finder.read(HEAD + text, "x.py", _Alone(), Budget()))
