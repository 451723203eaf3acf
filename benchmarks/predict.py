"""Measure how fast faces are read, beside the package `fer` in the same run where an environment with it is named.

One 48x48 face on one core; a photo from a cold process; detection and classification of a 640x480 photo beside the
bare detector: medians. 640x480 video with one moving face: the mean rate of a file, and the share of frames that are
ready in time where a camera gives 30 a second. The photo is the portrait that matplotlib ships. With labelled faces,
also accuracy on their test split (FER2013's PrivateTest), or validation (PublicTest) where there is none, and a plot of
accuracy against time.

    python benchmarks/predict.py [--model NAME=FOLDER ..] [--peer PYTHON] [--faces fer2013.csv --plot speed.png]

Each model is timed alone, so that none cools the caches for another, as the peer's are in their own process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from matplotlib import cbook
from matplotlib.figure import Figure

from mien import plots
from mien.data.convert import convert
from mien.inference.annotate import annotate_faces
from mien.inference.face_classifier import FaceClassifier
from mien.inference.pretrained import FACE_NETWORKS
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.tracker import FaceTracker

WIDTH, HEIGHT = 640, 480
FRAMES = 150
RATE = 30.0  # frames a second
STARTS = 5
PEER = Path(__file__).with_name("fer_peer.py")
FER_LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def photo(shift: int = 0) -> np.ndarray:
    """Return the portrait, moved to the right by some pixels: uint8 (480, 640, 3), BGR."""
    portrait = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    small = cv2.resize(portrait, None, fx=HEIGHT / portrait.shape[0], fy=HEIGHT / portrait.shape[0])
    left = 60 + shift
    return cv2.copyMakeBorder(small, 0, 0, left, WIDTH - left - small.shape[1], cv2.BORDER_REPLICATE)


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians_ms(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median time of each action in milliseconds; they take turns, after some rounds to warm up."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    warm = repeats // 10 + 3
    for _ in range(repeats + warm):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return {name: 1000 * statistics.median(per_call[warm:]) for name, per_call in times.items()}


def faces_on_one_core(models: dict[str, Path], repeats: int, faces: Path | None) -> dict[str, dict[str, float]]:
    """Return for each model the milliseconds for one face, and, where there are labelled faces, its accuracy."""
    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    predictors = {name: FaceClassifier.from_pretrained(folder, threads=1) for name, folder in models.items()}
    spent = {
        name: medians_ms({name: partial(each.predict_proba, face)}, repeats)[name] for name, each in predictors.items()
    }
    figures = {name: {"ms": ms} for name, ms in spent.items()}
    if faces:
        with np.load(faces, allow_pickle=False) as table:
            for name, predictor in predictors.items():
                numbers = np.array([FER_LABELS.index(emotion) for emotion in predictor.classes_])
                answers = numbers[predictor.predict_proba(table["images"]).argmax(axis=1)]
                figures[name]["accuracy"] = float((answers == table["labels"]).mean())
    return figures


def write_faces(source: Path, path: Path) -> str:
    """Write the test split of labelled images, else validation; the labels count in FER2013's order. Return which."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "faces.npz")
        convert(source, whole, 48)
        with np.load(whole, allow_pickle=False) as table:
            split = "test" if (table["splits"] == "test").any() else "validation"
            chosen = table["splits"] == split
            numbers = np.array([FER_LABELS.index(emotion) for emotion in table["classes"]])
            np.savez(path, images=table["images"][chosen], labels=numbers[table["labels"][chosen]])
    return split


def cold_start(command: list[str]) -> float:
    """Return the median seconds of a whole process."""
    return statistics.median(
        seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(STARTS)
    )


