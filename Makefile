# Everything a newcomer needs: `make demo` shows the main job, `make test` runs the tests. Both make their own .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# No library shall phone home from here.
export DO_NOT_TRACK := 1
export BENTOML_DO_NOT_TRACK := True
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help env demo test lint types docs bench soak clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

env: $(VENV)/.ready ## Make .venv with the pinned versions

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable .
	touch $@

demo: env ## Tell the main job's story on the terminal, in .demo/
	$(BIN)/python -m registry_flows.demo

test: env ## Run the tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: env ## Check style and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: env ## Check types
	$(BIN)/mypy

docs: env ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: env ## Measure what README and docs state, beside other libraries
	$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --constraint constraints.txt --group bench
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/registry.py
	$(BIN)/python benchmarks/retrain.py

soak: env ## The tests again, with many more examples, kills and fuzzing
	$(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --constraint constraints.txt --group soak
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile soak

clean: ## Remove what demo, tests and builds wrote
	rm -rf .demo site build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
