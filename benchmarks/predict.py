"""Measure how fast faces are read; with --peer, in the same run also by the package `fer`.

The CPU time of one 48x48 face on one core; a photo from a cold process; detection and classification of a 640x480 photo
beside the bare detector: medians. 640x480 video with one moving face: the mean rate of a file, and the share of frames
that are ready in time where a camera gives 30 a second. The photo is the portrait that matplotlib ships. With labelled
faces, also accuracy on their test split (FER2013's PublicTest or PrivateTest), or on validation if there is none,
and a plot of accuracy against time.

    python benchmarks/predict.py [--model NAME=FOLDER ..] [--peer PYTHON] [--faces fer2013.zip --output FOLDER]

Each model is timed alone, so that none cools the caches for another, as the peer's are in their own process. The
pretrained networks are measured as `mien image` uses them by default (8-bit integers where the CPU is fast at those,
the mirror image of each face), and in other ways. FOLDER gets speed.png and figures.json, from which the tables of
README and docs are filled; figures of other parts stay. `python benchmarks/predict.py --redraw --output FOLDER` draws
the plot from figures.json.
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
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
from matplotlib import cbook
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import PercentFormatter
from matplotlib.transforms import Bbox
from timing import cpu_seconds, in_turns, seconds

from mien.data import fer2013
from mien.data.convert import convert
from mien.emotions import FER2013
from mien.inference.annotate import annotate_faces
from mien.inference.faces.detectors import make_detector
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS, Precision
from mien.inference.networks.tta import Tta
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.video.tracker import FaceTracker
from mien.plots.png import save_png

WIDTH, HEIGHT = 640, 480
FRAMES = 150
RATE = 30.0  # frames a second
STARTS = 5
PARTS = ("networks", "peer", "start", "detectors")
PEER = Path(__file__).with_name("fer_peer.py")


def photo(shift: int = 0) -> np.ndarray:
    """Return the portrait, moved to the right by some pixels: uint8 (480, 640, 3), BGR."""
    portrait = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    small = cv2.resize(portrait, None, fx=HEIGHT / portrait.shape[0], fy=HEIGHT / portrait.shape[0])
    left = 60 + shift
    return cv2.copyMakeBorder(small, 0, 0, left, WIDTH - left - small.shape[1], cv2.BORDER_REPLICATE)


def medians_ms(
    actions: dict[str, Callable[[], object]], repeats: int, timer: Callable[[Callable[[], object]], float] = seconds
) -> dict[str, float]:
    """Return the median time of each action in milliseconds; they take turns, after some rounds to warm up."""
    timed = {name: partial(timer, action) for name, action in actions.items()}
    times = in_turns(timed, repeats, warm_up=repeats // 10 + 3)
    return {name: 1000 * statistics.median(per_call) for name, per_call in times.items()}


class Reading(NamedTuple):
    """A network, and how it reads a face."""

    model: str | Path
    precision: Precision
    tta: Tta


#: By label in tables; the first of a network is what `mien image` does by default.
READINGS = {
    label: Reading(network, precision, tta)
    for network in FACE_NETWORKS
    for label, precision, tta in (
        (network, "auto", "mirror"),
        (f"{network}, int8, once", "int8", "none"),
        (f"{network}, fp32, once", "fp32", "none"),
        (f"{network}, fp32, mirror", "fp32", "mirror"),
        (f"{network}, fp32, ten", "fp32", "ten"),
    )
}


#: Left out of the plot, where they would lie on others.
NOT_DRAWN = [f"{network}, fp32, {way}" for network in FACE_NETWORKS for way in ("once", "mirror")] + [
    "mien_small, fp32, ten"
]


def faces_on_one_core(readings: dict[str, Reading], repeats: int, faces: Path | None) -> dict[str, dict[str, float]]:
    """Return for each reading the milliseconds for one face, and, where there are labelled faces, its accuracy."""
    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    figures = {}
    for name, (model, precision, tta) in readings.items():
        classifier = FaceClassifier.from_pretrained(model, precision=precision, threads=1)
        predict = partial(classifier.predict_proba, tta=tta)
        figures[name] = {"ms": medians_ms({name: partial(predict, face)}, repeats, cpu_seconds)[name]}
        if faces:
            with np.load(faces, allow_pickle=False) as table:
                numbers = np.array([FER2013.index(emotion) for emotion in classifier.classes_])
                right = numbers[predict(table["images"]).argmax(axis=1)] == table["labels"]
                figures[name] |= accuracies(right, table["leaks"])
    return figures


def accuracies(right: np.ndarray, leaks: np.ndarray) -> dict[str, float]:
    """Return the accuracy on all images, and on those that are in no other split. right, leaks: bool (N,)."""
    return {"accuracy": float(right.mean()), "accuracy_without_leaks": float(right[~leaks].mean())}


def write_faces(source: Path, path: Path) -> dict[str, Any]:
    """Write the test split of labelled images, else validation; labels count in FER2013's order. Return its name."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "faces.npz")
        convert(source, whole, 48)
        with np.load(whole, allow_pickle=False) as table:
            split = "test" if (table["splits"] == "test").any() else "validation"
            images, chosen = table["images"], table["splits"] == split
            others = {image.tobytes() for image in images[~chosen]}
            leaks = np.array([image.tobytes() in others for image in images[chosen]])
            numbers = np.array([FER2013.index(emotion) for emotion in table["classes"]])
            labels = numbers[table["labels"][chosen]]
            np.savez(path, images=images[chosen], labels=labels, leaks=leaks)
    counts = tuple(np.bincount(labels, minlength=len(FER2013)).tolist())
    official = [name for name in fer2013.COUNTS if fer2013.COUNTS[name] == counts]
    return {"split": official[0] if official else split, "images": len(labels), "leaks": int(leaks.sum())}


