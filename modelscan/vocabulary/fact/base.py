"""What every fact carries."""

from __future__ import annotations

from typing import Literal

import msgspec

from modelscan.vocabulary.location import Location

Status = Literal["verified", "declared", "inferred", "absent"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact"):
    """What every fact carries."""

    location: Location = Location()
    """The file, member and byte or line that the fact is about."""
    status: Status = "verified"
    """How it is known: `verified` read from the bytes, `declared` stated by somebody, `inferred`
    concluded, `absent` looked for and not found."""

    @property
    def subject(self) -> str:
        """The file that the fact is about; `.` for the model as a whole."""
        return self.location.file or "."


def kind_of(fact: Fact | type[Fact]) -> str:
    """The kind that a rule names under `match.fact`."""
    return str(fact.__struct_config__.tag)
