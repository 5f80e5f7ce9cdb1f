# Two commands for a newcomer: make run, make test. The rest is for those who work on Postroom.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
DEMO ?= 1

.PHONY: run
run: .venv/run.stamp

.venv/run.stamp: requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@