def cold_start(command: list[str]) -> float:
    """Return the median seconds of a whole process."""
    return statistics.median(
        seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(STARTS)
    )


def answered(command: list[str]) -> Any:
    """Return the JSON that a command prints."""
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])


def bare(detector: str) -> Callable[[np.ndarray], object]:
    """Return a detector as its library has it; YuNet is already bare."""
    if detector == "yunet":
        return make_detector("yunet").detect
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
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes, labels = figure.subplots(), []
    for name, row in classifiers.drop(index=[*NOT_DRAWN], errors="ignore").iterrows():
        is_peer = str(name).startswith("fer,")
        is_default = str(name) in FACE_NETWORKS
        axes.scatter(row["ms"], row["accuracy"], s=60 if is_default else 30, color="#b5541c" if is_peer else "#1f3b57")
        style = {"textcoords": "offset points", "weight": "bold" if is_default else "normal", "size": 9}
        labels.append(axes.annotate(str(name), (row["ms"], row["accuracy"]), (6, 4), **style))
    axes.set(title="One 48x48 face on one core", xlabel="milliseconds", ylabel=f"accuracy on {split}", xscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.margins(x=0.25, y=0.15)
    axes.grid(alpha=0.3)
    place_apart(labels, figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(figure, path)


def place_apart(labels: list[Annotation], figure: Figure) -> None:
    """Put each label at the side of its point where it covers no point and no other label and stays inside the axes."""
    figure.draw_without_rendering()
    axes = figure.axes[0]
    frame = axes.bbox
    points = axes.transData.transform([label.xy for label in labels])
    taken = [Bbox([point - 4, point + 4]) for point in points]
    sides = [(x, y, align) for x, align in ((6, "left"), (-6, "right")) for y in (4, -12)]
    for label in labels:
        for x, y, align in sides:
            label.set(position=(x, y), ha=align)
            box = label.get_window_extent()
            if box.x0 > frame.x0 and box.x1 < frame.x1 and not box.count_overlaps(taken):
                break
        taken.append(box)


def redraw(folder: Path) -> None:
    """Draw FOLDER/speed.png from FOLDER/figures.json."""
    figures = json.loads((folder / "figures.json").read_text())
    plot(pd.DataFrame(figures["classifiers"]).T, figures["faces"]["split"], folder / "speed.png")


def rounded(figures: Any) -> Any:
    """Return figures with 4 significant digits."""
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


def measure(arguments: argparse.Namespace, scratch: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of one part after the other."""
    picture, labelled = scratch / "photo.png", None
    cv2.imwrite(str(picture), photo())
    if arguments.faces:
        yield {"faces": write_faces(arguments.faces, labelled := scratch / "faces.npz")}
    peer = [arguments.peer, str(PEER)] if arguments.peer else []
    if "networks" in arguments.parts:
        others = {name: Reading(folder, "auto", "mirror") for name, folder in arguments.model}
        yield {"classifiers": faces_on_one_core(READINGS | others, 10 * arguments.repeats, labelled)}
    if "peer" in arguments.parts and peer:
        of_faces = ["classify", str(10 * arguments.repeats), *([str(labelled)] if labelled else [])]
        yield {"classifiers": answered(["taskset", "--cpu-list", "0", *peer, *of_faces])}
    if "start" in arguments.parts:
        mien = [str(Path(sys.executable).with_name("mien")), "image", str(picture)]
        yield {"start_seconds": {"mien": cold_start(mien)}}
        if peer:
            yield {"start_seconds": {"fer": cold_start([*peer, "read", str(picture)])}}
    if "detectors" in arguments.parts:
        for row in of_detectors(arguments.detectors, arguments.repeats):
            yield {"detectors": {row["detector"]: row}}
        if peer:
            names = [name for name in arguments.detectors if name != "yunet"]
            of_photo = answered([*peer, "detect", str(arguments.repeats), str(picture), *names])
            yield {"detectors": {name: {"fer, ms": ms} for name, ms in of_photo.items()}}


def merged(old: Any, new: Any) -> Any:
    """Return figures, of which new ones replace old ones."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {name: merged(old.get(name), value) for name, value in new.items()}
    return new


def show(figures: dict[str, Any]) -> None:
    """Print the tables."""
    table = pd.DataFrame(figures.get("classifiers", {})).T
    print(f"one 48x48 face, one core\n{table.to_string(float_format='{:.4f}'.format)}\n")
    print("seconds of a whole process, one photo:", figures.get("start_seconds"))
    print(f"\n640x480, warm\n{pd.DataFrame(figures.get('detectors', {})).T.to_string(index=False)}")


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
    detectors = ["yunet", "haar", "mtcnn"]
    parser.add_argument("--detectors", nargs="*", default=detectors, help="(default: yunet haar mtcnn)")
    parser.add_argument("--repeats", type=int, default=50, help="calls of each action (default: 50)")
    parser.add_argument("--peer", metavar="PYTHON", help="of an environment with the package fer, see fer_peer.py")
    parser.add_argument("--faces", type=Path, help="labelled faces, such as fer2013.csv, for accuracy")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write figures.json and speed.png")
    parser.add_argument("--redraw", action="store_true", help="draw speed.png from figures.json, measure nothing")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="what to measure (default: all)")
    arguments = parser.parse_args()
    kept = arguments.output / "figures.json" if arguments.output else None
    figures = json.loads(kept.read_text()) if kept and kept.exists() else {}
    if not arguments.redraw:
        with tempfile.TemporaryDirectory() as scratch:
            for part in measure(arguments, Path(scratch)):
                figures = merged(figures, rounded(part))
                if kept:  # at once: another part may fail
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(figures, indent=2) + "\n")
        show(figures)
    if arguments.output and "faces" in figures:
        redraw(arguments.output)


if __name__ == "__main__":
    main()
