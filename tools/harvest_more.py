"""What libraries save that are used beside the well-known ones.

As `harvest_objects.py`, which lists these functions among its own. Each object is made on its own:
what the installed version does not have, or cannot do, is left out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

Objects = Iterator[tuple[str, Any]]
Makers = dict[str, Callable[[], Any]]


def _made(makers: Makers) -> Objects:
    """The objects that could be made."""
    for name, make in makers.items():
        with contextlib.suppress(Exception):
            yield name, make()


def _new(path: str, *values: Any, **options: Any) -> Any:
    """Call `package.module:name`."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)(*values, **options)


def zones() -> Objects:
    """Times with zones of pytz and dateutil, and frames with them."""
    pd = import_module("pandas")
    yield from _made({
        "pytz": lambda: [_new("pytz:timezone", "Europe/Paris"), _new("pytz:FixedOffset", 60)],
        "dateutil": lambda: [_new("dateutil.tz:gettz", "Europe/Paris"), _new("dateutil.tz:tzutc"),
                             _new("dateutil.tz:tzlocal"), _new("dateutil.tz:tzoffset", "a", 3)],
        "relative": lambda: _new("dateutil.relativedelta:relativedelta", months=1),
        "offset": lambda: pd.DateOffset(months=1),
        "frame": lambda: pd.DataFrame({"t": pd.date_range("2020", periods=3, tz="Europe/Paris")}),
        "aware": lambda: dt.datetime.now(_new("pytz:timezone", "US/Eastern")),
    })  # fmt: skip


def columns() -> Objects:
    """Tables of pyarrow, polars and xarray."""
    numpy = import_module("numpy")
    values = {"i": [1, None], "s": ["a", "b"], "l": [[1], [2, 3]], "m": [{"a": 1}, {"a": 2}]}
    yield from _made({
        "arrow": lambda: _new("pyarrow:table", values),
        "batches": lambda: _new("pyarrow:table", values).to_batches(),
        "schema": lambda: _new("pyarrow:table", values).schema,
        "polars": lambda: _new("polars:DataFrame", {"a": [1, 2], "s": ["x", "y"]}),
        "xarray": lambda: _new("xarray:Dataset", {"v": ("t", numpy.arange(3.0))}),
    })  # fmt: skip


def estimators() -> Objects:
    """Fitted estimators in the manner of scikit-learn, of other libraries."""
    np, linear = import_module("numpy"), import_module("sklearn.linear_model")
    pandas = import_module("pandas")
    table, target = np.random.default_rng(1).random((80, 4)), np.arange(80) % 2
    few = (np.arange(80) % 4 == 0).astype(int)
    frame = pandas.DataFrame(table, columns=list("abcd")).assign(s=["x", "y", "z", "w"] * 20)
    series = np.random.default_rng(1).random((10, 8, 1))
    lives = pandas.DataFrame({"T": table[:, 0] * 9 + 0.1, "E": target, "x": table[:, 1]})
    yield from _made({
        "SMOTE": lambda: _new("imblearn.over_sampling:SMOTE").fit(table, few),
        "BalancedForest": lambda: _new("imblearn.ensemble:BalancedRandomForestClassifier", 3)
        .fit(table, few),
        "TargetEncoder": lambda: _new("category_encoders:TargetEncoder").fit(frame[["s"]], target),
        "RareLabelEncoder": lambda: _new("feature_engine.encoding:RareLabelEncoder").fit(frame),
        "Stacking": lambda: _new(
            "mlxtend.classifier:StackingCVClassifier", [linear.LogisticRegression()],
            linear.LogisticRegression(),
        ).fit(table, target),
        "Cox": lambda: _new("lifelines:CoxPHFitter").fit(lives, "T", "E"),
        "WeibullAFT": lambda: _new("lifelines:WeibullAFTFitter").fit(lives, "T", "E"),
        "HDBSCAN": lambda: _new("hdbscan:HDBSCAN", prediction_data=True).fit(table),
        "IForest": lambda: _new("pyod.models.iforest:IForest").fit(table),
        "ECOD": lambda: _new("pyod.models.ecod:ECOD").fit(table),
        "TimeSeriesKMeans": lambda: _new("tslearn.clustering:TimeSeriesKMeans", 2).fit(series),
        "BayesSearch": lambda: _new(
            "skopt:BayesSearchCV", linear.Ridge(), {"alpha": (1e-3, 1.0, "log-uniform")}, n_iter=3,
        ).fit(table, target),
        "study": _studied,
    })  # fmt: skip


def _studied() -> Any:
    study = _new("optuna:create_study")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    return study


def networks() -> Objects:
    """Whole networks and checkpoints of libraries on top of torch."""
    t = import_module("torch")
    edges = t.tensor([[0, 1], [1, 0]])
    makers: Makers = {
        "HistoryBuffer": lambda: _new("mmengine.logging:HistoryBuffer", [1], [1]),
        "ConfigDict": lambda: _new("mmengine.config:ConfigDict", a={"b": 1}),
        "graph": lambda: _new("torch_geometric.data:Data", x=t.ones(2, 3), edge_index=edges),
        "spaces": lambda: _new("gymnasium.spaces:Dict", a=_new("gymnasium.spaces:Discrete", 2)),
        "skorch": lambda: _new("skorch:NeuralNetRegressor", t.nn.Linear(2, 1), max_epochs=1)
        .fit(t.ones(8, 2).numpy(), t.ones(8, 1).numpy()),
        "functions": lambda: {"tanh": t.tanh, "relu": t.relu, "gelu": t.nn.functional.gelu},
        "scaler": lambda: t.amp.GradScaler("cpu"),
        "generator": lambda: t.Generator().manual_seed(1),
        "detection": lambda: _new(
            "torchvision.models.detection:fasterrcnn_resnet50_fpn", weights=None,
            weights_backbone=None,
        ),
        "policies": lambda: _new("torchvision.transforms:AutoAugment"),
    }  # fmt: skip
    for name in (
        "resnet18",
        "vit_tiny_patch16_224",
        "convnext_atto",
        "mobilevit_xxs",
        "levit_128s",
    ):
        makers[f"timm_{name}"] = lambda name=name: _new("timm:create_model", name)  # type: ignore[misc]  # the default keeps the name
    for name in ("DDPMScheduler", "DDIMScheduler", "EulerDiscreteScheduler"):
        makers[name] = lambda name=name: _new(f"diffusers:{name}")  # type: ignore[misc]  # the same
    yield from _made(makers)
    with contextlib.suppress(ImportError):
        for name, cls in vars(import_module("accelerate.utils.dataclasses")).items():
            if isinstance(cls, enum.EnumMeta):
                yield f"accelerate_{name}", list[Any](cls)
