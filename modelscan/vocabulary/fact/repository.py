"""Facts about the files around the weights: configuration, cards, and how they agree."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class RemoteCode(Fact, frozen=True, kw_only=True, tag="config.remote-code"):
    """A configuration file asks the loader to import Python from a model repository."""

    key: str
    """Path of the key inside the document, as in `auto_map.AutoModel`."""
    reference: str
    """What it names, as in `modeling_x.XModel` or `owner/repo--modeling_x.XModel`."""
    repository: str
    """The other repository that the code would come from; empty for this one."""


class ConfigDefect(Fact, frozen=True, kw_only=True, tag="config.defect"):
    """A configuration document that two parsers would read differently, or refuse."""

    kind: Literal["duplicate-key", "not-utf8", "not-a-number"]
    """What is wrong."""
    key: str = ""
    """The key concerned."""


class ConfigSwitch(Fact, frozen=True, kw_only=True, tag="config.switch"):
    """A configuration value that makes a loader run code or drop a safeguard."""

    key: str
    """Path of the key inside the document."""
    value: str
    """Its value, as JSON."""


class ModelClaim(Fact, frozen=True, kw_only=True, tag="model.claim"):
    """What the model's own files say about it. Never evidence."""

    claim: Literal[
        "name", "base", "licence", "dataset", "architecture", "task", "library", "language",
        "safeguards-removed", "author", "contact", "method", "training-data", "base-revision",
    ]  # fmt: skip
    """What is being claimed; `safeguards-removed` when the author says that refusals were, `method`
    how it was trained or made, `training-data` in words what `dataset` names, `base-revision` which
    revision of the base that was done with."""
    value: str
    """The claimed value."""
    relation: str = ""
    """For a base: `finetune`, `adapter`, `merge`, `quantized`, or empty when not said."""


class CardDefect(Fact, frozen=True, kw_only=True, tag="card.defect"):
    """A model card whose metadata, the YAML between `---` lines, cannot be taken as it stands."""

    kind: Literal[
        "not-yaml", "not-utf8", "not-a-table", "unclosed", "too-large", "too-deep", "alias",
        "duplicate-key", "object-tag",
    ]  # fmt: skip
    """What is wrong; `object-tag` asks the YAML parser to construct an object of a program, `alias`
    is a wanted value that is written only as a reference to another place."""
    key: str = ""
    """The key, or the tag, concerned."""


class ConfigComponent(Fact, frozen=True, kw_only=True, tag="config.component"):
    """A component of a pipeline that is taken from another library than the usual ones."""

    key: str
    """The component, which is also the folder of its files."""
    library: str
    """The module that it is taken from."""
    name: str
    """Its class."""


class RemoteModule(Fact, frozen=True, kw_only=True, tag="config.remote-module"):
    """Where the Python that a configuration asks for would come from in this repository."""

    key: str
    """As in `config.remote-code`."""
    reference: str
    """As in `config.remote-code`."""
    module: str
    """The file that the loader would import."""
    shipped: bool
    """True when that file is part of the model."""


class RemoteClosure(Fact, frozen=True, kw_only=True, tag="config.remote-closure"):
    """All the code that loading the model with remote code can run: what consent is given to."""

    fingerprint: str
    """`sha256:` over the Python and native modules of the model, path and digest of each, and the
    references to code that is elsewhere; empty when one of the files was not hashed."""
    files: tuple[str, ...]
    """Those modules, sorted."""
    elsewhere: tuple[str, ...] = ()
    """References to code of other repositories, as `owner/repo--module.Class`, or of no file that
    is here, sorted."""


class RepositoryCheck(Fact, frozen=True, kw_only=True, tag="repository.check"):
    """Files of a model repository held against each other."""

    kind: Literal[
        "no-card",  # weights without a model card
        "card-parts-missing",  # a card that leaves out what cards usually state
        "no-licence",  # neither a claimed licence nor a licence file
        "base-differs",  # the card claims another base than the adapter's configuration
        "no-base",  # an adapter that no file names the base of
        "pickle-twin",  # the same weights as a pickle and as safetensors
    ]
    """What was found."""
    value: str = ""
    """The value that the located file states, or the other file."""
    other: str = ""
    """What the model card states instead."""


