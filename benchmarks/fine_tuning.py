"""Measure fine-tuning on few faces: 50 per class, tested on other people's.

Each of several seeds draws 50 faces per class: 10 of them only select the epoch, the others are for training by
recipes/own_faces.yaml, like `make train`:

    as it is      the pretrained network, nothing trained: the most probable of the classes
    nothing       from random weights: the same network, faces, epochs and augmentation, at a learning rate of its own
    nothing, x 4  the same for four times as many epochs, by the first seed alone
    fine-tuned    from the pretrained weights

The source is a zip of [train|test/]CLASS/IMAGE.jpg. If it has splits, the network is trained on train and tested on
test, without copies of training images. Otherwise PERSON_NUMBER.jpg names people, and half of them are for the test.
Pictures larger than 48x48 are cropped to the face nearest to their centre, as by `mien image`. Accuracy is the mean of
the recalls, so each class counts equally. CPU seconds are those of all threads of a training, including reading and
writing; wall time depends on other load.

    python benchmarks/fine_tuning.py --source ../shared/datasets/lfw/lfw_faces.zip --classes happy neutral surprise
    python benchmarks/fine_tuning.py --source ../shared/datasets/fer2013/fer2013.zip

write lfw_faces-mien_small.json and .md, and fer2013-mien_small, into reports/benchmarks/fine_tuning. `--choose` learns
from half as many faces and tests on those of learners that were not drawn, to compare params; it prints the accuracy.
"""

import argparse
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score
from timing import measured
from tqdm import tqdm

from mien._io.errors import InputError, reports_input_errors
from mien._io.nested import merge
from mien._io.yaml import check
from mien.config import Params, PretrainedName, read_params
from mien.data.arrays import Images
from mien.inference.faces.detectors import Detector, crops, make_detector
from mien.inference.networks.face_classifier import FaceClassifier

SIZE = 48  # pixels
LEARNT, VALIDATION = 40, 10  # faces per class: to learn from, and to choose the epoch by
LONGER = 4
NOTHING: dict[str, Any] = {"learning_rate": 0.004, "transfer": {"weights": "none", "frozen_epochs": 0}}
REPORTS = Path("reports/benchmarks/fine_tuning")


