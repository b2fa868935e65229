"""Dockerfiles: instructions with continuations, here-documents and build arguments.

Source: the Dockerfile reference (frontend 1.x): parser directives, line continuation, `ARG` and
`ENV` substitution, here-documents of `RUN` and `COPY`, exec and shell form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

from modelscan.discovery import commandline, naming, weights
from modelscan.discovery.finder import CodeFile
from modelscan.discovery.mention import Mention
from modelscan.discovery.python.finder import read, shell
from modelscan.discovery.shellwords import Variables, Word, commands, expand
from modelscan.vocabulary.coverage import Coverage

_NAME: Final = re.compile(r"(?:.*\.)?(?:docker|container)file(?:[._-].*)?", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*(`|\\)", re.IGNORECASE)
_INSTRUCTION: Final = re.compile(r"\s*(?P<name>[A-Za-z]+)\s+(?P<rest>.*)", re.DOTALL)
_HEREDOC: Final = re.compile(r"<<-?\s*(['\"]?)(?P<word>\w+)\1")
_PAIR: Final = re.compile(
    r"""(?P<key>[A-Za-z_][\w.-]*)=(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|(?:\\.|[^\s\\])*)"""
)
_FLAG: Final = re.compile(r"--(?P<name>[\w-]+)(?:=(?P<value>\S+))?\s+")


class Instruction(NamedTuple):
    """One instruction of a Dockerfile."""

    name: str
    """In upper case."""
    rest: str
    """Behind the name, continued lines joined as they stand."""
    line: int
    documents: tuple[tuple[str, int], ...] = ()
    """Here-documents, each with the number of its first line."""


class DockerfileFinder:
    """Dockerfiles and Containerfiles."""

    def kind(self, file: CodeFile) -> str | None:
        """See `Finder.kind`."""
        return "dockerfile" if _NAME.fullmatch(file.lower) else None

    def find(self, file: CodeFile) -> Iterator[Mention | Coverage]:
        """See `Finder.find`."""
        yield from _Stage(file).mentions()


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile, in order."""
    rows = text.split("\n")
    escape = "\\"
    for row in rows[:5]:
        found = _ESCAPE.match(row)
        escape = found[1] if found else escape
    index = 0
    while index < len(rows):
        start = index
        if not rows[index].strip() or rows[index].lstrip().startswith("#"):
            index += 1
            continue
        parts = []
        while index < len(rows):
            row = rows[index].rstrip()
            index += 1
            if row.lstrip().startswith("#"):  # a comment between continued lines
                parts.append("\\")
                continue
            if not row.endswith(escape):
                parts.append(row)
                break
            parts.append(row[: -len(escape)] + "\\")
        found = _INSTRUCTION.match("\n".join(parts).removesuffix("\\"))
        documents = []
        for mark in _HEREDOC.finditer(found["rest"]) if found else ():
            first = index
            while index < len(rows) and rows[index].strip() != mark["word"]:
                index += 1
            documents.append(("\n".join(rows[first:index]), first + 1))
            index += 1
        if found:
            yield Instruction(found["name"].upper(), found["rest"], start + 1, tuple(documents))


