"""What one command line says about models: its program, its flags, and the environment it sets.

Invariants: a word with a variable that nobody knows is a mention that is marked as unresolved, when
a model stands there; flags of programs that are not known are believed only when their value can
hardly be anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelscan.discovery import keys, naming, servers
from modelscan.discovery.mention import Mention
from modelscan.discovery.naming import Usual
from modelscan.discovery.servers import Program
from modelscan.discovery.shellwords import Word
from modelscan.vocabulary.reference import Certainty

_PYTHON: Final = re.compile(r"(?:.*/)?(?:python|pypy)[\d.]*$")
_OLLAMA_CALL: Final = re.compile(r":11434/|/api/(?:pull|generate|chat|embed(?:dings)?)\b")
_BODY_MODEL: Final = re.compile(r'"(?:model|name)"\s*:\s*"(?P<name>[^"\s]+)"')
_DIGITS: Final = re.compile(r"\d+[smhd]?")
_SETTING: Final = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)=(?P<value>.*)", re.DOTALL)
_REVISIONS: Final = frozenset({"--revision", "--model-revision", "--hf-revision", "--hf_revision"})
_SWITCHES: Final = {
    "--trust-remote-code": "trust_remote_code", "--trust_remote_code": "trust_remote_code",
}  # fmt: skip
"""Flags without a value."""
_OPTIONS: Final = {
    "--tokenizer-revision": "tokenizer_revision", "--code-revision": "code_revision",
    "--load-format": "load_format", "--hf-file": "filename", "-hff": "filename",
}  # fmt: skip
_VALUED: Final = frozenset(
    {"--include", "--exclude", "--cache-dir", "--local-dir", "--token", "--repo-type", "--type",
     "--max-workers", "--local-dir-use-symlinks", "--local_dir", "--cache_dir"}
) | _REVISIONS  # fmt: skip
"""Flags of the hub's command line whose value could be taken for a repository."""
_PAIRS: Final = frozenset({"--model_args", "--model-args"})
_DOWNLOADERS: Final = frozenset({"hf", "huggingface-cli", "modelscope"})
_MODULE_WORDS: Final = 3


def mentions(words: Sequence[Word], line: int, image: str = "") -> Iterator[Mention]:
    """Every model that a command names.

    Args:
        words: of one simple command.
        line: used for words that have none of their own.
        image: of the container that runs the words, when they are arguments alone.
    """
    words = [word if word.line else word._replace(line=line) for word in words]
    for word in words:
        yield from _setting(word)
    start, program, called = _program(words)
    if program is None and image:
        program = next((each for part, each in servers.IMAGES if part in image.lower()), None)
        start = 0
    rest = words[start:]
    if called == "git":
        yield from _clone(rest)
        return
    if called in servers.FETCHERS:
        yield from _addresses(rest)
        yield from _asked(rest)
        return
    if program is None and called in servers.CARRIERS:
        yield from _carried(rest)
        return
    yield from _arguments(rest, program, called)


def _carried(words: Sequence[Word]) -> Iterator[Mention]:
    """A command inside another: `docker exec box ollama pull x`, `docker run image --model x`."""
    for index, word in enumerate(words):
        texts = [each.text for each in words[index : index + 2]]
        inner = servers.PROGRAMS.get(" ".join(texts)) if len(texts) > 1 else None
        if inner is not None:
            yield from _arguments(words[index + 2 :], inner, _last(word.text))
            return
        image = _image_program(word.text)
        if image is not None:
            yield from _arguments(words[index + 1 :], image, "")
            return
    yield from _arguments(words, None, "")


def _asked(words: Sequence[Word]) -> Iterator[Mention]:
    """The body that `curl` sends to Ollama: `-d '{"model": "llama3"}'`."""
    if not any(_OLLAMA_CALL.search(word.text) for word in words):
        return
    for word in words:
        found = _BODY_MODEL.search(word.text)
        if found and word.text.lstrip().startswith("{"):
            yield _mention(word._replace(text=found["name"]), "ollama")


def _image_program(image: str) -> Program | None:
    """The program that is the entry point of an image, by its name."""
    if "/" not in image and ":" not in image:
        return None
    return next((each for part, each in servers.IMAGES if part in image.lower()), None)


def _setting(word: Word) -> Iterator[Mention]:
    """`MODEL_ID=org/name`: an assignment, or what `-e` and `--env` are given."""
    found = _SETTING.fullmatch(word.text.removeprefix("--env=").removeprefix("-e="))
    if found is None:
        return
    role = keys.role(found["key"])
    if role is not None and (word.known or not role.strict) and found["value"]:
        yield _mention(word._replace(text=found["value"]), role.usual, strict=role.strict)


def _program(words: Sequence[Word]) -> tuple[int, Program | None, str]:
    """Where the arguments begin, the program, and what it is called."""
    at = 0
    while at < len(words) and (
        words[at].text in servers.PREFIXES
        or (_SETTING.fullmatch(words[at].text) and not words[at].text.startswith("-"))
        or _DIGITS.fullmatch(words[at].text)
        or (at and words[at].text.startswith("-") and words[at - 1].text in servers.PREFIXES)
    ):
        at += 1
    if at == len(words):
        return at, None, ""
    called = _last(words[at].text)
    if _PYTHON.fullmatch(words[at].text):
        return _module(words, at)
    texts = [called, *(word.text for word in words[at + 1 : at + 3])]
    for count in (3, 2, 1):
        program = servers.PROGRAMS.get(" ".join(texts[:count]))
        if program is not None and len(texts) >= count:
            return at + count, program, called
    return at + 1, None, called


