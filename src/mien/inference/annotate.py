"""Boxes and labels on pictures, readable at any size, and nothing outside the frame."""

from collections.abc import Sequence

import cv2
import numpy as np

from mien.inference.detectors import Box

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 21.0  # pixels that the font's capitals are high at scale 1
_LEAST_WIDTH = 480  # of a picture with labels, in pixels
_LEAST_TEXT = 9.0  # height of capitals, in pixels
_TEXT_OF_PICTURE, _TEXT_OF_FACE = 0.011, 0.075  # the same, of the longest side and of the face's width
_COLOURS = {  # BGR
    "angry": (60, 60, 220), "disgust": (60, 150, 60), "fear": (170, 70, 150), "happy": (40, 190, 240),
    "sad": (200, 120, 50), "surprise": (50, 130, 245), "neutral": (150, 150, 150), "contempt": (110, 150, 170),
}  # fmt: skip
_OTHER = (190, 170, 60)


def enlargement(width: int) -> int:
    """Return by what whole factor a picture so wide is enlarged, so that labels have room: 1 for all but small ones."""
    return max(-(-_LEAST_WIDTH // width), 1)


def annotate(
    image: np.ndarray, boxes: Sequence[Box], emotions: Sequence[str], labels: Sequence[str], corner: str = ""
) -> np.ndarray:
    """Return a copy of a picture with a box around each face, and a label above it, or where it covers least.

    Args:
        image: uint8 (height, width, 3), BGR. The copy is larger where it is less than 480 pixels wide.
        boxes: of faces, in pixels of `image`.
        emotions: of each face; they choose the colour.
        labels: of each face, one line of ASCII.
        corner: a text for the lower left corner.
    """
    factor = enlargement(image.shape[1])
    canvas = _enlarged(image, factor)
    height, width = canvas.shape[:2]
    framed = [_inside(Box(*(value * factor for value in box)), width, height) for box in boxes]
    thickness = max(round(max(height, width) / 500), 1)
    for box, emotion in zip(framed, emotions, strict=True):
        far = box.left + box.width - 1, box.top + box.height - 1
        cv2.rectangle(canvas, (box.left, box.top), far, _COLOURS.get(emotion, _OTHER), thickness, cv2.LINE_AA)
    taken: list[Box] = []
    for box, emotion, label in zip(framed, emotions, labels, strict=True):
        capital = max(_TEXT_OF_PICTURE * max(height, width), _TEXT_OF_FACE * box.width, _LEAST_TEXT)
        text = _Text(label, capital, width, height)
        place = text.near(box, [*framed, *taken], width, height)
        taken.append(place)
        text.draw(canvas, place, _COLOURS.get(emotion, _OTHER))
    if corner:
        text = _Text(corner, max(_TEXT_OF_PICTURE * max(height, width), _LEAST_TEXT), width, height)
        text.draw(canvas, Box(0, height - text.height, text.width, text.height), (40, 40, 40))
    return canvas


def titled(image: np.ndarray, emotion: str, label: str) -> np.ndarray:
    """Return a picture of one face under a strip with its label. Arguments are as those of `annotate`."""
    canvas = _enlarged(image, enlargement(image.shape[1]))
    height, width = canvas.shape[:2]
    text = _Text(label, max(0.03 * width, _LEAST_TEXT), width, height)
    strip = cv2.copyMakeBorder(canvas, text.height, 0, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.rectangle(strip, (0, 0), (width, text.height - 1), _COLOURS.get(emotion, _OTHER), cv2.FILLED)
    text.draw(strip, Box((width - text.width) // 2, 0, text.width, text.height), _COLOURS.get(emotion, _OTHER))
    return strip


def _enlarged(image: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return image.copy()
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _inside(box: Box, width: int, height: int) -> Box:
    left, top = min(max(box.left, 0), width - 1), min(max(box.top, 0), height - 1)
    right, bottom = min(max(box.left + box.width, 1), width), min(max(box.top + box.height, 1), height)
    return Box(left, top, max(right - left, 1), max(bottom - top, 1))


class _Text:
    """One line of text on a coloured ground, no larger than the picture. width and height: of the ground, in pixels."""

    def __init__(self, text: str, capital: float, most_width: int, most_height: int) -> None:
        """Measure a text with capitals so high, in pixels; less where it would not fit."""
        self._text = text
        for _ in range(40):  # the text's width is not quite in proportion to the scale
            self._measure(capital)
            if self.width <= most_width and self.height <= most_height:
                break
            capital *= 0.9

    def _measure(self, capital: float) -> None:
        self._scale = capital / _CAPITAL
        self._thickness = max(round(capital / 8), 1)
        (width, height), below = cv2.getTextSize(self._text, _FONT, self._scale, self._thickness)
        self._pad = max(round(capital / 3), 1)
        self._base = below
        self.width, self.height = width + 2 * self._pad, height + below + self._pad

    def near(self, box: Box, taken: Sequence[Box], width: int, height: int) -> Box:
        """Return where at a face the text covers least of what is taken: above the box, else below, beside or in it.

        Args:
            box: of the face.
            taken: all faces, and the texts that stand already.
            width, height: of the picture, in pixels.
        """
        right, bottom = box.left + box.width, box.top + box.height
        lefts = (box.left, right - self.width, box.left + (box.width - self.width) // 2)
        rows = [(left, top) for top in (box.top - self.height, bottom) for left in lefts]
        beside = [(left, top) for left in (right, box.left - self.width) for top in (box.top, bottom - self.height)]
        within = [(left, top) for top in (box.top, bottom - self.height) for left in lefts]
        places = [
            Box(min(max(left, 0), width - self.width), min(max(top, 0), height - self.height), self.width, self.height)
            for left, top in (*rows, *beside, *within)
        ]
        return min(places, key=lambda place: sum(_shared(place, other) for other in taken))

    def draw(self, canvas: np.ndarray, place: Box, colour: tuple[int, int, int]) -> None:
        far = place.left + place.width - 1, place.top + place.height - 1
        cv2.rectangle(canvas, (place.left, place.top), far, colour, cv2.FILLED)
        ink = (0, 0, 0) if np.dot(colour, (0.114, 0.587, 0.299)) > 125 else (255, 255, 255)
        foot = place.left + self._pad, place.top + self.height - self._base
        cv2.putText(canvas, self._text, foot, _FONT, self._scale, ink, self._thickness, cv2.LINE_AA)


def _shared(one: Box, other: Box) -> int:
    """Return how many pixels two boxes share."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(width, 0) * max(height, 0)
