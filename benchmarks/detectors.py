"""Count the faces that each detector finds in changed photos (tilted, shrunk, darkened, covered ..), and time it.

The true faces are those that YuNet finds in the unchanged photos. A detection matches a true face if their centres are
at most half a side apart and their sizes differ at most by a factor of two; all others are false.

    python benchmarks/detectors.py --pictures ../shared/datasets/media [--detectors yunet haar mtcnn]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from mien.inference.faces.detectors import Box, Detector, make_detector
from mien.inference.pictures.photo_files import SUFFIXES, read_photo

REPORT = Path("reports/benchmarks/detectors/README.md")
PHOTOS = [suffix for suffix in SUFFIXES if suffix != ".gif"]
SEED, REPEATS = 42, 10

TILTS = (-90, -45, -30, -15, 15, 30, 45, 90, 180)  # degrees
HEIGHTS = (48, 32, 24, 20)  # pixels


class Scene(NamedTuple):
    """A photo, its true faces, float (N, 3): the middles' x and y, and the sides; and which of them count."""

    image: np.ndarray
    faces: np.ndarray
    counted: Sequence[int]


def scene_of(image: np.ndarray, boxes: Sequence[Box]) -> Scene:
    """Return an untouched photo."""
    faces = np.array([(box.left + box.width / 2, box.top + box.height / 2, box.width) for box in boxes])
    return Scene(image, faces.reshape(-1, 3), range(len(boxes)))


def tilted(scene: Scene, degrees: float) -> Scene:
    """Turn a photo around its middle; nothing is cut off."""
    height, width = scene.image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    corners = cv2.transform(np.array([[[0, 0], [width, 0], [0, height], [width, height]]], float), matrix)[0]
    matrix[:, 2] -= corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0)).astype(int).tolist()
    image = cv2.warpAffine(scene.image, matrix, size, borderValue=(110, 110, 110))
    middles = scene.faces[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return Scene(image, np.column_stack([middles, scene.faces[:, 2]]), scene.counted)


def shrunk(scene: Scene, height: int) -> Iterator[Scene]:
    """Yield the photo once for each face, which then has this height."""
    for index, (_, _, side) in enumerate(scene.faces):
        scale = height / side
        image = cv2.resize(scene.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        yield Scene(image, scene.faces * scale, [index])


def covered(scene: Scene, area: tuple[float, float, float, float]) -> Scene:
    """Cover a part of each face: left, top, right, bottom as shares of its square."""
    image = scene.image.copy()
    for across, down, side in scene.faces:
        left, top, right, bottom = (round((share - 0.5) * side) for share in area)
        x, y = round(across), round(down)
        image[max(y + top, 0) : y + bottom, max(x + left, 0) : x + right] = (60, 50, 40)
    return scene._replace(image=image)


def changed(scene: Scene, change: Callable[[np.ndarray], np.ndarray]) -> Scene:
    """Change the values of the pixels, float32 (height, width, 3)."""
    image = change(scene.image.astype(np.float32))
    return scene._replace(image=np.clip(np.round(image), 0, 255).astype(np.uint8))


def noisy(image: np.ndarray, deviation: float = 25) -> np.ndarray:
    """Add normal noise."""
    return image + np.random.default_rng(SEED).normal(0, deviation, image.shape)


def compressed(scene: Scene) -> Scene:
    """Compress a photo as JPEG of quality 10."""
    _, data = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, 10])
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return scene._replace(image=np.asarray(image))


def grey(image: np.ndarray) -> np.ndarray:
    """Remove colours."""
    return np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)


def mirrored(scene: Scene) -> Scene:
    """Exchange left and right."""
    faces = scene.faces * (-1, 1, 1) + (scene.image.shape[1], 0, 0)
    return Scene(np.ascontiguousarray(scene.image[:, ::-1]), faces, scene.counted)


