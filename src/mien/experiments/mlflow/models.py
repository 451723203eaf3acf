"""Networks in MLflow: logged so that MLflow serves what mien says, and put into the registry."""

import base64
import shutil
import tempfile
import warnings
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path

import cv2
import mlflow.models
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric
from mlflow.models import Model
from packaging.requirements import Requirement

import mien
from mien._io.checksums import checked
from mien._io.errors import InputError
from mien._io.yaml import flat
from mien.aus.facs import AUS, COLUMNS
from mien.config import Variation
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.outputs import log_metrics, log_params
from mien.experiments.mlflow.store import connect, expected_at, search
from mien.experiments.mlflow.tags import EXPERIMENT_TAG
from mien.inference.onnx import OnnxModel
from mien.inference.pretrained import DEFAULT_NETWORK, FACE_NETWORKS, read_card
from mien.models.metadata import Metadata
from mien.rendering import draw_face

with warnings.catch_warnings(action="ignore"):  # it warns of its own type hints
    import mlflow.pyfunc

#: The name of networks for faces in the registry, and the alias of the version to use.
REGISTERED, ALIAS = "mien", "champion"
_DIGEST_TAG = "mien.sha256"  # of the ONNX file

_OTHER_ROOMS = ("actions", "app", "cli", "evaluation", "experiments", "rendering", "training")  # that none serves from
_HAPPY = (6, 12)  # AUs of the example
_STILL = Variation(identity=0, pose=0, scale=0, light=0, noise=0, occlusion=0)


def log_model(client: MlflowClient, run: str, name: str, path: Path) -> bool:
    """Log a network to a run, once, with an input example and a description.

    MLflow serves it as `mien.inference.serving` says.

    Args:
        client: see `mien.experiments.mlflow.store.connect`.
        run: the id of the run.
        name: what to call the model.
        path: of the ONNX file, or a folder with best.onnx, such as models/cnn.

    Returns:
        False where the run has a model of that name already.

    Raises:
        InputError: the network is missing or damaged.
    """
    logged = client.get_run(run)
    experiment = logged.info.experiment_id
    for other in client.search_logged_models([experiment], f"source_run_id = '{run}' and name = '{name}'"):
        if other.status == "READY":
            return False
        client.delete_logged_model(other.model_id)  # half sent
    model = OnnxModel.load(path, threads=1)
    metadata = model.metadata
    created = client.create_logged_model(
        experiment,
        name=name,
        source_run_id=run,
        tags={"mlflow.note.content": _description(metadata), _DIGEST_TAG: _digest(model.path)},
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


def register(run: str = "") -> str:
    """Put a network for faces into MLflow's registry, as the version with the alias "champion".

    The same network makes no second version.

    Args:
        run: the id of a run in MLflow, or the name of a DVC experiment, whose network is meant; by default the
            pretrained one, whose run holds the params that it was trained with and its figures on test.

    Returns:
        Its address, models:/mien@champion, and the number of the version.

    Raises:
        InputError: MLflow's store or server does not work, or has no network of this run.
    """
    with expected_at(tracking_uri()):
        client, experiment = connect(tracking_uri())
        return _register(client, _trained(client, experiment, run) if run else _pretrained(client, experiment))


def _register(client: MlflowClient, model: LoggedModel) -> str:
    digest = model.tags.get(_DIGEST_TAG, model.model_id)
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED, description="Emotions of faces, as `mien image --crop` reads them.")
    known = client.search_model_versions(f"name = '{REGISTERED}' and tags.sha256 = '{digest}'")
    made = (
        known[0]
        if known
        else client.create_model_version(
            REGISTERED,
            f"models:/{model.model_id}",
            run_id=model.source_run_id,
            tags={"sha256": digest},
            model_id=model.model_id,
            description=model.tags.get("mlflow.note.content"),
        )
    )
    client.set_registered_model_alias(REGISTERED, ALIAS, made.version)
    return f"models:/{REGISTERED}@{ALIAS} is version {made.version}"


def _trained(client: MlflowClient, experiment: str, run: str) -> LoggedModel:
    """Return the network for faces of a run, named by its id or as its DVC experiment."""
    named = [entry.info.run_id for entry in search(client, [experiment], EXPERIMENT_TAG, run)]
    for number in named or [run]:
        models = client.search_logged_models([experiment], f"source_run_id = '{number}' and name = 'cnn'")
        if ready := [model for model in models if model.status == "READY"]:
            return ready[0]
    raise InputError(f"run {run}: has no network cnn in MLflow, expected the id of a run, or a name of `dvc exp list`")


def _pretrained(client: MlflowClient, experiment: str) -> LoggedModel:
    """Return the pretrained network; its run is made once."""
    network, card = FACE_NETWORKS[DEFAULT_NETWORK], read_card(DEFAULT_NETWORK)
    digest = _digest(checked(network))
    known = search(client, [experiment], _DIGEST_TAG, digest)
    run = known[0] if known else client.create_run(experiment, tags={_DIGEST_TAG: digest}, run_name="pretrained")
    number = run.info.run_id
    if not run.data.metrics:
        log_params(client, number, {key: str(value) for key, value in flat(card["params"]).items()})
        figures = flat(card["metrics"]).items()
        log_metrics(client, number, [Metric(key, value, run.info.start_time, 0) for key, value in figures])
    log_model(client, number, "cnn", network)
    client.set_terminated(number)
    return _trained(client, experiment, number)


def _digest(network: Path) -> str:
    return sha256(network.read_bytes()).hexdigest()


def _description(metadata: Metadata) -> str:
    answers = f"Answers the emotion ({', '.join(metadata.classes)}), the confidence, and the probability of each."
    if metadata.kind == "aus":
        return f"Takes a table of {len(COLUMNS)} Action Unit intensities, 0..100: {', '.join(COLUMNS)}. {answers}"
    return (
        "Takes pictures of one face each, of any size: files in base64, or whole numbers 0..255, grey or RGB. "
        f"{answers} The confidence is calibrated."
    )


def _example(metadata: Metadata) -> pd.DataFrame:
    """Return a table to call a network with: AUs of a happy face, or a drawing of it as a PNG file in base64."""
    intensities = np.array([90.0 if au in _HAPPY else 0.0 for au in AUS])
    if metadata.kind == "aus":
        return pd.DataFrame([intensities], columns=COLUMNS)
    drawing = draw_face(intensities, _STILL, np.random.default_rng(0), metadata.input.get("size", 48))
    return pd.DataFrame({"image": [base64.b64encode(cv2.imencode(".png", drawing)[1].tobytes()).decode()]})


def _copied_network(network: Path, folder: Path) -> Path:
    """Copy a network into a folder as `train_cnn` leaves it, and that of 8-bit integers where there is one."""
    target = folder / "network"
    target.mkdir()
    for suffix in ("", "_int8"):
        path = network.with_name(f"{network.stem}{suffix}.onnx")
        if path.exists():
            shutil.copy(checked(path), target / f"best{suffix}.onnx")
    return target


def _copied_code(folder: Path) -> Path:
    """Copy the rooms of mien that a served network needs into a folder; return the package."""
    no_others = shutil.ignore_patterns("__pycache__", "weights", "tables", "readers", *_OTHER_ROOMS)
    return Path(shutil.copytree(Path(mien.__file__).parent, folder / "mien", ignore=no_others))


def _packages() -> list[str]:
    """Return the packages of mien's base install in the versions that are installed here."""
    base = [Requirement(text) for text in requires("mien") or ()]
    names = [requirement.name for requirement in base if "extra" not in str(requirement.marker or "")]
    return sorted(f"{name}=={version(name)}" for name in names)