def answered(command: list[str]) -> Any:
    """Return the JSON that a command prints."""
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def bare(detector: str) -> Callable[[np.ndarray], object]:
    """Return a detector as its library has it."""
    if detector == "haar":
        cascade = cv2.CascadeClassifier(
            str(Path(cv2.__file__).with_name("data") / "haarcascade_frontalface_default.xml")
        )
        return lambda image: cascade.detectMultiScale(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(30, 30))
    from mien.models.keras_backend import keras  # noqa: F401  (quiet, and before TensorFlow)
    from mtcnn import MTCNN  # isort: skip

    network = MTCNN()
    return lambda image: network.detect_faces(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def shown(tracker: FaceTracker, frame: np.ndarray, at: float) -> np.ndarray:
    """Return a frame of a video as it is shown, with boxes and labels. at: seconds."""
    return annotate_faces(frame, [track.face for track in tracker.update(frame, at)])


def of_detectors(detectors: list[str], repeats: int) -> Iterator[dict[str, Any]]:
    """Yield for each detector what a photo takes, beside the detector alone, and the frames per second of a video."""
    image = photo()
    clip = [photo(shift) for shift in range(FRAMES)]
    for name in detectors:
        reader = EmotionRecognizer(detector=name)
        spent = medians_ms({"bare": partial(bare(name), image), "read": partial(reader.predict_bgr, image)}, repeats)
        of_video = EmotionRecognizer(reader.classifier, name, search_size=WIDTH)
        waiting = of_frames(FaceTracker(of_video), clip)
        with ThreadPoolExecutor(1) as executor:
            live = of_frames(FaceTracker(of_video, background=executor), clip, rate=RATE)
        yield {
            "detector": name,
            "bare, ms": spent["bare"],
            "mien, ms": spent["read"],
            "times the bare": spent["read"] / spent["bare"],
            "video, frames/s": FRAMES / sum(waiting),
            "webcam, frames in time": sum(spent <= 1 / RATE for spent in live) / FRAMES,
            "slowest, ms": 1000 * max(live),
        }


def of_frames(tracker: FaceTracker, clip: list[np.ndarray], rate: float = 0) -> list[float]:
    """Return the seconds that each frame of a clip takes, after five to warm up. rate: at which a camera gives them."""
    spent = []
    for at, frame in enumerate([*clip[:5], *clip]):
        spent.append(seconds(partial(shown, tracker, frame, at / RATE)))
        if rate:
            time.sleep(max(1 / rate - spent[-1], 0))
    return spent[5:]


def plot(classifiers: pd.DataFrame, split: str, path: Path) -> None:
    """Draw accuracy against time."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, row in classifiers.iterrows():
        axes.scatter(row["ms"], row["accuracy"], color="#b5541c" if str(name).startswith("fer,") else "#1f3b57")
        axes.annotate(str(name), (row["ms"], row["accuracy"]), xytext=(6, 4), textcoords="offset points")
    axes.set(title="One 48x48 face on one core", xlabel="milliseconds", ylabel=f"accuracy on {split}", xscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(0.2)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    plots.save(figure, path)


def named_folder(word: str) -> tuple[str, Path]:
    """Return name and folder of NAME=FOLDER."""
    name, _, folder = word.partition("=")
    return name, Path(folder)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        type=named_folder,
        metavar="NAME=FOLDER",
        help="beside the pretrained ones",
    )
    parser.add_argument("--detectors", nargs="*", default=["haar", "mtcnn"], help="(default: haar mtcnn)")
    parser.add_argument("--repeats", type=int, default=50, help="calls of each action (default: 50)")
    parser.add_argument("--peer", metavar="PYTHON", help="of an environment with the package fer, see fer_peer.py")
    parser.add_argument("--faces", type=Path, help="labelled faces, such as fer2013.csv, for accuracy")
    parser.add_argument("--plot", type=Path, help="where to draw accuracy against time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        picture, faces, split = Path(scratch, "photo.png"), None, ""
        cv2.imwrite(str(picture), photo())
        if arguments.faces:
            split = write_faces(arguments.faces, faces := Path(scratch, "faces.npz"))
        classifiers = faces_on_one_core({**FACE_NETWORKS, **dict(arguments.model)}, 10 * arguments.repeats, faces)
        mien = cold_start([str(Path(sys.executable).with_name("mien")), "image", str(picture)])
        detectors = pd.DataFrame(of_detectors(arguments.detectors, arguments.repeats))
        starts = f"cold start, mien image, haar: {mien:.2f} s"
        if arguments.peer:
            peer = [arguments.peer, str(PEER)]
            slow = cold_start([*peer, "read", str(picture)])
            starts += f"\ncold start, fer, haar: {slow:.2f} s, {slow / mien:.1f} times as long"
            of_faces = ["classify", str(10 * arguments.repeats), *([str(faces)] if faces else [])]
            classifiers |= answered(["taskset", "--cpu-list", "0", *peer, *of_faces])
            of_photo = answered([*peer, "detect", str(arguments.repeats), str(picture)])
            detectors["fer, ms"] = detectors["detector"].map(of_photo)
    table = pd.DataFrame(classifiers).T
    print(f"one 48x48 face, one core\n{table.to_string(float_format='{:.3f}'.format)}\n")
    print(starts)
    print(f"\n640x480, warm\n{detectors.to_string(index=False, float_format='{:.2f}'.format)}")
    if arguments.plot and "accuracy" in table:
        plot(table, split, arguments.plot)


if __name__ == "__main__":
    main()
