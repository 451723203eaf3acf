"""MLflow's registry of the network for faces in use. A worse network does not replace it unless forced."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric
from mlflow.exceptions import MlflowException

from mien._io.checksums import checked, sha256_of
from mien._io.errors import InputError, note
from mien._io.nested import flatten
from mien._io.urls import Location
from mien.evaluation.gate import check_margin
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.models import DIGEST_TAG, NETWORK, log_model
from mien.experiments.mlflow.outputs import NETWORKS, log_metrics, log_params
from mien.experiments.mlflow.store import connect, expected_at, is_refusal, reason, search
from mien.experiments.mlflow.tags import EXPERIMENT_TAG
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import DEFAULT_NETWORK, FACE_NETWORKS, read_card

#: The registered name of networks for faces, and the alias of the version in use.
REGISTERED, ALIAS = "mien", "champion"
CHAMPION = f"models:/{REGISTERED}@{ALIAS}"
_DIGEST = "sha256"  # the tag of a version

_LOGGED = NETWORKS["train_cnn"].name  # what a network for faces is called among the models of its run


class WorseNetworkError(Exception):
    """A network is worse than the registered one. The arguments are lines that tell how, see `Gate.refusals`."""


def register(run: str, images: Location, margin: float, *, force: bool = False) -> str:
    """Register a network for faces in MLflow, as the version with the alias "champion".

    Registering the same network again adds no version. If another network is the champion, both are measured on the
    same images, with mirror images, as `mien image` reads faces.

    Args:
        run: the id of an MLflow run or the name of a DVC experiment that has the network; empty for the pretrained
            network, whose run contains its training params and test figures.
        images: labelled images, see `open_source`; if there are splits, the test split is used.
        margin: what a network may lose against the champion, see `mien.evaluation.gate.Gate`.
        force: register without measuring.

    Returns:
        Its address, models:/mien@champion, and the number of the version.

    Raises:
        WorseNetworkError: it is worse than the champion.
        InputError: MLflow's store or server does not work or has no network for this run, or the images cannot be read.
    """
    check_margin(margin)
    with expected_at(tracking_uri()):
        client, experiment = connect(tracking_uri())
        model = _trained(client, experiment, run) if run else _pretrained(client, experiment)
        champion = _champion(client)
    if not (why := _why_not_compared(champion, model, force=force)):
        _compare(model, images, margin)
    with expected_at(tracking_uri()):
        registered = _register(client, model)
    if why:
        note(f"registered without a comparison: {why}")
    return registered


@contextmanager
def registered_network(address: str) -> Iterator[Path]:
    """Yield a folder with the network of an MLflow model, such as models:/mien@champion. It lasts until the block ends.

    Raises:
        InputError: MLflow's store or server does not work, or has no such network of mien.
    """
    with tempfile.TemporaryDirectory() as folder:
        with expected_at(tracking_uri()):
            connect(tracking_uri())
            try:
                mlflow.artifacts.download_artifacts(address, dst_path=folder)
            except MlflowException as error:
                if not is_refusal(error):
                    raise
                raise InputError(f"{address}: is not in MLflow ({reason(error)})") from None
        if not (network := Path(folder) / NETWORK).is_dir():
            raise InputError(f"{address}: found no {NETWORK} in it, expected a model that mien logged")
        yield network


def _why_not_compared(champion: str | None, model: LoggedModel, *, force: bool) -> str:
    if champion is None:
        return "there is no champion yet"
    if champion == model.tags.get(DIGEST_TAG):
        return "it is the champion"
    return "--force" if force else ""


def _compare(model: LoggedModel, images: Location, margin: float) -> None:
    from mien.evaluation.image_answers import ImageScoring  # loads scikit-learn
    from mien.evaluation.image_scoring import Against, compare

    with registered_network(f"models:/{model.model_id}") as new, registered_network(CHAMPION) as old:
        classifier, champion = (FaceClassifier.from_pretrained(folder) for folder in (new, old))
        gate = compare(images, classifier, Against(champion, margin), ImageScoring(tta="mirror"))
    if gate.refusals:
        raise WorseNetworkError(*gate.refusals)


def _champion(client: MlflowClient) -> str | None:
    """Return the digest of the champion; "" if mien did not register it; None if there is no champion."""
    for known in client.search_registered_models(f"name = '{REGISTERED}'"):
        if version := known.aliases.get(ALIAS):
            return str(client.get_model_version(REGISTERED, version).tags.get(_DIGEST, ""))
    return None


def _register(client: MlflowClient, model: LoggedModel) -> str:
    digest = model.tags.get(DIGEST_TAG, model.model_id)
    if not client.search_registered_models(f"name = '{REGISTERED}'"):
        client.create_registered_model(REGISTERED, description="Emotions of faces, as `mien image --crop` reads them.")
    known = client.search_model_versions(f"name = '{REGISTERED}' and tags.{_DIGEST} = '{digest}'")
    made = (
        known[0]
        if known
        else client.create_model_version(
            REGISTERED,
            f"models:/{model.model_id}",
            run_id=model.source_run_id,
            tags={_DIGEST: digest},
            model_id=model.model_id,
            description=model.tags.get("mlflow.note.content"),
        )
    )
    client.set_registered_model_alias(REGISTERED, ALIAS, made.version)
    return f"{CHAMPION} is version {made.version}"


def _trained(client: MlflowClient, experiment: str, run: str) -> LoggedModel:
    """Return a run's network for faces. The run is given by its id or the name of its DVC experiment."""
    named = [entry.info.run_id for entry in search(client, [experiment], EXPERIMENT_TAG, run)]
    for number in named or [run]:
        models = client.search_logged_models([experiment], f"source_run_id = '{number}' and name = '{_LOGGED}'")
        if ready := [model for model in models if model.status == "READY"]:
            return ready[0]
    raise InputError(
        f"run {run}: has no network {_LOGGED} in MLflow, expected the id of a run, or a name of `dvc exp list`"
    )


def _pretrained(client: MlflowClient, experiment: str) -> LoggedModel:
    """Return the pretrained network. Its run is created once."""
    network, card = FACE_NETWORKS[DEFAULT_NETWORK], read_card(DEFAULT_NETWORK)
    digest = sha256_of(checked(network))
    known = search(client, [experiment], DIGEST_TAG, digest)
    run = known[0] if known else client.create_run(experiment, tags={DIGEST_TAG: digest}, run_name="pretrained")
    number = run.info.run_id
    if not run.data.metrics:
        log_params(client, number, {key: str(value) for key, value in flatten(card["params"]).items()})
        figures = flatten(card["metrics"]).items()
        log_metrics(client, number, [Metric(key, value, run.info.start_time, 0) for key, value in figures])
    log_model(client, number, _LOGGED, network)
    client.set_terminated(number)
    return _trained(client, experiment, number)
