"""The paths of the pipeline's outputs: the outs of dvc.yaml, relative to the root of the repository.

Stages, experiments, the app and tools take their paths from here. The rooms below, `mien.config` and `mien.inference`,
name params.yaml and models/cnn themselves.
"""

from pathlib import Path

PIPELINE, PARAMS, LOCK = Path("dvc.yaml"), Path("params.yaml"), Path("dvc.lock")

#: Drawn AU intensities: one table follows an AU table exactly, the other resembles codes by people and tools.
AUS = Path("data/aus")
EXACT_AUS, REALISTIC_AUS = AUS / "exact.csv", AUS / "realistic.csv"
#: Drawn faces: a zip in FER2013's layout.
FACES = Path("data/faces")
FACES_ZIP = FACES / "faces.zip"
#: Arrays of the images and their labels by split, and index.csv with one row per image.
FER = Path("data/fer")
FER_INDEX = FER / "index.csv"
#: Arrays of the balanced training images.
BALANCED = Path("data/balanced")
#: The name of held-out faces from a further source, in BALANCED.
EXTRA_TEST = "extra_test"

AU_MODEL, CNN_MODEL = Path("models/au"), Path("models/cnn")
AU_CHECKPOINTS, CNN_CHECKPOINTS = Path("models/.au.checkpoints"), Path("models/.cnn.checkpoints")
SEARCH_CHECKPOINTS = Path("models/.search")
ACTION_MAP = Path("models/action_map")

#: Named sets of params.
RECIPES = Path("recipes")

#: Reports that Git keeps, and that of the last search.
RECIPE_REPORTS, EXPERIMENT_REPORTS = Path("reports/recipes"), Path("reports/experiments")
SEARCH_REPORT = Path("reports/search")

#: The stages, in a possible order of execution.
STAGES = (
    "generate_aus",
    "render_faces",
    "prepare_fer",
    "oversample_augment",
    "train_au",
    "train_cnn",
    "evaluate",
    "action_map",
)
_METRICS = {"prepare_fer": "audit.json"}


def report(stage: str) -> Path:
    """Return the folder of a stage's report."""
    return Path("reports") / stage


def metrics(stage: str) -> Path:
    """Return the JSON file of a stage's metrics."""
    return report(stage) / _METRICS.get(stage, "metrics.json")


def per_class() -> Path:
    """Return the JSON file of precision, recall and F1 of each class."""
    return report("evaluate") / "per_class.json"


def confusion() -> Path:
    """Return the table of the CNN's actual and predicted classes."""
    return report("evaluate") / "cnn_confusion.csv"


def history(stage: str) -> Path:
    """Return the table of a training stage's epochs."""
    return report(stage) / "history.csv"
