"""Facts about names: what they look like, and whether they still stand for what they stood for.

Invariant: a name proves nothing, whoever it belongs to. These facts can object to a model, and
never speak for one.
"""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact


class NameLikeness(Fact, frozen=True, kw_only=True, tag="name.likeness"):
    """The name of a repository that resembles a well-known one, and is another."""

    repository: str
    """The repository's id, as its place gives it."""
    resembles: str
    """The well-known publisher or model."""
    kind: Literal[
        "owner-looks-the-same",  # signs that look alike: `0` and `o`, `1` and `l`, `rn` and `m`
        "owner-spelt-otherwise",  # the same letters, with other dashes, dots or underscores
        "owner-one-letter-off",  # one letter more, less, other, or two that changed places
        "owner-adds-a-word",  # the name with `official` or the like, before a model of its own
        "model-of-another-owner",  # the name of a well-known model, and not a word of its publisher
        "card-of-another-owner",  # a card that goes by the same name under another owner
    ]
    """In which way."""
    same_model: bool = False
    """The name behind the slash is that of a well-known model of the publisher, too."""


class CardMention(Fact, frozen=True, kw_only=True, tag="card.mention"):
    """A repository of a hub that the model card loads from or links to."""

    repository: str
    """As the card writes it, `owner/model`."""


class IdentityCheck(Fact, frozen=True, kw_only=True, tag="identity.check"):
    """A locked name that stands for something else now."""

    kind: Literal[
        "tag-moved",  # the tag that was locked is at another commit
        "history-rewritten",  # the locked commit is no longer in the repository
        "registered-later",  # the repository was made after its name was locked
    ]
    """What happened."""
    ref: str
    """The model, as the lock names it."""
    before: str
    """The locked commit, or the day on which the name was locked."""
    after: str
    """The commit that was read, or the time at which the repository was made."""
