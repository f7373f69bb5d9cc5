# Everything a newcomer needs is installed by `make setup`, which every other goal calls.
PY ?= python3
BIN := .venv/bin
# Most tests wait for servers rather than compute; each worker has servers of its own.
WORKERS ?= 2
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench soak screenshots tables lock fmt

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

setup: .venv/.ready  ## make .venv with everything from the lock file

.venv/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup  ## run 100 calls end to end on a real Asterisk while you watch
	$(BIN)/dialer demo $(ARGS)

test: setup  ## all tests (real Redis protocol server, real Asterisk, real Odoo)
	$(BIN)/dialer asterisk install
	PY=$(BIN)/python tests/odoo/install.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: setup  ## format, lint, types, arrows, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

bench: setup  ## every benchmark, JSON on the last line of each
	$(BIN)/dialer asterisk install
	for b in bench/[a-z]*.py; do $(BIN)/python $$b --json $(ARGS) || exit 1; done

soak: setup  ## long seeded runs: many kills, many seeds
	$(BIN)/dialer asterisk install
	PY=$(BIN)/python tests/odoo/install.sh
	$(BIN)/python -m pytest -m soak $(ARGS)

screenshots: setup  ## picture every page into docs/screenshots
	$(BIN)/python docs/screenshots/make.py

fmt: setup  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tables: setup  ## write the tables of ZIP codes and area codes anew from their package
	$(BIN)/python tables/us_zip.py
	$(BIN)/python tables/us_area_zones.py

lock:  ## write requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet -o requirements.lock
