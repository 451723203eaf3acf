# make repro: the embedded pipeline from nothing to figures. make test: the tests. Both set up .venv if need be.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: repro test lint fer2013 compare actions ship ship-cnn lock clean

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
	mien report $(REPORT) --title "FER2013" --command "make fer2013$(if $(SOURCE), SOURCE=$(SOURCE))"
	@mien summary

# The architectures on four emotions of FER2013 (SOURCE=path: of another source), each a DVC experiment.
COMPARED ?= mien mien_small three_block four_conv global_pool base_cnn small_cnn complex_cnn vgg16 resnet50v2 efficientnet_b0
compare: $(BIN)/.installed
	flags="$$(mien recipe four_class)"; for network in $(COMPARED); do \
		dvc exp run --force --name four-$$network $$flags -S train_cnn.network=$$network \
			$(if $(SOURCE),-S prepare_fer.source=$(SOURCE)) || exit 1; done
	mien compare $(COMPARED:%=four-%) --output reports/recipes/four_class --title "Four emotions, the architectures"

# The action map of EMOTIC and MPII as one DVC experiment. The report has figures only; EMOTIC is for research.
actions: $(BIN)/.installed
	flags="$$(mien recipe actions)" && dvc exp run --single-item action_map $$flags
	mkdir -p reports/recipes/actions && cp reports/action_map/* reports/recipes/actions/

# The networks that mien ships: ship takes the AU network of the last dvc repro, ship-cnn that for faces of make fer2013.
ship:
	mkdir -p src/mien/shipped/au
	cp models/au/best.onnx models/au/classes.json src/mien/shipped/au/

ship-cnn:
	cp models/cnn/best.onnx models/cnn/classes.json models/cnn/calibration.json params.yaml src/mien/shipped/cnn/
	cp reports/evaluate/metrics.json reports/evaluate/per_class.json src/mien/shipped/cnn/

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
