"""The data that stages take, as MLflow data sets: named PATH:CONTEXT, their digest is DVC's hash.

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
_NO_DATA = ("src/", "stages/", "models/", f"{PLACEHOLDERS}/")  # code, networks, what stands for none
_MAX_DIGEST = 36  # characters, of MLflow; an MD5 with ".dir" has 36


def from_outs(
    lock: Mapping[str, Any], pipeline: Mapping[str, Any], stage: str, params: Mapping[str, str]
) -> list[DatasetInput]:
    """Describe outs of other stages that a stage takes, by a dvc.lock that has not its own deps yet.

    Args:
        lock, pipeline: what dvc.lock and dvc.yaml hold.
        stage: its name.
        params: the values of params.yaml, by keys such as prepare_fer.source, which deps in dvc.yaml may name.
    """
    outs = {out["path"]: _digest(out) for recorded in lock["stages"].values() for out in recorded.get("outs", ())}
    deps = [
        params.get(dep.removeprefix("${").removesuffix("}"), dep) for dep in pipeline["stages"][stage].get("deps", ())
    ]
    return [_dataset(stage, path, outs[path]) for path in deps if path in outs and not path.startswith(_NO_DATA)]


def from_deps(lock: Mapping[str, Any], stage: str) -> Iterator[DatasetInput]:
    """Describe the data that a stage took, by the dvc.lock that was written after it."""
    for dep in lock["stages"].get(stage, {}).get("deps", ()):
        if not dep["path"].startswith(_NO_DATA) and (digest := _digest(dep)):
            yield _dataset(stage, dep["path"], digest)


def context(stage: str, path: str) -> str:
    """Return what a stage takes data for, as MLflow calls it."""
    return "validation" if (stage, path) == ("train_cnn", str(layout.FER)) else _CONTEXTS[stage]


def _dataset(stage: str, path: str, digest: str) -> DatasetInput:
    use = context(stage, path)
    return DatasetInput(Dataset(f"{path}:{use}", digest, "dvc", path), [InputTag("mlflow.data.context", use)])


def _digest(entry: Mapping[str, Any]) -> str:
    """Return the hash that DVC has of a file or folder; of a URL, what its server says."""
    return str(entry.get("md5") or entry.get("etag") or entry.get("checksum") or "")[:_MAX_DIGEST]
