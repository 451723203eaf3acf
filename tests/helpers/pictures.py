"""Images for tests, and data sets of them on disk."""

import io
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pillow_heif
from PIL import Image

from mien._io.parallel import Executor, parallel
from mien._io.urls import Location
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source

EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def picture(seed: int, height: int = 48, width: int | None = None) -> np.ndarray:
    """Return grey noise, uint8 (height, width), that equals no other."""
    return np.random.default_rng(seed).integers(0, 256, (height, width or height), dtype=np.uint8)


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def saved(image: np.ndarray, suffix: str) -> bytes:
    """Return a grey image as a file of any format that Pillow and pillow-heif write."""
    buffer = io.BytesIO()
    pillow_heif.register_heif_opener()
    kind = {".jfif": "JPEG", ".jpe": "JPEG", ".heic": "HEIF"}.get(suffix, suffix[1:].upper())
    Image.fromarray(image).convert("P" if kind == "GIF" else "RGB").save(buffer, kind)
    return buffer.getvalue()


def png(seed: int) -> bytes:
    return encoded(picture(seed))


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(path: Path, entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def write_csv(path: Path, rows: Sequence[tuple[object, object, object]], header: str = "emotion,pixels,Usage") -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def numbers(image: np.ndarray) -> str:
    """Return an image as a fer2013.csv writes it."""
    return " ".join(map(str, image.ravel()))


def read(path: Location, size: int = 48, executor: Executor = parallel) -> tuple[np.ndarray, pd.DataFrame]:
    """Return all images of a source, uint8 (N, size, size), and the index of them."""
    with tempfile.TemporaryDirectory() as folder, PixelFile(Path(folder, "pixels"), size) as pixels:
        with open_source(path) as source:
            index = read_images(source, pixels, executor)
        return np.concatenate(list(pixels.chunks())), index


SPLIT_FACES = {
    f"{split}/{emotion}/{i}.png": png(i) for split in ("train", "test") for emotion in ("sad", "fear") for i in (1, 2)
}
