"""Facts about programs that come with a model: Python, and chat templates."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class ChatTemplate(Fact, frozen=True, kw_only=True, tag="template"):
    """A chat template: a program that turns a conversation into the text that the model reads."""

    digest: str
    """`sha256:` over the template's text: equal digests are the same program."""
    text_digest: str = ""
    """The same over its lines without the blanks at their ends: equal wherever it is written."""
    lines: int
    """How many lines it has."""
    inputs: tuple[str, ...]
    """Names that it takes from its caller, sorted: `tools`, `documents`, `enable_thinking` …"""


class TemplateNode(Fact, frozen=True, kw_only=True, tag="template.node"):
    """Something in a chat template that ordinary templates do not have."""

    kind: Literal[
        "underscore-attribute",  # an attribute that leads into the interpreter, however it is named
        "computed-attribute",  # an attribute or callee whose name is put together or not known
        "unlisted-attribute",  # a private attribute, or one that a loop does not have
        "unlisted-filter",
        "unlisted-test",
        "unlisted-function",
        "unlisted-node",  # a kind of statement
        "environment-object",  # a function or object of the program, used as a value
        "python-function",  # calls something named like a function that runs code or opens files
        "includes-file",
        "format-string",  # a format string that can read attributes, or that is not known
        "hidden-text",  # text in characters that models read and people do not see
        "invisible-character",
        "url",
        "content-condition",  # adds sentences when the conversation has certain words in it
        "content-rewrite",  # replaces words or addresses in the conversation
        "bomb",  # sizes that no prompt has
        "instruction",  # text that tells the model to deceive, named by what it is about
    ]
    """What it is."""
    name: str
    """The attribute, function, character, words or address concerned."""
    detail: str = ""
    """What else is known about it."""


class TemplateKnown(Fact, frozen=True, kw_only=True, tag="template.known"):
    """A chat template that is, line by line, one that a list knows."""

    models: tuple[str, ...]
    """The models that it is listed for, as `owner/name`."""


class TemplateDifference(Fact, frozen=True, kw_only=True, tag="template.difference"):
    """Lines of a chat template that are not those of the base's."""

    kind: Literal["added", "removed", "changed"]
    """What became of the base's lines."""
    base: str
    """The base that was compared with."""
    old: str
    """The base's lines, abbreviated."""
    new: str
    """The lines that stand there now, abbreviated."""


CodeAction = Literal[
    "starts-process",
    "queries-system",  # a process that only asks about the machine or the checkout
    "runs-code",  # exec, eval and their kin, of text that is not known
    "runs-file",  # runs another Python file by its name
    "runs-download",  # runs what it fetches
    "encoded-payload",  # runs what it decodes
    "remote-shell",
    "network",
    "sends-data",  # a connection by which more goes out than the question for a file
    "downloads-data",  # fetches an image, a table, a file of weights
    "sends-secrets",  # credentials or the whole environment go over the network
    "reads-secrets",  # opens a place where credentials live
    "harms-machine",  # destroys what is not the model's, exhausts the machine, or lets it mine
    "gives-access",  # lets somebody in: a key of theirs, an account, a shell with all rights
    "writes-outside",  # changes what a shell, a scheduler or an interpreter runs later
    "changes-environment",  # variables that make every program load something
    "changes-import-path",  # folders that others write to, or hooks that answer imports
    "leads-elsewhere",  # variables that lead connections to another server
    "loads-native-code",
    "loads-system-library",
    "compiles-native-code",
    "loads-remote-code",  # from another repository, through a library
    "deserialises",  # pickle and its kin
    "installs-packages",
    "computed-name",  # calls a function of a sensitive module by a name that is not known
    "hidden-text",  # characters that make an editor show another order than is run
]
"""What a piece of Python can do."""


class CodeSource(Fact, frozen=True, kw_only=True, tag="code.source"):
    """Python that comes with the model."""

    kind: Literal["module", "notebook"]
    """A notebook runs only when a person runs it."""
    lines: int
    """How many lines it has; for a notebook, of code."""
    imports: tuple[str, ...] = ()
    """Top-level packages that it imports, sorted; `.` stands for its own package."""


class CodeBehaviour(Fact, frozen=True, kw_only=True, tag="code.behaviour"):
    """Something that Python shipped with the model can do. `location.line` is where."""

    behaviour: CodeAction
    """What it can do."""
    call: str = ""
    """The function called, by its canonical name; `shell` for a command line of a notebook."""
    argument: str = ""
    """What it is called with, abbreviated; `…` for what is not known."""
    when: Literal["import", "instantiation", "call"] = "call"
    """The earliest moment: when the module is imported, when a library makes or runs the model, or
    only when somebody calls the function or runs the script."""
    within: tuple[str, ...] = ()
    """Where it happens only when somebody calls: functions of the module that lead to it, a method
    with its class before it."""
    known_place: bool = False
    """True when a command names servers, or packages of the usual index, that everybody uses."""
