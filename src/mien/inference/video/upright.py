"""Frames as viewers show them: with square pixels, turned and mirrored as the file says."""

import struct
from typing import NamedTuple, Self

import cv2
import numpy as np
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from mien.inference.pictures.pil_pictures import pil_to_bgr

_SQUARE = 0.01  # pixels with up to this difference between width and height count as square

# PyAV lacks names for some data that its FFmpeg attaches to frames, such as EXIF, and then gives none at all
Type._missing_ = classmethod(lambda _, __: Type.VIDEO_HINT)  # type: ignore[assignment]


class Orientation(NamedTuple):
    """How a stored frame is to be shown: first its rows become columns if `transposed`, then it is mirrored."""

    transposed: bool = False
    across: bool = False
    down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Self:
        """Return the orientation that a frame's display matrix (ISO/IEC 14496-12, 6.2.2) asks for.

        Other angles become the next of 0, 90, 180 and 270 degrees.
        """
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if not isinstance(matrix, SideData):
            return cls()
        # a point (x, y) is shown at (a x + c y, b x + d y)
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(transposed=False, across=a < 0, down=d < 0)
        return cls(transposed=True, across=c < 0, down=b < 0)

    def applied(self, image: np.ndarray) -> np.ndarray:
        """Return a picture, (height, width, 3), as it is to be shown."""
        if self.transposed:
            image = image.swapaxes(0, 1)
        if self.across:
            image = image[:, ::-1]
        return np.ascontiguousarray(image[::-1] if self.down else image)


def upright(frame: VideoFrame, stream: VideoStream, orientation: Orientation) -> np.ndarray:
    """Return a frame as viewers show it: uint8 (height, width, 3), BGR."""
    image = _picture(frame)
    ratio = float(stream.sample_aspect_ratio or 1)
    if ratio > 0 and abs(ratio - 1) > _SQUARE:
        across, down = (ratio, 1.0) if ratio > 1 else (1.0, 1 / ratio)
        image = cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR)
    return orientation.applied(image)


def _picture(frame: VideoFrame) -> np.ndarray:
    """Return a frame as it is stored, transparent areas white: uint8 (height, width, 3), BGR."""
    if any(component.is_alpha for component in frame.format.components):
        return pil_to_bgr(Image.fromarray(frame.to_ndarray(format="rgba")))
    image: np.ndarray = frame.to_ndarray(format="bgr24")
    return image
