"""Dockerfiles as workloads: what an image starts, and what it carries with it.

The last stage is the image. How it is run is for others to say, so a workload of an image is
partial: silence about networks and rights means nothing.
"""

from __future__ import annotations

import json
import re
from typing import Final

from modelscan.containment import commands
from modelscan.containment.model import Container, Said, Setting, Workload
from modelscan.containment.nodes import Place
from modelscan.discovery.dockerfile import instructions
from modelscan.discovery.shellwords import Variables, Word, expand

_PAIR: Final = re.compile(
    r"""(?P<key>[A-Za-z_]\w*)=(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|(?:\\.|[^\s\\])*)"""
)


def workload(content: str, path: str) -> Workload | None:
    """The workload of a Dockerfile; `None` without a `FROM`."""
    stage = _Stage(path)
    for each in instructions(content):
        stage.take(each.name, each.rest, each.line)
    return stage.workload()


class _Stage:
    """What the last stage says; a stage that builds on another one has what that has."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._named: dict[str, _State] = {}
        self._state: _State | None = None
        self._variables = Variables()

    def take(self, name: str, rest: str, line: int) -> None:
        """Take the next instruction."""
        if name == "ARG":
            self._variables.note(expand(rest.strip(), self._variables, line))
        elif name == "FROM":
            self._from(rest, line)
        elif self._state is not None:
            self._state.take(name, rest, line)

    def _from(self, rest: str, line: int) -> None:
        words = [word for word in rest.split() if not word.startswith("--")]
        if not words:
            return
        image = expand(words[0], self._variables, line).text
        base = self._named.get(image.lower())
        self._state = base.copy() if base else _State(image, Place(self._path, line))
        if len(words) > 2 and words[1].lower() == "as":  # noqa: PLR2004  # FROM image AS name
            self._named[words[2].lower()] = self._state

    def workload(self) -> Workload | None:
        """The image's workload."""
        state = self._state
        if state is None:
            return None
        folder, _, file = self._path.rpartition("/")
        name = folder.rpartition("/")[2] or file
        settings = list(state.settings.values())
        container = Container(
            name=name,
            place=state.place,
            image=state.image,
            image_place=state.place,
            commands=[*state.runs, *commands.of_words([*state.entry, *state.command])],
            settings=settings,
            user_not_root=state.user,
        )
        return Workload(
            name=name,
            kind="image",
            platform="image",
            place=state.place,
            containers=[container],
            partial=True,
        )


class _State:
    """One stage so far."""

    def __init__(self, image: str, place: Place) -> None:
        self.image = image
        self.place = place
        self.entry: list[Word] = []
        self.command: list[Word] = []
        self.runs: list[list[Word]] = []
        self.settings: dict[str, Setting] = {}
        self.user = Said()
        self._variables = Variables()

    def copy(self) -> _State:
        """What a stage that builds on this one starts with."""
        made = _State(self.image, self.place)
        made.entry, made.command, made.user = self.entry, self.command, self.user
        made.runs, made.settings = list(self.runs), dict(self.settings)
        return made

    def take(self, name: str, rest: str, line: int) -> None:
        """Take an instruction."""
        if name == "ENV":
            self._env(rest, line)
        elif name == "RUN":
            self.runs += commands.of_text(rest, line)
        elif name == "ENTRYPOINT":
            self.entry, self.command = self._words(rest, line), []
        elif name == "CMD":
            self.command = self._words(rest, line)
        elif name == "USER":
            user = rest.strip().partition(":")[0]
            self.user = Said(user not in {"root", "0"}, Place(self.place.file, line))

    def _env(self, rest: str, line: int) -> None:
        pairs = [(found["key"], found["value"]) for found in _PAIR.finditer(rest)]
        if not pairs:
            key, _, value = rest.strip().partition(" ")
            pairs = [(key, value.strip())]
        for key, value in pairs:
            word = expand(value, self._variables, line)
            self._variables[key] = word
            self.settings[key] = Setting(key, word.text, "literal", Place(self.place.file, line))

    def _words(self, rest: str, line: int) -> list[Word]:
        text = rest.replace("\\\n", " ").strip()
        if text.startswith("["):
            try:
                given = json.loads(text)
            except (ValueError, RecursionError):
                given = None
            if isinstance(given, list):
                return [
                    expand(str(each), self._variables, line)
                    if "$" in str(each)
                    else Word(str(each), line=line)
                    for each in given
                ]
        found = commands.of_text(text, line, self._variables)
        return [word for command in found for word in command]
