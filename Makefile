# The two commands a newcomer needs are `make demo` and `make test`; the others are for the work.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks
ENGINES := .venv-engines
LOCK := requirements-dev.lock
UV := build/uv/bin/uv
MINUTES ?= 10
PIP := -m pip install --quiet --disable-pip-version-check

# Tests start Python more than a hundred times, which would compile the package anew each time.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: demo test coverage deep test-peers peer-suites test-plugins test-engines test-versions lock audit check lint types layers docs fuzz coverage-study bench clean

demo: $(VENV)/installed
	$(BIN)/detmetrics evaluate fixtures/ground_truth.json fixtures/detections.json --per-class

# Where coverage is asked for too, the same run is measured, which takes half as long again.
ifneq ($(filter coverage,$(MAKECMDGOALS)),)
MEASURED := -m coverage run
export COVERAGE_FILE := $(CURDIR)/build/coverage/data
endif

test: $(VENV)/developer
	$(if $(MEASURED),rm -rf build/coverage && mkdir -p build/coverage)
	$(BIN)/python $(MEASURED) -m pytest --numprocesses 2 --dist worksteal

# The branches of detmetrics/ that the tests reach, those of commands in other processes too; lists
# the others, and fails below the share that pyproject.toml asks for.
coverage: test
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# Every law with six times the examples, and the largest sets; some ten minutes on two cores.
deep: $(VENV)/developer
	$(BIN)/python -m pytest -m "hypothesis or heavy" --hypothesis-profile=deep --numprocesses 2 --dist worksteal

# Against the packages whose rules are followed, in an environment with the frameworks.
test-peers: $(FRAMEWORKS)/installed
	$(FRAMEWORKS)/bin/python -m pytest tests/peers --numprocesses 2 --dist loadfile

# A peer's own suite, fetched from the package index, with our stand-in in its place: a table of what
# was tried, what is equal, and why the rest is not.
peer-suites: $(FRAMEWORKS)/installed
	$(FRAMEWORKS)/bin/python tests/peers/suites.py

# Real training runs of every framework that has a plug-in, in the same environment; their layers are
# so small that more threads only wait for one another.
test-plugins: $(FRAMEWORKS)/installed
	OMP_NUM_THREADS=1 $(FRAMEWORKS)/bin/python -m pytest tests/plugins tests/test_docs.py -m 'not heavy' -k 'not console' --numprocesses 2 --dist loadfile

# Evaluation in parts on real Dask and Ray, started on this machine, whose workers and drivers are
# killed; and in a stand-in for S3.
test-engines: $(ENGINES)/installed
	$(ENGINES)/bin/python -m pytest tests/engines tests/parts/test_s3_parts.py --numprocesses 2 --dist worksteal

# The core tests with the lowest and the newest versions that pyproject.toml allows, on each Python
# that the machine has (VERSIONS=--corners runs a sample of them between the lowest and the newest).
test-versions: $(VENV)/developer $(UV)
	$(BIN)/python tests/versions/every_version.py --uv $(UV) $(VERSIONS)

# Writes the versions, with hashes, that make test installs (LOCK= installs the newest instead).
# UPGRADE= keeps those that still fit.
UPGRADE ?= --upgrade
lock: $(UV)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) --extra dev --output-file $(LOCK) pyproject.toml

# Asks a database on the network which versions in the lock have known vulnerabilities.
audit: $(VENV)/bin/python $(UV)
	@$(BIN)/python tests/versions/audit.py --uv $(UV) $(LOCK)

check: lint types layers

lint: $(VENV)/developer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developer
	$(BIN)/mypy

layers: $(VENV)/developer
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/developer
	$(BIN)/python -m pytest -m docs --numprocesses 2 tests/test_docs.py

# For so many minutes in all: random sets beside pycocotools, slow loops, every way in and the peers;
# broken files through every command; kills and full disks; every law with more examples, other ones each time; and readers,
# guided by coverage. Findings are files in build/findings.
fuzz: $(VENV)/developer $(FRAMEWORKS)/installed
	$(BIN)/python tests/fuzz/run.py --minutes $(MINUTES) --peers $(FRAMEWORKS)/bin/python

# How often intervals hold what they say: the table of docs/intervals.md. A trial of all sets takes
# about four seconds of one core.
TRIALS ?= 500
coverage-study: $(VENV)/developer
	$(BIN)/python benchmarks/coverage_study.py --trials $(TRIALS)

# Compares with the peers and writes benchmarks/RESULTS.md; takes some forty minutes.
bench: $(VENV)/bench
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(FRAMEWORKS) $(ENGINES) build dist *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("detmetrics needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing detmetrics into $(VENV) (once, about 20 seconds) ..."
	@$(BIN)/python $(PIP) --editable .
	@touch $@

$(VENV)/developer: $(VENV)/bin/python pyproject.toml $(LOCK)
	@echo "Installing detmetrics and the development tools into $(VENV) (once, about 40 seconds) ..."
	@$(if $(LOCK),$(BIN)/python $(PIP) --require-hashes --requirement $(LOCK))
	@$(BIN)/python $(PIP) $(if $(LOCK),--no-deps --editable .,--upgrade --editable '.[dev]')
	@touch $@ $(VENV)/installed

$(UV): | $(VENV)/bin/python
	@echo "Installing uv into build/uv (once) ..."
	@$(BIN)/python -m venv build/uv
	@build/uv/bin/python $(PIP) uv

$(FRAMEWORKS)/installed: pyproject.toml
	@echo "Setting up $(FRAMEWORKS) (once) ..."
	@$(PYTHON) -m venv $(FRAMEWORKS)
	@echo "Installing torch, the training frameworks and the packages to compare with (once, some minutes) ..."
	@$(FRAMEWORKS)/bin/python $(PIP) torch==2.13.0
	@$(FRAMEWORKS)/bin/python $(PIP) --editable '.[dev,peers,plugins]'
	@# Packages ask for OpenCV with windows, which needs a desktop's libraries; the other does as well.
	@$(FRAMEWORKS)/bin/python -m pip uninstall --quiet --yes opencv-python opencv-python-headless
	@$(FRAMEWORKS)/bin/python $(PIP) --no-deps opencv-python-headless
	@touch $@

$(ENGINES)/installed: pyproject.toml
	@echo "Setting up $(ENGINES) (once) ..."
	@$(PYTHON) -m venv $(ENGINES)
	@echo "Installing Dask, Ray and a stand-in for S3 (once, about two minutes) ..."
	@$(ENGINES)/bin/python $(PIP) --editable '.[dev,dask,ray,stores]' joblib
	@touch $@

# torch first, and this very version: its build for CPUs, which the others then find in place.
$(VENV)/bench: $(VENV)/developer
	@echo "Installing torch, engines and the packages to compare with into $(VENV) (once, some minutes) ..."
	@$(BIN)/python $(PIP) torch==2.13.0
	@$(BIN)/python $(PIP) --editable '.[dev,bench,dask,ray]'
	@touch $@
