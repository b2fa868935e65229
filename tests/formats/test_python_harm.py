"""Python that harms the machine: loops without end, ended processes, walks through a home."""

from __future__ import annotations

import pytest

from modelscan.budget import Budget
from modelscan.formats.python_code.analysis import Analysis
from modelscan.formats.python_code.reader import PythonReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import CodeBehaviour


def _found(text: str) -> list[tuple[str, str, str]]:
    found = Analysis(text, Budget()).run()
    return [(each.judged.behaviour, each.judged.call, each.when) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\nwhile True: os.fork()", ("harms-machine", "os.fork", "import")),
        ("def f():\n    while 1: pass", ("harms-machine", "while", "call")),
        ("import itertools, os\nfor _ in itertools.count(): os.fork()", ("harms-machine", "os.fork", "import")),
        ("from itertools import cycle\nx = []\nfor c in cycle('a'): x.append(c)", ("harms-machine", "while", "import")),
        ("x = []\nfor _ in iter(int, 1): x.append(1)", ("harms-machine", "while", "import")),
        ("import os\nos.kill(-1, 9)", ("harms-machine", "os.kill", "import")),
        ("import os\nclass M:\n    def __init__(self): os.killpg(0, 9)", ("harms-machine", "os.killpg", "instantiation")),
        ("import os\nfor r, d, f in os.walk(os.path.expanduser('~')): pass", ("reads-secrets", "os.walk", "import")),
        ("import glob\nglob.glob('/home/**', recursive=True)", ("reads-secrets", "glob.glob", "import")),
        ("from pathlib import Path\nPath.home().rglob('*')", ("reads-secrets", "pathlib.Path.home.rglob", "import")),
        ("from x import Api\nApi().upload_file('/home/user/.ssh/id_rsa')", ("sends-secrets", "x.Api.upload_file", "import")),
        ("from x import Api\nApi().upload_folder(folder_path='/home')", ("sends-secrets", "x.Api.upload_folder", "import")),
        ("import requests\nrequests.get('http://169.254.169.254/latest/meta-data/iam/security-credentials/')",
         ("reads-secrets", "requests.get", "import")),
        ("import os, torch\nopen(os.path.dirname(torch.__file__) + '/__init__.py', 'a')", ("writes-outside", "open", "import")),
        ("import spacy, os\n@spacy.registry.misc('x')\ndef make():\n    def inner(nlp): os.system('id')\n    return inner",
         ("starts-process", "os.system", "instantiation")),
        ("import os\ndef _load_pyfunc(p): os.system('id')", ("starts-process", "os.system", "instantiation")),
        ("import os\nclass Model:\n    def load(self): os.system('id')", ("starts-process", "os.system", "instantiation")),
        ("import os\nmatch os.system:\n    case f: f('id')", ("starts-process", "os.system", "import")),
        ("import os\nclass M:\n    def _load_from_state_dict(self): os.system('id')",
         ("starts-process", "os.system", "instantiation")),
        ("from safetensors.torch import load_file\nw = load_file('m')\nexec(bytes(w['x'].tolist()).decode())",
         ("encoded-payload", "exec", "import")),
        ("import cffi\nf = cffi.FFI()\nf.dlopen(None).system(b'id')", ("starts-process", "cffi.FFI.dlopen.system", "import")),
        ("import torch.utils.cpp_extension as c\nc.load_inline('x', 'int a = system(0);')",
         ("starts-process", "torch.utils.cpp_extension.load_inline", "import")),
        ("import sys\nfrom huggingface_hub import snapshot_download\nsys.path.insert(0, snapshot_download('a/b'))",
         ("changes-import-path", "sys.path.insert", "import")),
        ("import shutil\nshutil.make_archive('x', 'zip', '/home/user/.ssh')", ("reads-secrets", "shutil.make_archive", "import")),
        ("import logging.config\nlogging.config.listen(1)", ("runs-code", "logging.config.listen", "import")),
        ("open('/home/user/.config/pip/pip.conf', 'w')", ("writes-outside", "open", "import")),
        ("import os\nos.system('make -C csrc')", ("compiles-native-code", "os.system", "import")),
    ],
)  # fmt: skip
def test_harm(text: str, expected: tuple[str, str, str]) -> None:
    assert expected in _found(text)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("https://hf-mirror.com", True),
        ("http://127.0.0.1:7890", True),
        ("http://10.20.30.40:3128", True),
        ("https://mirror.evil.test", False),
        ("http://127.evil.test", False),
    ],
)
def test_servers_that_connections_are_led_to(value: str, known: bool) -> None:
    text = f"import os\nos.environ['HF_ENDPOINT'] = {value!r}"
    found = PythonReader().read(BytesArtifact("a.py", text.encode()), Budget())
    told = [fact for fact in found if isinstance(fact, CodeBehaviour)]
    assert [(each.behaviour, each.known_place) for each in told] == [("leads-elsewhere", known)]


@pytest.mark.parametrize(
    "text",
    [
        "while True:\n    q = input()",
        "import time, threading\nwhile True:\n    threading.Thread(target=print).start()\n    time.sleep(9)",
        "def f(q):\n    while True:\n        yield q",
        "def f(s):\n    while True:\n        if s: break",
        "for i in range(10**9): pass",
        "import itertools\nfor i in itertools.repeat(1, 3): pass",
        "for c in iter(lambda: file.read(9), b''): digest.update(c)",
        "for i in count: pass",
        "for i in zip(a, b): pass",
        "while x: pass",
        "import os, signal\nos.kill(pid, signal.SIGTERM)",
        "import os\nfor r, d, f in os.walk('data'): pass",
        "from pathlib import Path\nPath('.').rglob('*')",
        "import glob\nglob.glob('/*')",
        "import os\nos.listdir('/')",
        "import requests\nrequests.post('http://localhost:11434/api/generate', json={})",
        "from fastapi import APIRouter\nrouter = APIRouter()\n@router.post('/Users')\ndef users(): pass",
        "from x import Api\nApi().upload_folder(folder_path='.')",
        "import os, torch\nopen(os.path.dirname(torch.__file__) + '/version.py')",
        "class Loader:\n    def load(self): print('x')",
        "while True:\n    def f(): pass\n    g()",
    ],
)
def test_what_is_ordinary(text: str) -> None:
    assert [each for each in _found(text) if each[0] not in {"network", "deserialises"}] == []
