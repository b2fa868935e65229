"""What real libraries save: many kinds of objects of each library that can be imported.

Every function yields names and objects; `harvest_pickles.py` saves them. A kind that the installed
version does not have is left out.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import decimal
import fractions
import ipaddress
import random
import re
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.harvest_more import columns, estimators, networks, zones
from tools.harvest_results import statsmodels, text

Objects = Iterator[tuple[str, Any]]


def standard() -> Objects:
    """Plain data of the standard library."""
    yield (
        "containers",
        {
            "ordered": collections.OrderedDict(a=1),
            "default": collections.defaultdict(list, a=[1]),
            "counter": collections.Counter("abc"),
            "deque": collections.deque([1, 2], 5),
            "numbers": [2**80, 1.5, 1j, decimal.Decimal("1.5"), fractions.Fraction(1, 3)],
            "bytes": [b"a", bytearray(b"b"), {1}, frozenset({2}), range(3), slice(1, 2)],
            "times": [dt.datetime.now(dt.UTC), dt.date.today(), dt.timedelta(1), dt.time(1)],  # noqa: DTZ011  # any date will do
            "others": [Path("a/b"), uuid.uuid4(), ipaddress.ip_address("::1"), re.compile("a+")],
            "types": [int, type(None), type(...), ..., NotImplemented, ValueError("x")],
            "random": random.Random(1).getstate(),
            "namespace": argparse.Namespace(rate=0.1),
        },
    )


def numpy() -> Objects:
    """Arrays of every kind of element, generators, and what is built on arrays."""
    np = import_module("numpy")
    for code in "?bBhHiIlLqQefdgFDGSUVOMm":
        with contextlib.suppress(TypeError, ValueError):
            yield (
                f"array_{ord(code)}",
                np.zeros((2, 3), {"M": "M8[s]", "m": "m8[s]"}.get(code, code)),
            )
    record = np.zeros(3, [("a", "<i4"), ("b", "O"), ("c", "f8", (2,))])
    yield "structured", [record, record.view(np.recarray), record[0], np.rec.array([(1, 2.0)])]
    yield "masked", [np.ma.masked_array([1, 2], [True, False]), np.ma.masked]
    yield "scalars", [np.float32(1), np.int64(2), np.bool_(1), np.str_("x"), np.datetime64("2020")]
    yield (
        "generators",
        [
            np.random.RandomState(1),  # the legacy one is what old pickles hold
            np.random.default_rng(1),
            *(
                np.random.Generator(getattr(np.random, name)(1))
                for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
            ),
        ],
    )
    yield (
        "polynomials",
        [np.poly1d([1, 2]), np.polynomial.Polynomial([1]), np.polynomial.Chebyshev([1])],
    )
    yield (
        "types",
        [np.float32, np.dtype("f4"), np.ndarray, np.exp, np.dtypes.StringDType(), np.matrix([[1]])],
    )


def scipy() -> Objects:
    """Sparse matrices and arrays, distributions, interpolators, trees."""
    np, sparse = import_module("numpy"), import_module("scipy.sparse")
    matrix = np.eye(4)
    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        yield (
            f"sparse_{kind}",
            [
                getattr(sparse, f"{kind}_matrix")(matrix),
                getattr(sparse, f"{kind}_array")(matrix),
            ],
        )
    stats, interpolate = import_module("scipy.stats"), import_module("scipy.interpolate")
    x, y = np.arange(8.0), np.arange(8.0) ** 2
    yield (
        "distributions",
        [stats.norm(0, 1), stats.beta(1, 2), stats.poisson(2), stats.randint(0, 9)],
    )
    yield "kde", stats.gaussian_kde(np.arange(9.0))
    yield "interpolators", [
        interpolate.interp1d(x, y), interpolate.CubicSpline(x, y), interpolate.BSpline(x, y, 1),
        interpolate.PchipInterpolator(x, y), interpolate.UnivariateSpline(x, y),
        interpolate.RegularGridInterpolator((x,), y), interpolate.Akima1DInterpolator(x, y),
    ]  # fmt: skip
    spatial = import_module("scipy.spatial")
    points = np.random.default_rng(1).random((20, 2))
    yield "trees", [spatial.KDTree(points), spatial.cKDTree(points)]
    yield "rotation", spatial.transform.Rotation.from_quat([0, 0, 0, 1])
    yield "result", import_module("scipy.optimize").minimize(lambda v: (v**2).sum(), [1.0])


def pandas() -> Objects:
    """Frames, indexes and extension types."""
    pd, np = import_module("pandas"), import_module("numpy")
    frame = pd.DataFrame(
        {"a": [1, 2], "b": ["x", "y"], "c": [1.5, None], "d": pd.to_datetime(["2020", "2021"]),
         "e": pd.Categorical(["u", "v"]), "f": pd.array([1, None], dtype="Int64"),
         "g": pd.array(["s", None], dtype="string"), "h": pd.array([True, None], dtype="boolean"),
         "i": pd.to_datetime(["2020", "2021"], utc=True), "j": pd.to_timedelta([1, 2]),
         "k": pd.period_range("2020", periods=2, freq="D"), "l": pd.arrays.SparseArray([0, 1]),
         "m": pd.interval_range(0, 2), "n": pd.array([1.0, None], dtype="Float64")}
    )  # fmt: skip
    yield "frame", frame
    for name in frame.columns:
        yield f"series_{name}", frame[name]
    yield "indexes", [
        frame.index, frame.columns, pd.MultiIndex.from_product([[1], ["a", "b"]]),
        pd.date_range("2020", periods=3, tz="Europe/Paris"), pd.CategoricalIndex(["a"]),
        pd.IntervalIndex.from_breaks([0, 1]), pd.PeriodIndex(["2020"], freq="Y"),
        pd.TimedeltaIndex([1]), pd.Index([1.5]), frame.set_index(["a", "b"]).index,
    ]  # fmt: skip
    yield "scalars", [
        pd.Timestamp("2020", tz="UTC"), pd.Timedelta(1), pd.NaT, pd.NA, pd.Period("2020", "M"),
        pd.Interval(0, 1), pd.offsets.BusinessDay(), pd.offsets.MonthEnd(), np.nan,
    ]  # fmt: skip


def sklearn() -> Objects:
    """Every estimator that can be fitted to a small table, and compositions of them."""
    np, utils = import_module("numpy"), import_module("sklearn.utils")
    rng = np.random.default_rng(1)
    table, target = abs(rng.random((40, 4))) + 0.1, np.arange(40) % 2
    for name, cls in utils.all_estimators():
        with contextlib.suppress(Exception):
            yield name, cls()
        for fitted in (target, None, table[:, :2]):
            with contextlib.suppress(Exception):
                yield f"{name}_fitted", cls().fit(table, fitted)
                break
    pipeline, compose = import_module("sklearn.pipeline"), import_module("sklearn.compose")
    linear, trees = import_module("sklearn.linear_model"), import_module("sklearn.ensemble")
    scale = import_module("sklearn.preprocessing")
    columns = compose.ColumnTransformer(
        [("n", scale.StandardScaler(), [0, 1]), ("c", scale.OneHotEncoder(), [2])],
        remainder="passthrough",
    )
    steps = [("columns", columns), ("model", linear.LogisticRegression())]
    yield "pipeline", pipeline.Pipeline(steps).fit(table, target)
    yield "function", scale.FunctionTransformer(np.log1p).fit(table)
    search = import_module("sklearn.model_selection")
    grid = search.GridSearchCV(linear.Ridge(), {"alpha": [1, 2]}, scoring="r2", cv=search.KFold(3))
    yield "search", grid.fit(table, target)
    estimators = [("a", trees.RandomForestClassifier(3)), ("b", linear.SGDClassifier())]
    yield "voting", trees.VotingClassifier(estimators).fit(table, target)
    yield "stacking", trees.StackingClassifier(estimators).fit(table, target)
    text = import_module("sklearn.feature_extraction.text")
    yield "text", text.TfidfVectorizer().fit(["a good model", "another one"])
    yield "count", text.CountVectorizer(ngram_range=(1, 2)).fit(["a good model", "another one"])
    process = import_module("sklearn.gaussian_process")
    kernels = process.kernels
    kernel = kernels.ConstantKernel() * kernels.RBF() + kernels.WhiteKernel()
    kernel += kernels.Matern() + kernels.RationalQuadratic() + kernels.DotProduct() ** 2
    yield "gaussian", process.GaussianProcessRegressor(kernel, optimizer=None).fit(table, target)
    yield "kernels", [kernels.ExpSineSquared(), kernels.CompoundKernel([kernels.RBF()])]
    yield "splits", [getattr(search, n)() for n in dir(search) if n.endswith("Fold")]
    metrics = import_module("sklearn.metrics")
    yield "scorers", [metrics.get_scorer(name) for name in metrics.get_scorer_names()]
    neighbors = import_module("sklearn.neighbors")
    yield "neighbors", [neighbors.KDTree(table), neighbors.BallTree(table)]
    yield "dataset", import_module("sklearn.datasets").load_iris()


def boosting() -> Objects:
    """xgboost, lightgbm, catboost."""
    np = import_module("numpy")
    table, target = np.random.default_rng(1).random((40, 4)), np.arange(40) % 2
    with contextlib.suppress(ImportError):
        xgb = import_module("xgboost")
        for name in ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"):
            yield name, getattr(xgb, name)(n_estimators=2).fit(table, target)
        ranker = xgb.XGBRanker(n_estimators=2)
        yield "XGBRanker", ranker.fit(table, target, qid=np.zeros(40, int))
        yield "xgb_booster", xgb.train({}, xgb.DMatrix(table, target), 2)
    with contextlib.suppress(ImportError):
        lgb = import_module("lightgbm")
        for name in ("LGBMClassifier", "LGBMRegressor"):
            yield name, getattr(lgb, name)(n_estimators=2, verbose=-1).fit(table, target)
        ranker = lgb.LGBMRanker(n_estimators=2, verbose=-1)
        yield "LGBMRanker", ranker.fit(table, target, group=[40])
        yield "lgb_booster", lgb.train({"verbose": -1}, lgb.Dataset(table, target), 2)
    with contextlib.suppress(ImportError):
        cat = import_module("catboost")
        few = {"iterations": 2, "allow_writing_files": False}
        for name in ("CatBoostClassifier", "CatBoostRegressor", "CatBoost"):
            model = cat.CatBoost(few) if name == "CatBoost" else getattr(cat, name)(**few)
            yield name, model.fit(table, target, verbose=False)


def torch() -> Objects:
    """Tensors of every type and layout, modules, optimizers, schedulers, checkpoints."""
    t, nn = import_module("torch"), import_module("torch.nn")
    types = [value for value in vars(t).values() if isinstance(value, t.dtype)]
    for dtype in dict.fromkeys(types):
        with contextlib.suppress(Exception):
            yield f"tensor_{str(dtype)[6:]}", {"w": t.zeros(3, dtype=dtype)[1:]}
    yield "types", types
    yield "layouts", [
        t.eye(3).to_sparse(), t.eye(3).to_sparse_csr(), t.eye(3).to_sparse_csc(),
        nn.Parameter(t.ones(2)), nn.Parameter(t.ones(2), requires_grad=False), nn.Buffer(t.ones(2)),
        t.quantize_per_tensor(t.ones(2), 0.1, 0, t.qint8), t.empty(2, device="meta"),
        t.Size([1]), t.device("cpu"), t.strided, t.contiguous_format, t.per_tensor_affine,
        t.ones(2, dtype=t.complex64).conj(), t.ones(3).expand(2, 3), t.finfo(t.float32),
        t.quantize_per_channel(t.ones(2, 2), t.ones(2), t.zeros(2), 0, t.qint8),
    ]  # fmt: skip
    with contextlib.suppress(Exception):
        yield "nested", t.nested.nested_tensor([t.ones(2), t.ones(3)])
    yield "states", [t.get_rng_state(), t.ones(2).untyped_storage()]
    arguments: list[tuple[Any, ...]] = [(), (2,), (2, 2), (2, 2, 1), (4, 2, 2), (2, 2, 2, 2)]
    for name in dir(nn):
        if name[0].isupper() and isinstance(getattr(nn, name), type):
            for values in arguments:
                with contextlib.suppress(Exception):
                    yield f"module_{name}", getattr(nn, name)(*values)
                    break
    net = nn.Sequential(collections.OrderedDict(a=nn.Linear(2, 2), b=nn.BatchNorm1d(2)))
    norms = nn.utils
    yield "weight_norm", norms.parametrizations.weight_norm(nn.Linear(2, 2)).state_dict()
    yield "old_norms", [norms.weight_norm(nn.Linear(2, 2)), norms.spectral_norm(nn.Linear(2, 2))]
    schedulers = t.optim.lr_scheduler
    for name in dir(t.optim):
        if name[0].isupper() and name != "Optimizer":
            with contextlib.suppress(Exception):
                optimizer = getattr(t.optim, name)(net.parameters(), lr=0.1)
                optimizer.zero_grad()
                net(t.ones(3, 2)).sum().backward()
                with contextlib.suppress(Exception):
                    optimizer.step()
                step = schedulers.StepLR(optimizer, 2)
                yield f"checkpoint_{name}", {
                    "model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3,
                    "scheduler": step.state_dict(), "args": argparse.Namespace(lr=0.1),
                }  # fmt: skip
                yield f"optimizer_{name}", optimizer
    sgd = t.optim.SGD(net.parameters(), lr=0.1)
    yield "schedulers", [
        schedulers.CosineAnnealingLR(sgd, 4), schedulers.ReduceLROnPlateau(sgd),
        schedulers.OneCycleLR(sgd, 1, 9), schedulers.ExponentialLR(sgd, 0.5),
        schedulers.MultiStepLR(sgd, [2]),
    ]  # fmt: skip
    yield "network", net
    yield "averaged", t.optim.swa_utils.AveragedModel(net)
    yield "scaler", t.amp.GradScaler("cpu", enabled=False).state_dict()
    data = import_module("torch.utils.data")
    yield "datasets", [data.TensorDataset(t.ones(2)), data.Subset([1, 2], [0])]
    distributions = import_module("torch.distributions")
    yield "distributions", [distributions.Normal(0.0, 1.0), distributions.Categorical(t.ones(2))]
    with contextlib.suppress(ImportError, RuntimeError):
        models = import_module("torchvision.models")
        for name in ("resnet18", "mobilenet_v3_small", "squeezenet1_0", "vit_b_32"):
            with t.device("meta"):
                yield f"vision_{name}", getattr(models, name)()
        transforms = import_module("torchvision.transforms")
        yield "transforms", transforms.Compose([transforms.ToTensor(), transforms.Normalize(0, 1)])
    with contextlib.suppress(ImportError):
        metrics = import_module("torchmetrics")
        yield "metrics", [metrics.Accuracy(task="binary"), metrics.MeanMetric()]


def transformers() -> Objects:
    """Training arguments, configurations, tokenizers and whole small models."""
    tf = import_module("transformers")
    for name in ("TrainingArguments", "Seq2SeqTrainingArguments"):
        with contextlib.suppress(Exception):
            yield name, getattr(tf, name)("out", use_cpu=True, report_to=[])
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    for name, values in (
        ("Bert", {**small, "vocab_size": 9, "intermediate_size": 8}),
        ("Roberta", {**small, "vocab_size": 9, "intermediate_size": 8}),
        ("Llama", {**small, "vocab_size": 9, "intermediate_size": 8, "num_key_value_heads": 2}),
        ("ViT", {**small, "image_size": 8, "patch_size": 4, "intermediate_size": 8}),
        ("DistilBert", {"vocab_size": 9, "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}),
        ("GPT2", {"vocab_size": 9, "n_embd": 8, "n_layer": 1, "n_head": 2}),
        ("T5", {"vocab_size": 9, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1}),
    ):
        with contextlib.suppress(Exception):
            config = getattr(tf, f"{name}Config")(**values)
            yield f"config_{name}", config
            yield f"model_{name}", getattr(tf, f"{name}Model")(config)
    tokens = import_module("tokenizers")
    plain = tokens.Tokenizer(tokens.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))  # noqa: S106  # the unknown word, no secret
    yield "tokenizer", [plain, tokens.AddedToken("x")]
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")  # noqa: S106  # the same
    yield "tokenizer_fast", fast
    yield "state", [tf.GenerationConfig(), tf.BatchEncoding({"input_ids": [1]})]
    with contextlib.suppress(ImportError):
        yield "trainer", [tf.TrainerState(), tf.TrainerControl()]
    with contextlib.suppress(Exception):
        import_module("transformers.modeling_outputs")
        yield "output", tf.modeling_outputs.BaseModelOutput(import_module("torch").ones(1, 2, 2))
    with contextlib.suppress(ImportError):
        peft = import_module("peft")
        yield "peft", [peft.LoraConfig(), peft.IA3Config(), peft.PromptTuningConfig()]
    for name in ("SFTConfig", "DPOConfig", "GRPOConfig", "RewardConfig", "KTOConfig"):
        with contextlib.suppress(Exception):
            yield name, getattr(import_module("trl"), name)("out", use_cpu=True, report_to=[])
    with contextlib.suppress(ImportError, AttributeError):
        sentence = import_module("sentence_transformers")
        arguments = sentence.SentenceTransformerTrainingArguments
        yield "sentence_arguments", arguments("out", use_cpu=True, report_to=[])
        modules = import_module("sentence_transformers.models")
        yield "sentence", [modules.Pooling(8), modules.Normalize(), modules.Dense(8, 4)]


def training() -> Objects:
    """lightning, ultralytics, omegaconf."""
    with contextlib.suppress(Exception):
        t, lightning = import_module("torch"), import_module("lightning")
        demo = import_module("lightning.pytorch.demos.boring_classes").BoringModel()
        trainer = lightning.Trainer(
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            max_steps=1,
            enable_progress_bar=False,
        )
        trainer.fit(demo, t.utils.data.DataLoader(t.ones(4, 32)))
        yield "lightning", trainer._checkpoint_connector.dump_checkpoint()  # noqa: SLF001  # what save_checkpoint writes
    with contextlib.suppress(Exception):
        ultra = import_module("ultralytics")
        for name in (
            "yolov8n.yaml",
            "yolo11n.yaml",
            "yolov8n-cls.yaml",
            "yolov8n-seg.yaml",
            "yolov8n-pose.yaml",
        ):
            yield f"ultralytics_{name[:-5]}", {"model": ultra.YOLO(name).model, "epoch": -1}
    with contextlib.suppress(ImportError):
        omega = import_module("omegaconf").OmegaConf
        yield "omegaconf", omega.create({"a": [1, {"b": "${a}"}], "c": None, "d": 1.5})


LIBRARIES: tuple[Callable[[], Objects], ...] = (
    standard, numpy, scipy, pandas, sklearn, boosting, torch, transformers, training, text,
    statsmodels, zones, columns, estimators, networks,
)  # fmt: skip
"""All libraries, in the order in which they save."""