def variants(scene: Scene) -> dict[str, list[Scene]]:
    """Return the variants by name; one scene per face where it is shrunk."""
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "grey": grey,
        "dark": lambda image: 0.2 * image,
        "bright": lambda image: 1.2 * image + 70,
        "low contrast": lambda image: 0.2 * image + 100,
        "noisy": noisy,
        "dark and noisy": lambda image: noisy(0.3 * image, 12),
        "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), 4),
    }
    return {
        "untouched": [scene],
        "mirrored": [mirrored(scene)],
        **{f"tilted by {degrees:+} degrees": [tilted(scene, degrees)] for degrees in TILTS},
        **{f"{height} pixels high": list(shrunk(scene, height)) for height in HEIGHTS},
        **{name: [changed(scene, change)] for name, change in changes.items()},
        "JPEG, quality 10": [compressed(scene)],
        "eyes covered": [covered(scene, (0.0, 0.2, 1.0, 0.5))],
        "mouth covered": [covered(scene, (0.0, 0.6, 1.0, 1.1))],
        "half covered": [covered(scene, (0.5, -0.2, 1.1, 1.2))],
    }


def count(detector: Detector, scene: Scene) -> tuple[int, int]:
    """Return how many of the faces that count are found, and how many detections are false."""
    seen: set[int] = set()
    false = 0
    for box, _ in detector.detect(scene.image):
        middle = np.array([box.left + box.width / 2, box.top + box.height / 2])
        near = np.hypot(*(scene.faces[:, :2] - middle).T) <= 0.5 * scene.faces[:, 2]
        ratio = box.width / scene.faces[:, 2]
        matches = np.flatnonzero(near & (ratio >= 0.5) & (ratio <= 2))
        false += not len(matches)
        seen.update(matches.tolist())
    return len(seen & set(scene.counted)), false


def milliseconds(detector: Detector, image: np.ndarray) -> float:
    """Return the median time of a picture."""
    detector.detect(image)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        detector.detect(image)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def measure(scenes: Sequence[Scene], names: Sequence[str]) -> str:
    """Return the table in Markdown."""
    detectors = {name: make_detector(name) for name in names}
    rows: dict[str, dict[str, str]] = {}
    sums = dict.fromkeys(names, (0, 0))
    faces = 0
    tables = [variants(scene) for scene in scenes]
    for variant in tables[0]:
        row = {}
        total = sum(len(scene.counted) for table in tables for scene in table[variant])
        for name, detector in detectors.items():
            counts = [count(detector, scene) for table in tables for scene in table[variant]]
            found, false = (sum(column) for column in zip(*counts, strict=True))
            row[name] = f"{found}" + (f" + {false} false" if false else "")
            sums[name] = sums[name][0] + found, sums[name][1] + false
        faces += total
        rows[f"{variant}, of {total}"] = row
    rows[f"**all, of {faces}**"] = {name: f"**{found} + {false} false**" for name, (found, false) in sums.items()}
    largest = max((scene.image for scene in scenes), key=lambda image: image.size)
    picture = cv2.resize(largest, (640, 480), interpolation=cv2.INTER_AREA)
    times = {name: milliseconds(detector, picture) for name, detector in detectors.items()}
    rows["640x480, times as long as the first"] = {
        name: f"{taken / times[names[0]]:.1f}" for name, taken in times.items()
    }
    return str(pd.DataFrame.from_dict(rows, orient="index").to_markdown())


def main() -> None:
    """Read the command line, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of photos with upright faces")
    parser.add_argument("--detectors", nargs="+", default=["yunet", "haar", "mtcnn"])
    arguments = parser.parse_args()
    yunet = make_detector("yunet")
    photos = sorted(path for path in arguments.pictures.iterdir() if path.suffix.lower() in PHOTOS)
    images = [read_photo(path) for path in photos]
    scenes = [scene_of(image, [box for box, _ in yunet.detect(image)]) for image in images]
    table = measure(scenes, arguments.detectors)
    text = (
        "# Detectors\n\nFaces found in variants of photos, and false detections. Detectors have their default "
        "settings, so haar looks\nfor faces of at least 30 pixels. The ground truth is what YuNet finds in the "
        "unchanged photos, and its minimum scores\nwere chosen on these variants; both favour it. Made by `python "
        f"benchmarks/detectors.py --pictures FOLDER`, with {len(photos)} photos.\n\n{table}\n"
    )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
