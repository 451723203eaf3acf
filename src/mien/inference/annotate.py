"""Draws boxes and labels on pictures, readable at any size and never outside the picture.

Own code for the same reasons as `mien.inference.video.tracker`: supervision is heavy, and its labels have one size.
"""

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np

from mien.inference.face import UNSURE, Face
from mien.inference.faces.detectors import Box

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_CAPITAL = 21.0  # height of the font's capitals at scale 1, in pixels
_MIN_WIDTH = 480  # minimum width of a picture with labels, in pixels
_MIN_CAPITAL = 9.0  # height of capitals, in pixels
_CAPITAL_OF_PICTURE, _CAPITAL_OF_FACE = 0.011, 0.075  # the same, as shares of the longest side and of the face's width
_COLOURS = {  # BGR
    "angry": (60, 60, 220), "disgust": (60, 150, 60), "fear": (170, 70, 150), "happy": (40, 190, 240),
    "sad": (200, 120, 50), "surprise": (50, 130, 245), "neutral": (150, 150, 150), "contempt": (110, 150, 170),
    UNSURE: (220, 220, 220),
}  # fmt: skip
_OWN_COLOURS = (  # BGR, for classes that are not emotions, in their order
    (190, 170, 60), (70, 110, 235), (90, 175, 80), (200, 90, 160), (40, 200, 215), (215, 125, 75), (140, 90, 235),
    (120, 160, 150), (160, 190, 40), (90, 90, 160),
)  # fmt: skip
_CORNER_COLOUR = (40, 40, 40)


def annotate_faces(image: np.ndarray, faces: Sequence[Face], *, corner: str = "") -> np.ndarray:
    """Return a copy of a picture with a box around each face. The label is above the box, or where it covers least.

    Args:
        image: uint8 (height, width, 3), BGR. Pictures less than 480 pixels wide are enlarged.
        faces: boxes are in pixels of `image`. The colour depends on the emotion; for other classes, on their order.
        corner: a text for the lower left corner.
    """
    factor = _enlargement(image.shape[1])
    canvas = _enlarged(image, factor)
    height, width = canvas.shape[:2]
    boxes = [_clipped(Box(*(value * factor for value in face.box)), width, height) for face in faces]
    thickness = max(round(max(height, width) / 500), 1)
    for box, face in zip(boxes, faces, strict=True):
        far = box.left + box.width - 1, box.top + box.height - 1
        cv2.rectangle(canvas, (box.left, box.top), far, _colour(face), thickness, cv2.LINE_AA)
    taken: list[Box] = []
    for box, face in zip(boxes, faces, strict=True):
        capital = max(_CAPITAL_OF_PICTURE * max(height, width), _CAPITAL_OF_FACE * box.width, _MIN_CAPITAL)
        text = _Text(face.label, capital, width, height)
        place = text.near(box, [*boxes, *taken], width, height)
        taken.append(place)
        text.draw(canvas, place, _colour(face))
    if corner:
        text = _Text(corner, max(_CAPITAL_OF_PICTURE * max(height, width), _MIN_CAPITAL), width, height)
        text.draw(canvas, Box(0, height - text.height, text.width, text.height), _CORNER_COLOUR)
    return canvas


def add_title(image: np.ndarray, face: Face) -> np.ndarray:
    """Return a picture of a single face, with its label in a strip above. image: see `annotate_faces`."""
    canvas = _enlarged(image, _enlargement(image.shape[1]))
    height, width = canvas.shape[:2]
    text = _Text(face.label, max(0.03 * width, _MIN_CAPITAL), width, height)
    titled = cv2.copyMakeBorder(canvas, text.height, 0, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.rectangle(titled, (0, 0), (width, text.height - 1), _colour(face), cv2.FILLED)
    text.draw(titled, Box((width - text.width) // 2, 0, text.width, text.height), _colour(face))
    return titled


def _colour(face: Face) -> tuple[int, int, int]:
    if colour := _COLOURS.get(face.emotion):
        return colour
    own = [name for name in face.probabilities if name not in _COLOURS]
    return _OWN_COLOURS[own.index(face.emotion) % len(_OWN_COLOURS) if face.emotion in own else 0]


def _drawable(text: str) -> str:
    """Return text in the letters of OpenCV's font: accents are removed, other characters become question marks."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    if len(ascii_text) >= len(text):
        return ascii_text
    letters = (unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode() for char in text)
    return "".join(letter or "?" for letter in letters)


def _enlargement(width: int) -> int:
    """Return the integer factor that makes a picture of this width large enough for labels; 1 unless it is small."""
    return max(-(-_MIN_WIDTH // width), 1)


def _enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image.copy()
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _clipped(box: Box, width: int, height: int) -> Box:
    left, top = min(max(box.left, 0), width - 1), min(max(box.top, 0), height - 1)
    right, bottom = min(max(box.left + box.width, 1), width), min(max(box.top + box.height, 1), height)
    return Box(left, top, max(right - left, 1), max(bottom - top, 1))


class _Text:
    """One line of text on a coloured background, no larger than the picture.

    Attributes:
        width, height: of the background, in pixels.
    """

    def __init__(self, text: str, capital: float, max_width: int, max_height: int) -> None:
        """Measure a text. capital: the height of its capitals, in pixels; less where it would not fit."""
        self._text = _drawable(text)
        for _ in range(40):  # the text's width is not quite in proportion to the scale
            self._measure(capital)
            if self.width <= max_width and self.height <= max_height:
                break
            capital *= 0.9

    def _measure(self, capital: float) -> None:
        self._scale = capital / _FONT_CAPITAL
        self._thickness = max(round(capital / 8), 1)
        (width, height), below = cv2.getTextSize(self._text, _FONT, self._scale, self._thickness)
        self._pad = max(round(capital / 3), 1)
        self._base = below
        self.width, self.height = width + 2 * self._pad, height + below + self._pad

    def near(self, box: Box, taken: Sequence[Box], width: int, height: int) -> Box:
        """Return the position where the text covers least: above a face's box, below, beside or in it.

        Args:
            box: of the face.
            taken: all faces, and the texts placed so far.
            width, height: of the picture, in pixels.
        """
        right, bottom = box.left + box.width, box.top + box.height
        lefts = (box.left, right - self.width, box.left + (box.width - self.width) // 2)
        rows = [(left, top) for top in (box.top - self.height, bottom) for left in lefts]
        sides = [(left, top) for left in (right, box.left - self.width) for top in (box.top, bottom - self.height)]
        inside = [(left, top) for top in (box.top, bottom - self.height) for left in lefts]
        places = [
            Box(min(max(left, 0), width - self.width), min(max(top, 0), height - self.height), self.width, self.height)
            for left, top in (*rows, *sides, *inside)
        ]
        return min(places, key=lambda place: sum(place.shared_area(other) for other in taken))

    def draw(self, canvas: np.ndarray, place: Box, colour: tuple[int, int, int]) -> None:
        far = place.left + place.width - 1, place.top + place.height - 1
        cv2.rectangle(canvas, (place.left, place.top), far, colour, cv2.FILLED)
        ink = (0, 0, 0) if np.dot(colour, (0.114, 0.587, 0.299)) > 125 else (255, 255, 255)
        foot = place.left + self._pad, place.top + self.height - self._base
        cv2.putText(canvas, self._text, foot, _FONT, self._scale, ink, self._thickness, cv2.LINE_AA)
