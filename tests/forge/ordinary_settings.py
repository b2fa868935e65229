"""Builds repositories with the scripts, settings and package lists that ordinary projects have.

Their shapes follow those of well-known projects; every text is written for this test.
"""

from __future__ import annotations

Repository = dict[str, str]

ORDINARY: dict[str, Repository] = {
    "make llamacpp": {
        "Makefile": 'default: main\n\nCFLAGS = -O3 -std=c11\nifdef LLAMA_CUBLAS\n\tCFLAGS += -DGGML_USE_CUBLAS\nendif\nmain: main.cpp ggml.o\n\t$(CXX) $(CXXFLAGS) main.cpp -o main\nclean:\n\trm -rf *.o build/ dist\n\trm -f main\nmodel:\n\t@curl -L -o models/m.gguf https://huggingface.co/x/y/resolve/main/m.gguf\n\t./main -m models/m.gguf\n.PHONY: test\ntest:\n\t@env | sort\n\tpython -c "import torch; print(torch.__version__)"\n\tkill -9 $$(cat pid)\n',
    },
    "wf sync hub": {
        ".github/workflows/sync.yml": "name: Sync to Hugging Face hub\non:\n  push:\n    branches: [main]\n  workflow_dispatch:\njobs:\n  sync-to-hub:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v3\n        with:\n          fetch-depth: 0\n          lfs: true\n      - name: Push to hub\n        env:\n          HF_TOKEN: ${{ secrets.HF_TOKEN }}\n        run: git push https://user:$HF_TOKEN@huggingface.co/user/repo main\n",
    },
    "wf ci": {
        ".github/workflows/ci.yml": "on: [push]\njobs:\n  t:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          curl -LsSf https://astral.sh/uv/install.sh | sh\n          sudo rm -rf /usr/share/dotnet /opt/ghc /usr/local/lib/android\n          pip install -e .[test] --extra-index-url https://download.pytorch.org/whl/cpu\n          python -m pytest\n      - name: deploy\n        run: |\n          mkdir -p ~/.ssh\n          echo \"${{ secrets.KEY }}\" > ~/.ssh/id_rsa\n          chmod 600 ~/.ssh/id_rsa\n          ssh-keyscan host.example >> ~/.ssh/known_hosts\n          rsync -e 'ssh -i ~/.ssh/id_rsa' -av dist/ user@host.example:/srv\n      - run: echo \"${{ secrets.KUBECONFIG }}\" | base64 -d > kubeconfig && kubectl --kubeconfig kubeconfig apply -f k.yml\n      - run: curl -H 'Authorization: Bearer ${{ secrets.GITHUB_TOKEN }}' https://api.github.com/repos/x/y\n",
    },
    "docker tgi": {
        "Dockerfile": 'FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS pytorch-install\nARG PYTORCH_VERSION=2.4.0\nENV PATH=/opt/conda/bin:$PATH\nRUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends build-essential ca-certificates ccache curl git && rm -rf /var/lib/apt/lists/*\nRUN case linux/amd64 in  "linux/arm64")  MAMBA_ARCH=aarch64  ;;  *)  MAMBA_ARCH=x86_64   ;;  esac && \\\n    curl -fsSL -v -o ~/mambaforge.sh -O  "https://github.com/conda-forge/miniforge/releases/download/24.3/Mambaforge-Linux-${MAMBA_ARCH}.sh"\nRUN chmod +x ~/mambaforge.sh && bash ~/mambaforge.sh -b -p /opt/conda && rm ~/mambaforge.sh\nRUN curl https://sh.rustup.rs -sSf | sh -s -- -y\nRUN wget https://ftp.gnu.org/gnu/x.tar.gz && tar xf x.tar.gz && cd x && ./configure && make install\nRUN pip install --no-cache-dir flash-attn==2.6.1 --no-build-isolation\nRUN curl -sL http://ompi.example.org/openmpi.tar.gz | tar xz && cd openmpi && ./configure && make -j all install && rm -rf /root/openmpi\nENTRYPOINT ["./entrypoint.sh"]\n',
        "entrypoint.sh": "#!/bin/bash\nldconfig 2>/dev/null || echo 'x'\nexec text-generation-launcher $@\n",
    },
    "docker vllm": {
        "Dockerfile": 'FROM nvidia/cuda:12.8.1-devel AS base\nARG PYTHON_VERSION=3.12\nARG PIP_INDEX_URL UV_INDEX_URL\nRUN echo \'tzdata tzdata/Areas select America\' | debconf-set-selections \\\n    && apt-get update -y && apt-get install -y ccache software-properties-common git curl sudo \\\n    && curl -sS https://bootstrap.pypa.io/get-pip.py | python${PYTHON_VERSION} \\\n    && python3 --version\nRUN --mount=type=cache,target=/root/.cache/uv uv pip install --system -r requirements/cuda.txt --extra-index-url https://download.pytorch.org/whl/cu128\nRUN curl -LsSf https://astral.sh/uv/install.sh | sh\nRUN --mount=type=bind,source=.git,target=.git python3 setup.py bdist_wheel\nRUN uv pip install --system https://github.com/flashinfer-ai/flashinfer/releases/download/v0.2/flashinfer.whl --extra-index-url https://wheels.vllm.ai/nightly\nENTRYPOINT ["python3", "-m", "vllm.entrypoints.openai.api_server"]\n',
    },
    "docker ollama": {
        "Dockerfile": 'FROM ollama/ollama:latest\nRUN apt-get update && apt-get install -y curl\nRUN ollama serve & sleep 5 && ollama pull llama3 && pkill ollama\nADD https://github.com/krallin/tini/releases/download/v0.19.0/tini /tini\nRUN chmod +x /tini\nENTRYPOINT ["/tini", "--"]\nHEALTHCHECK CMD curl -f http://localhost:11434/ || exit 1\n',
        "Modelfile": 'FROM ./model.gguf\nPARAMETER temperature 0.7\nPARAMETER stop "<|im_end|>"\nTEMPLATE """{{- if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{- end }}\n{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"""\nSYSTEM """You are a helpful assistant. Do not make things up."""\nMESSAGE user Is Toronto in Canada?\nMESSAGE assistant yes\nLICENSE """MIT"""\n',
    },
    "install ollama": {
        "install.sh": '#!/bin/sh\nset -eu\nstatus() { echo ">>> $*" >&2; }\nTEMP_DIR=$(mktemp -d)\ncleanup() { rm -rf $TEMP_DIR; }\ntrap cleanup EXIT\navailable() { command -v $1 >/dev/null; }\n[ "$(uname -s)" = "Linux" ] || exit 1\nVER=$(curl -sI https://github.com/x/y/releases/latest | grep -i location)\ncurl --fail --show-error --location --progress-bar "https://ollama.com/download/ollama-linux-amd64.tgz" | sudo tar -xzf - -C /usr\nif ! id ollama >/dev/null 2>&1; then\n  $SUDO useradd -r -s /bin/false -U -m -d /usr/share/ollama ollama\nfi\ncat <<EOF | $SUDO tee /etc/systemd/system/ollama.service >/dev/null\n[Service]\nExecStart=/usr/bin/ollama serve\nEOF\n$SUDO systemctl enable ollama\n',
    },
    "install win": {
        "start_windows.bat": '@echo off\r\ncd /D "%~dp0"\r\nset PATH=%PATH%;%SystemRoot%\\system32\r\nset MINICONDA_DOWNLOAD_URL=https://repo.anaconda.com/miniconda/Miniconda3-latest-Windows-x86_64.exe\r\nmkdir "%INSTALL_DIR%"\r\ncall curl -Lk "%MINICONDA_DOWNLOAD_URL%" > "%INSTALL_DIR%\\miniconda_installer.exe" || ( echo. && goto end )\r\nstart /wait "" "%INSTALL_DIR%\\miniconda_installer.exe" /InstallationType=JustMe /NoShortcuts=1 /S /D=%CONDA_ROOT_PREFIX%\r\ncall python one_click.py %*\r\npause\r\n',
    },
    "runpod start": {
        "start.sh": '#!/bin/bash\nset -e\nsetup_ssh() {\n  if [[ $PUBLIC_KEY ]]; then\n    mkdir -p ~/.ssh\n    echo "$PUBLIC_KEY" >> ~/.ssh/authorized_keys\n    chmod 700 -R ~/.ssh\n    ssh-keygen -t rsa -f /etc/ssh/ssh_host_rsa_key -q -N \'\'\n    service ssh start\n  fi\n}\nexport_env_vars() {\n  printenv | grep -E \'^RUNPOD_\' | awk -F = \'{ print "export " $1 "=\\"" $2 "\\"" }\' >> /etc/rp_environment\n  echo \'source /etc/rp_environment\' >> ~/.bashrc\n}\njupyter lab --allow-root --port=8888 &\nsleep infinity\n',
    },
    "conda torch": {
        "environment.yml": "name: sd\nchannels:\n  - pytorch\n  - nvidia\n  - conda-forge\n  - https://repo.anaconda.com/pkgs/main\ndependencies:\n  - python=3.10\n  - cudatoolkit=11.8\n  - pip:\n    - --extra-index-url https://download.pytorch.org/whl/cu121\n    - torch==2.3.0+cu121\n    - -e git+https://github.com/CompVis/taming-transformers.git@master#egg=taming-transformers\n    - git+https://github.com/openai/CLIP.git\n    - transformers>=4.40\n    - -r requirements.txt\n",
    },
    "mlflow env": {
        "conda.yaml": "channels:\n- conda-forge\ndependencies:\n- python=3.10.12\n- pip<=23\n- pip:\n  - mlflow==2.9\n  - torch==2.1\nname: mlflow-env\n",
        "python_env.yaml": "python: 3.10.12\nbuild_dependencies:\n- pip==23.1\ndependencies:\n- -r requirements.txt\n",
        "requirements.txt": "mlflow==2.9\n",
    },
    "cog": {
        "cog.yaml": "build:\n  gpu: true\n  cuda: '12.1'\n  python_version: '3.11'\n  system_packages: [libgl1-mesa-glx]\n  python_packages:\n    - torch==2.3.1\n    - diffusers\n    - git+https://github.com/huggingface/diffusers.git@abc\n  run:\n    - curl -o /usr/local/bin/pget -L \"https://github.com/replicate/pget/releases/latest/download/pget_$(uname -s)_$(uname -m)\" && chmod +x /usr/local/bin/pget\n    - pip install flash-attn --no-build-isolation\npredict: 'predict.py:Predictor'\n",
        "predict.py": "import os, subprocess, time\nfrom cog import BasePredictor, Input, Path\nURL='https://weights.replicate.delivery/default/x.tar'\ndef download_weights(url, dest):\n    start=time.time()\n    subprocess.check_call(['pget','-x',url,dest], close_fds=False)\n    print(time.time()-start)\nclass Predictor(BasePredictor):\n    def predict(self, prompt: str = Input()) -> str:\n        return prompt\n",
    },
    "truss": {
        "config.yaml": "base_image:\n  image: vllm/vllm-openai:v0.6\nbuild_commands:\n  - git clone https://github.com/x/y\n  - pip install -r y/requirements.txt\nenvironment_variables:\n  X: '1'\nexternal_package_dirs: []\nmodel_metadata:\n  repo_id: meta-llama/x\nmodel_name: x\npython_version: py311\nrequirements:\n  - torch==2.0.1\n  - git+https://github.com/huggingface/transformers@main\n  - https://github.com/x/y/releases/download/v1/y.whl\nresources:\n  accelerator: A100\nsecrets:\n  hf_access_token: null\nsystem_packages: []\ndocker_server:\n  start_command: sh -c \"HF_TOKEN=$(cat /secrets/hf_access_token) vllm serve x\"\n  readiness_endpoint: /health\n",
        "model/model.py": "from transformers import pipeline\nclass Model:\n    def __init__(self, **kwargs):\n        self._data_dir=kwargs['data_dir']; self._model=None\n    def load(self):\n        self._model=pipeline('text-classification')\n    def predict(self, r):\n        return self._model(r)\n",
    },
    "spacy": {
        "project.yml": "title: 'x'\nvars:\n  config: 'config.cfg'\ndirectories: ['assets','training']\nassets:\n  - dest: 'assets/a.json'\n    url: 'https://example.org/a.json'\ncommands:\n  - name: 'train'\n    script:\n      - 'python -m spacy train configs/${vars.config} --output training/ --gpu-id ${vars.gpu}'\n    deps: ['a']\n  - name: install\n    script:\n      - pip install https://github.com/explosion/spacy-models/releases/download/en_core_web_sm-3.0.0/en_core_web_sm-3.0.0.tar.gz\n",
        "config.cfg": '[paths]\ntrain = null\n[nlp]\nlang = "en"\npipeline = ["tok2vec"]\n[initialize.before_init]\n@callbacks = "spacy.copy_from_base_model.v1"\n',
        "meta.json": '{"lang": "en", "name": "x", "url": "https://explosion.ai", "requirements": []}',
    },
    "devcontainer": {
        ".devcontainer/devcontainer.json": '{"image": "mcr.microsoft.com/devcontainers/python:3.11", "postCreateCommand": "pip install --user -r requirements.txt && curl -fsSL https://ollama.com/install.sh | sh", "features": {}, "customizations": {"vscode": {"extensions": ["ms-python.python"]}}}',
        ".vscode/tasks.json": '{"version": "2.0.0", "tasks": [{"label": "build", "type": "shell", "command": "make"}]}',
        ".vscode/settings.json": '{"python.testing.pytestEnabled": true}',
        ".vscode/launch.json": '{\n// comment\n"configurations":[{"type":"debugpy","program":"${file}"}]}',
    },
    "gitclone": {
        ".git/config": '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\thooksPath = .husky/_\n\tfsmonitor = true\n[remote "origin"]\n\turl = git@hf.co:x/y\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch "main"]\n\tremote = origin\n\tmerge = refs/heads/main\n[lfs]\n\trepositoryformatversion = 0\n[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n\trequired = true\n[credential]\n\thelper = store\n[credential "https://github.com"]\n\thelper = \n\thelper = !/usr/bin/gh auth git-credential\n',
        ".git/HEAD": "ref: refs/heads/main\n",
        ".gitmodules": '[submodule "llama.cpp"]\n\tpath = llama.cpp\n\turl = https://github.com/ggerganov/llama.cpp.git\n[submodule "b"]\n\tpath = b\n\turl = ../b.git\n\tupdate = rebase\n[submodule "c"]\n\tpath=c\n\turl = git@github.com:a/c.git\n',
    },
    "precommit": {
        ".pre-commit-config.yaml": "repos:\n  - repo: https://github.com/psf/black\n    rev: 24.1.0\n    hooks:\n      - id: black\n  - repo: local\n    hooks:\n      - id: x\n        name: x\n        entry: python tools/x.py\n        language: system\n",
    },
    "compose": {
        "docker-compose.yml": "services:\n  vllm:\n    image: vllm/vllm-openai:latest\n    command: --model /models/x --port 8000\n    environment:\n      - HF_TOKEN=${HF_TOKEN}\n    healthcheck:\n      test: ['CMD', 'curl', '-f', 'http://localhost:8000/health']\n    deploy:\n      resources: {reservations: {devices: [{driver: nvidia}]}}\n",
    },
    "npm": {
        "package.json": '{"name": "x", "scripts": {"build": "vite build", "prepare": "husky install", "postinstall": "patch-package", "dev": "vite"}, "dependencies": {"@huggingface/transformers": "^3.0.0", "x": "github:a/b"}}',
        "index.js": "import { pipeline } from '@huggingface/transformers';\nconst p = await pipeline('feature-extraction');\nconst r = await fetch('https://huggingface.co/x/y/resolve/main/config.json');\nconsole.log(process.env.HOME, await r.json());\n",
        "server.cjs": "const http=require('http');const {exec}=require('child_process');\nhttp.createServer((q,s)=>{s.end('ok')}).listen(3000);\nexec('python main.py',(e,o)=>console.log(o));\n",
        ".npmrc": "registry=https://registry.npmjs.org/\n@x:registry=https://npm.pkg.github.com\n//npm.pkg.github.com/:_authToken=${TOKEN}\n",
    },
    "html demo": {
        "index.html": "<!doctype html><html><script src='https://cdn.jsdelivr.net/npm/x'></script><script>document.querySelector('a').onclick=async()=>{const r=await fetch('/api');eval(window.x);}</script></html>",
    },
    "r script": {
        "run.R": "source('renv/activate.R')\nsource(\"https://bioconductor.org/biocLite.R\")\nlibrary(keras)\nm <- load_model_hdf5('m.h5')\nsystem('nvidia-smi')\ndownload.file('https://huggingface.co/x/y/resolve/main/a.rds','a.rds')\n",
        ".Rprofile": 'source("renv/activate.R")\n',
    },
    "rust": {
        "Cargo.toml": "[package]\nname='x'\nversion='0.1.0'\n[dependencies]\ncandle-core = { git = \"https://github.com/huggingface/candle.git\" }\n",
        "build.rs": 'use std::process::Command;\nfn main(){ println!("cargo:rerun-if-changed=build.rs"); Command::new("nvcc").arg("--version").output().unwrap(); }\n',
        "src/main.rs": 'fn main(){ println!("{}", "curl to download: https://huggingface.co"); }\n',
    },
    "cmake": {
        "CMakeLists.txt": 'cmake_minimum_required(VERSION 3.14)\nproject(x)\nexecute_process(COMMAND git rev-parse HEAD OUTPUT_VARIABLE H)\ninclude(FetchContent)\nFetchContent_Declare(json URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz)\nfind_package(CUDAToolkit)\nexecute_process(COMMAND ${Python3_EXECUTABLE} -c "import torch;print(torch.utils.cmake_prefix_path)")\n',
    },
    "pyproject": {
        "pyproject.toml": "[build-system]\nrequires=['setuptools>=61']\nbuild-backend='setuptools.build_meta'\n[project]\nname='x'\nversion='1'\nauthors=[{name='A B', email='a@b.org'}]\ndependencies=['torch','transformers @ git+https://github.com/huggingface/transformers@main']\n[project.urls]\nHomepage='https://x.example.org'\nurl = 'https://x.example.org/docs'\n[[tool.uv.index]]\nname='pytorch'\nurl='https://download.pytorch.org/whl/cu124'\nexplicit=true\n[tool.uv.sources]\ntorch={index='pytorch'}\n[tool.poetry.dependencies]\nfoo={git='https://github.com/a/foo.git'}\n",
        "setup.cfg": "[metadata]\nname=x\nurl = https://x.example.org\nauthor_email = a@b.org\n[options]\ninstall_requires =\n  torch\n",
    },
    "setup cuda": {
        "setup.py": "import os, subprocess, sys\nfrom setuptools import setup, Extension\nfrom setuptools.command.build_ext import build_ext\nclass CMakeExtension(Extension):\n    def __init__(self, name): super().__init__(name, sources=[])\nclass CMakeBuild(build_ext):\n    def run(self):\n        try:\n            subprocess.check_output(['cmake','--version'])\n        except OSError:\n            raise RuntimeError('cmake')\n        for ext in self.extensions: self.build_extension(ext)\n    def build_extension(self, ext):\n        subprocess.check_call(['cmake', ext.sourcedir, '-DX=1'], cwd=self.build_temp)\n        subprocess.check_call(['cmake','--build','.'], cwd=self.build_temp)\nsetup(name='x', cmdclass={'build_ext': CMakeBuild}, ext_modules=[CMakeExtension('x')], url='https://x.example.org', author_email='a@b.org')\n",
    },
    "modeling install": {
        "modeling_x.py": "import torch\nfrom torch import nn\nwhile False:\n    pass\nclass XModel(nn.Module):\n    def forward(self, ids):\n        i = 0\n        while True:\n            i += 1\n            if i > ids.shape[1]: break\n        return ids\n",
    },
    "chat loop": {
        "chat.py": "from transformers import AutoModelForCausalLM, AutoTokenizer\nimport os, signal\nm = AutoModelForCausalLM.from_pretrained('.')\ndef main():\n    history=[]\n    while True:\n        q = input('> ')\n        history.append(q)\n        print(m.generate(q))\nmain()\n",
    },
    "server loop": {
        "serve.py": "import threading, time, queue, os, signal\nq = queue.Queue()\ndef work():\n    while True:\n        f = q.get()\n        f()\ndef stop(pid): os.kill(pid, signal.SIGTERM)\nt = threading.Thread(target=work, daemon=True)\nt.start()\ndef watch():\n    while True:\n        threading.Thread(target=work).start()\n        time.sleep(60)\n",
    },
    "handler": {
        "handler.py": "import os, base64, io\nfrom typing import Any, Dict\nimport torch, requests\nfrom PIL import Image\nfrom transformers import pipeline\nclass EndpointHandler:\n    def __init__(self, path=''):\n        os.environ['HF_HOME']='/tmp'\n        self.pipe=pipeline('image-to-text', model=path, device=0)\n    def __call__(self, data: Dict[str, Any]):\n        im = data.pop('inputs', data)\n        if im.startswith('http'):\n            image = Image.open(requests.get(im, stream=True).raw)\n        else:\n            image = Image.open(io.BytesIO(base64.b64decode(im)))\n        return self.pipe(image)\n",
        "requirements.txt": "pillow\naccelerate>=0.20\n",
    },
    "walk data": {
        "dataset.py": "import os, glob\nfrom pathlib import Path\ndef files(root):\n    for r,d,f in os.walk(root):\n        for x in f: yield os.path.join(r,x)\nALL = sorted(glob.glob('./data/**/*.jpg', recursive=True))\nCACHE = Path.home()/'.cache'/'x'\nfor p in Path('.').rglob('*.txt'): print(p)\nlibs = [p for p in glob.glob('/usr/local/cuda*/lib64')]\n",
    },
    "upload": {
        "upload.py": "from huggingface_hub import HfApi, get_token\napi = HfApi()\napi.create_repo('me/x', exist_ok=True)\napi.upload_folder(folder_path='.', repo_id='me/x', repo_type='model')\napi.upload_file(path_or_fileobj='README.md', path_in_repo='README.md', repo_id='me/x')\n",
    },
    "site pkgs": {
        "patch.py": "import os, torch, transformers\nimport nvidia.cublas.lib\nlib = os.path.dirname(nvidia.cublas.lib.__file__)\nos.environ['LD_LIBRARY_PATH'] = lib\nprint(open(os.path.join(os.path.dirname(torch.__file__),'version.py')).read())\n",
    },
    "readme normal": {
        "README.md": "---\nlicense: apache-2.0\n---\n# x\n```bash\npip install -U transformers\ncurl http://localhost:8000/v1/chat/completions -H 'Content-Type: application/json' -d '{\"model\":\"x\"}'\ncurl -fsSL https://ollama.com/install.sh | sh\nwget https://huggingface.co/x/y/resolve/main/m.gguf\ngit lfs install\ndocker run --gpus all -v ~/.cache/huggingface:/root/.cache/huggingface vllm/vllm-openai\nrm -rf build\ncurl -s https://x.example/api | python3 -m json.tool\nbase64 -w0 a.png\n```\n",
    },
    "readme uv": {
        "README.md": '---\nlicense: mit\n---\npowershell -ExecutionPolicy ByPass -c "irm https://astral.sh/uv/install.ps1 | iex"\n\niwr -useb get.scoop.sh | iex\n',
    },
    "k8s": {
        "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n      - name: dl\n        image: curlimages/curl\n        command: ['sh','-c','curl -L -o /models/m.gguf https://huggingface.co/x/y/resolve/main/m.gguf']\n      containers:\n      - name: a\n        image: vllm/vllm-openai\n        args: ['--model','x']\n        livenessProbe: {exec: {command: ['/bin/sh','-c','curl -f localhost:8000']}}\n",
    },
    "training yaml": {
        "axolotl.yml": "base_model: x/y\ndatasets:\n  - path: tatsu-lab/alpaca\n    type: alpaca\n  - path: https://x.example/data.jsonl\nwandb_project: x\nspecial_tokens:\n  pad_token: '</s>'\nhub_model_id: a/b\n",
        "mergekit_config.yml": "slices:\n- sources:\n  - model: a/b\n    layer_range: [0, 32]\nmerge_method: slerp\n",
    },
    "conftest": {
        "tests/conftest.py": "import pytest, os, sys\nsys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\ndef pytest_addoption(parser): parser.addoption('--slow')\ndef pytest_configure(config): config.addinivalue_line('markers','slow')\n",
    },
    "nb plotly": {
        "x.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": ["!pip install -q transformers\\n", "!wget https://x.example/a.zip && unzip a.zip\\n", "import plotly"], "metadata": {}, "execution_count": 1, "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<script>var kernel=IPython.notebook.kernel; kernel.execute(cmd); kernel.execute(\\"nb_name = \'\\" + n + \\"\'\\")</script>"]}}]}]}',
    },
    "scripts train": {
        "run.sh": "#!/usr/bin/env bash\nexport CUDA_VISIBLE_DEVICES=0\nsource ~/.bashrc\nconda activate x\nwget -nc https://dl.fbaipublicfiles.com/x.tar.gz && tar xzf x.tar.gz\nfor s in 1 2 3; do\n  python train.py --seed $s | tee log_$s.txt\ndone\ncat log_*.txt | python parse.py\nzcat d.gz | python -c \"import sys; print(len(sys.stdin.read()))\"\npython - <<'PY'\nimport json, requests\nprint(requests.get('https://huggingface.co/api/models/x').json())\nPY\nnohup python serve.py > out.log 2>&1 &\necho $! > pid; kill -9 $(cat pid)\n",
    },
    "tcmalloc": {
        "start.sh": '#!/bin/bash\nexport LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4\nTCMALLOC="$(ldconfig -p | grep -Po \'libtcmalloc.so.\\d\' | head -n 1)"\nexport LD_PRELOAD="${TCMALLOC}"\npython main.py --listen\n',
    },
    "installs what everybody uses": {
        "app.py": "import subprocess, sys\ntry:\n    import flash_attn\nexcept ImportError:\n    subprocess.run([sys.executable, '-m', 'pip', 'install', 'flash-attn', '--no-build-isolation'])\n"
    },
    "more template jinja": {
        "template": "{% for m in messages %}{{ m.content }}{% endfor %}",
    },
    "more system notes": {
        "system": "You are a helpful assistant for cooking. Never share personal data of the user.",
    },
    "more lora kohya": {
        "train.toml": "[model]\npretrained='x'\n[optimizer]\nargs=['weight_decay=0.1']\nlr=1e-4\n",
        "run.ps1": "$ErrorActionPreference='Stop'\nInvoke-WebRequest -Uri https://huggingface.co/x/y/resolve/main/a.safetensors -OutFile a.safetensors\n& .\\venv\\Scripts\\Activate.ps1\naccelerate launch train.py\n",
    },
    "more win install": {
        "install.ps1": "Set-ExecutionPolicy -Scope Process Bypass\npython -m venv venv\n.\\venv\\Scripts\\activate\npip install torch==2.1.0+cu118 --extra-index-url https://download.pytorch.org/whl/cu118\nRead-Host | Out-Null\nWrite-Output 'Run: irm https://x.example/i | iex to update'\n",
        "run.bat": "@echo off\r\ncall venv\\Scripts\\activate\r\nset HF_HOME=huggingface\r\npython gui.py\r\n%PYTHON% launch.py %COMMANDLINE_ARGS%\r\npause\r\n",
    },
    "more makefile 2": {
        "Makefile": "SHELL := /bin/bash\n.PHONY: help\nhelp:\n\t@grep -E '^[a-z]+:' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = \":\"}; {printf \"%s\\n\", $$1}'\nclean:\n\tfind . -name '*.pyc' -exec rm -f {} +\n\trm -rf build/ dist/ *.egg-info ~/.cache/x\ndocker:\n\tdocker run --rm -it -v $(HOME)/.cache:/root/.cache x\nupload:\n\ttwine upload dist/*\ninstall:\n\tcurl -sSL https://install.python-poetry.org | python3 -\n",
    },
    "more entrypoint": {
        "entrypoint.sh": '#!/bin/bash\nset -euo pipefail\nif [ -n "${SSH_KEY:-}" ]; then mkdir -p ~/.ssh; echo "$SSH_KEY" > ~/.ssh/id_rsa; chmod 600 ~/.ssh/id_rsa; fi\nuntil curl -sf http://localhost:8000/health; do sleep 2; done\nTOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H \'X-aws-ec2-metadata-token-ttl-seconds: 60\')\nREGION=$(curl -s http://169.254.169.254/latest/meta-data/placement/region)\neval "$(conda shell.bash hook)"\neval "$(ssh-agent -s)"\nsource <(kubectl completion bash)\nexec "$@"\n',
    },
    "more sagemaker": {
        "code/inference.py": "import json, os, subprocess, sys\nimport torch\ndef model_fn(model_dir):\n    return torch.jit.load(os.path.join(model_dir,'m.pt'))\ndef predict_fn(d,m): return m(d)\n",
        "code/requirements.txt": "transformers==4.40.0\n",
    },
    "more torchserve": {
        "handler.py": "import os, logging, zipfile, torch\nfrom ts.torch_handler.base_handler import BaseHandler\nclass H(BaseHandler):\n    def initialize(self, ctx):\n        d = ctx.system_properties.get('model_dir')\n        with zipfile.ZipFile(d+'/model.zip') as z: z.extractall(d+'/model')\n        self.model = torch.load(d+'/model/m.pt', weights_only=True)\n    def inference(self, x): return self.model(x)\n",
    },
    "more gradio app": {
        "app.py": "import gradio as gr, subprocess, os, spaces\nsubprocess.run('pip install flash-attn --no-build-isolation', env={'FLASH_ATTENTION_SKIP_CUDA_BUILD':'TRUE'}, shell=True)\n@spaces.GPU\ndef f(x): return x\ngr.Interface(f,'text','text').launch()\n",
        "requirements.txt": "gradio\nspaces\n",
    },
    "more streamlit": {
        "app.py": "import streamlit as st, requests\nq=st.text_input('q')\nif q: st.write(requests.post('http://localhost:11434/api/generate',json={'prompt':q}).json())\n",
    },
    "more eval harness": {
        "eval.py": "import argparse, json, os, subprocess\ndef run(cmd): return subprocess.check_output(cmd, shell=True)\ndef main():\n    p=argparse.ArgumentParser(); p.add_argument('--m'); a=p.parse_args()\n    print(run(f'lm_eval --model hf --model_args pretrained={a.m}'))\nif __name__=='__main__': main()\n",
    },
    "more modeling exec": {
        "modeling_x.py": "import torch\nfrom torch import nn\nclass XModel(nn.Module):\n    def __init__(self, config):\n        super().__init__()\n        self.act = eval(f'nn.{config.act}')()\n        for i in range(3): exec(f'self.conv{i} = nn.Conv2d(1, 1, {i + 1})')\n",
    },
    "more tiktoken tok": {
        "tokenization_x.py": "import base64, os, unicodedata, tiktoken\nfrom transformers import PreTrainedTokenizer\ndef load(p):\n    with open(p,'rb') as f: c=f.read()\n    return {base64.b64decode(t): int(r) for t, r in (l.split() for l in c.splitlines() if l)}\nclass XTokenizer(PreTrainedTokenizer):\n    def __init__(self, vocab_file, **k):\n        self.ranks=load(vocab_file); super().__init__(**k)\n",
    },
    "more trust nested": {
        "config.json": '{"architectures": ["X"], "vision_config": {"model_type": "clip", "_name_or_path": "openai/clip-vit-large-patch14"}, "trust_remote_code": true}',
    },
    "more llamacpp cmake": {
        "CMakeLists.txt": 'execute_process(COMMAND sh "-c" "nproc")\nfile(DOWNLOAD https://github.com/a/b.tar.gz x)\n',
        "build.sh": "#!/bin/sh\nwget https://unknown.example/deps.tar.gz\ntar xf deps.tar.gz\ncmake -B build && cmake --build build\n./build/bin/main --help\n",
    },
    "more cargo": {
        "build.rs": 'fn main(){ println!("cargo:rustc-link-lib=cuda"); std::process::Command::new("make").arg("-C").arg("csrc").status().unwrap(); }\n',
    },
    "more wf cron": {
        ".github/workflows/x.yml": 'on: {schedule: [{cron: \'0 0 * * *\'}]}\njobs:\n  a:\n    steps:\n      - run: |\n          sudo rm -rf /usr/share/dotnet\n          env | sort\n          curl -fsSL https://deb.nodesource.com/setup_18.x | sudo -E bash -\n          wget -qO- https://get.pnpm.io/install.sh | sh -\n          echo "x=$(curl -s https://api.github.com | jq -r .x)" >> $GITHUB_ENV\n          base64 -d <<< "${{ secrets.K }}" > k.json\n',
    },
}
"""Each of them passes, with next to nothing to see."""
