"""What the model's files claim to descend from, held against the base that was measured.

A name is a claim on either side: that of a folder proves nothing, so that a base without a
published identity can be told from a claimed one only by luck, and then nothing is held against the
model. Names are compared by their last part, since mirrors and converted copies keep it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from modelscan.vocabulary.fact import Fact, ModelClaim

Standing = Literal["this-base", "other-base", "some-base", "nothing", "single-file"]

_SCHEME = re.compile(r"^(?:hf:|pkg:huggingface/)", re.IGNORECASE)
_ENDING = re.compile(r"[-_.](?:gguf|fp32|f32|fp16|f16|bf16)$", re.IGNORECASE)
"""What converted copies add to the name of what they were made from."""


class Claims(NamedTuple):
    """All that the files of a model say about its base."""

    names: tuple[str, ...]
    relation: str
    """`finetune`, `adapter`, `merge`, `quantized`, or empty."""
    unguarded: bool
    """They say that safeguards were removed."""
    alone: bool = False
    """The model is one file, beside which nothing could say what it is."""


def claims_of(facts: Iterable[Fact], *, alone: bool = False) -> Claims:
    """What the facts of a model claim.

    Args:
        facts: what its readers stated.
        alone: the model is a single file.
    """
    stated = [fact for fact in facts if isinstance(fact, ModelClaim)]
    bases = [claim for claim in stated if claim.claim == "base"]
    relations = [claim.relation for claim in bases if claim.relation]
    return Claims(
        tuple(dict.fromkeys(claim.value for claim in bases)),
        relations[0] if relations else "",
        any(claim.claim == "safeguards-removed" for claim in stated),
        alone,
    )


def standing(claims: Claims, identity: str, label: str) -> Standing:
    """How the claims relate to a base.

    Args:
        claims: of the model.
        identity: repository that the base is known to be, `owner/name`; empty when it is not known.
        label: what the user calls the base, a folder for example.
    """
    if not claims.names:
        return "single-file" if claims.alone else "nothing"
    claimed = {plain(name) for name in claims.names}
    if plain(identity) in claimed or plain(label) in claimed:
        return "this-base"
    return "other-base" if identity else "some-base"


def plain(name: str) -> str:
    """The last part of a name, without revision, owner, and endings of converted copies."""
    text = _SCHEME.sub("", name).partition("@")[0].partition(":")[0]
    text = text.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    return _ENDING.sub("", text)


def identity_of(claimed: str) -> str:
    """The repository in a reference such as `hf:owner/name@revision`; empty when it names none."""
    text = _SCHEME.sub("", claimed).partition("@")[0]
    return text if text.count("/") == 1 and not text.startswith((".", "/")) else ""


def listed(names: Sequence[str]) -> str:
    """Names for people."""
    shown = ", ".join(names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004  # a few
