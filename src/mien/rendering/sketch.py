"""A sketch: the display list of polygons and lines that a face is made of.

Points are in face units, 1/48 of the picture: x to the right, y down, the origin on the nose bridge.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]  # (n,) coordinates, (n, 2) points or an (n, n) picture

FACE_UNITS = 48  # the width of a picture, however many pixels it has
MID_GREY = 128.0  # of the relief layer: neither light nor shadow

SIDES = (-1.0, 1.0)
U = np.linspace(-1.0, 1.0, 15)  # the parameter of lids, lips and wrinkles, from end to end
HUMP = 1.0 - U**2
TURN = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
RING = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
LOWER, UPPER = slice(1, 20), slice(20, 40)  # halves of the ring
T = np.linspace(0.0, 1.0, 9)
BEZIER = np.stack([(1 - T) ** 2, 2 * T * (1 - T), T**2], axis=1)


class Shape(NamedTuple):
    points: Floats
    tone: float
    width: float  # of a line; 0 fills a polygon
    depth: float  # 1 on the curved front of the head, 0 in the plane of its outline
    soft: bool


@dataclass(frozen=True)
class Sketch:
    """The display list, with the skin tone that its lines darken."""

    skin: float
    shapes: list[Shape] = field(default_factory=list)

    def fill(self, points: Floats, tone: float, depth: float = 1.0) -> None:
        self.shapes.append(Shape(points, tone, 0.0, depth, soft=False))

    def line(self, points: Floats, tone: float, width: float, depth: float = 1.0) -> None:
        self.shapes.append(Shape(points, tone, width, depth, soft=False))

    def wrinkle(self, points: Floats, strength: float, width: float = 0.7) -> None:
        if strength > 0.03:
            self.line(points, self.skin * (1.0 - 0.6 * min(strength, 1.0)), width)

    def relief(self, points: Floats, light: float) -> None:
        """Add the light (+) or shadow (-) of a bulge, in grey levels; it is blurred when painted."""
        if abs(light) > 1.0:
            self.shapes.append(Shape(points, MID_GREY + light, 0.0, 1.0, soft=True))


def points(x: ArrayLike, y: ArrayLike) -> Floats:
    """Pair coordinates to (n, 2) points; one number stands for all n."""
    xy = np.empty((max(np.size(x), np.size(y)), 2))
    xy[:, 0], xy[:, 1] = x, y
    return xy


def oval(x: float, y: float, width: float, height: float) -> Floats:
    """Return an ellipse about (x, y); `width` and `height` are its half axes."""
    return RING * (width, height) + (x, y)


def between(upper: Floats, lower: Floats) -> Floats:
    """Return the polygon between two curves that both run from left to right."""
    return np.concatenate([upper, lower[::-1]])


def bend(start: tuple[float, float], control: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Return a quadratic Bezier curve."""
    curve: Floats = BEZIER @ np.array((start, control, end))
    return curve
