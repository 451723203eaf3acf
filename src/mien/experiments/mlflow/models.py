"""Logs networks to MLflow so that MLflow serves mien's answers."""

import base64
import shutil
import tempfile
import warnings
from importlib.metadata import requires, version
from pathlib import Path

import cv2
import mlflow.models
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import Model
from packaging.requirements import Requirement

import mien
from mien._io.checksums import checked, sha256_of
from mien.aus.facs import AUS, COLUMNS
from mien.config import Variation
from mien.inference.networks.onnx import OnnxModel
from mien.models.metadata import Metadata
from mien.rendering import draw_face

with warnings.catch_warnings(action="ignore"):  # it warns about its own type hints
    import mlflow.pyfunc

#: The tag of the digest of a network's ONNX file.
DIGEST_TAG = "mien.sha256"
#: The folder of the network in a logged model.
NETWORK = "data/network"

# Rooms that serving does not need.
_OTHER_ROOMS = ("actions", "app", "cli", "evaluation", "experiments", "rendering", "training")
_HAPPY = (6, 12)  # AUs of the example
_STILL = Variation(identity=0, pose=0, scale=0, light=0, noise=0, occlusion=0)


def log_model(client: MlflowClient, run: str, name: str, path: Path) -> bool:
    """Log a network to a run, once, with an input example and a description.

    MLflow serves it by `mien.inference.serving`.

    Args:
        client: see `mien.experiments.mlflow.store.connect`.
        run: the id of the run.
        name: what to call the model.
        path: of the ONNX file, or a folder with best.onnx, such as models/cnn.

    Returns:
        False if the run already has a model of that name.

    Raises:
        InputError: the network is missing or damaged.
    """
    logged = client.get_run(run)
    experiment = logged.info.experiment_id
    for other in client.search_logged_models([experiment], f"source_run_id = '{run}' and name = '{name}'"):
        if other.status == "READY":
            return False
        client.delete_logged_model(other.model_id)  # was sent only in part
    model = OnnxModel.load(path, threads=1)
    metadata = model.metadata
    created = client.create_logged_model(
        experiment,
        name=name,
        source_run_id=run,
        tags={"mlflow.note.content": _description(metadata), DIGEST_TAG: sha256_of(model.path)},
        params=dict(logged.data.params),
        model_type="classifier",
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):  # of pandas, by MLflow
        Model.log(
            None,
            mlflow.pyfunc,
            name=name,
            run_id=run,
            model_id=created.model_id,
            loader_module="mien.inference.serving",
            data_path=str(_copied_network(model.path, Path(folder))),
            code_paths=[str(_copied_code(Path(folder)))],
            pip_requirements=_packages(),
            input_example=_example(metadata),
            metadata={"classes": metadata.classes, "temperature": metadata.temperature_of("mirror")},
        )
    return True


def _description(metadata: Metadata) -> str:
    answers = f"Answers the emotion ({', '.join(metadata.classes)}), the confidence, and the probability of each."
    if metadata.kind == "aus":
        return f"Takes a table of {len(COLUMNS)} Action Unit intensities, 0..100: {', '.join(COLUMNS)}. {answers}"
    return (
        "Takes pictures of one face each, of any size: files in base64, or whole numbers 0..255, grey or RGB. "
        f"{answers} The confidence is calibrated."
    )


def _example(metadata: Metadata) -> pd.DataFrame:
    """Return an example input table: the AUs of a happy face, or its drawing as a PNG file in base64."""
    intensities = np.array([90.0 if au in _HAPPY else 0.0 for au in AUS])
    if metadata.kind == "aus":
        return pd.DataFrame([intensities], columns=COLUMNS)
    drawing = draw_face(intensities, _STILL, np.random.default_rng(0), metadata.input.get("size", 48))
    return pd.DataFrame({"image": [base64.b64encode(cv2.imencode(".png", drawing)[1].tobytes()).decode()]})


def _copied_network(network: Path, folder: Path) -> Path:
    """Copy a network, and its 8-bit form if there is one, into a folder like that of `train_cnn`."""
    target = folder / Path(NETWORK).name
    target.mkdir()
    for suffix in ("", "_int8"):
        path = network.with_name(f"{network.stem}{suffix}.onnx")
        if path.exists():
            shutil.copy(checked(path), target / f"best{suffix}.onnx")
    return target


def _copied_code(folder: Path) -> Path:
    """Copy the parts of mien that a served network needs into a folder. Returns the package."""
    no_others = shutil.ignore_patterns("__pycache__", "weights", "tables", "readers", *_OTHER_ROOMS)
    return Path(shutil.copytree(Path(mien.__file__).parent, folder / "mien", ignore=no_others))


def _packages() -> list[str]:
    """Return the packages of mien's base install, in their installed versions."""
    base = [Requirement(text) for text in requires("mien") or ()]
    names = [requirement.name for requirement in base if "extra" not in str(requirement.marker or "")]
    return sorted(f"{name}=={version(name)}" for name in names)
