# Every target does its own set-up. `make` alone tells what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MEASURED := .venv-bench
READY_TO_MEASURE := $(MEASURED)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types bench bench-scale profile soak soak-cluster golden audit clean

help: ## Tell what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $(READY)

setup: $(READY) ## Make .venv with shipbatch and all that tests need

run: $(READY) ## Ship the sample exports to the built-in sandbox, and leave a report to look at
	rm -rf demo
	$(BIN)/shipbatch sandbox --folder demo $(addprefix --ship ,$(wildcard data/*/*.csv data/*/*.xlsx)) || test $$? -eq 1 -o $$? -eq 4

test: lint types $(READY) ## Lint, check types, run all tests with branch coverage
	$(BIN)/python -m pytest --numprocesses=auto --cov --cov-report=term

lint: $(READY) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check types
	$(BIN)/mypy

# What is measured is what users have: Pandera, for one, imports what it finds of the tests' libraries.
$(READY_TO_MEASURE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(MEASURED)
	$(MEASURED)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench,cluster]'
	touch $(READY_TO_MEASURE)

bench: $(READY_TO_MEASURE) ## Measure all budgets, or ONLY="pace journal"; QUICK=1 for a glance
	$(MEASURED)/bin/python -m tests.bench $(ONLY) $(if $(QUICK),--quick)

bench-scale: $(READY_TO_MEASURE) ## Plan nights for 10 to 100,000 sellers by what things cost here
	$(MEASURED)/bin/python -m tests.bench.scale

profile: $(READY_TO_MEASURE) ## Show where an order's microseconds go
	$(MEASURED)/bin/python -m tests.bench.hot_spots

soak: $(READY) ## Kill it 200 times while every fifth answer goes wrong, then at every step (minutes)
	$(BIN)/python -m tests.faults.soak $(if $(SEED),--seed $(SEED))

soak-cluster: $(READY) ## Send for 200 accounts by three workers and a PostgreSQL, and kill workers meanwhile (minutes)
	$(BIN)/python -m tests.faults.cluster_soak $(if $(SEED),--seed $(SEED))

golden: $(READY) ## Write the plans of the sample exports anew
	$(BIN)/python -m pytest tests/acceptance/test_samples.py --golden

audit: $(READY) ## Ask the public service of known vulnerabilities about all pinned dependencies
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip-audit
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement constraints.txt || { echo \
	  'Not audited, or not well: see above. "could not be audited" or a connection error means that the service was not reached.'; exit 1; }

clean: ## Remove all that was made here, samples' reports included
	rm -rf $(VENV) $(MEASURED) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
