# make repro: the embedded pipeline from nothing to figures. make test: all tests. make check: lint, types and the fast
# tests. All of them set up .venv if need be.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, each of hundreds of processes would compile mien anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: repro data test check fast lint docs check_docs figures plots report gate embedded train fer2013 fer2013_distilled fer2013_small wild compare sweep search register actions mien_aus ship ship-cnn ship-cnn_small ship-cnn_wild lock clean

repro: $(BIN)/.installed data
	@python tools/repair_dvc.py
	dvc repro
	@echo && mien summary
	@echo && echo "Pictures: reports/*/*.png. Interactive plots: make plots"

# One's own data that DVC tracks (docs/own_data.md), from its remote where it is not here.
data: $(BIN)/.installed
	@for file in $(wildcard data/raw/*.dvc); do dvc checkout --quiet $$file 2> /dev/null || dvc pull --quiet $$file || { \
		echo "error: $$file: its data are not here, expected a DVC remote that has them: dvc remote add --default" \
		"storage .., then dvc push where they are (docs/sharing.md)" >&2; exit 2; }; done

test: $(BIN)/.installed lint
	python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

# In a minute or two on two cores: types beside the tests that start neither DVC, Ray, TensorFlow nor a browser.
FAST := $(addprefix tests/,_io actions/test_emotic.py actions/test_mpii.py aus cli config data emotions evaluation inference plots \
	rendering test_docs.py)
# What else is slow there: clusters, whole stages, TensorFlow, bounds of memory, and the commands of the docs.
SLOW := test_ray_cluster test_mlflow test_label_sets stage prepare_fer portraits near_duplicates memory keras tensorflow network_evaluation example_runs texts_show
check: $(BIN)/.installed
	@$(MAKE) --no-print-directory --jobs 2 lint fast

fast: $(BIN)/.installed
	python -m pytest --quiet --numprocesses 2 --dist loadgroup -k "$(SLOW:%=not % and) not mtcnn" $(FAST)

lint: $(BIN)/.installed
	ruff check .
	ruff format --check .
	mypy

# The documentation as a site: site/index.html, which needs no web. Warnings are errors. Its libraries have an environment of
# their own, as the pipeline needs none of them.
docs: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet
	@echo "site/index.html"

# Its pages in Chromium: nothing overflows on a wide screen or a phone, no picture is missing, nothing is from the web.
check_docs: docs $(BIN)/.installed
	python tools/check_site.py

.venv-docs/.installed: pyproject.toml
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/pip install --quiet --constraint requirements.txt --editable '.[docs]'
	touch $@

# Figures of README, docs and model cards, from reports/.
figures: $(BIN)/.installed
	python -m tools.fill_figures

# dvc plots show as a page that needs no web: dvc_plots/index.html. BASE=main: beside those of another revision.
plots: $(BIN)/.installed
	python tools/plots_page.py $(if $(filter command environment,$(origin BASE)),-- "$(BASE)")

# What the workspace changes against another revision: params, metrics and plots, for a pull request.
BASE ?= main
report: $(BIN)/.installed
	@rm -rf report
	@python tools/pull_request_report.py -- "$(BASE)" report

# Fails if the network of the last dvc repro is worse than the registered one, or that of the folder AGAINST=path, on the
# test split (docs/trust.md).
AGAINST ?= models:/mien@champion
MARGIN ?= 0.02
gate: $(BIN)/.installed
	@mien score data/fer --model models/cnn --against "$(AGAINST)" --margin $(MARGIN)

# Your faces, your network (docs/own_data.md): fine-tunes a pretrained network on SOURCE, a folder or zip with a folder of
# images per class, as one DVC experiment. NETWORK=mien: the large one. DETECTOR=none: the images are cropped faces already.
# CLASSES=engaged,bored: the classes and their order, also others than emotions.
NETWORK ?= mien_small
DETECTOR ?= yunet
# DVC takes names with blanks, brackets or letters of other scripts in quotes alone.
comma := ,
train: $(BIN)/.installed
	@test -n "$(SOURCE)" || { echo "error: SOURCE: found nothing, expected a folder or zip with a folder of images per class," \
		"such as make train SOURCE=my_faces/" >&2; exit 2; }
	flags="$$(mien exp recipe own_faces)" && dvc exp run --message own_faces $$flags -S "prepare_fer.source='$(SOURCE)'" \
		$(if $(CLASSES),-S "prepare_fer.classes=['$(subst $(comma),'$(comma)',$(subst $(comma) ,$(comma),$(CLASSES)))']") -S prepare_fer.detector=$(DETECTOR) \
		-S train_cnn.network=$(NETWORK) -S train_cnn.transfer.weights=$(NETWORK) evaluate
	@mien summary
	@echo && echo "Your network is models/cnn. Its accuracy on faces that it did not learn from: the row \"CNN, faces\"." && \
		echo "Use it:  mien image --model models/cnn photo.jpg" && \
		echo "Keep it: cp -r models/cnn my_network    (the next training replaces models/cnn)"

# FER2013 with mien's network: from random weights (fer2013), and on from there with the result as its own teacher
# (fer2013_distilled). Both teach the small network (fer2013_small). Each is a DVC experiment, and models/first, distilled and
# small keep networks for the next one. SOURCE=path names another zip or folder, for which FER+ has no votes; its report goes
# beside the committed one.
experiment = flags="$$(mien exp recipe $(1))" && dvc exp run --message "$(1)" $$flags \
	$(if $(SOURCE),-S "prepare_fer.source='$(SOURCE)'" -S prepare_fer.labels=fer2013)
report = mien exp report reports/recipes/$@$(if $(SOURCE),-own) --title FER2013 --command "make $@$(if $(SOURCE), SOURCE=$(SOURCE))"
keep = rm -rf models/$(1) && cp -r models/cnn models/$(1)
needs = @test -d models/$(1) || { echo "error: models/$(1): found nothing, expected the network of make $(2)" >&2; exit 2; }
teachers = mkdir -p models/teachers && for network in first distilled; do for form in "" _int8; do \
	cp models/$$network/best$$form.onnx models/teachers/$$network$$form.onnx || exit 1; done; done

fer2013: $(BIN)/.installed
	$(call experiment,fer2013)
	$(call keep,first)
	$(report)
	@mien summary

fer2013_distilled: $(BIN)/.installed
	$(call needs,first,fer2013)
	$(call experiment,fer2013 fer2013_distilled)
	$(call keep,distilled)
	$(report)
	@mien summary

fer2013_small: $(BIN)/.installed
	$(call needs,distilled,fer2013_distilled)
	$(teachers)
	$(call experiment,fer2013 fer2013_small)
	$(call keep,small)
	$(call experiment,fer2013 fer2013_small fer2013_small_again)
	$(report)
	@mien summary

# Fine-tuning of the pretrained mien on FER2013 and news photos (LFW), for faces from elsewhere; EXTRA=path names other ones.
wild: $(BIN)/.installed
	$(call experiment,fer2013 wild) $(if $(EXTRA),-S oversample_augment.extra.source=$(EXTRA))
	$(report)
	@mien summary

# The architectures on four emotions of FER2013 (SOURCE=path: of another source), each a DVC experiment; what one of them
# needs of its own stands in recipes/four_class_NETWORK.yaml. Again after a kill, it trains only what is not trained yet. To
# add some to the table that is there: make compare COMPARED="vgg16 mien" ADD=--add.
COMPARED ?= mien mien_small three_block four_conv global_pool base_cnn small_cnn complex_cnn vgg16 resnet50v2 efficientnet_b0
compare: $(BIN)/.installed
	for network in $(COMPARED); do \
		own=four_class_$$network; test -e recipes/$$own.yaml || own=; \
		dvc exp remove --quiet four-$$network 2> /dev/null; \
		flags="$$(mien exp recipe four_class $$own)" && dvc exp run --name four-$$network $$flags \
			-S train_cnn.network=$$network $(if $(SOURCE),-S "prepare_fer.source='$(SOURCE)'") || exit 1; done
	mien exp compare $(COMPARED:%=four-%) --output reports/recipes/four_class --title "Four emotions, the architectures" $(ADD)

# Learning rates by architectures, each pair a DVC experiment, and all in one table: reports/sweep/README.md. One after the
# other: each uses all cores, and of several workers DVC may let one wait for ever, as the first clears its message to stop.
# Names of experiments are taken once: another sweep is make sweep SWEEP=another.
SWEEP ?= sweep
RATES ?= 0.003,0.001,0.0003
NETWORKS ?= small_cnn,three_block
sweep: $(BIN)/.installed
	dvc exp run --queue --name $(SWEEP) -S 'train_cnn.learning_rate=$(RATES)' -S 'train_cnn.network=$(NETWORKS)'
	dvc exp run --run-all
	mien mlflow sync
	mien exp compare $$(dvc exp list --name-only | grep '^$(SWEEP)-') --output reports/$(SWEEP) --title "Sweep"

# Params of train_cnn that ASHA finds on the Ray cluster at RAY_ADDRESS, or on the cores here; the best go into params.yaml.
# SPACE=path names another file that says what to try, TRIALS=number how often.
SPACE ?= recipes/search/cnn.yaml
search: $(BIN)/.installed
	dvc repro oversample_augment
	mien exp search $(SPACE) $(if $(TRIALS),--trials $(TRIALS))

# Back from one's own data to the pipeline as it is committed, or as REV has it: its params, figures and outputs.
REV ?= HEAD
embedded: $(BIN)/.installed
	git restore --source=$(REV) -- params.yaml dvc.lock reports
	dvc checkout --quiet || dvc repro

# The pretrained network for faces, in MLflow's registry: models:/mien@champion.
register: $(BIN)/.installed
	mien mlflow register

# The action map of EMOTIC and MPII as one DVC experiment. The report has figures only; EMOTIC is for research.
actions: $(BIN)/.installed
	flags="$$(mien exp recipe actions)" && dvc exp run --single-item action_map $$flags
	mkdir -p reports/recipes/actions && cp reports/action_map/* reports/recipes/actions/

# The head of `mien_wild` that reads Action Units, which each `make ship-cnn_wild` needs after it. AUS=path names a table of the
# AUs of images, such as tools/label_aus.py makes; SOURCE=path other images than FER2013's (docs/face_aus.md).
mien_aus: $(BIN)/.installed
	@test -n "$(AUS)" || { echo "error: AUS: found nothing, expected a table with a row per image, such as" \
		"make mien_aus AUS=aus.csv (docs/face_aus.md)" >&2; exit 2; }
	python -m tools.train_aus $(or $(SOURCE),../shared/datasets/fer2013/fer2013.zip) "$(AUS)"
	python -m tools.fill_figures

# Make a trained network the pretrained one: ship takes the AU network of the last dvc repro, ship-cnn the network for faces
# of make fer2013_distilled, ship-cnn_small that of make fer2013_small, ship-cnn_wild that of make wild.
ship: $(BIN)/.installed
	python tools/ship.py mien_au models/au

ship-cnn: $(BIN)/.installed
	python tools/ship.py mien models/cnn

ship-cnn_wild: $(BIN)/.installed
	python tools/ship.py mien_wild models/cnn

ship-cnn_small: $(BIN)/.installed
	python tools/ship.py mien_small models/cnn

# requirements.txt is compiled from pyproject.toml by uv; plain pip installs it.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --quiet \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.txt

clean:
	rm -rf .venv .venv-docs site

# OpenCV with windows needs libGL, which servers often lack; there the same release without windows takes its place.
$(BIN)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit('error: mien needs Python 3.11, 3.12 or \
	3.13, found ' + sys.version.split()[0] + '; name one: make PYTHON=python3.12')"
	@test ! -L .venv || { echo "error: .venv is a link: make would empty the environment that it leads to"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/python -c "import cv2" 2>/dev/null || ( \
		echo "OpenCV finds no libGL here: taking its build without windows" && \
		$(BIN)/pip uninstall --quiet --yes opencv-python && \
		$(BIN)/pip install --quiet "$$(sed -n 's/^opencv-python==\([^ ;]*\).*/opencv-python-headless==\1/p' requirements.txt)" )
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@