def read(path: Path, classes: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Read the faces of a zip; with `classes`, of those alone.

    Returns:
        One row per face: emotion, person, split (learn or test), pixels (uint8 (48, 48)); and what was left out.
    """
    rows, faceless, detector = [], 0, make_detector("yunet")
    with zipfile.ZipFile(path) as archive:
        for name in tqdm([name for name in archive.namelist() if name.endswith(".jpg")], desc="faces", disable=None):
            *split, emotion, file = name.split("/")
            if classes and emotion not in classes:
                continue
            face = crop(archive.read(name), detector)
            faceless += face is None
            if face is not None:
                rows.append((emotion, file.rsplit("_", 1)[0], split[0] if split else "", face))
    faces = pd.DataFrame(rows, columns=["emotion", "person", "split", "pixels"])
    notes = [f"{faceless} pictures without a face that the detector finds are left out."] if faceless else []
    if not faces["split"].any():
        people = np.random.default_rng(0).permutation(sorted(set(faces["person"])))
        return faces.assign(split=np.where(faces["person"].isin(people[::2]), "test", "learn")), notes
    contents = faces["pixels"].map(bytes)
    copies = (faces["split"] == "test") & contents.isin(contents[faces["split"] == "train"])
    notes.append(f"{copies.sum()} test images that are also training images are left out.")
    notes.append(
        "The pretrained networks learnt from FER2013's Training images, and no others: where those are the source, the "
        "faces to learn from are known to them, and the test faces are not."
    )
    return faces[~copies].replace({"split": {"train": "learn"}}), notes


def crop(data: bytes, detector: Detector) -> np.ndarray | None:
    """Return the face of a picture, uint8 (48, 48); None if there is none."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None or image.shape[:2] == (SIZE, SIZE):
        return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = image.shape[:2]
    faces = sorted(
        detector.detect(image),
        key=lambda face: np.hypot(
            face.box.left + face.box.width / 2 - width / 2, face.box.top + face.box.height / 2 - height / 2
        ),
    )
    return crops(image, faces[:1], SIZE)[0] if faces else None


def draw(faces: pd.DataFrame, classes: Sequence[str], seed: int, choose: bool) -> list[Images]:
    """Return the faces to learn from, to choose the epoch by and to test on. Nobody is in two of them."""
    left = faces[faces["split"] == "learn"].sample(frac=1, random_state=seed)
    parts: list[pd.DataFrame] = []
    for count in (VALIDATION // (1 + choose), LEARNT // (1 + choose)):
        part = left.groupby("emotion", sort=False).head(count)
        if len(part) < count * len(classes):
            raise InputError(f"found {dict(part['emotion'].value_counts())} faces left, expected {count} per class")
        parts.insert(0, part)
        left = left[~left["person"].isin(part["person"])]
    parts.append(left if choose else faces[faces["split"] == "test"])
    return [
        Images(np.stack(list(part["pixels"])), part["emotion"].map(classes.index).to_numpy(np.uint8), list(classes))
        for part in parts
    ]


def params_of(network: str, seed: int, changes: Mapping[str, Any]) -> Params:
    """Return the params of the recipe, with changes to train_cnn."""
    recipe = merge(read_params(Path("params.yaml")), read_params(Path("recipes/own_faces.yaml")))
    transfer = {"network": network, "transfer": {"weights": network}}
    own = {"base": {"seed": seed}, "train_cnn": merge(transfer, dict(changes))}
    return check(Params, merge(recipe, own), Path("recipes/own_faces.yaml"))


def train(learnt: Images, validation: Images, test: Images, params: Params) -> dict[str, float]:
    """Return the accuracy of a training, and the seconds that it took."""
    from mien.models.serialization import load_best
    from mien.training import cnn
    from mien.training.inputs import Inputs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with measured() as usage:
            learnt.save(folder, "train")
            validation.save(folder, "validation")
            (folder / "class_weights.json").write_text(json.dumps(dict.fromkeys(learnt.classes, 1.0)))
            inputs = Inputs.load(folder, folder, params.train_cnn)
            history = cnn.train(inputs, params, folder, checkpoints=folder / "checkpoints", on_epoch=lambda _: None)
        model, _ = load_best(folder)
    probabilities = model.predict(test.pixels, batch_size=256, verbose=0)
    return {
        "accuracy": accuracy(test, probabilities),
        "epochs": len(history),
        "cpu_seconds": usage.cpu_seconds,
        "seconds": usage.seconds,
    }


def as_it_is(network: str, test: Images) -> dict[str, float]:
    """Return the accuracy of a pretrained network, of whose answers only the classes of a test count."""
    classifier = FaceClassifier.from_pretrained(network)
    columns = [classifier.classes_.index(name) for name in test.classes]
    return {"accuracy": accuracy(test, classifier.predict_proba(test.pixels, calibrated=False)[:, columns])}


def accuracy(test: Images, probabilities: np.ndarray) -> float:
    """Return the mean of the recalls."""
    return float(balanced_accuracy_score(test.labels, probabilities.argmax(axis=1)))


def measure(
    faces: pd.DataFrame, classes: Sequence[str], network: str, seeds: int, *, choose: bool
) -> Iterator[dict[str, Any]]:
    """Yield one row per way and seed."""
    epochs = params_of(network, 0, {}).train_cnn.epochs * LONGER
    longer = {f"nothing, x {LONGER}": NOTHING | {"epochs": epochs, "patience": epochs}}
    for seed in range(seeds):
        ways = {"nothing": NOTHING, **({} if choose or seed else longer), "fine-tuned": {}}
        learnt, validation, test = draw(faces, classes, seed, choose)
        tested = {"tested": test.counts()}
        yield {"start": "as it is", "seed": seed, **as_it_is(network, test), **tested}
        for way, changes in ways.items():
            yield {
                "start": way,
                "seed": seed,
                **train(learnt, validation, test, params_of(network, seed, changes)),
                **tested,
            }


def summarize(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per way: mean and spread of the accuracy, and mean seconds."""
    table = pd.DataFrame(rows).groupby("start", sort=False)
    summary = table[["accuracy", "cpu_seconds", "seconds"]].mean()
    summary.insert(1, "spread", table["accuracy"].std())
    return summary.reset_index()


def write(
    path: Path, command: str, notes: Sequence[str], classes: Sequence[str], rows: list[dict[str, Any]], network: str
) -> None:
    """Write PATH.json with all rows, and PATH.md with the means."""
    summary = summarize(rows)
    accuracies = dict(zip(summary["start"], summary["accuracy"], strict=True))
    gain = accuracies["fine-tuned"] - accuracies["nothing"]
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "gain": round(gain, 4),
        "tested": rows[0]["tested"],
        "notes": notes,
        "summary": json.loads(summary.set_index("start").to_json(orient="index", double_precision=4)),
        "rows": json.loads(pd.DataFrame(rows).drop(columns="tested").to_json(orient="records", double_precision=4)),
    }
    text = json.dumps(figures, indent=2)
    path.with_suffix(".json").write_text(text + "\n")
    shown = pd.DataFrame(
        {
            "start": summary["start"],
            "accuracy": summary["accuracy"].map("{:.1%}".format),
            "± (seeds)": summary["spread"].map("{:.1%}".format).replace("nan%", ""),
            "CPU seconds": summary["cpu_seconds"].map("{:.0f}".format).replace("nan", ""),
            "seconds": summary["seconds"].map("{:.0f}".format).replace("nan", ""),
        }
    )
    tested = ", ".join(f"{count} {name}" for name, count in rows[0]["tested"].items())
    lines = [
        f"# {LEARNT + VALIDATION} faces per class: {', '.join(classes)}",
        f"Made by `{command}` on {len(os.sched_getaffinity(0))} cores. {network}, "
        f"{len({row['seed'] for row in rows})} seeds. Fine-tuning gains {gain * 100:.1f} points over nothing.",
        shown.to_markdown(index=False, colalign=["left", *["right"] * 4]),
        f"Accuracy is the mean of the recalls on the same test faces ({tested}). Seeds draw other faces to learn from, "
        "and other weights. Nothing was chosen on the test faces. Wall time is that of a machine that did other work "
        "beside it.",
        *notes,
    ]
    path.with_suffix(".md").write_text("\n\n".join(lines) + "\n")


@reports_input_errors
def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="a zip of [train|test/]CLASS/IMAGE.jpg")
    parser.add_argument("--classes", nargs="+", default=[], help="of the source (default: all)")
    parser.add_argument("--network", choices=get_args(PretrainedName), default="mien_small")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="test on faces of learners that were not drawn")
    arguments = parser.parse_args()
    faces, notes = read(arguments.source, arguments.classes)
    classes = arguments.classes or sorted(set(faces["emotion"]))
    rows = []
    for row in measure(faces, classes, arguments.network, arguments.seeds, choose=arguments.choose):
        rows.append(row)
        print({name: value for name, value in row.items() if name != "tested"}, file=sys.stderr, flush=True)
    if arguments.choose:
        print(summarize(rows).to_string(index=False, float_format="{:.3f}".format))
        return
    words = ["python benchmarks/fine_tuning.py", *sys.argv[1:]]
    write(
        REPORTS / f"{arguments.source.stem}-{arguments.network}", " ".join(words), notes, classes, rows,
        arguments.network,
    )  # fmt: skip


if __name__ == "__main__":
    main()