class _Stage:
    """Reads instructions from the first to the last; `FROM` begins a new stage."""

    def __init__(self, file: CodeFile) -> None:
        self._file = file
        self._variables = Variables()
        self._entry: list[Word] = []
        self._image = ""

    def mentions(self) -> Iterator[Mention]:
        for each in instructions(self._file.text):
            self._file.budget.step()
            if each.name == "FROM":
                self._image = expand(each.rest.split()[0], self._variables).text
                self._entry = []
            elif each.name in {"ENV", "ARG"}:
                yield from self._settings(each)
            elif each.name == "RUN":
                yield from self._run(each)
            elif each.name in {"CMD", "ENTRYPOINT", "HEALTHCHECK"}:
                yield from self._start(each)
            elif each.name in {"ADD", "COPY"}:
                yield from self._copy(each)
            elif each.name == "ONBUILD":
                inner = _INSTRUCTION.match(each.rest)
                if inner and inner["name"].upper() == "RUN":
                    yield from self._run(each._replace(name="RUN", rest=inner["rest"]))

    def _settings(self, each: Instruction) -> Iterator[Mention]:
        """`ENV A=1 B=2`, `ENV A 1`, `ARG A=1`: arguments can be given another value."""
        rest = each.rest.replace("\\\n", "  ")
        pairs = [(found["key"], found["value"], found.start()) for found in _PAIR.finditer(rest)]
        if not pairs and each.name == "ENV":
            key, _, value = rest.partition(" ")
            pairs = [(key, value.strip(), 0)]
        for key, value, start in pairs:
            line = each.line + each.rest[:start].count("\n")
            word = expand(value, self._variables, line)
            word = word._replace(sure=word.sure and each.name == "ENV")
            self._variables[key] = word
            yield from commandline.mentions([word._replace(text=f"{key}={word.text}")], line)

    def _run(self, each: Instruction) -> Iterator[Mention]:
        rest = _without_flags(each.rest)
        exec_form = _exec(rest)
        if exec_form is not None:
            words = [Word(text, line=each.line) for text in exec_form]
            yield from self._words(words, each.line)
            return
        python = re.match(r"python[\d.]*\b", _HEREDOC.sub("", rest).strip())
        if not each.documents or rest.split("<<")[0].strip():
            yield from shell(_HEREDOC.sub("", rest), self._file, each.line, self._variables)
        for text, line in each.documents:
            first, _, body = text.partition("\n")
            if python or re.match(r"#!.*python", first):
                base = self._file
                yield from read(
                    body if first.startswith("#!") else text,
                    base.path,
                    base.code_base,
                    base.budget,
                    line + first.startswith("#!"),
                )
            else:
                yield from shell(text, self._file, line, self._variables)

    def _words(self, words: list[Word], line: int) -> Iterator[Mention]:
        yield from commandline.mentions(words, line, self._image)
        for flag, word in pairwise(words):
            if flag.text in {"-c", "-lc", "-ec"}:
                inner = shell if "python" not in words[0].text else self._python
                yield from inner(word.text, self._file, line)

    def _python(self, text: str, file: CodeFile, line: int) -> Iterator[Mention]:
        yield from read(text, file.path, file.code_base, file.budget, line)

    def _start(self, each: Instruction) -> Iterator[Mention]:
        """What the container runs: an entry point, and behind it the arguments of `CMD`."""
        rest = _without_flags(each.rest)
        exec_form = _exec(rest)
        if exec_form is None:
            yield from shell(rest, self._file, each.line, self._variables)
            return
        words = [expand(text, self._variables, each.line) for text in exec_form]
        if each.name == "ENTRYPOINT":
            self._entry = words
            yield from self._words(words, each.line)
            return
        if words and words[0].text.startswith("-") and self._entry:
            yield from commandline.mentions([*self._entry, *words], each.line)
            return
        yield from self._words(words, each.line)

    def _copy(self, each: Instruction) -> Iterator[Mention]:
        """`ADD` of an address, and files of weights that are put into the image."""
        checksum = None
        rest = each.rest.replace("\\\n", " ")
        while found := _FLAG.match(rest):
            if found["name"] == "checksum":
                checksum = found["value"]
            if found["name"] == "from":
                return
            rest = rest[found.end() :]
        sources = _exec(rest) or [
            word.text for command in commands(rest, self._variables) for word in command.words
        ]
        options: dict[str, Any] = {"checksum": checksum} if checksum else {}
        for source in sources[:-1]:
            if naming.is_download(source):
                yield Mention(source, each.line, "url", options=options)
            elif weights.extension(source) in weights.CERTAIN and "*" not in source:
                yield Mention(source, each.line, "path", options=options)


def _exec(rest: str) -> list[str] | None:
    text = rest.replace("\\\n", " ").strip()
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [str(each) for each in found] if isinstance(found, list) else None


def _without_flags(rest: str) -> str:
    """The instruction behind `--mount=…` and its like, with as many lines as before."""
    while found := _FLAG.match(rest):
        rest = "\\\n" * found[0].count("\n") + rest[found.end() :]
        if not found[0].count("\n"):
            continue
        break
    return rest
