"""What a Go template adds only sometimes: branches that depend on what was said, or how much.

Ordinary templates of Ollama ask who speaks, whether there are tools or a system prompt, and whether
a message is the last one. One that compares what was said with words, counts turns or letters, asks
for a tool by its name or for the date, and then adds a sentence, waits for something. A variable
that holds what was said, or that is set in such a branch, carries it on; inside `with` and `define`
the dot may be what was said.

Invariant: pieces are looked at once, in their order; nothing is run.

Sources: Go, `text/template`; Ollama, `docs/template.mdx`; Pillar Security on poisoned templates
(2025).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from modelscan.errors import ReadError

_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))"
)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r"}
_SAID: Final = re.compile(r"\.(?:Content|Prompt|Response|Thinking)\b")
_TOOL: Final = re.compile(r"\.(?:Function\.Name|ToolName)\b")
_DOT: Final = re.compile(r"(?<![\w).$])\.(?![\w.])")
_VARIABLE: Final = re.compile(r"\$[A-Za-z_]\w*")
_SET: Final = re.compile(r"^[-\s]*(?:(?:if|with|range)\s+)?(\$[A-Za-z_]\w*)\s*:?=")
_COUNTED: Final = re.compile(
    r"\blen\s+(?:\(\s*slice\s+)?\$?(?:[\w.]*\.)?(?:Messages|Content|Prompt|Response)\b"
    r"|\blen\s+[$.][\s)]"
)
_BUILT_IN: Final = re.compile(
    r"\s*$|(?:python|ipython|browser|functions|code_interpreter|brave|wolfram)\b"
)
"""Tools that models are trained with, and that their templates describe."""
_DIGITS: Final = 9
_ROLE: Final = re.compile(r"\beq\s+(?:\(\s*slice\s+)?[\w$.]*\.Role\b")
_SPEAKERS: Final = frozenset({"user", "assistant", "system", "tool"})
_COMPARES: Final = re.compile(r"\b(?:eq|ne|lt|le|gt|ge)\b")
_NUMBER: Final = re.compile(r"(?<![\w.$\"])(\d+)(?![\w.])")
_DATE: Final = re.compile(r"\b(?:currentDate|yesterdayDate)\b")
_WORD: Final = re.compile(r"[a-z]+")
_OPENING: Final = frozenset({"if", "range", "with", "define", "block"})
_ADDED_WORDS: Final = 6
"""Words of prose from which a branch adds a sentence instead of a marker."""
_MANY: Final = 3
"""Turns or letters from which counting them is no question of the first ones or of none."""
_DEEPEST: Final = 100
_ENOUGH: Final = 4096
"""Characters of a branch that are looked at for sentences."""
_SHOWN: Final = 160


class Piece(NamedTuple):
    """Literal text, or an action between braces."""

    action: bool
    text: str
    line: int


class Added(NamedTuple):
    """A sentence that is there only sometimes."""

    line: int
    trigger: str
    """What it waits for."""
    text: str


def quoted(text: str) -> list[str]:
    """The texts in quotes of an action, as Go reads them."""
    return [
        one[1:-1] if one[0] == "`" else _ESCAPE.sub(_meant, one[1:-1])
        for one in _QUOTED.findall(text)
    ]


def bare(text: str) -> str:
    """An action with nothing between its quotes."""
    return _QUOTED.sub('""', text)


def added(pieces: Iterable[Piece]) -> Iterator[Added]:
    """Branches that add a sentence when something about the conversation holds.

    Raises:
        ReadError: blocks are nested too deeply.
    """
    from modelscan.formats.chat_template import wording  # lazy: it is heavy, and seldom needed

    open_blocks: list[_Block] = []
    flow = _Flow()
    for piece in pieces:
        for block in open_blocks:
            block.take(piece)
        if not piece.action:
            continue
        words = _WORD.findall(piece.text)[:2]
        keyword = words[0] if words else ""
        if keyword in {"else", "end"} and open_blocks:
            block = open_blocks.pop()
            few = 1 if block.exact and not block.repeats else _ADDED_WORDS
            if block.trigger and wording.words(block.text) >= few:
                yield Added(block.line, block.trigger, " ".join(block.text.split())[:_SHOWN])
            if keyword == "else":
                kept = block.chain
                opened = _Block(piece, flow.trigger(piece.text) if len(words) > 1 else "")
                opened.trigger = opened.trigger or kept
                opened.chain, opened.exact = opened.trigger, block.exact
                open_blocks.append(opened)
        elif keyword in _OPENING:
            open_blocks.append(_Block(piece, flow.trigger(piece.text)))
            open_blocks[-1].dot = flow.enters(keyword, piece.text)
        flow.sets(piece.text, open_blocks)
        flow.dot = any(block.dot for block in open_blocks)
        flow.aside = any(block.aside for block in open_blocks)
        if len(open_blocks) > _DEEPEST:
            raise ReadError(f"the template cannot be parsed: more than {_DEEPEST} nested blocks")


class _Flow:
    """Which variables hold what was said, or that a condition held."""

    def __init__(self) -> None:
        self.said = set[str]()
        self.flags: dict[str, str] = {}
        self.dot = False
        """True while the dot may be what was said."""
        self.aside = False
        """True inside what is about a role of the program's own, as `control`: nobody says that."""

    def trigger(self, action: str) -> str:
        """What a condition waits for; empty when it is an ordinary one."""
        plain = bare(action)
        if self.aside:
            return ""
        if not _SET.match(plain):
            held = next((name for name in _VARIABLE.findall(plain) if name in self.flags), "")
            if held:
                return self.flags[held]
        return self._words(plain, quoted(action)) or self._count(plain)

    def _words(self, plain: str, texts: list[str]) -> str:
        """The date, the words of a message, or the tool that a condition asks for."""
        compares = _COMPARES.search(plain) is not None
        if compares and _DATE.search(plain):
            return "the date: " + (texts[0][:_SHOWN] if texts else "…")
        if self.asks(plain):
            words = next((text[:_SHOWN] for text in texts if _is_prose(text)), "")
            if words:
                return words
        tools = [text for text in texts if not _BUILT_IN.match(text)]
        return "the tool " + tools[0][:_SHOWN] if compares and tools and _TOOL.search(plain) else ""

    def _count(self, plain: str) -> str:
        """The number of turns or letters that a condition asks for."""
        number = max((int(one[:_DIGITS]) for one in _NUMBER.findall(plain)), default=0)
        if number < _MANY or not _COMPARES.search(plain):
            return ""
        asks = self.asks(plain)
        if asks and re.search(r"\bindex\b", plain):
            return f"a letter: {number}"
        if _COUNTED.search(plain):
            return f"{'the length' if asks else 'the number of turns'}: {number}"
        return ""

    def asks(self, plain: str) -> bool:
        """True for an action that looks at what was said."""
        if _SAID.search(plain) or (self.dot and _DOT.search(plain)):
            return True
        return any(name in self.said for name in _VARIABLE.findall(plain))

    def enters(self, keyword: str, action: str) -> bool:
        """True when the dot may be what was said inside the block."""
        plain = bare(action)
        if keyword == "define":
            return True
        return keyword in {"with", "block"} and self.asks(plain)

    def sets(self, action: str, open_blocks: list[_Block]) -> None:
        """Note what a variable is set to, or under which condition."""
        plain = bare(action)
        found = _SET.match(plain)
        if found is None:
            return
        if self.asks(plain[found.end() :]) and not _COMPARES.search(plain):
            self.said.add(found[1])
        trigger = next((block.trigger for block in open_blocks if block.trigger), "")
        value = plain[found.end() :]
        compared = _COMPARES.search(value) is not None
        own = self.trigger(f"{value} {' '.join(_QUOTED.findall(action))}") if compared else ""
        if trigger or own:
            self.flags[found[1]] = trigger or own


