# Two commands do everything:  make chat  (set up, index the sample library, open the chat)   make test  (set up, run all tests)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=  # hundreds of tests start a Python: let none compile everything anew

.PHONY: chat test lint types unit bench clean help

chat: $(VENV)/.chat  ## set up, index the sample library, open the chat
	$(BIN)/pullquote index --sample
	$(BIN)/pullquote chat

test: $(VENV)/.test programs lint types unit  ## set up, install what tests need, run them all

lint: $(VENV)/.test
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

unit: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.chat  ## what README quotes: indexing, asking, starting, memory
	$(BIN)/python -m eval.bench.speed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Pullquote needs Python 3.11 or newer; this is $$($(PYTHON) --version 2>&1). Name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "No virtual environment could be made. On Debian or Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.chat: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.chat

.PHONY: programs
programs:
	@sh tests/install-debian.sh

clean:  ## remove what set-up and tests made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
