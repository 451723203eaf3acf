"""Changes of a picture that leave the emotion of its face as it is, for behavioural tests and benchmarks/robustness.py.

Lengths are in units of the distance between the eyes, so that a change is the same in a crop and in a photo.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

#: A change takes uint8 (height, width) or (height, width, 3) and the eyes, float (2, 2), x and y of both, the left one
#: in the picture first; it returns a picture of the same shape, and leaves its argument as it is.
Change = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: Eyes in crops of 48 pixels, as in `mien.inference.faces.alignment`: medians of FER2013's.
EYES_OF_CROPS = np.array([[14.8, 18.5], [32.5, 19.1]])

_FINE = 8  # glasses are drawn so many times as large, then averaged
_INK = 30  # the grey level of frames and dark lenses
_FRAME, _WIDTH, _HEIGHT, _TEMPLE = 0.09, 0.4, 0.34, 1.0  # thickness, half axes of a lens, length beyond it


def mirror(image: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def shift(image: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Move it right and down; its edge is repeated. By 2 pixels of a crop of 48."""
    length = round(2 / _distance(EYES_OF_CROPS) * _distance(eyes))
    return _warped(image, np.array([[1.0, 0, length], [0, 1.0, length]]))


def scaled(gain: float) -> Change:
    """Return a change of all grey levels: as with less or more light, clipped at white."""
    return lambda image, _: np.clip(image * gain, 0, 255).round().astype(np.uint8)


def flatten(image: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Leave 40 % of the contrast, around the middle grey."""
    return (127.5 + 0.4 * (image - 127.5)).round().astype(np.uint8)


def jpeg(quality: int) -> Change:
    def change(image: np.ndarray, _: np.ndarray) -> np.ndarray:
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))

    return change


def tilted(degrees: float) -> Change:
    """Return a rotation around the middle of the face."""

    def change(image: np.ndarray, eyes: np.ndarray) -> np.ndarray:
        x, y = eyes.mean(axis=0)
        return _warped(image, cv2.getRotationMatrix2D((x, y + 0.4 * _distance(eyes)), degrees, 1))

    return change


def blur(image: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Blur it, by a Gaussian of 1 pixel in a crop of 48."""
    return cv2.GaussianBlur(image, (0, 0), _distance(eyes) / _distance(EYES_OF_CROPS))


def add_noise(image: np.ndarray, _: np.ndarray) -> np.ndarray:
    """Add noise of 10 grey levels, always the same."""
    noise = np.random.default_rng(0).normal(0, 10, image.shape[:2])
    return np.clip(image + noise.reshape(*noise.shape, *[1] * (image.ndim - 2)), 0, 255).round().astype(np.uint8)


def glasses(*, dark: bool) -> Change:
    """Return a change that draws glasses on, with clear or dark lenses."""

    def change(image: np.ndarray, eyes: np.ndarray) -> np.ndarray:
        cover = _glasses(image.shape[:2], eyes, dark)
        cover = cover.reshape(*cover.shape, *[1] * (image.ndim - 2))
        return (image * (1 - cover) + _INK * cover).round().astype(np.uint8)

    return change


def _glasses(shape: tuple[int, ...], eyes: np.ndarray, dark: bool) -> np.ndarray:
    """Return how much of each pixel glasses cover, float (height, width), 0..1."""
    unit = _distance(eyes) * _FINE
    large = np.zeros((shape[0] * _FINE, shape[1] * _FINE), np.uint8)
    points = (eyes + 0.5) * _FINE
    along = (points[1] - points[0]) / unit
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    axes = (round(_WIDTH * unit), round(_HEIGHT * unit))
    thickness = max(round(_FRAME * unit), 1)
    for point, outwards in zip(points, (-along, along), strict=True):
        cv2.ellipse(large, _pixel(point), axes, angle, 0, 360, 255, cv2.FILLED if dark else thickness)
        for direction, length in ((outwards, _TEMPLE), (-outwards, 0.5)):  # the temple, and half of the bridge
            start, end = point + direction * _WIDTH * unit, point + direction * length * unit
            cv2.line(large, _pixel(start), _pixel(end), 255, thickness)
    return cv2.resize(large, shape[::-1], interpolation=cv2.INTER_AREA) / 255.0


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _distance(eyes: np.ndarray) -> float:
    return float(np.hypot(*(eyes[1] - eyes[0])))


def _warped(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


#: The name of the picture as it is, in figures beside those of CHANGES.
UNCHANGED = "unchanged"
#: All changes by name.
CHANGES: Mapping[str, Change] = {
    "mirrored": mirror,
    "shifted by 4 %": shift,
    "half as bright": scaled(0.5),
    "half as bright again": scaled(1.5),
    "40 % of the contrast": flatten,
    "JPEG of quality 20": jpeg(20),
    "noise of 10 grey levels": add_noise,
    "blurred": blur,
    "tilted by 10°": tilted(10),
    "tilted by 20°": tilted(20),
    "glasses": glasses(dark=False),
    "sunglasses": glasses(dark=True),
}
