"""Writes a data set of images as one zip, with the same bytes each time."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def write_zip(path: Path, images: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write (name without suffix, uint8 (height, width)) pairs as PNG files into a zip; all dates are 1980-01-01."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, image in images:
            _, png = cv2.imencode(".png", image)
            archive.writestr(zipfile.ZipInfo(f"{name}.png"), png.tobytes())
