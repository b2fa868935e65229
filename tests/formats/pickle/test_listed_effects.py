"""Classes that act when they are filled or let go: making an instance of one is a denied call."""

from __future__ import annotations

import pytest

from tests.forge.pickles import Assembler
from tests.formats.pickle.test_special_calls import bad

ACTING = (
    # an attribute that is looked up, as `__setstate__` is, imports a module or loads a file
    ("imblearn", "LazyLoader"),
    ("nltk.data", "LazyLoader"),
    ("transformers.utils.import_utils", "_LazyModule"),
    # __del__ closes, frees, removes, or calls what the state holds
    ("gensim.matutils", "MmWriter"),
    ("torch.cuda.gds", "GdsFile"),
    ("torch.multiprocessing.reductions", "StorageWeakRef"),
    ("torch_geometric.llm.utils.backend_utils", "RemoteGraphBackendLoader"),
    ("xgboost.core", "DMatrix"),
    # __setstate__ calls a method of what the state holds, or runs a program made of it
    ("networkx.classes.reportviews", "OutEdgeDataView"),
    ("torch_geometric.graphgym.contrib.layer.generalconv", "GeneralConvLayer"),
)


@pytest.mark.parametrize("name", ACTING)
def test_what_acts_when_filled_or_let_go_is_denied(name: tuple[str, str]) -> None:
    made = Assembler(2).global_(*name).empty_tuple().newobj().empty_dict()
    made.text("path").text("/srv/data").setitem()
    assert ".".join(name) in bad(made.build())


@pytest.mark.parametrize(
    "name",
    [("networkx.classes.reportviews", "OutEdgeView"), ("optuna.trial._trial", "Trial"),
     ("gensim.corpora.dictionary", "Dictionary"), ("lightgbm.basic", "Booster"),
     ("xgboost.core", "Booster"), ("torch_geometric.data.data", "Data")],
)  # fmt: skip
def test_their_harmless_neighbours_are_not(name: tuple[str, str]) -> None:
    made = Assembler(2).global_(*name).empty_tuple().newobj().empty_dict()
    made.text("path").text("/srv/data").setitem()
    assert not bad(made.build())
