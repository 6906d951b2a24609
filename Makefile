# Every habit of the project. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults lint types imports check messages bench bench-schedule bench-load screenshots lock clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The stamp names the lock it was installed from: a changed lock installs again, an unchanged one costs nothing.
$(VENV)/run.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("opsboard needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/test.stamp: requirements-test.lock $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@

setup: $(VENV)/run.stamp ## make .venv and install what opsboard needs

demo: setup ## run everything on this machine with a made-up seller (PORT=8000)
	@PORT=$(PORT) exec $(BIN)/python manage.py demo

test: $(VENV)/test.stamp ## run the tests (real PostgreSQL, Redis, workers, SMTP, browser where there is one)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(VENV)/test.stamp ## break things on purpose and count what is lost (SOAK=1: the long form); writes docs/reliability.md
	$(BIN)/python -m tests.faults $(ARGS)

lint: $(VENV)/test.stamp ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp ## mypy, strict
	$(BIN)/mypy opsboard listings ads inventory health finance

imports: $(VENV)/test.stamp ## the one-way imports of ARCHITECTURE.md
	$(BIN)/lint-imports

check: $(VENV)/test.stamp ## Django's checks, migrations, deployment settings, translations
	$(BIN)/python -m tests.checks

messages: setup ## collect and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale zh_Hans --no-location --no-obsolete --ignore .venv --ignore tests --ignore bench
	$(BIN)/python manage.py compilemessages --locale zh_Hans --ignore .venv

# dlt, which the benchmarks are measured against, never meets opsboard's own packages.
$(VENV)/bench.stamp: requirements-bench.lock $(VENV)/run.stamp
	@test -x $(VENV)/bench/bin/python || $(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

bench: $(VENV)/test.stamp $(VENV)/bench.stamp ## the benchmarks: one JSON line each
	$(BIN)/python -m bench

bench-schedule: $(VENV)/test.stamp ## a day of 300 accounts under Amazon's limits, simulated; about 10 minutes (DAYS=1 BENCH_SAMPLE=1)
	DAYS=$(or $(DAYS),1) LOG_LEVEL=ERROR $(BIN)/python -m bench schedule

bench-load: $(VENV)/test.stamp ## pages while 20 accounts sync on this machine, against quiet
	$(BIN)/python -m bench load

screenshots: $(VENV)/test.stamp ## take the README's pictures from a running demo
	$(BIN)/python docs/screenshots.py

lock: ## renew the locks from pyproject.toml (needs uv)
	uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --upgrade pyproject.toml -o requirements.lock
	uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --upgrade --extra test pyproject.toml -o requirements-test.lock
	uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --upgrade bench/requirements.in -o requirements-bench.lock

clean: ## remove .venv and the demo's data
	rm -rf $(VENV) .data
