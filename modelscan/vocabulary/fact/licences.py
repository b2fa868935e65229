"""Facts about licences: which one a file holds or names, what it restricts, and who disagrees.

An identifier is that of SPDX where SPDX has one, else the name by which model hubs know the
licence (`llama3.1`, `gemma`). A choice of several is an SPDX expression.
"""

from __future__ import annotations

from typing import Literal

from modelscan.vocabulary.fact.base import Fact

Restriction = Literal[
    "non-commercial",  # no use for profit
    "research-only",  # for research and evaluation
    "use-limits",  # certain uses are forbidden, by a list in the licence or a policy it names
    "size-limit",  # above a number of users or a revenue, other terms must be agreed on
    "registration",  # some uses must be asked for, or registered, first
    "no-training-others",  # outputs may not improve other models
    "name-shown",  # a name must be shown, or be part of the name of what is made from it
    "same-terms",  # what is made from it carries the same terms, or certain of them
    "no-derivatives",  # what is made from it may not be passed on
    "regions",  # people or companies in some regions are left out
    "may-change",  # whoever grants it can change the terms, or restrict the use, later on
]
"""What a licence restricts, beyond naming authors and keeping notices."""


class LicenceText(Fact, frozen=True, kw_only=True, tag="licence.text"):
    """A file that holds the terms of use, recognised by its wording."""

    identifier: str
    """The licence; empty when its wording is none that is known."""
    restrictions: tuple[Restriction, ...] = ()
    """What that licence restricts."""


class LicenceStated(Fact, frozen=True, kw_only=True, tag="licence.stated"):
    """A licence that holds for the model by what a file says, brought into one spelling."""

    source: Literal["card", "weights", "file", "text", "base"]
    """Who says so: the model card, metadata of the weights, another file, the text of a licence, or
    the name of the base, whose terms go with what is made from it."""
    stated: str
    """As it was written; for a text the name of its file, for a base its repository."""
    identifier: str
    """The licence; empty when it is none that is known."""
    restrictions: tuple[Restriction, ...] = ()
    """What it restricts; of a choice, what all of the alternatives restrict."""


class LicenceCheck(Fact, frozen=True, kw_only=True, tag="licence.check"):
    """Two statements about the licence that do not agree."""

    kind: Literal[
        "claims-differ",  # the model card, and another file of the model
        "text-differs",  # what the files claim, and the text of the licence that lies beside them
        "base-differs",  # what the files claim, and the terms of the base
    ]
    """What was held against what."""
    claimed: str
    """The licence that is claimed."""
    other: str
    """The licence that the other file, the text or the base has."""
    lost: tuple[Restriction, ...] = ()
    """Restrictions of the other one that the claimed one does not have."""
    origin: str = ""
    """What the other one was found in: a file, or the base's repository."""
