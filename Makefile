# `make demo` shows the main workflow, `make test` runs the tests. Both create their own .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup

# Turn off the telemetry of all libraries.
export DO_NOT_TRACK := 1
export BENTOML_DO_NOT_TRACK := True
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true

# The server for deployments and workers. Set the environment variable for another server, or for Prefect Cloud.
PREFECT_API_URL ?= http://127.0.0.1:4200/api
QUEUES ?= train gate

.PHONY: help env demo server deploy worker check test test-slow debian lint types docs reference bench bench-quick soak clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(VENV)/.ready ## Create .venv with the pinned versions

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --system-certs --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --group dev --editable .
	touch $@

demo: env ## Run the main workflow in the terminal, in .demo/
	$(BIN)/python -m registry_flows.demo

# The server keeps concurrency leases in files, so that it still knows them after it was killed.
server: env ## Start a Prefect server on http://127.0.0.1:4200, with its dashboard
	env -u PREFECT_API_URL PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem \
		$(BIN)/prefect server start

deploy: export PREFECT_API_URL := $(PREFECT_API_URL)
deploy: env ## Create or update the deployments and automations on the server
	$(BIN)/python -m registry_flows.deploying

worker: export PREFECT_API_URL := $(PREFECT_API_URL)
worker: env ## Start a worker; QUEUES=train or QUEUES=gate for one queue only
	$(BIN)/prefect worker start --pool ml-training --type process $(QUEUES:%=--work-queue %)

check: lint types ## Check style and types, and run the fast tests: two minutes
	$(PYTEST) -m "not slow and not integration"

test: env debian ## Run all but the slow tests: six minutes, with a real MLflow, Prefect, PostgreSQL and browser
	$(PYTEST) -m "not slow"

test-slow: env debian ## Run the slow tests: kills at every step, live servers, every page of the docs, long simulations
	$(PYTEST) -m slow

# The tests of Prefect's pages use Debian's browser, and those of completion its shells. Prefect's server runs on Debian's PostgreSQL, because it needs the extension
# pg_trgm, which the PostgreSQL in our wheel lacks.
debian:
	@missing=; for one in chromium zsh fish; do command -v $$one >/dev/null || missing="$$missing $$one"; done; \
	ls /usr/lib/postgresql/*/share/extension/pg_trgm.control /usr/share/postgresql/*/extension/pg_trgm.control \
		2>/dev/null | grep -q . || missing="$$missing postgresql"; \
	[ -z "$$missing" ] || { as=; [ "$$(id -u)" = 0 ] || as="sudo -n"; \
		{ $$as apt-get update -qq && $$as apt-get install -qqy --no-install-recommends $$missing; } >/dev/null 2>&1 \
		|| echo "apt-get could not install $$missing (this needs root): the tests that need it will be skipped."; }

lint: env ## Check style, the direction of imports, and the prose
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python tests/docs/prose.py

types: env ## Check types
	$(BIN)/mypy

docs: env ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: env ## Generate the reference of commands and keys from the code
	$(BIN)/python tests/docs/reference.py

bench: env ## Measure the figures in README and docs, next to other libraries
	$(BIN)/uv pip install --system-certs --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/registry.py
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/retrain.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/serving.py

bench-quick: env ## Show in three minutes whether anything became slower than recorded
	$(BIN)/python benchmarks/quick.py

soak: env debian ## Run the tests with many more examples, kills and fuzzing
	$(BIN)/uv pip install --system-certs --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --group soak
	$(PYTEST) --hypothesis-profile soak

clean: ## Delete what the demo, tests and builds wrote
	rm -rf .demo site build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