class _Block:
    """What lies between a condition and its end."""

    def __init__(self, piece: Piece, trigger: str) -> None:
        self.line = piece.line
        self.trigger = self.chain = trigger
        """What the condition waits for, and what the whole chain of them does."""
        self.exact = len(trigger.split()) > 1 and trigger in quoted(piece.text)
        """True when a whole phrase is waited for."""
        self.text = ""
        self.repeats = False
        """True when what was said is shown in it."""
        self.dot = False
        roles = quoted(piece.text) if _ROLE.search(bare(piece.text)) else []
        self.aside = bool(roles) and _SPEAKERS.isdisjoint(roles)

    def take(self, piece: Piece) -> None:
        """Text that the block adds, also from quotes."""
        if len(self.text) < _ENOUGH:
            self.text += (" ".join(quoted(piece.text)) if piece.action else piece.text)[:_ENOUGH]
        self.repeats |= piece.action and _SAID.search(bare(piece.text)) is not None


def _is_prose(text: str) -> bool:
    """True for words as people write them, and not for markers."""
    from modelscan.formats.chat_template import wording  # lazy: as in `added`

    return wording.is_prose(text)


def _meant(found: re.Match[str]) -> str:
    number = found[1] or found[2] or found[3]
    if number:
        value = int(number, 16)
        return chr(value) if value <= 0x10FFFF else ""  # noqa: PLR2004  # the last of Unicode
    if found[4]:
        return chr(int(found[4], 8))
    return _LETTERS.get(found[5], found[5])
