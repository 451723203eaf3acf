"""YuNet, a small face detector (Wu, Peng & Yu 2023) run by OpenCV. Also finds tilted, turned and small faces."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien._io.checksums import sha256_of
from mien._io.errors import InputError
from mien.inference.faces.detectors import Box, Detection, distinct, intersection_over_union

_MODEL = "face_detection_yunet_2023mar.onnx"
_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_FOLDER = "mien_weights"  # tools/hatch_build.py installs it beside mien

# Scores, 0..1. An unsure face must also be found in the mirror image: real faces mostly are, a record on a wall is not
# (benchmarks/detectors.py: 279 of 299 found and 1 false; with a score of 0.7 and no mirror image, 278 and 6).
_MIN_SCORE, _SURE_SCORE = 0.6, 0.8
_MIN_MEAN_SCORE = 0.7  # score in both

# YuNet misses half of the heads that are tilted by 45 degrees, and takes the others for level, as it does with heads
# that lie on the side or stand upside down. If no score is that of an upright face, the rotated picture is searched,
# too, and only sure faces count there (benchmarks/detectors.py).
_UPRIGHT_SCORE = 0.9
_TURNS = (45.0, -45.0, 90.0, -90.0, 180.0)  # degrees, counter-clockwise
# a face that lies or stands upside down must be surer than an upright one at the same place, as it is much rarer: of
# 6,422 news photos, one was taken to be upside down without this
_HANDICAP, _LYING = 0.02, 90.0  # of the score, from so many degrees
_MIN_FACE = 24  # pixels, where no other height is given
_MIN_HEIGHT = 16  # pixels; YuNet misses some smaller faces
_MIN_SIDE = 64  # pixels; in smaller pictures YuNet finds faces of any size
_TILE = 960  # pixels; YuNet was trained on smaller pictures; above, it is slow and warns
_OVERLAP = 0.3  # IoU above which two boxes are the same face

_SIDE, _DOWN = 0.97, 0.03  # shares of the box's height: side of FER2013's square, and its shift upwards


class YuNetDetector:
    """Finds faces by YuNet. Large pictures are searched first at a reduced size, then in tiles.

    If no face is surely upright, the picture is also searched rotated by 45 and 90 degrees to both sides, and upside
    down.

    Attributes:
        search_size: pixels; a picture with a longer side is searched at this size first.
        min_face: pixels; lower faces are left out. None: the search is made for faces of 24 pixels, which show an
            emotion, as 16 hardly do, and smaller ones that it finds are kept.
    """

    def __init__(self, search_size: int = 640, min_face: int | None = None) -> None:
        """Load the weights. Raises InputError if they are not installed or damaged."""
        self.search_size, self.min_face = search_size, min_face
        self._network = cv2.FaceDetectorYN.create(str(_weights()), "", (320, 320), _MIN_SCORE, _OVERLAP)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; OpenCV's objects cannot be pickled."""
        return type(self), (self.search_size, self.min_face)

    def detect(self, image: np.ndarray) -> list[Detection]:
        """See `Detector`."""
        smallest = self.min_face or 0
        if smallest > max(image.shape[:2]):
            return []
        searches = self._upright_searches(image)
        if max(rows[:, 14].max(initial=0.0) for rows in searches) < _UPRIGHT_SCORE:
            searches += [self._search_turned(image, degrees) for degrees in _TURNS]
        return [detection for detection in _detections(searches) if detection.box.height >= smallest]

    def _upright_searches(self, image: np.ndarray) -> list[np.ndarray]:
        max_side, fine = max(image.shape[:2]), min(_MIN_HEIGHT / (self.min_face or _MIN_FACE), 1.0)
        if max_side * fine <= self.search_size:  # small enough to find all faces at once
            return [self._search(image, fine)]
        coarse = min(self.search_size / max_side, 1.0)
        searches = [self._search(image, coarse)]
        if coarse < fine:
            margin = round(2 * _MIN_HEIGHT / coarse)  # twice the largest face that the first search misses
            tiles = _tiles(image, round(_TILE / fine), margin)
            searches += [self._search(tile, fine, corner) for corner, tile in tiles]
        return searches

    def _search_turned(self, image: np.ndarray, degrees: float) -> np.ndarray:
        """Return the sure faces of the rotated picture, see `_search`. Boxes stay upright squares."""
        scale = min(self.search_size / max(image.shape[:2]), 1.0)
        small = _scaled(image, scale)
        to_turned, size = _turn(small.shape[1], small.shape[0], degrees, self.search_size)
        rows = self._run(cv2.warpAffine(small, to_turned, size, flags=cv2.INTER_AREA))
        rows = rows[rows[:, 14] >= _SURE_SCORE]
        if not len(rows):
            return rows
        if abs(degrees) >= _LYING:
            rows[:, 14] -= _HANDICAP
        back = cv2.invertAffineTransform(to_turned) / scale
        middles = cv2.transform((rows[:, :2] + rows[:, 2:4] / 2)[None], back)[0]
        rows[:, 2:4] *= np.hypot(*back[:, 0])
        rows[:, :2] = middles - rows[:, 2:4] / 2
        rows[:, 4:14] = cv2.transform(rows[:, 4:14].reshape(1, -1, 2), back).reshape(-1, 10)
        return rows

    def _search(self, image: np.ndarray, scale: float, corner: tuple[int, int] = (0, 0)) -> np.ndarray:
        """Return faces, float32 (N, 15): box, five landmarks, score, in pixels of the picture that has `corner`."""
        small = _scaled(image, scale)
        rows = self._confirmed(small, self._run(small))
        rows[:, :14] = rows[:, :14] / scale
        rows[:, [0, *range(4, 14, 2)]] += corner[0]
        rows[:, [1, *range(5, 14, 2)]] += corner[1]
        return rows

    def _confirmed(self, image: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the faces that are sure or also found in the mirror image."""
        if (rows[:, 14] >= _SURE_SCORE).all():
            return rows
        mirrored = self._run(np.ascontiguousarray(image[:, ::-1]))
        mirrored[:, 0] = image.shape[1] - mirrored[:, 0] - mirrored[:, 2]
        return np.array([row for row in rows if _is_face(row, mirrored)], np.float32).reshape(-1, 15)

    def _run(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        if min(height, width) < _MIN_SIDE:
            beyond = max(_MIN_SIDE - height, 0), max(_MIN_SIDE - width, 0)
            image = cv2.copyMakeBorder(image, 0, beyond[0], 0, beyond[1], cv2.BORDER_REPLICATE)
        self._network.setInputSize(image.shape[1::-1])
        _, rows = self._network.detect(image)
        if rows is None:
            return np.empty((0, 15), np.float32)
        middles = rows[:, :2] + rows[:, 2:4] / 2
        is_inside = ((middles >= 0) & (middles < (width, height))).all(axis=1)
        return rows[is_inside & np.isfinite(rows).all(axis=1)]  # for flat pictures, some may not be numbers


def _is_face(row: np.ndarray, mirrored: np.ndarray) -> bool:
    if row[14] >= _SURE_SCORE:
        return True
    other = max((float(twin[14]) for twin in mirrored if intersection_over_union(row, twin) > _OVERLAP), default=0.0)
    return (float(row[14]) + other) / 2 >= _MIN_MEAN_SCORE


def _weights() -> Path:
    spec = find_spec(_FOLDER)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder, _MODEL)).is_file():
            actual = sha256_of(path)
            if actual != _SHA256:
                raise InputError(
                    f"{path}: found SHA-256 {actual[:12]}, expected {_SHA256[:12]}: damaged, install mien again"
                )
            return path
    raise InputError(
        f"{_MODEL}: not found beside mien, expected an installed mien: pip install . (or --editable .) puts it there"
    )


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return image
    if min(image.shape[:2]) * scale < 1:  # a line, which OpenCV would shrink to nothing
        image = cv2.resize(image, (max(image.shape[1], round(1 / scale)), max(image.shape[0], round(1 / scale))))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _turn(width: int, height: int, degrees: float, max_side: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the rotation of a picture, float64 (2, 3), and the size of the result, no side longer than `max_side`."""
    matrix = cv2.getRotationMatrix2D((0, 0), degrees, 1)
    corners = cv2.transform(np.array([[[0, 0], [width, 0], [0, height], [width, height]]], np.float64), matrix)[0]
    matrix[:, 2] = -corners.min(axis=0)
    sides = np.ptp(corners, axis=0)
    scale = min(max_side / float(sides.max()), 1.0)
    across, down = np.ceil(sides * scale).astype(int).tolist()
    return matrix * scale, (across, down)


def _tiles(image: np.ndarray, side: int, margin: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Yield tiles of a picture with their corners (left, top). Neighbours share `margin` pixels, at most half."""
    margin = min(margin, side // 2)  # in a panorama, the first search misses faces as large as a tile
    height, width = image.shape[:2]
    step = side - margin
    for top in range(0, max(height - margin, 1), step):
        for left in range(0, max(width - margin, 1), step):
            yield (left, top), image[top : top + side, left : left + side]


def _detections(searches: Sequence[np.ndarray]) -> list[Detection]:
    """Return the faces of several searches, each once: the surest of overlapping boxes."""
    kept: list[np.ndarray] = []
    rows = np.concatenate(searches)
    for row in rows[np.argsort(-rows[:, 14], kind="stable")]:
        if not any(intersection_over_union(row, other) > _OVERLAP for other in kept):
            kept.append(row)
    return distinct([Detection(_square(row), row[4:14].reshape(5, 2)) for row in kept])


def _square(row: np.ndarray) -> Box:
    """Return the square of a face like FER2013's crops, from YuNet's upright, tight box.

    Measured on faces that both YuNet and the Haar cascade find.
    """
    left, top, width, height = row[:4].tolist()
    side = max(round(_SIDE * height), 1)
    middle = left + width / 2, top + height / 2 - _DOWN * height
    return Box(round(middle[0] - side / 2), round(middle[1] - side / 2), side, side)
