"""Measure how fast videos of one moving face are read, compared with other ways in the same run. Writes a report.

The clips are made of the portrait that matplotlib ships: 640x480, and 4K. Each way reads the whole clip, decoding
included, with detection in every frame and in one of five. Ways take turns, so that a busy machine slows all of them;
the figures are medians of rounds. Beside frames per second stands the ratio to the first way of the clip:

- of 640x480, the way of before YuNet, 8-bit integers and the mirror image: haar, fp32, single answers
- of 4K, decoding alone

    python benchmarks/videos.py [--rounds 3] [--frames 90] [--frames-4k 15]
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib import cbook
from timing import in_turns, seconds

from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import multiplies_int8_fast
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.video.frames import open_video
from mien.inference.video.recording import Recorder
from mien.inference.video.tracker import FaceTracker

REPORT = Path("reports/benchmarks/videos/README.md")
RATE = 30.0  # frames a second
SEARCH_SIZE = 640  # pixels, as `mien video` searches

Way = Callable[[Path], None]


def frame_of(portrait: np.ndarray, index: int, width: int, height: int) -> np.ndarray:
    """Return a frame in which the portrait has moved to the right: uint8 (height, width, 3), BGR."""
    factor = height / portrait.shape[0]
    large = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    left = (60 + index % 100) * width // 640
    return cv2.copyMakeBorder(large, 0, 0, left, width - left - large.shape[1], cv2.BORDER_REPLICATE)


def write_clip(path: Path, frames: int, width: int, height: int) -> Path:
    """Write a clip of a face that moves."""
    portrait = cv2.imread(str(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    with Recorder(path, RATE) as recorder:
        for index in range(frames):
            recorder.write(frame_of(np.asarray(portrait), index, width, height), index / RATE)
    return path


def decode(path: Path) -> None:
    """Read the frames of a video, and nothing else."""
    with open_video(path) as source:
        for _ in source.frames():
            pass


def read(recognizer: EmotionRecognizer, detect_every: int, path: Path) -> None:
    """Read the faces of a video as `mien video` does."""
    tracker = FaceTracker(recognizer, detect_every)
    faces = 0
    with open_video(path) as source:
        for frame in source.frames():
            faces += len(tracker.update(frame.image, frame.seconds))
    if not faces:
        raise SystemExit("no face was found, so the time says nothing")


def rates(path: Path, frames: int, ways: Mapping[str, Way], rounds: int) -> pd.DataFrame:
    """Return frames per second of each way, and the ratio to the first; medians of rounds."""
    times = in_turns({name: partial(seconds, partial(way, path)) for name, way in ways.items()}, rounds)
    first = next(iter(times.values()))
    rows = {
        name: {
            "frames/s": frames / statistics.median(spent),
            "times the first": statistics.median(one / other for one, other in zip(first, spent, strict=True)),
        }
        for name, spent in times.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def recognizer(detector: str = "yunet", min_face: int | None = None) -> EmotionRecognizer:
    """Return what `mien video` reads with; of haar, what it read with before there was another detector."""
    if detector == "haar":
        plain = FaceClassifier.from_pretrained("mien")
        return EmotionRecognizer(plain, "haar", tta="none", search_size=SEARCH_SIZE)
    return EmotionRecognizer("mien", detector, search_size=SEARCH_SIZE, min_face=min_face)


def main() -> None:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=90, help="of the clip of 640x480")
    parser.add_argument("--frames-4k", type=int, default=15, help="of the clip in 4K")
    arguments = parser.parse_args()
    before, now, large = recognizer("haar"), recognizer(), recognizer(min_face=64)
    small_ways: dict[str, Way] = {
        "haar, fp32, detection in every frame": partial(read, before, 1),
        "default, detection in every frame": partial(read, now, 1),
        "haar, fp32, in one of five": partial(read, before, 5),
        "default, in one of five": partial(read, now, 5),
    }
    large_ways: dict[str, Way] = {
        "decoding alone": decode,
        "default, detection in every frame": partial(read, now, 1),
        "default, in one of five": partial(read, now, 5),
        "--min-face 64, in one of five": partial(read, large, 5),
    }
    with tempfile.TemporaryDirectory() as folder:
        small = write_clip(Path(folder, "small.mp4"), arguments.frames, 640, 480)
        uhd = write_clip(Path(folder, "4k.mp4"), arguments.frames_4k, 3840, 2160)
        tables = {
            "640x480": rates(small, arguments.frames, small_ways, arguments.rounds),
            "3840x2160": rates(uhd, arguments.frames_4k, large_ways, arguments.rounds),
        }
    precision = "int8" if multiplies_int8_fast() else "fp32"
    text = "# Videos of one face\n\nFrames per second, and how many times as many as the first way of the table. By "
    text += f"default, faces are found by YuNet,\nand read with their mirror image, here in {precision}. Made by "
    text += "`python benchmarks/videos.py`, which says more.\nWays took turns. Frames per second depend on the "
    text += "machine, here two CPU cores; the ratios hardly do.\n"
    for name, table in tables.items():
        text += f"\n## {name}\n\n{table.to_markdown(floatfmt=('', '.1f', '.2f'))}\n"
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
