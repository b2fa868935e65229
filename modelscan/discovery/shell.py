"""Shell scripts, Makefiles and their like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from modelscan.discovery.finder import CodeFile, Hints
from modelscan.discovery.mention import Mention
from modelscan.discovery.python.finder import shell
from modelscan.vocabulary.coverage import Coverage

_EXTENSIONS: Final = frozenset(
    {
        ".sh",
        ".bash",
        ".zsh",
        ".ksh",
        ".bats",
        ".command",
        ".slurm",
        ".sbatch",
        ".ps1",
        ".bat",
        ".cmd",
        ".fish",
    }
)
_SHEBANG: Final = re.compile(rb"#!\s*/\S*[\s/](?:ba|z|k|da|a)?sh\b")
_MAKE: Final = re.compile(r"(?:gnu)?makefile(?:\..*)?|.*\.mk|justfile|\.justfile")
_HINTS: Final = Hints(
    b"hf ", b"huggingface", b"hf.co", b"ollama", b"model", b"MODEL", b"Model", b"vllm", b"sglang",
    b"text-embeddings", b"text-generation", b"llama", b"wget", b"curl", b"python", b"lms ", b"HF_",
    b"trtllm", b"tabby", b"litgpt", b"tune download", b"optimum", b"oras", b"kit ", b"whisper",
    b"tritonserver",
)  # fmt: skip
_MAKE_VARIABLE: Final = re.compile(r"\$\((?P<name>\w+)\)|\$\$(?=[\w{(])")
_MAKE_ASSIGNMENT: Final = re.compile(
    r"(?:export\s+|override\s+)?(?P<name>[A-Za-z_]\w*)\s*(?P<sign>\?|::?|:::|\+)?=\s*(?P<value>.*)"
)


class ShellFinder:
    """Shell scripts."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        if file.extension in _EXTENSIONS:
            return "shell"
        shebang = not file.extension and _SHEBANG.match(file.data[:200])
        procfile = file.lower in {"procfile", "procfile.dev"}
        return "shell" if shebang or procfile else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if not _HINTS(file.data):
            return
        text = file.text
        if file.lower.startswith("procfile"):
            text = re.sub(r"(?m)^\w+:\s", "", text)
        yield from shell(text, file)


class MakefileFinder:
    """Makefiles: recipes are shell, with variables of their own."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        return "makefile" if _MAKE.fullmatch(file.lower) else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        if _HINTS(file.data):
            rows = [_row(row) for row in file.text.split("\n")]
            yield from shell("\n".join(rows), file)


def _row(row: str) -> str:
    """A line of a Makefile as a line of shell; lines that are neither stay empty."""
    line = _MAKE_VARIABLE.sub(lambda found: f"${{{found['name']}}}" if found["name"] else "$", row)
    assignment = _MAKE_ASSIGNMENT.fullmatch(line.strip())
    if assignment and not row.startswith("\t"):
        value = assignment["value"].partition(" #")[0].strip().replace('"', "")
        if assignment["sign"] == "?":
            value = f"${{{assignment['name']}:-{value}}}"
        return f'{assignment["name"]}="{value}"'
    if row.startswith(("\t", "    ")):
        return line.lstrip().lstrip("@-+")
    return "" if row.strip() and not row.lstrip().startswith("#") else row
