"""Facts about models as dependencies: how code names them, what a lock says, and what changed."""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact

LockState = Literal[
    "locked",  # the lock has this model, at what the code asks for
    "absent",  # the lock does not have it
    "other-revision",  # the lock has it, at another revision than the code asks for
    "not-lockable",  # a name in a library's own catalogue, or a path that is not here
    "unresolved",  # only running the code would tell which model it is
    "hosted",  # a model behind somebody else's interface: there are no bytes
]


class ModelReference(Fact, frozen=True, kw_only=True, tag="model.reference"):
    """A place where code or configuration names a model, held against the lock."""

    ref: str
    """The model, `hf:org/name` for example; the expression as written when it is unresolved."""
    kind: str
    """What kind of file names it: `python`, `notebook`, `dockerfile`, ..."""
    remote: bool = False
    """True for a model that lies on a hub, in a registry, or at an address."""
    revision: str = ""
    """Branch, tag or commit, as written; empty for none."""
    pinned: bool = False
    """True when what is named cannot change: a full commit, or a digest."""
    certainty: Literal["declared", "inferred", "unresolved"] = "declared"
    """How sure it is that this model is meant."""
    lock: LockState = "absent"
    """What the lock says."""
    locked: str = ""
    """The revision that the lock has; empty for none."""
    trust_remote_code: bool = False
    """The loader is told to run Python of the model."""
    remote_code: Literal["none", "shipped", "unknown"] = "unknown"
    """Whether the locked model holds Python."""
    consent: bool = False
    """The lock says that somebody agreed to that Python."""
    loader: str = ""
    """The call that deserialises it, `torch.load` for example; empty for all others."""
    weights_only: Literal["true", "false", "unset", "not-asked"] = "not-asked"
    """For `torch.load`: whether objects are refused; `unset` depends on torch's version."""
    fetched: bool = False
    """What is deserialised was downloaded by the same code."""
    written: bool = False
    """The name stands in the code itself, not in configuration."""


class LockCheck(Fact, frozen=True, kw_only=True, tag="lock.check"):
    """A lock held against the files beside it. Stated for disagreements only."""

    outcome: Literal[
        "file-differs",  # a locked file has other bytes
        "file-missing",  # a locked file is gone, others of the model are here
        "file-added",  # a file in a locked model that the lock does not list
        "model-missing",  # nothing of a locked model is here
        "model-unlocked",  # a model lies in the code base, and the lock does not have it
        "unused",  # no code names a locked model
    ]
    """What disagrees."""
    ref: str
    """The model, as the lock names it."""
    file: str = ""
    """Path inside the model."""
    expected: str = ""
    """The locked digest, hexadecimal."""
    found: str = ""
    """The digest of the bytes, hexadecimal."""
    executable: bool = False
    """The file holds code, or a format that can run code when it is loaded."""


ChangeKind = Literal[
    "model-added", "model-removed", "revision", "pin-lost", "pin-gained", "renamed", "author",
    "recreated", "licence", "base", "adapter", "signer-lost", "signer-changed", "signer-gained",
    "code-added", "code-changed", "code-removed", "pickle-added", "weights", "files",
    "bytes-replaced", "format", "consent-given", "consent-withdrawn", "verdict", "tensors",
    "gone", "outdated", "unreachable", "finding-added", "finding-gone", "answer-worse",
    "answer-better",
]  # fmt: skip


class ModelChange(Fact, frozen=True, kw_only=True, tag="model.change"):
    """One thing about a model that was otherwise before."""

    change: ChangeKind
    """What changed."""
    ref: str
    """The model."""
    before: str = ""
    """What it was; empty for nothing."""
    after: str = ""
    """What it is now; empty for nothing."""
    severity: Literal["", "info", "low", "medium", "high", "critical"] = ""
    """For findings: how severe they are."""
    count: int = 1
    """How many files, tensors or findings."""
    phrase: str = ""
    """The change in a few words, as summaries have it."""