class ConfigObject(Fact, frozen=True, kw_only=True, tag="config.object"):
    """A name in a JSON or YAML document that its loader imports, and calls or constructs."""

    kind: Literal[
        "yaml-object",  # a YAML tag that constructs an object or calls a function
        "yaml-name",  # a YAML tag that imports a name
        "target",  # `_target_`, `class_path` and their like: called with the keys beside it
        "jsonpickle",  # `py/object`, `py/reduce` and their like
        "langchain",  # a serialised object of LangChain, or a secret that it reads
        "expression",  # text that is evaluated as Python
        "custom-operator",  # an operator of a graph that Python code of a given name provides
    ]
    """How the document says it."""
    name: str
    """What is imported, as `module.name`; the tag or text itself where it names nothing."""
    disposition: Literal["denied", "inert", "unknown", "hostile"]
    """`denied` can run code, reach files or the network; `unknown` is of no well-known package, and
    `hostile` the same, with a name or arguments that speak of an attack."""
    key: str = ""
    """Path of the key inside the document."""


class RepositoryScript(Fact, frozen=True, kw_only=True, tag="repository.script"):
    """A command of a shell script, a batch file or a container recipe that is more than set-up."""

    kind: Literal[
        "present",  # the script itself; nothing else is said with it
        "remote-shell",
        "runs-download",  # runs what it fetches
        "encoded-payload",  # runs what it decodes
        "switches-off-protection",  # of the system, or hides its own window from the user
        "sends-secrets",  # a place where credentials live, and the network, in one command
        "reads-secrets",
        "writes-outside",  # changes what a shell, a scheduler or a login runs later
        "harms-machine",  # destroys what is not the model's, exhausts the machine, lets it mine
        "gives-access",  # lets somebody in: a key of theirs, an account, a shell with all rights
        "runs-on-open",  # a command that an editor runs when the folder is opened
        "runs-by-itself",  # a command that git or an editor runs, hidden where none is expected
    ]
    """What it does."""
    language: Literal["shell", "batch", "powershell", "container", "settings", "other", "card"]
    """What it is written in; `settings` are those of a tool that runs commands by itself, `other`
    any other language, and `card` a text for people with commands to copy."""
    command: str = ""
    """The command, abbreviated."""
    known_place: bool = False
    """True when it names servers, all of which everybody installs from."""


class RepositoryAttachment(Fact, frozen=True, kw_only=True, tag="repository.attachment"):
    """A file beside the weights that an operating system or an interpreter starts by its kind."""

    kind: Literal[
        "native-code",  # a program or library for a processor
        "installer",
        "launcher",  # a shortcut, or a script that is started by a click
        "start-up",  # run by the interpreter or the system whenever it starts
        "bytecode",  # compiled Python without its source beside it
        "cached-bytecode",  # compiled Python in a cache, beside its source
    ]
    """What it is."""
    name: str
    """Its path."""


class RepositoryRequirement(Fact, frozen=True, kw_only=True, tag="repository.requirement"):
    """A line of a list of packages to install."""

    kind: Literal[
        "address",  # an archive or repository by its address
        "other-index",  # packages are taken from another index
        "not-encrypted",  # over a connection that anybody on the way can change
        "build-hook",  # a build backend that lies in the repository
        "not-pinned",
    ]
    """What is notable about it."""
    line: str
    """The line, abbreviated, without credentials."""
    known_place: bool = False
    """True when it names servers, all of which everybody installs from."""


class RepositorySecret(Fact, frozen=True, kw_only=True, tag="repository.secret"):
    """Something that has the shape of a credential. What it is stays in the file."""

    kind: str
    """Whose credential it would be: `hugging face token`."""
