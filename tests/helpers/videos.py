"""A clip with a moving face, made of a real photo."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.photos import FACE, portrait
from mien._io.quiet import quiet_opencv
from mien.inference.faces.detectors import Box

RATE = 25.0
SCALE = 0.25


def moved(frame: int) -> tuple[int, int]:
    """Return where the portrait stands in a frame of the clip: right, down."""
    return 10 + 3 * frame, 20 + frame


def frame_of_clip(frame: int) -> np.ndarray:
    """Return a frame with a moving face: uint8 (240, 320, 3)."""
    small = cv2.resize(portrait(), None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    image = np.full((240, 320, 3), 110, np.uint8)
    right, down = moved(frame)
    image[down : down + small.shape[0], right : right + small.shape[1]] = small
    return image


def face_of_clip(frame: int) -> Box:
    right, down = moved(frame)
    left, top, width, height = (round(value * SCALE) for value in FACE)
    return Box(left + right, top + down, width, height)


def write_video(path: Path, frames: Sequence[np.ndarray], code: str = "mp4v") -> Path:
    fourcc = cv2.VideoWriter.fourcc(*code)
    with quiet_opencv():
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, RATE, frames[0].shape[1::-1])
        for frame in frames:
            writer.write(frame)
        writer.release()
    return path
