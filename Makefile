# `make demo` and `make test` set .venv up when it is missing, and start at once when it is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests: one a core.
WORKERS ?= $(shell nproc 2>/dev/null || echo logical)
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: demo test quick check lint docs clean

demo: $(VENV)/.ready
	$(BIN)/python tools/demo.py

# Everything, with the share of the package's lines that the tests run.
test: check
	$(PYTEST) --cov --cov-report term:skip-covered

# What needs no training, no process of its own and no trained network.
quick: $(VENV)/.ready
	$(PYTEST) -m 'not slow'

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site of the documentation, in site/.
docs: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/mkdocs build --strict

# The stamp is written last: an interrupted set-up is done again.
$(VENV)/.ready: setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[mmseg,demo,tests]'
	$(BIN)/python -c 'import cv2' 2>/dev/null || $(MAKE) headless
	touch $@

# On a machine without the libraries of a screen the OpenCV that mmcv asks for does not import; this one does.
.PHONY: headless
headless:
	$(BIN)/python -m pip uninstall --quiet --yes opencv-python
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps opencv-python-headless

clean:
	rm -rf $(VENV)
