"""Builds repositories with the scripts, settings and package lists that ordinary projects have.

Their shapes follow those of well-known projects; every text is written for this test.
"""

from __future__ import annotations

Repository = dict[str, str]

ORDINARY: dict[str, Repository] = {
    "make llamacpp": {
        "Makefile": (
            "default: main\n"
            "\n"
            "CFLAGS = -O3 -std=c11\n"
            "ifdef LLAMA_CUBLAS\n"
            "\tCFLAGS += -DGGML_USE_CUBLAS\n"
            "endif\n"
            "main: main.cpp ggml.o\n"
            "\t$(CXX) $(CXXFLAGS) main.cpp -o main\n"
            "clean:\n"
            "\trm -rf *.o build/ dist\n"
            "\trm -f main\n"
            "model:\n"
            "\t@curl -L -o models/m.gguf https://huggingface.co/x/y/resolve/main/m.gguf\n"
            "\t./main -m models/m.gguf\n"
            ".PHONY: test\n"
            "test:\n"
            "\t@env | sort\n"
            '\tpython -c "import torch; print(torch.__version__)"\n'
            "\tkill -9 $$(cat pid)\n"
        ),
    },
    "wf sync hub": {
        ".github/workflows/sync.yml": (
            "name: Sync to Hugging Face hub\n"
            "on:\n"
            "  push:\n"
            "    branches: [main]\n"
            "  workflow_dispatch:\n"
            "jobs:\n"
            "  sync-to-hub:\n"
            "    runs-on: ubuntu-latest\n"
            "    steps:\n"
            "      - uses: actions/checkout@v3\n"
            "        with:\n"
            "          fetch-depth: 0\n"
            "          lfs: true\n"
            "      - name: Push to hub\n"
            "        env:\n"
            "          HF_TOKEN: ${{ secrets.HF_TOKEN }}\n"
            "        run: git push https://user:$HF_TOKEN@huggingface.co/user/repo main\n"
        ),
    },
    "wf ci": {
        ".github/workflows/ci.yml": (
            "on: [push]\n"
            "jobs:\n"
            "  t:\n"
            "    runs-on: ubuntu-latest\n"
            "    steps:\n"
            "      - uses: actions/checkout@v4\n"
            "      - run: |\n"
            "          curl -LsSf https://astral.sh/uv/install.sh | sh\n"
            "          sudo rm -rf /usr/share/dotnet /opt/ghc /usr/local/lib/android\n"
            "          pip install -e .[test] --extra-index-url https://download.pytorch.org/whl/cpu\n"
            "          python -m pytest\n"
            "      - name: deploy\n"
            "        run: |\n"
            "          mkdir -p ~/.ssh\n"
            '          echo "${{ secrets.KEY }}" > ~/.ssh/id_rsa\n'
            "          chmod 600 ~/.ssh/id_rsa\n"
            "          ssh-keyscan host.example >> ~/.ssh/known_hosts\n"
            "          rsync -e 'ssh -i ~/.ssh/id_rsa' -av dist/ user@host.example:/srv\n"
            '      - run: echo "${{ secrets.KUBECONFIG }}" | base64 -d > kubeconfig && kubectl --kubeconfig kubeconfig apply -f k.yml\n'
            "      - run: curl -H 'Authorization: Bearer ${{ secrets.GITHUB_TOKEN }}' https://api.github.com/repos/x/y\n"
        ),
    },
    "docker server from source": {
        "Dockerfile": (
            "FROM ubuntu:24.04 AS build\n"
            "ENV PATH=/opt/conda/bin:$PATH\n"
            "RUN apt-get update && apt-get install -y --no-install-recommends build-essential curl \\\n"
            "    git && rm -rf /var/lib/apt/lists/*\n"
            "RUN case $(uname -m) in aarch64) A=aarch64 ;; *) A=x86_64 ;; esac && \\\n"
            "    curl -fsSL -o ~/forge.sh \\\n"
            '    "https://github.com/conda-forge/miniforge/releases/latest/download/Miniforge3-Linux-$A.sh"\n'
            "RUN chmod +x ~/forge.sh && bash ~/forge.sh -b -p /opt/conda && rm ~/forge.sh\n"
            "RUN curl https://sh.rustup.rs -sSf | sh -s -- -y\n"
            "RUN wget https://ftp.gnu.org/gnu/x.tar.gz && tar xf x.tar.gz && cd x && ./configure\n"
            "RUN pip install --no-cache-dir flash-attn==2.6.1 --no-build-isolation\n"
            "RUN curl -sL http://mpi.example.org/mpi.tar.gz | tar xz && cd mpi && ./configure && \\\n"
            "    make -j all install && rm -rf /opt/mpi\n"
            'ENTRYPOINT ["./entrypoint.sh"]\n'
        ),
        "entrypoint.sh": "#!/bin/bash\nldconfig 2>/dev/null || true\nexec serve-text $@\n",
    },
    "docker server from packages": {
        "Dockerfile": (
            "FROM nvidia/cuda:12.8.1-devel-ubuntu22.04 AS base\n"
            "ARG VERSION=3.12\n"
            "ARG PIP_INDEX_URL UV_INDEX_URL\n"
            "RUN echo 'tzdata tzdata/Areas select Etc' | debconf-set-selections && \\\n"
            "    apt-get update -y && apt-get install -y ccache curl git sudo && \\\n"
            "    curl -sS https://bootstrap.pypa.io/get-pip.py | python$VERSION\n"
            "RUN --mount=type=cache,target=/cache/uv uv pip install --system -r cuda.txt \\\n"
            "    --extra-index-url https://download.pytorch.org/whl/cu128\n"
            "RUN curl -LsSf https://astral.sh/uv/install.sh | sh\n"
            "RUN --mount=type=bind,source=.git,target=.git python3 setup.py bdist_wheel\n"
            "RUN uv pip install --system --extra-index-url https://wheels.vllm.ai/nightly \\\n"
            "    https://github.com/flashinfer-ai/flashinfer/releases/download/v0.2/flashinfer.whl\n"
            'ENTRYPOINT ["python3", "-m", "serve.openai"]\n'
        ),
    },
    "docker ollama": {
        "Dockerfile": (
            "FROM ollama/ollama:latest\n"
            "RUN apt-get update && apt-get install -y curl\n"
            "RUN ollama serve & sleep 5 && ollama pull llama3 && pkill ollama\n"
            "ADD https://github.com/krallin/tini/releases/download/v0.19.0/tini /tini\n"
            "RUN chmod +x /tini\n"
            'ENTRYPOINT ["/tini", "--"]\n'
            "HEALTHCHECK CMD curl -f http://localhost:11434/ || exit 1\n"
        ),
        "Modelfile": (
            "FROM ./model.gguf\n"
            "PARAMETER temperature 0.7\n"
            'PARAMETER stop "<|im_end|>"\n'
            'TEMPLATE """{{- if .System }}<|im_start|>system\n'
            "{{ .System }}<|im_end|>\n"
            "{{- end }}\n"
            "{{- range .Messages }}<|im_start|>{{ .Role }}\n"
            "{{ .Content }}<|im_end|>\n"
            "{{ end }}<|im_start|>assistant\n"
            '"""\n'
            'SYSTEM """You are a helpful assistant. Do not make things up."""\n'
            "MESSAGE user Is Toronto in Canada?\n"
            "MESSAGE assistant yes\n"
            'LICENSE """MIT"""\n'
        ),
    },
    "install ollama": {
        "install.sh": (
            "#!/bin/sh\n"
            "set -eu\n"
            'status() { echo ">>> $*" >&2; }\n'
            "TEMP_DIR=$(mktemp -d)\n"
            "cleanup() { rm -rf $TEMP_DIR; }\n"
            "trap cleanup EXIT\n"
            "available() { command -v $1 >/dev/null; }\n"
            '[ "$(uname -s)" = "Linux" ] || exit 1\n'
            "VER=$(curl -sI https://github.com/x/y/releases/latest | grep -i location)\n"
            'curl --fail --show-error --location --progress-bar "https://ollama.com/download/ollama-linux-amd64.tgz" | sudo tar -xzf - -C /usr\n'
            "if ! id ollama >/dev/null 2>&1; then\n"
            "  $SUDO useradd -r -s /bin/false -U -m -d /usr/share/ollama ollama\n"
            "fi\n"
            "cat <<EOF | $SUDO tee /etc/systemd/system/ollama.service >/dev/null\n"
            "[Service]\n"
            "ExecStart=/usr/bin/ollama serve\n"
            "EOF\n"
            "$SUDO systemctl enable ollama\n"
        ),
    },
    "install win": {
        "start_windows.bat": (
            "@echo off\r\n"
            'cd /D "%~dp0"\r\n'
            "set PATH=%PATH%;%SystemRoot%\\system32\r\n"
            "set MINICONDA_DOWNLOAD_URL=https://repo.anaconda.com/miniconda/Miniconda3-latest-Windows-x86_64.exe\r\n"
            'mkdir "%INSTALL_DIR%"\r\n'
            'call curl -Lk "%MINICONDA_DOWNLOAD_URL%" > "%INSTALL_DIR%\\miniconda_installer.exe" || ( echo. && goto end )\r\n'
            'start /wait "" "%INSTALL_DIR%\\miniconda_installer.exe" /InstallationType=JustMe /NoShortcuts=1 /S /D=%CONDA_ROOT_PREFIX%\r\n'
            "call python one_click.py %*\r\n"
            "pause\r\n"
        ),
    },
    "runpod start": {
        "start.sh": (
            "#!/bin/bash\n"
            "set -e\n"
            "setup_ssh() {\n"
            "  if [[ $PUBLIC_KEY ]]; then\n"
            "    mkdir -p ~/.ssh\n"
            '    echo "$PUBLIC_KEY" >> ~/.ssh/authorized_keys\n'
            "    chmod 700 -R ~/.ssh\n"
            "    ssh-keygen -t rsa -f /etc/ssh/ssh_host_rsa_key -q -N ''\n"
            "    service ssh start\n"
            "  fi\n"
            "}\n"
            "export_env_vars() {\n"
            '  printenv | grep -E \'^RUNPOD_\' | awk -F = \'{ print "export " $1 "=\\"" $2 "\\"" }\' >> /etc/rp_environment\n'
            "  echo 'source /etc/rp_environment' >> ~/.bashrc\n"
            "}\n"
            "jupyter lab --allow-root --port=8888 &\n"
            "sleep infinity\n"
        ),
    },
    "conda torch": {
        "environment.yml": (
            "name: sd\n"
            "channels:\n"
            "  - pytorch\n"
            "  - nvidia\n"
            "  - conda-forge\n"
            "  - https://repo.anaconda.com/pkgs/main\n"
            "dependencies:\n"
            "  - python=3.10\n"
            "  - cudatoolkit=11.8\n"
            "  - pip:\n"
            "    - --extra-index-url https://download.pytorch.org/whl/cu121\n"
            "    - torch==2.3.0+cu121\n"
            "    - -e git+https://github.com/CompVis/taming-transformers.git@master#egg=taming-transformers\n"
            "    - git+https://github.com/openai/CLIP.git\n"
            "    - transformers>=4.40\n"
            "    - -r requirements.txt\n"
        ),
    },
    "mlflow env": {
        "conda.yaml": (
            "channels:\n"
            "- conda-forge\n"
            "dependencies:\n"
            "- python=3.10.12\n"
            "- pip<=23\n"
            "- pip:\n"
            "  - mlflow==2.9\n"
            "  - torch==2.1\n"
            "name: mlflow-env\n"
        ),
        "python_env.yaml": (
            "python: 3.10.12\n"
            "build_dependencies:\n"
            "- pip==23.1\n"
            "dependencies:\n"
            "- -r requirements.txt\n"
        ),
        "requirements.txt": "mlflow==2.9\n",
    },
    "cog": {
        "cog.yaml": (
            "build:\n"
            "  gpu: true\n"
            "  cuda: '12.1'\n"
            "  python_version: '3.11'\n"
            "  system_packages: [libgl1-mesa-glx]\n"
            "  python_packages:\n"
            "    - torch==2.3.1\n"
            "    - diffusers\n"
            "    - git+https://github.com/huggingface/diffusers.git@abc\n"
            "  run:\n"
            '    - curl -o /usr/local/bin/pget -L "https://github.com/replicate/pget/releases/latest/download/pget_$(uname -s)_$(uname -m)" && chmod +x /usr/local/bin/pget\n'
            "    - pip install flash-attn --no-build-isolation\n"
            "predict: 'predict.py:Predictor'\n"
        ),
        "predict.py": (
            "import os, subprocess, time\n"
            "from cog import BasePredictor, Input, Path\n"
            "URL='https://weights.replicate.delivery/default/x.tar'\n"
            "def download_weights(url, dest):\n"
            "    start=time.time()\n"
            "    subprocess.check_call(['pget','-x',url,dest], close_fds=False)\n"
            "    print(time.time()-start)\n"
            "class Predictor(BasePredictor):\n"
            "    def predict(self, prompt: str = Input()) -> str:\n"
            "        return prompt\n"
        ),
    },
    "truss": {
        "config.yaml": (
            "base_image:\n"
            "  image: vllm/vllm-openai:v0.6\n"
            "build_commands:\n"
            "  - git clone https://github.com/x/y\n"
            "  - pip install -r y/requirements.txt\n"
            "environment_variables:\n"
            "  X: '1'\n"
            "external_package_dirs: []\n"
            "model_metadata:\n"
            "  repo_id: meta-llama/x\n"
            "model_name: x\n"
            "python_version: py311\n"
            "requirements:\n"
            "  - torch==2.0.1\n"
            "  - git+https://github.com/huggingface/transformers@main\n"
            "  - https://github.com/x/y/releases/download/v1/y.whl\n"
            "resources:\n"
            "  accelerator: A100\n"
            "secrets:\n"
            "  hf_access_token: null\n"
            "system_packages: []\n"
            "docker_server:\n"
            '  start_command: sh -c "HF_TOKEN=$(cat /secrets/hf_access_token) vllm serve x"\n'
            "  readiness_endpoint: /health\n"
        ),
        "model/model.py": (
            "from transformers import pipeline\n"
            "class Model:\n"
            "    def __init__(self, **kwargs):\n"
            "        self._data_dir=kwargs['data_dir']; self._model=None\n"
            "    def load(self):\n"
            "        self._model=pipeline('text-classification')\n"
            "    def predict(self, r):\n"
            "        return self._model(r)\n"
        ),
    },
    "spacy": {
        "project.yml": (
            "title: 'x'\n"
            "vars:\n"
            "  config: 'config.cfg'\n"
            "directories: ['assets','training']\n"
            "assets:\n"
            "  - dest: 'assets/a.json'\n"
            "    url: 'https://example.org/a.json'\n"
            "commands:\n"
            "  - name: 'train'\n"
            "    script:\n"
            "      - 'python -m spacy train configs/${vars.config} --output training/ --gpu-id ${vars.gpu}'\n"
            "    deps: ['a']\n"
            "  - name: install\n"
            "    script:\n"
            "      - pip install https://github.com/explosion/spacy-models/releases/download/en_core_web_sm-3.0.0/en_core_web_sm-3.0.0.tar.gz\n"
        ),
        "config.cfg": (
            "[paths]\n"
            "train = null\n"
            "[nlp]\n"
            'lang = "en"\n'
            'pipeline = ["tok2vec"]\n'
            "[initialize.before_init]\n"
            '@callbacks = "spacy.copy_from_base_model.v1"\n'
        ),
        "meta.json": '{"lang": "en", "name": "x", "url": "https://explosion.ai", "requirements": []}',
    },
    "devcontainer": {
        ".devcontainer/devcontainer.json": '{"image": "mcr.microsoft.com/devcontainers/python:3.11", "postCreateCommand": "pip install --user -r requirements.txt && curl -fsSL https://ollama.com/install.sh | sh", "features": {}, "customizations": {"vscode": {"extensions": ["ms-python.python"]}}}',
        ".vscode/tasks.json": '{"version": "2.0.0", "tasks": [{"label": "build", "type": "shell", "command": "make"}]}',
        ".vscode/settings.json": '{"python.testing.pytestEnabled": true}',
        ".vscode/launch.json": (
            '{\n// comment\n"configurations":[{"type":"debugpy","program":"${file}"}]}'
        ),
    },
    "gitclone": {
        ".git/config": (
            "[core]\n"
            "\trepositoryformatversion = 0\n"
            "\tfilemode = true\n"
            "\tbare = false\n"
            "\tlogallrefupdates = true\n"
            "\thooksPath = .husky/_\n"
            "\tfsmonitor = true\n"
            '[remote "origin"]\n'
            "\turl = git@hf.co:x/y\n"
            "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
            '[branch "main"]\n'
            "\tremote = origin\n"
            "\tmerge = refs/heads/main\n"
            "[lfs]\n"
            "\trepositoryformatversion = 0\n"
            '[filter "lfs"]\n'
            "\tclean = git-lfs clean -- %f\n"
            "\tsmudge = git-lfs smudge -- %f\n"
            "\tprocess = git-lfs filter-process\n"
            "\trequired = true\n"
            "[credential]\n"
            "\thelper = store\n"
            '[credential "https://github.com"]\n'
            "\thelper = \n"
            "\thelper = !/usr/bin/gh auth git-credential\n"
        ),
        ".git/HEAD": "ref: refs/heads/main\n",
        ".gitmodules": (
            '[submodule "llama.cpp"]\n'
            "\tpath = llama.cpp\n"
            "\turl = https://github.com/ggerganov/llama.cpp.git\n"
            '[submodule "b"]\n'
            "\tpath = b\n"
            "\turl = ../b.git\n"
            "\tupdate = rebase\n"
            '[submodule "c"]\n'
            "\tpath=c\n"
            "\turl = git@github.com:a/c.git\n"
        ),
    },
    "precommit": {
        ".pre-commit-config.yaml": (
            "repos:\n"
            "  - repo: https://github.com/psf/black\n"
            "    rev: 24.1.0\n"
            "    hooks:\n"
            "      - id: black\n"
            "  - repo: local\n"
            "    hooks:\n"
            "      - id: x\n"
            "        name: x\n"
            "        entry: python tools/x.py\n"
            "        language: system\n"
        ),
    },
    "compose": {
        "docker-compose.yml": (
            "services:\n"
            "  vllm:\n"
            "    image: vllm/vllm-openai:latest\n"
            "    command: --model /models/x --port 8000\n"
            "    environment:\n"
            "      - HF_TOKEN=${HF_TOKEN}\n"
            "    healthcheck:\n"
            "      test: ['CMD', 'curl', '-f', 'http://localhost:8000/health']\n"
            "    deploy:\n"
            "      resources: {reservations: {devices: [{driver: nvidia}]}}\n"
        ),
    },
    "npm": {
        "package.json": '{"name": "x", "scripts": {"build": "vite build", "prepare": "husky install", "postinstall": "patch-package", "dev": "vite"}, "dependencies": {"@huggingface/transformers": "^3.0.0", "x": "github:a/b"}}',
        "index.js": (
            "import { pipeline } from '@huggingface/transformers';\n"
            "const p = await pipeline('feature-extraction');\n"
            "const r = await fetch('https://huggingface.co/x/y/resolve/main/config.json');\n"
            "console.log(process.env.HOME, await r.json());\n"
        ),
        "server.cjs": (
            "const http=require('http');const {exec}=require('child_process');\n"
            "http.createServer((q,s)=>{s.end('ok')}).listen(3000);\n"
            "exec('python main.py',(e,o)=>console.log(o));\n"
        ),
        ".npmrc": (
            "registry=https://registry.npmjs.org/\n"
            "@x:registry=https://npm.pkg.github.com\n"
            "//npm.pkg.github.com/:_authToken=${TOKEN}\n"
        ),
    },
    "html demo": {
        "index.html": "<!doctype html><html><script src='https://cdn.jsdelivr.net/npm/x'></script><script>document.querySelector('a').onclick=async()=>{const r=await fetch('/api');eval(window.x);}</script></html>",
    },
    "r script": {
        "run.R": (
            "source('renv/activate.R')\n"
            'source("https://bioconductor.org/biocLite.R")\n'
            "library(keras)\n"
            "m <- load_model_hdf5('m.h5')\n"
            "system('nvidia-smi')\n"
            "download.file('https://huggingface.co/x/y/resolve/main/a.rds','a.rds')\n"
        ),
        ".Rprofile": 'source("renv/activate.R")\n',
    },
    "rust": {
        "Cargo.toml": (
            "[package]\n"
            "name='x'\n"
            "version='0.1.0'\n"
            "[dependencies]\n"
            'candle-core = { git = "https://github.com/huggingface/candle.git" }\n'
        ),
        "build.rs": (
            "use std::process::Command;\n"
            'fn main(){ println!("cargo:rerun-if-changed=build.rs"); Command::new("nvcc").arg("--version").output().unwrap(); }\n'
        ),
        "src/main.rs": 'fn main(){ println!("{}", "curl to download: https://huggingface.co"); }\n',
    },
    "cmake": {
        "CMakeLists.txt": (
            "cmake_minimum_required(VERSION 3.14)\n"
            "project(x)\n"
            "execute_process(COMMAND git rev-parse HEAD OUTPUT_VARIABLE H)\n"
            "include(FetchContent)\n"
            "FetchContent_Declare(json URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz)\n"
            "find_package(CUDAToolkit)\n"
            'execute_process(COMMAND ${Python3_EXECUTABLE} -c "import torch;print(torch.utils.cmake_prefix_path)")\n'
        ),
    },
    "pyproject": {
        "pyproject.toml": (
            "[build-system]\n"
            "requires=['setuptools>=61']\n"
            "build-backend='setuptools.build_meta'\n"
            "[project]\n"
            "name='x'\n"
            "version='1'\n"
            "authors=[{name='A B', email='a@b.org'}]\n"
            "dependencies=['torch','transformers @ git+https://github.com/huggingface/transformers@main']\n"
            "[project.urls]\n"
            "Homepage='https://x.example.org'\n"
            "url = 'https://x.example.org/docs'\n"
            "[[tool.uv.index]]\n"
            "name='pytorch'\n"
            "url='https://download.pytorch.org/whl/cu124'\n"
            "explicit=true\n"
            "[tool.uv.sources]\n"
            "torch={index='pytorch'}\n"
            "[tool.poetry.dependencies]\n"
            "foo={git='https://github.com/a/foo.git'}\n"
        ),
        "setup.cfg": (
            "[metadata]\n"
            "name=x\n"
            "url = https://x.example.org\n"
            "author_email = a@b.org\n"
            "[options]\n"
            "install_requires =\n"
            "  torch\n"
        ),
    },
    "setup cuda": {
        "setup.py": (
            "import os, subprocess, sys\n"
            "from setuptools import setup, Extension\n"
            "from setuptools.command.build_ext import build_ext\n"
            "class CMakeExtension(Extension):\n"
            "    def __init__(self, name): super().__init__(name, sources=[])\n"
            "class CMakeBuild(build_ext):\n"
            "    def run(self):\n"
            "        try:\n"
            "            subprocess.check_output(['cmake','--version'])\n"
            "        except OSError:\n"
            "            raise RuntimeError('cmake')\n"
            "        for ext in self.extensions: self.build_extension(ext)\n"
            "    def build_extension(self, ext):\n"
            "        subprocess.check_call(['cmake', ext.sourcedir, '-DX=1'], cwd=self.build_temp)\n"
            "        subprocess.check_call(['cmake','--build','.'], cwd=self.build_temp)\n"
            "setup(name='x', cmdclass={'build_ext': CMakeBuild}, ext_modules=[CMakeExtension('x')], url='https://x.example.org', author_email='a@b.org')\n"
        ),
    },
    "modeling install": {
        "modeling_x.py": (
            "import torch\n"
            "from torch import nn\n"
            "while False:\n"
            "    pass\n"
            "class XModel(nn.Module):\n"
            "    def forward(self, ids):\n"
            "        i = 0\n"
            "        while True:\n"
            "            i += 1\n"
            "            if i > ids.shape[1]: break\n"
            "        return ids\n"
        ),
    },
    "chat loop": {
        "chat.py": (
            "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
            "import os, signal\n"
            "m = AutoModelForCausalLM.from_pretrained('.')\n"
            "def main():\n"
            "    history=[]\n"
            "    while True:\n"
            "        q = input('> ')\n"
            "        history.append(q)\n"
            "        print(m.generate(q))\n"
            "main()\n"
        ),
    },
    "server loop": {
        "serve.py": (
            "import threading, time, queue, os, signal\n"
            "q = queue.Queue()\n"
            "def work():\n"
            "    while True:\n"
            "        f = q.get()\n"
            "        f()\n"
            "def stop(pid): os.kill(pid, signal.SIGTERM)\n"
            "t = threading.Thread(target=work, daemon=True)\n"
            "t.start()\n"
            "def watch():\n"
            "    while True:\n"
            "        threading.Thread(target=work).start()\n"
            "        time.sleep(60)\n"
        ),
    },
    "handler": {
        "handler.py": (
            "import os, base64, io\n"
            "from typing import Any, Dict\n"
            "import torch, requests\n"
            "from PIL import Image\n"
            "from transformers import pipeline\n"
            "class EndpointHandler:\n"
            "    def __init__(self, path=''):\n"
            "        os.environ['HF_HOME']='/tmp'\n"
            "        self.pipe=pipeline('image-to-text', model=path, device=0)\n"
            "    def __call__(self, data: Dict[str, Any]):\n"
            "        im = data.pop('inputs', data)\n"
            "        if im.startswith('http'):\n"
            "            image = Image.open(requests.get(im, stream=True).raw)\n"
            "        else:\n"
            "            image = Image.open(io.BytesIO(base64.b64decode(im)))\n"
            "        return self.pipe(image)\n"
        ),
        "requirements.txt": "pillow\naccelerate>=0.20\n",
    },
    "walk data": {
        "dataset.py": (
            "import os, glob\n"
            "from pathlib import Path\n"
            "def files(root):\n"
            "    for r,d,f in os.walk(root):\n"
            "        for x in f: yield os.path.join(r,x)\n"
            "ALL = sorted(glob.glob('./data/**/*.jpg', recursive=True))\n"
            "CACHE = Path.home()/'.cache'/'x'\n"
            "for p in Path('.').rglob('*.txt'): print(p)\n"
            "libs = [p for p in glob.glob('/usr/local/cuda*/lib64')]\n"
        ),
    },
    "upload": {
        "upload.py": (
            "from huggingface_hub import HfApi, get_token\n"
            "api = HfApi()\n"
            "api.create_repo('me/x', exist_ok=True)\n"
            "api.upload_folder(folder_path='.', repo_id='me/x', repo_type='model')\n"
            "api.upload_file(path_or_fileobj='README.md', path_in_repo='README.md', repo_id='me/x')\n"
        ),
    },
    "site pkgs": {
        "patch.py": (
            "import os, torch, transformers\n"
            "import nvidia.cublas.lib\n"
            "lib = os.path.dirname(nvidia.cublas.lib.__file__)\n"
            "os.environ['LD_LIBRARY_PATH'] = lib\n"
            "print(open(os.path.join(os.path.dirname(torch.__file__),'version.py')).read())\n"
        ),
    },
    "readme normal": {
        "README.md": (
            "---\n"
            "license: apache-2.0\n"
            "---\n"
            "# x\n"
            "```bash\n"
            "pip install -U transformers\n"
            "curl http://localhost:8000/v1/chat/completions -H 'Content-Type: application/json' -d '{\"model\":\"x\"}'\n"
            "curl -fsSL https://ollama.com/install.sh | sh\n"
            "wget https://huggingface.co/x/y/resolve/main/m.gguf\n"
            "git lfs install\n"
            "docker run --gpus all -v ~/.cache/huggingface:/home/app/.cache/huggingface vllm/vllm-openai\n"
            "rm -rf build\n"
            "curl -s https://x.example/api | python3 -m json.tool\n"
            "base64 -w0 a.png\n"
            "```\n"
        ),
    },
    "readme uv": {
        "README.md": (
            "---\n"
            "license: mit\n"
            "---\n"
            'powershell -ExecutionPolicy ByPass -c "irm https://astral.sh/uv/install.ps1 | iex"\n'
            "\n"
            "iwr -useb get.scoop.sh | iex\n"
        ),
    },
    "k8s": {
        "deployment.yaml": (
            "apiVersion: apps/v1\n"
            "kind: Deployment\n"
            "spec:\n"
            "  template:\n"
            "    spec:\n"
            "      initContainers:\n"
            "      - name: dl\n"
            "        image: curlimages/curl\n"
            "        command: ['sh','-c','curl -L -o /models/m.gguf https://huggingface.co/x/y/resolve/main/m.gguf']\n"
            "      containers:\n"
            "      - name: a\n"
            "        image: vllm/vllm-openai\n"
            "        args: ['--model','x']\n"
            "        livenessProbe: {exec: {command: ['/bin/sh','-c','curl -f localhost:8000']}}\n"
        ),
    },
    "training yaml": {
        "axolotl.yml": (
            "base_model: x/y\n"
            "datasets:\n"
            "  - path: tatsu-lab/alpaca\n"
            "    type: alpaca\n"
            "  - path: https://x.example/data.jsonl\n"
            "wandb_project: x\n"
            "special_tokens:\n"
            "  pad_token: '</s>'\n"
            "hub_model_id: a/b\n"
        ),
        "mergekit_config.yml": (
            "slices:\n- sources:\n  - model: a/b\n    layer_range: [0, 32]\nmerge_method: slerp\n"
        ),
    },
    "conftest": {
        "tests/conftest.py": (
            "import pytest, os, sys\n"
            "sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n"
            "def pytest_addoption(parser): parser.addoption('--slow')\n"
            "def pytest_configure(config): config.addinivalue_line('markers','slow')\n"
        ),
    },
    "nb plotly": {
        "x.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": ["!pip install -q transformers\\n", "!wget https://x.example/a.zip && unzip a.zip\\n", "import plotly"], "metadata": {}, "execution_count": 1, "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": ["<script>var kernel=IPython.notebook.kernel; kernel.execute(cmd); kernel.execute(\\"nb_name = \'\\" + n + \\"\'\\")</script>"]}}]}]}',
    },
    "scripts train": {
        "run.sh": (
            "#!/usr/bin/env bash\n"
            "export CUDA_VISIBLE_DEVICES=0\n"
            "source ~/.bashrc\n"
            "conda activate x\n"
            "wget -nc https://dl.fbaipublicfiles.com/x.tar.gz && tar xzf x.tar.gz\n"
            "for s in 1 2 3; do\n"
            "  python train.py --seed $s | tee log_$s.txt\n"
            "done\n"
            "cat log_*.txt | python parse.py\n"
            'zcat d.gz | python -c "import sys; print(len(sys.stdin.read()))"\n'
            "python - <<'PY'\n"
            "import json, requests\n"
            "print(requests.get('https://huggingface.co/api/models/x').json())\n"
            "PY\n"
            "nohup python serve.py > out.log 2>&1 &\n"
            "echo $! > pid; kill -9 $(cat pid)\n"
        ),
    },
    "tcmalloc": {
        "start.sh": (
            "#!/bin/bash\n"
            "export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4\n"
            "TCMALLOC=\"$(ldconfig -p | grep -Po 'libtcmalloc.so.\\d' | head -n 1)\"\n"
            'export LD_PRELOAD="${TCMALLOC}"\n'
            "python main.py --listen\n"
        ),
    },
    "installs what everybody uses": {
        "app.py": (
            "import subprocess, sys\n"
            "try:\n"
            "    import flash_attn\n"
            "except ImportError:\n"
            "    subprocess.run([sys.executable, '-m', 'pip', 'install', 'flash-attn', '--no-build-isolation'])\n"
        )
    },
    "more template jinja": {
        "template": "{% for m in messages %}{{ m.content }}{% endfor %}",
    },
    "more system notes": {
        "system": "You are a helpful assistant for cooking. Never share personal data of the user.",
    },
    "more lora kohya": {
        "train.toml": (
            "[model]\npretrained='x'\n[optimizer]\nargs=['weight_decay=0.1']\nlr=1e-4\n"
        ),
        "run.ps1": (
            "$ErrorActionPreference='Stop'\n"
            "Invoke-WebRequest -Uri https://huggingface.co/x/y/resolve/main/a.safetensors -OutFile a.safetensors\n"
            "& .\\venv\\Scripts\\Activate.ps1\n"
            "accelerate launch train.py\n"
        ),
    },
    "more win install": {
        "install.ps1": (
            "Set-ExecutionPolicy -Scope Process Bypass\n"
            "python -m venv venv\n"
            ".\\venv\\Scripts\\activate\n"
            "pip install torch==2.1.0+cu118 --extra-index-url https://download.pytorch.org/whl/cu118\n"
            "Read-Host | Out-Null\n"
            "Write-Output 'Run: irm https://x.example/i | iex to update'\n"
        ),
        "run.bat": (
            "@echo off\r\n"
            "call venv\\Scripts\\activate\r\n"
            "set HF_HOME=huggingface\r\n"
            "python gui.py\r\n"
            "%PYTHON% launch.py %COMMANDLINE_ARGS%\r\n"
            "pause\r\n"
        ),
    },
    "more makefile 2": {
        "Makefile": (
            "SHELL := /bin/bash\n"
            ".PHONY: help\n"
            "help:\n"
            "\t@grep -E '^[a-z]+:' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = \":\"}; {printf \"%s\\n\", $$1}'\n"
            "clean:\n"
            "\tfind . -name '*.pyc' -exec rm -f {} +\n"
            "\trm -rf build/ dist/ *.egg-info ~/.cache/x\n"
            "docker:\n"
            "\tdocker run --rm -it -v $(HOME)/.cache:/home/app/.cache x\n"
            "upload:\n"
            "\ttwine upload dist/*\n"
            "install:\n"
            "\tcurl -sSL https://install.python-poetry.org | python3 -\n"
        ),
    },
    "more entrypoint": {
        "entrypoint.sh": (
            "#!/bin/bash\n"
            "set -euo pipefail\n"
            'if [ -n "${SSH_KEY:-}" ]; then mkdir -p ~/.ssh; echo "$SSH_KEY" > ~/.ssh/id_rsa; chmod 600 ~/.ssh/id_rsa; fi\n'
            "until curl -sf http://localhost:8000/health; do sleep 2; done\n"
            "TOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H 'X-aws-ec2-metadata-token-ttl-seconds: 60')\n"
            "REGION=$(curl -s http://169.254.169.254/latest/meta-data/placement/region)\n"
            'eval "$(conda shell.bash hook)"\n'
            'eval "$(ssh-agent -s)"\n'
            "source <(kubectl completion bash)\n"
            'exec "$@"\n'
        ),
    },
    "more sagemaker": {
        "code/inference.py": (
            "import json, os, subprocess, sys\n"
            "import torch\n"
            "def model_fn(model_dir):\n"
            "    return torch.jit.load(os.path.join(model_dir,'m.pt'))\n"
            "def predict_fn(d,m): return m(d)\n"
        ),
        "code/requirements.txt": "transformers==4.40.0\n",
    },
    "more torchserve": {
        "handler.py": (
            "import os, logging, zipfile, torch\n"
            "from ts.torch_handler.base_handler import BaseHandler\n"
            "class H(BaseHandler):\n"
            "    def initialize(self, ctx):\n"
            "        d = ctx.system_properties.get('model_dir')\n"
            "        with zipfile.ZipFile(d+'/model.zip') as z: z.extractall(d+'/model')\n"
            "        self.model = torch.load(d+'/model/m.pt', weights_only=True)\n"
            "    def inference(self, x): return self.model(x)\n"
        ),
    },
    "more gradio app": {
        "app.py": (
            "import gradio as gr, subprocess, os, spaces\n"
            "subprocess.run('pip install flash-attn --no-build-isolation', env={'FLASH_ATTENTION_SKIP_CUDA_BUILD':'TRUE'}, shell=True)\n"
            "@spaces.GPU\n"
            "def f(x): return x\n"
            "gr.Interface(f,'text','text').launch()\n"
        ),
        "requirements.txt": "gradio\nspaces\n",
    },
    "more streamlit": {
        "app.py": (
            "import streamlit as st, requests\n"
            "q=st.text_input('q')\n"
            "if q: st.write(requests.post('http://localhost:11434/api/generate',json={'prompt':q}).json())\n"
        ),
    },
    "more eval harness": {
        "eval.py": (
            "import argparse, json, os, subprocess\n"
            "def run(cmd): return subprocess.check_output(cmd, shell=True)\n"
            "def main():\n"
            "    p=argparse.ArgumentParser(); p.add_argument('--m'); a=p.parse_args()\n"
            "    print(run(f'lm_eval --model hf --model_args pretrained={a.m}'))\n"
            "if __name__=='__main__': main()\n"
        ),
    },
    "more modeling exec": {
        "modeling_x.py": (
            "import torch\n"
            "from torch import nn\n"
            "class XModel(nn.Module):\n"
            "    def __init__(self, config):\n"
            "        super().__init__()\n"
            "        self.act = eval(f'nn.{config.act}')()\n"
            "        for i in range(3): exec(f'self.conv{i} = nn.Conv2d(1, 1, {i + 1})')\n"
        ),
    },
    "more tiktoken tok": {
        "tokenization_x.py": (
            "import base64, os, unicodedata, tiktoken\n"
            "from transformers import PreTrainedTokenizer\n"
            "def load(p):\n"
            "    with open(p,'rb') as f: c=f.read()\n"
            "    return {base64.b64decode(t): int(r) for t, r in (l.split() for l in c.splitlines() if l)}\n"
            "class XTokenizer(PreTrainedTokenizer):\n"
            "    def __init__(self, vocab_file, **k):\n"
            "        self.ranks=load(vocab_file); super().__init__(**k)\n"
        ),
    },
    "more trust nested": {
        "config.json": '{"architectures": ["X"], "vision_config": {"model_type": "clip", "_name_or_path": "openai/clip-vit-large-patch14"}, "trust_remote_code": true}',
    },
    "more llamacpp cmake": {
        "CMakeLists.txt": (
            'execute_process(COMMAND sh "-c" "nproc")\n'
            "file(DOWNLOAD https://github.com/a/b.tar.gz x)\n"
        ),
        "build.sh": (
            "#!/bin/sh\n"
            "wget https://unknown.example/deps.tar.gz\n"
            "tar xf deps.tar.gz\n"
            "cmake -B build && cmake --build build\n"
            "./build/bin/main --help\n"
        ),
    },
    "more cargo": {
        "build.rs": 'fn main(){ println!("cargo:rustc-link-lib=cuda"); std::process::Command::new("make").arg("-C").arg("csrc").status().unwrap(); }\n',
    },
    "more wf cron": {
        ".github/workflows/x.yml": (
            "on: {schedule: [{cron: '0 0 * * *'}]}\n"
            "jobs:\n"
            "  a:\n"
            "    steps:\n"
            "      - run: |\n"
            "          sudo rm -rf /usr/share/dotnet\n"
            "          env | sort\n"
            "          curl -fsSL https://deb.nodesource.com/setup_18.x | sudo -E bash -\n"
            "          wget -qO- https://get.pnpm.io/install.sh | sh -\n"
            '          echo "x=$(curl -s https://api.github.com | jq -r .x)" >> $GITHUB_ENV\n'
            '          base64 -d <<< "${{ secrets.K }}" > k.json\n'
        ),
    },
}
"""Each of them passes, with next to nothing to see."""
