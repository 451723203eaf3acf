"""Measure how sharp augmented images are compared with the faces they are made of, and whether that costs accuracy.

First, the power by spatial frequency (cycles per pixel) of augmented images, for each interpolation, as a share of the
power of the standardized faces themselves, and the time per view. Then, accuracy and log loss of networks on the same
faces with a little blur: a network that does better on blurred faces was trained on images blurrier than the faces.
The same for faces that are enlarged around their middle: random zooms in training may make another size the best one
(Touvron et al. 2019, "Fixing the train-test resolution discrepancy").

    python benchmarks/sharpness.py [--folder data/fer] [--split validation] [--models mien mien_small models/cnn]
        [--tta mirror]
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pandas as pd
from timing import measured

from mien.config import Augmentation
from mien.data.arrays import Images
from mien.data.augment import augment
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.tta import Tta

INTERPOLATIONS = ("linear", "cubic")
BANDS = {"below 0.15": (0.02, 0.15), "0.15 .. 0.25": (0.15, 0.25), "0.25 .. 0.35": (0.25, 0.35), "above": (0.35, 1)}
SIGMAS = (0.4, 0.5, 0.6)  # of the blur, in pixels
FACTORS = (0.95, 1.03, 1.07, 1.1)  # of the width of faces


def power(pixels: np.ndarray) -> np.ndarray:
    """Return the mean power of the middle of uint8 (N, size, size) images in each of BANDS."""
    margin = pixels.shape[1] // 4  # beyond it, augmented images repeat the border
    middle = pixels[:, margin:-margin, margin:-margin].astype(np.float32)
    middle -= middle.mean((1, 2), keepdims=True)
    middle /= middle.std((1, 2), keepdims=True) + 1e-3
    spectrum = np.mean(np.abs(np.fft.fft2(middle)) ** 2, axis=0)
    frequencies = np.fft.fftfreq(middle.shape[1])
    radius = np.hypot(frequencies[:, None], frequencies)
    return np.array([spectrum[(low <= radius) & (radius < high)].mean() for low, high in BANDS.values()])


def kept_power(pixels: np.ndarray) -> pd.DataFrame:
    """Return one row per interpolation: the share of power kept in each band, and microseconds per image."""
    rows, own = [], power(pixels)
    for interpolation in INTERPOLATIONS:
        changes = Augmentation(
            flip=True,
            rotation=12,
            shift=0.1,
            zoom=0.15,
            brightness=0,
            contrast=0,
            cutout=0,
            interpolation=interpolation,
        )
        with measured() as usage:
            turned = augment(pixels, changes, np.random.default_rng(0))
        spent = usage.seconds / len(pixels) * 1e6
        rows.append({"interpolation": interpolation, **dict(zip(BANDS, power(turned) / own, strict=True)), "us": spent})
    return pd.DataFrame(rows)


def blur(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return what blurs a face, uint8 (size, size)."""
    return lambda face: cv2.GaussianBlur(face, (0, 0), sigma)


def enlarge(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return what enlarges a face, uint8 (size, size), around its middle."""

    def enlarged(face: np.ndarray) -> np.ndarray:
        warp = cv2.getRotationMatrix2D(((face.shape[1] - 1) / 2, (face.shape[0] - 1) / 2), 0, factor)
        return cv2.warpAffine(face, warp, face.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    return enlarged


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda face: face,
    **{f"blur {sigma}": blur(sigma) for sigma in SIGMAS},
    **{f"width x {factor}": enlarge(factor) for factor in FACTORS},
}


def changed(model: str, images: Images, tta: Tta) -> pd.DataFrame:
    """Return one row per change: accuracy and log loss, and how they change, with its standard error."""
    classifier = FaceClassifier.from_pretrained(model)
    if classifier.classes_ != images.classes:
        raise SystemExit(f"error: {model}: knows {classifier.classes_}, expected {images.classes}")
    rows, first = [], None
    for name, change in CHANGES.items():
        probabilities = classifier.predict_proba(np.stack([change(face) for face in images.pixels]), tta=tta)
        right = probabilities.argmax(1) == images.labels
        loss = -np.log(np.maximum(probabilities[np.arange(len(right)), images.labels], 1e-7))
        scores = np.stack([right, loss])
        first = scores if first is None else first
        gain = scores - first
        error = gain.std(axis=1, ddof=1) / np.sqrt(len(right))
        names = ("accuracy", "log loss")
        rows.append(
            {"model": model, "change": name}
            | dict(zip(names, scores.mean(1), strict=True))
            | {f"{name}, change": f"{d:+.4f} ± {e:.4f}" for name, d, e in zip(names, gain.mean(1), error, strict=True)}
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("data/fer"), help="what prepare_fer wrote (data/fer)")
    parser.add_argument("--split", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--models", nargs="+", default=["mien", "mien_small"], metavar="MODEL")
    parser.add_argument("--tta", default="none", choices=get_args(Tta), help="test-time augmentation (none)")
    arguments = parser.parse_args()
    images = Images.load(arguments.folder, arguments.split)
    print(f"{len(images.labels)} faces of {arguments.split}\n")
    print(kept_power(np.asarray(images.pixels)).to_string(index=False, float_format="{:,.2f}".format), end="\n\n")
    table = pd.concat([changed(model, images, arguments.tta) for model in arguments.models])
    print(table.to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
