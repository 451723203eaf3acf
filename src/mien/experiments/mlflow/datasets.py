"""The input data of stages as MLflow data sets, named PATH:CONTEXT, with DVC's hash as digest.

The context is part of the name, because MLflow keeps one context per data set and run, and data/fer has three.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag

from mien.config.types import PLACEHOLDERS
from mien.experiments import layout

_CONTEXTS = {
    "generate_aus": "tables",
    "render_faces": "rendering",
    "prepare_fer": "preparation",
    "oversample_augment": "balancing",
    "train_au": "training",
    "train_cnn": "training",
    "evaluate": "test",
    "action_map": "actions",
}
_NO_DATA = ("src/", "stages/", "models/", f"{PLACEHOLDERS}/")  # code, networks and placeholders are not data
_MAX_DIGEST = 36  # MLflow's limit of characters; an MD5 with ".dir" has 36


def from_outs(
    lock: Mapping[str, Any], pipeline: Mapping[str, Any], stage: str, params: Mapping[str, str]
) -> list[DatasetInput]:
    """Describe the outs of other stages that a stage uses, from a dvc.lock without this stage's own deps.

    Args:
        lock, pipeline: the contents of dvc.lock and dvc.yaml.
        stage: its name.
        params: the values of params.yaml, by keys such as prepare_fer.source, which deps in dvc.yaml may name.
    """
    outs = {out["path"]: _digest(out) for recorded in lock["stages"].values() for out in recorded.get("outs", ())}
    deps = [
        params.get(dep.removeprefix("${").removesuffix("}"), dep) for dep in pipeline["stages"][stage].get("deps", ())
    ]
    return [_dataset(stage, path, outs[path]) for path in deps if path in outs and not path.startswith(_NO_DATA)]


def from_deps(lock: Mapping[str, Any], stage: str) -> Iterator[DatasetInput]:
    """Describe the data that a stage used, from the dvc.lock written after it."""
    for dep in lock["stages"].get(stage, {}).get("deps", ()):
        if not dep["path"].startswith(_NO_DATA) and (digest := _digest(dep)):
            yield _dataset(stage, dep["path"], digest)


def context(stage: str, path: str) -> str:
    """Return MLflow's word for what a stage uses data for."""
    return "validation" if (stage, path) == ("train_cnn", str(layout.FER)) else _CONTEXTS[stage]


def _dataset(stage: str, path: str, digest: str) -> DatasetInput:
    use = context(stage, path)
    return DatasetInput(Dataset(f"{path}:{use}", digest, "dvc", path), [InputTag("mlflow.data.context", use)])


def _digest(entry: Mapping[str, Any]) -> str:
    """Return DVC's hash of a file or folder; for a URL, the server's ETag or the like."""
    return str(entry.get("md5") or entry.get("etag") or entry.get("checksum") or "")[:_MAX_DIGEST]
