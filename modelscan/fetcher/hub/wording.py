"""What the errors of the hub's library mean, in the words of the manual."""

from __future__ import annotations

import re

from huggingface_hub import errors

from modelscan.errors import SourceError

NETWORK_HINT = "check the network, the proxy (HTTPS_PROXY) and the endpoint (HF_ENDPOINT)"
_REWRITTEN = "if it was there before, its history was rewritten, or the name now is somebody else's"
_COMMIT, _PART_OF_ONE = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{6,39}")
_GRANTED = "if you have access to it, put a token into HF_TOKEN and give --token"
_NAME = f"check the name; {_GRANTED}"
_UNAUTHORISED = 401

_WORDS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        errors.GatedRepoError,
        "gated: access to {name} has to be granted by its owner",
        "accept its terms on its page; then put a token into HF_TOKEN and give --token",
    ),
    (
        errors.DisabledRepoError,
        "disabled: the hub has taken {name} offline",
        "do not use copies of it, either",
    ),
    (
        errors.RevisionNotFoundError,
        "revision not found: {name} has no {revision}",
        _REWRITTEN,
    ),
    (
        errors.RepositoryNotFoundError,
        "not found or private: {name}",
        _NAME,
    ),
    (errors.OfflineModeIsEnabled, "offline: the hub's library was told so", "unset HF_HUB_OFFLINE"),
    (errors.HFValidationError, "not a name on the hub: {name}", "write it as hf:org/name"),
)
"""The more special before the more general."""


def explain(
    error: Exception, name: str, revision: str | None, *, has_token: bool = False
) -> SourceError:
    """The error for a person.

    Args:
        error: of the library, or of our own.
        name: the repository that was asked about.
        revision: the revision of it; `None` for the default branch.
        has_token: a token was sent.
    """
    if isinstance(error, SourceError):
        return error
    if isinstance(error, errors.GatedRepoError):
        return gated(name, has_token=has_token)
    for kind, message, usual in _WORDS:
        if isinstance(error, kind):
            words = message.format(name=name, revision=revision or "default branch")
            return SourceError(words, _hint(usual, revision or "", has_token=has_token))
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        hint = "the token is not accepted" if status == _UNAUTHORISED else NETWORK_HINT
        return SourceError(f"the hub answers {status} about {name}", hint)
    return not_understood(name)


def _hint(usual: str, revision: str, *, has_token: bool) -> str:
    """What to do, by what was asked for and how."""
    if usual is _NAME and has_token:
        return "check the name, and whether the token is of an account that has access"
    if usual is not _REWRITTEN:
        return usual
    if _COMMIT.fullmatch(revision):
        return _REWRITTEN
    if _PART_OF_ONE.fullmatch(revision):
        return "a commit is named by all of its forty digits"
    return "check the name of the branch or tag; without @ it is the default branch"


def gated(name: str, *, has_token: bool = False) -> SourceError:
    """The repository is there, and one has to be let in."""
    _, message, hint = _WORDS[0]
    if has_token:
        hint = "the account of this token has no access yet: accept the terms on the model's page"
    return SourceError(message.format(name=name), hint)


def disabled(name: str) -> SourceError:
    """The repository is there, and nobody gets it."""
    _, message, hint = _WORDS[1]
    return SourceError(message.format(name=name), hint)


def not_understood(name: str) -> SourceError:
    """The answer has a shape that no hub's answer has."""
    return SourceError(
        f"the hub's answer about {name} cannot be understood", "if it is a mirror, ask the hub"
    )
