"""Files that are downloaded, and objects that are rebuilt from them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.discovery.conftest import Find

HEAD = (
    "import pickle, joblib, torch, requests, io, gdown, dill, pandas as pd\n"
    "import urllib.request\n"
    "from huggingface_hub import hf_hub_download\n"
    "from urllib.request import urlopen, urlretrieve\n"
)
URL = "https://example.org/clf.joblib"
FILE = "hf_hub_download('acme/files-1', 'clf.pkl')"


@pytest.mark.parametrize(
    ("code", "ref", "options"),
    [
        (f"joblib.load({FILE})", "hf:acme/files-1",
         {"filename": "clf.pkl", "loader": "joblib.load", "fetched": True}),
        (f"path = {FILE}\nwith open(path, 'rb') as f:\n    model = pickle.load(f)", "hf:acme/files-1",
         {"filename": "clf.pkl", "loader": "pickle.load", "fetched": True}),
        (f"x = torch.load({FILE}, weights_only=False)", "hf:acme/files-1",
         {"filename": "clf.pkl", "loader": "torch.load", "fetched": True, "weights_only": False}),
        (f"x = torch.load({FILE}, weights_only=True)", "hf:acme/files-1",
         {"filename": "clf.pkl", "loader": "torch.load", "fetched": True, "weights_only": True}),
        (f"p = {FILE}", "hf:acme/files-1", {"filename": "clf.pkl"}),
        (f"model = pickle.loads(requests.get('{URL}').content)", URL,
         {"loader": "pickle.loads", "fetched": True}),
        (f"model = joblib.load(io.BytesIO(urlopen('{URL}').read()))", URL,
         {"loader": "joblib.load", "fetched": True}),
        (f"model = pickle.loads(requests.request('GET', url='{URL}').content)", URL,
         {"loader": "pickle.loads", "fetched": True}),
        (f"response = requests.get('{URL}')\nmodel = dill.loads(response.content)", URL,
         {"loader": "dill.loads", "fetched": True}),
        ("def get_model(url):\n    return pickle.loads(requests.get(url).content)\nmodel = 1",
         None, None),
        (f"urlretrieve('{URL}', 'clf.joblib')\njoblib.load('clf.joblib')", "clf.joblib",
         {"loader": "joblib.load", "fetched": True}),
        ("gdown.download('x', output='model.pkl')\npickle.load(open('model.pkl', 'rb'))", "model.pkl",
         {"loader": "pickle.load", "fetched": True}),
        ("torch.load('a/model.pt')", "a/model.pt", {"loader": "torch.load"}),
        (f"torch.hub.load_state_dict_from_url('{URL}')", URL,
         {"loader": "torch.load", "fetched": True}),
        ("from sklearn.externals import joblib as jl\njl.load('m/clf.pkl')", "m/clf.pkl",
         {"loader": "joblib.load"}),
        ("pickle.loads(data)", None, None),
        ("m = torch.jit.load('m/x.pt')", "m/x.pt", {}),
    ],
)  # fmt: skip
def test_what_is_recorded(find: Find, code: str, ref: str | None, options: Any) -> None:
    found = {each.ref: each.options for each in find("app.py", HEAD + code)}
    if ref is None:
        assert all("model" in name for name in found)
    else:
        assert found.get(ref) == options
