# The two commands a newcomer needs are `make demo` and `make test`; the others are for the work.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks

.PHONY: demo test test-peers test-plugins check lint types layers docs fuzz bench clean

demo: $(VENV)/installed
	$(BIN)/detmetrics evaluate fixtures/ground_truth.json fixtures/detections.json --per-class

test: $(VENV)/developer
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# Against the packages whose rules are followed, in an environment with the frameworks.
test-peers: $(FRAMEWORKS)/installed
	$(FRAMEWORKS)/bin/python -m pytest tests/peers --numprocesses 2 --dist loadfile

# Real training runs of every framework that has a plug-in, in the same environment; their layers are
# so small that more threads only wait for one another.
test-plugins: $(FRAMEWORKS)/installed
	OMP_NUM_THREADS=1 $(FRAMEWORKS)/bin/python -m pytest tests/plugins tests/test_docs.py -k 'not console' --numprocesses 2 --dist loadfile

check: lint types layers

lint: $(VENV)/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developer
	$(BIN)/mypy

layers: $(VENV)/developer
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/developer
	$(BIN)/python -m pytest tests/test_docs.py

# Many times the examples of the tests, against pycocotools and the slow reference.
fuzz: $(VENV)/developer
	$(BIN)/python -m pytest tests/parity tests/property tests/fuzz tests/test_hostile.py --hypothesis-profile=fuzz
	$(BIN)/python tests/fuzz/coverage_guided.py

# Compares with the peers and writes benchmarks/RESULTS.md; takes some twenty minutes.
bench: $(VENV)/bench
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(FRAMEWORKS) build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("detmetrics needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/developer: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/installed

$(FRAMEWORKS)/installed: pyproject.toml
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,peers,plugins]'
	# Packages ask for OpenCV with windows, which needs a desktop's libraries; the other does as well.
	$(FRAMEWORKS)/bin/python -m pip uninstall --quiet --yes opencv-python opencv-python-headless
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps opencv-python-headless
	touch $@

# torch first, and this very version: its build for CPUs, which the others then find in place.
$(VENV)/bench: $(VENV)/developer
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	touch $@
