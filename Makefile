# Everything a developer does, each from a fresh clone with only Python 3.11+, Git and make.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready

# `make setup PYTHON=/path/to/python` overrides the search.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)

# Extra words for a tool: `make test ARGS="-k racy"`, `make bench ARGS=--quick`.
ARGS   ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The stamp holds the checkout's path, because scripts in a virtual environment do too: a moved
# checkout needs a new one. Anything else only needs pip to bring it up to date.
$(shell [ "$$(cat $(STAMP) 2>/dev/null)" = "$(CURDIR)" ] || rm -f $(STAMP))

.DEFAULT_GOAL := help
.PHONY: help setup test demo lint format wheel bench clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' Makefile

setup: $(STAMP) ## create .venv with assay (editable) and its development tools

# A version manager's shim exists for versions that are not active: try each one, do not only
# look for its name.
$(STAMP): pyproject.toml
	@if [ ! -e $(STAMP) ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(CANDIDATES); do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        >/dev/null 2>&1; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "make: no working Python 3.11 or newer with venv among: $(CANDIDATES)" >&2; \
	    echo "      install one (Debian: python3-venv too) or: make PYTHON=/path/to/python" >&2; \
	    exit 1; \
	  fi; \
	  echo "setup: $$("$$found" --version) in $(VENV)"; \
	  "$$found" -m venv --clear $(VENV) || exit 1; \
	fi
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@printf '%s' "$(CURDIR)" > $(STAMP)

test: setup ## run every test, the slow ones too
	$(BIN)/python -m pytest -n auto $(ARGS)

demo: setup ## from real data to a traced answer: version, train, release, serve, take back
	$(BIN)/assay demo $(ARGS)

lint: setup ## check style, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the sources in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: setup ## build dist/assay-*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

bench: setup ## measure assay beside the peers that are installed
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove what make and the tools made
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