def _module(words: Sequence[Word], at: int) -> tuple[int, Program | None, str]:
    """`python -m package.module arguments`."""
    texts = [word.text for word in words[at : at + 4]]
    if len(texts) < _MODULE_WORDS or texts[1] not in {"-m", "-um"}:
        return at + 1, None, "python"
    module = texts[2]
    for count, name in ((4, f"{module} {texts[-1]}"), (3, module)):
        program = servers.PROGRAMS.get(name)
        if program is not None and len(texts) >= count:
            return at + count, program, module
    parts = module.split(".")
    for end in range(len(parts) - 1, 0, -1):
        program = servers.PROGRAMS.get(".".join(parts[:end]))
        if program is not None and not program.positional:
            return at + 3, program, module
    return at + 3, None, module


def _arguments(words: Sequence[Word], program: Program | None, called: str) -> Iterator[Mention]:
    """Flags and positional words."""
    line = _Line(program, download=called in _DOWNLOADERS)
    index = 0
    while index < len(words):
        index = line.take(words, index)
    yield from line.mentions()


class _Line:
    """The arguments of one program, gathered from left to right."""

    def __init__(self, program: Program | None, *, download: bool) -> None:
        self._flags = program.flags if program else {}
        self._position = program.positional if program else None
        self._download = download
        self._found: list[Mention] = []
        self._options: dict[str, Any] = {}
        self._revision: str | None = None
        self._kind = ""
        self._files: list[str] = []

    def mentions(self) -> Iterator[Mention]:
        """What was found; the revision and the options are those of the whole line."""
        if self._kind in {"dataset", "space"}:
            return
        if self._files:
            self._options["filename"] = ", ".join(self._files)
        for mention in self._found:
            revision = self._revision or mention.revision
            yield mention._replace(revision=revision, options={**mention.options, **self._options})

    def take(self, words: Sequence[Word], index: int) -> int:
        """Take the word at an index, and its value; returns where the next one is."""
        word = words[index]
        if not word.text.startswith("-") or word.text in {"-", "--"}:
            self._positional(word)
            return index + 1
        flag, tied, text = word.text.partition("=")
        if flag in _SWITCHES:
            self._options[_SWITCHES[flag]] = keys.truth(text) if tied else True
            return index + 1
        value = word._replace(text=text) if tied else None
        if value is None and index + 1 < len(words):
            following = words[index + 1]
            if not following.text.startswith("-") and self._belongs(flag, following):
                value = following
        if value is not None:
            self._flag(flag, value)
        return index + (1 if tied or value is None else 2)

    def _belongs(self, flag: str, following: Word) -> bool:
        """True when the word after a flag is its value, not a word of its own."""
        if self._position is None or flag in self._flags or flag in _OPTIONS or flag in _VALUED:
            return True
        if not following.known:
            return False
        model = naming.named(following.text, self._position, strict=True)
        return model is None or following.text[0].isdigit()

    def _positional(self, word: Word) -> None:
        if self._position is not None:
            self._found.append(_mention(word, self._position))
            self._position = None
        elif self._download and self._found:
            self._files.append(word.text)

    def _flag(self, flag: str, value: Word) -> None:
        if flag in _REVISIONS:
            self._revision = value.text
        elif flag in {"--repo-type", "--type"}:
            self._kind = value.text
        elif flag in _OPTIONS:
            self._options[_OPTIONS[flag]] = value.text
        elif flag in _PAIRS:
            self._found.extend(_pairs(value))
        elif flag in self._flags:
            if flag in {"--lora-modules", "--lora-paths"}:
                value = value._replace(text=value.text.partition("=")[2] or value.text)
            self._found.append(_mention(value, self._flags[flag]))
        elif flag.startswith("--") and value.known:
            role = keys.role(flag)
            if role is not None:
                self._found.append(_mention(value, role.usual, strict=True))


def _pairs(word: Word) -> Iterator[Mention]:
    """`pretrained=org/name,revision=main,trust_remote_code=True` (lm-evaluation-harness)."""
    table = dict(pair.split("=", 1) for pair in word.text.split(",") if "=" in pair)
    for key in ("pretrained", "peft", "tokenizer", "model"):
        if key in table:
            mention = _mention(word._replace(text=table[key], line=word.line), "hub")
            yield mention._replace(revision=table.get("revision"), options=keys.options_of(table))


def _clone(words: Sequence[Word]) -> Iterator[Mention]:
    """`git clone`, `git lfs clone` and `git submodule add` of a hub's repository."""
    revision = None
    for index, word in enumerate(words):
        if word.text in {"-b", "--branch"} and index + 1 < len(words):
            revision = words[index + 1].text
        elif word.text.startswith("--branch="):
            revision = word.text.partition("=")[2]
    for word in words:
        if naming.hub_address(word.text) is not None:
            yield _mention(word, "hub")._replace(revision=revision)


def _addresses(words: Sequence[Word]) -> Iterator[Mention]:
    for word in words:
        if naming.is_download(word.text):
            yield _mention(word, "url")


def _mention(word: Word, usual: Usual, *, strict: bool = False) -> Mention:
    certainty: Certainty = "declared" if word.sure else "inferred"
    if not word.known:
        certainty = "unresolved"
    return Mention(word.text, word.line, usual, certainty, strict=strict)


def _last(text: str) -> str:
    return text.replace("\\", "/").rpartition("/")[2]
