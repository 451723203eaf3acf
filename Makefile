# make repro: the embedded pipeline from nothing to figures. make test: the tests. Both set up .venv if need be.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: repro test lint fer2013 ship lock clean

repro: $(BIN)/.installed
	dvc repro
	@echo && mien summary
	@echo && echo "Pictures: reports/*/*.png. Interactive plots: .venv/bin/dvc plots show --open"

test: $(BIN)/.installed lint
	python -m pytest

lint: $(BIN)/.installed
	ruff check .
	ruff format --check .
	mypy

# FER2013 as one DVC experiment. SOURCE=path names another zip or folder, whose report goes beside the committed one.
REPORT = reports/recipes/fer2013$(if $(SOURCE),-own)
fer2013: $(BIN)/.installed
	flags="$$(mien recipe fer2013)" && dvc exp run --message fer2013 $$flags $(if $(SOURCE),-S prepare_fer.source=$(SOURCE))
	mien report $(REPORT) --title "FER2013, three-block CNN" --command "make fer2013$(if $(SOURCE), SOURCE=$(SOURCE))"
	@mien summary

# The AU network of the last dvc repro becomes the one that mien ships.
ship:
	mkdir -p src/mien/shipped/au
	cp models/au/best.onnx models/au/classes.json src/mien/shipped/au/

# requirements.txt is compiled from pyproject.toml by uv; plain pip installs it.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --quiet \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.txt

clean:
	rm -rf .venv

# OpenCV with windows needs libGL, which servers often lack; there the same release without windows takes its place.
$(BIN)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit('error: mien needs Python 3.11, 3.12 or \
	3.13, found ' + sys.version.split()[0] + '; name one: make PYTHON=python3.12')"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/python -c "import cv2" 2>/dev/null || ( \
		echo "OpenCV finds no libGL here: taking its build without windows" && \
		$(BIN)/pip uninstall --quiet --yes opencv-python && \
		$(BIN)/pip install --quiet "$$(sed -n 's/^opencv-python==\([^ ;]*\).*/opencv-python-headless==\1/p' requirements.txt)" )
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@
