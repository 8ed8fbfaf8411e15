# Every target sets up what it needs: a virtual environment with the versions of constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# a file's tests stay together: what they train once serves all of them
WORKERS := -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format bench docs gallery build clean

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "gatewise needs Python 3.11 or later; try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch is named first and alone: a range would let pip pick a build for GPUs, gigabytes of it.
$(VENV)/run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[torch]'
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(PIP) -e '.[dev]'
	@touch $@

demo: $(VENV)/run  ## forecast the airline passengers a year ahead, with the report in demo-out/
	$(BIN)/gatewise forecast src/gatewise/data/airline_passengers.csv --target passengers --horizon 12 --out demo-out

test: $(VENV)/dev  ## all tests but the slowest
	$(BIN)/python -m pytest $(WORKERS)

test-all: $(VENV)/dev  ## all tests, the grid of every network on every engine too
	$(BIN)/python -m pytest $(WORKERS) -m ""

lint: $(VENV)/dev  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/dev  ## rewrite the code in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/dev  ## speed, memory, accuracy beside others; DATA=folder of real sets, ONLY="memory startup"
	$(BIN)/python bench/run.py $(if $(DATA),--data $(DATA)) $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

docs: $(VENV)/dev  ## the pictures and outputs of README and guides, made anew
	$(BIN)/python docs/make.py

gallery: $(VENV)/dev  ## every case on two engines with three seeds, and the pages in docs/cases/
	$(BIN)/python docs/gallery.py --run

build: $(VENV)/dev  ## wheel and source archive in dist/
	$(PIP) build
	$(BIN)/python -m build

smoke: $(VENV)/dev  ## the wheel in fresh environments: the core alone, or EXTRAS="torch jax"
	$(PIP) build
	$(BIN)/python tests/smoke.py $(EXTRAS)

clean:  ## remove what the other targets made
	rm -rf $(VENV) .venv-peers build dist demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
