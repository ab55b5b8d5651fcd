# The first target makes what it needs: a virtual environment beside this file, from pinned wheels.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SEED ?= 7
BIN := .venv/bin

.PHONY: compiled demo test check lint types floors bench soak mutants sbom docs clean
SOAK ?= 7200

demo: .venv/.base compiled
	@$(BIN)/leadloop demo --seed $(SEED)

test: .venv/.dev compiled
	@$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

check: lint types floors test

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev
	@$(BIN)/mypy

floors: .venv/.dev
	@$(BIN)/lint-imports

bench: .venv/.dev
	@$(BIN)/python -m benchmarks.pull
	@$(BIN)/python -m benchmarks.scoring
	@$(BIN)/python -m benchmarks.increment
	@$(BIN)/python -m benchmarks.write
	@$(BIN)/python -m benchmarks.store
	@$(BIN)/python -m benchmarks.loop
	@$(BIN)/python -m benchmarks.agency

soak: .venv/.dev
	@$(BIN)/python -m tests.crash.soak --seconds $(SOAK) --seed $$$$
	@ANY_ORDER_EXAMPLES=200 $(BIN)/python -m pytest --timeout 0 tests/sync/test_any_order.py

mutants: .venv/.dev
	@$(BIN)/python -m tests.mutation --write docs/mutation.md

sbom: .venv-sbom/.done
	@.venv-sbom/bin/cyclonedx-py requirements requirements/base.txt --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file sbom.json
	@echo "sbom.json: what Leadloop is made of, in CycloneDX form"

docs: .venv/.base
	@$(BIN)/python docs/generate.py

clean:
	rm -rf .venv .venv-sbom leadloop-demo sbom.json

# An editable install leaves our source uncompiled, and each of the many processes of the demo and of
# the tests would do it anew where Python is told to write no bytecode.
compiled: | .venv/.base
	@$(BIN)/python -m compileall -q -j 0 connector

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.base: requirements/base.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "Installing the pinned packages into .venv ..."
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/base.txt -r requirements/build.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.base
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv-sbom/.done: requirements/sbom.txt
	@$(PYTHON) -m venv .venv-sbom
	@.venv-sbom/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/sbom.txt
	@touch $@
