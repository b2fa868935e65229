"""What real libraries save in formats of their own, which hold pickles or stand in for them.

Every function writes files into a folder; `harvest_pickles.py` reads them. What the installed
version cannot write is left out.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shelve
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def shelves(folder: Path) -> None:
    """Shelves on every database that this Python has."""
    for kind in ("dumb", "gnu", "ndbm", "sqlite3"):
        with contextlib.suppress(ImportError):
            database = import_module(f"dbm.{kind}").open(str(folder / f"shelf_{kind}"), "n")
            with contextlib.closing(shelve.Shelf[Any](database)) as shelf:
                shelf["weights"] = [0.5] * 100
                shelf["labels"] = {"cat": 1, "dog": 2}


def torch(folder: Path) -> None:
    """TorchScript, packages, exported programs, and models for phones."""
    t, nn = import_module("torch"), import_module("torch.nn")
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    example = t.ones(1, 4)
    with contextlib.suppress(Exception):
        t.jit.script(net).save(str(folder / "scripted.pt"))
    with contextlib.suppress(Exception):
        t.jit.trace(net, example).save(str(folder / "traced.pt"))
    with contextlib.suppress(Exception):
        t.jit.script(net)._save_for_lite_interpreter(str(folder / "phone.ptl"))  # noqa: SLF001  # the name it has
    with contextlib.suppress(Exception):
        t.export.save(t.export.export(net, (example,)), str(folder / "exported.pt2"))
    with contextlib.suppress(Exception):
        package = import_module("torch.package")
        with package.PackageExporter(str(folder / "package.pt")) as exporter:
            exporter.extern("torch.**")
            exporter.save_pickle("model", "model.pkl", net)
            exporter.save_text("model", "notes.txt", "weights")
    with contextlib.suppress(Exception):
        distributed = import_module("torch.distributed.checkpoint")
        distributed.save(net.state_dict(), checkpoint_id=str(folder / "distributed"))


def distributed(folder: Path) -> None:
    """Tensors that are spread over a mesh of one process, and the mesh."""
    t, group = import_module("torch"), import_module("torch.distributed")
    group.init_process_group("gloo", store=group.HashStore(), rank=0, world_size=1)
    tensors = import_module("torch.distributed.tensor")
    mesh = import_module("torch.distributed.device_mesh").init_device_mesh("cpu", (1,))
    for name, placement in (("shard", tensors.Shard(0)), ("replicate", tensors.Replicate())):
        state = {"w": tensors.distribute_tensor(t.ones(4, 2), mesh, [placement])}
        t.save(state, folder / f"{name}.pt")
        t.save(state, folder / f"{name}.bin", _use_new_zipfile_serialization=False)
    t.save(mesh, folder / "mesh.pt")
    group.destroy_process_group()


def torchvision(folder: Path) -> None:
    """Whole networks and their weights."""
    t, models = import_module("torch"), import_module("torchvision.models")
    for name in ("squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5", "mnasnet0_5"):
        network = getattr(models, name)()
        t.save(network.state_dict(), folder / f"{name}.pth")
        t.save(network, folder / f"{name}_whole.pth")


def keras(folder: Path) -> None:
    """Models of the usual layers, in the two formats of Keras, and pickled.

    dill and cloudpickle write the code of a function of Keras's into the file.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    k = import_module("keras")
    layers = k.layers
    model = k.Sequential([k.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(),
                          layers.Flatten(), layers.Dropout(0.1), layers.Dense(2)])  # fmt: skip
    model.compile("adam", "mse")
    for suffix in (".keras", ".weights.h5", ".h5"):
        save = model.save_weights if suffix == ".weights.h5" else model.save
        with contextlib.suppress(Exception):
            save(folder / f"model{suffix}")
    (folder / "model.json").write_text(model.to_json())
    entry = k.Input((3,))
    joined = k.Model(entry, layers.Dense(1)(entry))
    kinds: dict[str, Any] = {"stacked": model, "joined": joined, "both": [{"a": model}, joined]}
    for name, whole in kinds.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(whole))
        for library, suffix in (("dill", "dill"), ("cloudpickle", "cloud.pkl")):
            for protocol in (2, 4, 5):
                with contextlib.suppress(ImportError):
                    data = import_module(library).dumps(whole, protocol=protocol)
                    (folder / f"{name}.p{protocol}.{suffix}").write_bytes(data)
        with contextlib.suppress(ImportError):
            import_module("joblib").dump(whole, folder / f"{name}.joblib")


def boosting(folder: Path) -> None:
    """Boosted trees in their libraries' own formats."""
    np = import_module("numpy")
    table, target = np.random.default_rng(1).random((40, 4)), np.arange(40) % 2
    with contextlib.suppress(ImportError):
        few = {"iterations": 2, "allow_writing_files": False}
        model = import_module("catboost").CatBoostClassifier(**few)
        model.fit(table, target, verbose=False)
        for form in ("cbm", "json", "onnx", "coreml", "pmml", "python", "cpp"):
            suffix = {"coreml": "mlmodel", "python": "py"}.get(form, form)
            with contextlib.suppress(Exception):
                model.save_model(str(folder / f"catboost.{suffix}"), format=form)
    with contextlib.suppress(ImportError):
        xgb = import_module("xgboost").XGBClassifier(n_estimators=2).fit(table, target)
        for suffix in (".json", ".ubj"):
            xgb.save_model(folder / f"xgboost{suffix}")
    with contextlib.suppress(ImportError):
        lgb = import_module("lightgbm").LGBMClassifier(n_estimators=2, verbose=-1)
        lgb.fit(table, target).booster_.save_model(folder / "lightgbm.txt")


def skops(folder: Path) -> None:
    """Estimators without pickles."""
    dump = import_module("skops.io").dump
    ensemble, linear = import_module("sklearn.ensemble"), import_module("sklearn.linear_model")
    pipeline, scaler = import_module("sklearn.pipeline"), import_module("sklearn.preprocessing")
    np = import_module("numpy")
    table, target = np.random.default_rng(1).random((40, 4)), np.arange(40) % 2
    for name, model in {
        "forest": ensemble.RandomForestClassifier(3),
        "logistic": pipeline.make_pipeline(scaler.StandardScaler(), linear.LogisticRegression()),
    }.items():
        dump(model.fit(table, target), folder / f"{name}.skops")


WRITERS: tuple[Callable[[Path], None], ...] = (
    shelves, torch, distributed, torchvision, keras, boosting, skops,
)  # fmt: skip
"""Everything that writes files, in the order in which it is asked to."""
