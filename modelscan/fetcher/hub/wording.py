"""What the errors of the hub's library mean, in the words of the manual."""

from __future__ import annotations

from huggingface_hub import errors

from modelscan.errors import SourceError

NETWORK_HINT = "check the network, the proxy (HTTPS_PROXY) and the endpoint (HF_ENDPOINT)"
_GRANTED = "if you have access to it, put a token into HF_TOKEN and give --token"
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
        "if it was there before, its history was rewritten, or the name now is somebody else's",
    ),
    (
        errors.RepositoryNotFoundError,
        "not found or private: {name}",
        f"check the name; {_GRANTED}",
    ),
    (errors.OfflineModeIsEnabled, "offline: the hub's library was told so", "unset HF_HUB_OFFLINE"),
    (errors.HFValidationError, "not a name on the hub: {name}", "write it as hf:org/name"),
)
"""The more special before the more general."""


def explain(error: Exception, name: str, revision: str | None) -> SourceError:
    """The error for a person.

    Args:
        error: of the library, or of our own.
        name: the repository that was asked about.
        revision: the revision of it; `None` for the default branch.
    """
    if isinstance(error, SourceError):
        return error
    for kind, message, hint in _WORDS:
        if isinstance(error, kind):
            words = message.format(name=name, revision=revision or "default branch")
            return SourceError(words, hint)
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        hint = "the token is not accepted" if status == _UNAUTHORISED else NETWORK_HINT
        return SourceError(f"the hub answers {status} about {name}", hint)
    return not_understood(name)


def gated(name: str) -> SourceError:
    """The repository is there, and one has to be let in."""
    _, message, hint = _WORDS[0]
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
