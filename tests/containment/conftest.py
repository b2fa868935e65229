"""One set of rules for all tests of this room: loading them costs more than looking does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelscan.api import containing
from modelscan.engine.catalogue import Catalogue, load
from modelscan.pipeline import Tools
from modelscan.policy.profile import Profile


@pytest.fixture(autouse=True, scope="session")
def rules_once() -> Iterator[None]:
    catalogue = load(())
    made: list[tuple[Profile, Tools]] = []

    class Once(Tools, frozen=True):
        """Tools that are prepared once for each policy."""

        @classmethod
        def prepare(cls, _: Catalogue, profile: Profile) -> Tools:  # type: ignore[override]  # what `contain` gives
            known = next((tools for held, tools in made if held == profile), None)
            if known is None:
                known = Tools.prepare(catalogue, profile)
                made.append((profile, known))
            return known

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(containing, "load", lambda _: catalogue)
        patch.setattr(containing, "Tools", Once)
        yield
