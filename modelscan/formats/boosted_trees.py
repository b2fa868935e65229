"""Boosted trees as their own libraries save them: LightGBM's text, CatBoost's and XGBoost's binary.

Invariants: these files are tables of numbers, parsed by the libraries without calling anything;
they are recognised, so that a pickle under such a name does not pass for one, and no further.

Sources: LightGBM, `gbdt_model_text.cpp`; CatBoost, `model.fbs` behind the mark `CBM1`; XGBoost,
"Introduction to Model IO" (UBJSON).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from modelscan.budget import Budget
from modelscan.formats.reader import Glimpse
from modelscan.vocabulary.artifact import Artifact
from modelscan.vocabulary.coverage import Coverage
from modelscan.vocabulary.fact import Fact

_LIGHTGBM: Final = (b"tree\nversion=", b"tree\r\nversion=")
_CATBOOST: Final = b"CBM1"
_XGBOOST: Final = (b"{L\0\0\0\0\0\0\0\x07learner", b"{L\0\0\0\0\0\0\0\x06Config")
_OLD_XGBOOST: Final = (b"binf", b"bs64")
_MARKS: Final = (*_LIGHTGBM, _CATBOOST, *_XGBOOST, *_OLD_XGBOOST)


class BoostedTreesReader:
    """A model of boosted trees."""

    format = "boosted trees"

    def recognises(self, glimpse: Glimpse) -> bool:
        """By the first bytes."""
        return glimpse.head.startswith(_MARKS)

    def read(self, artifact: Artifact, budget: Budget) -> Iterator[Fact | Coverage | Artifact]:
        """Say that the trees themselves were not looked at."""
        budget.step()
        yield Coverage(
            file=artifact.name,
            member=artifact.member,
            status="header-only",
            reason="trees are numbers",
        )
