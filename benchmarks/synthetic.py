"""Synthetic data sets for benchmarks, of any size. Loads OpenCV and numpy only where it draws."""

import zipfile
from pathlib import Path

SIDE = 48
EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
_SPLITS = ("train", "train", "train", "validation", "test")


def write_zip(path: Path, count: int) -> None:
    """Write a zip of `count` different JPEG files, SPLIT/EMOTION/NUMBER.jpg; disgust is as rare as in FER2013."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            noise = rng.integers(0, 256, (7, 7), dtype=np.uint8)  # 1.4 KB a file, as in FER2013
            face = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
            data = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            emotion = EMOTIONS[i % 7]
            if emotion == "disgust" and i % 10:
                emotion = "happy"
            archive.writestr(f"{_SPLITS[5 * i // count]}/{emotion}/{i:07}.jpg", data)
