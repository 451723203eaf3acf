"""Photographs a sketched face: occlusion, pose, light, blur and sensor noise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.config import Variation
from mien.rendering.anatomy import glasses
from mien.rendering.person import Person
from mien.rendering.sketch import FACE_UNITS, MID_GREY, Floats, Shape, Sketch, bend, oval, points

SUPERSAMPLING = 4
SUBPIXEL_BITS = 3
HEAD_CENTRE = (24.0, 22.5)
HEAD_RADII = (20.0, 25.0, 16.0)  # of the ellipsoid that features lie on: x, y and out of the picture


def occlude(sketch: Sketch, person: Person, rng: np.random.Generator) -> None:
    """Put a hand, a bar, sunglasses or a strand of hair in front of the face."""
    centre = rng.uniform((-13.0, -9.0), (13.0, 17.0))
    tone, angle = rng.uniform(20.0, 220.0), rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    match rng.choice(["hand", "bar", "shades", "strand"]):
        case "hand":
            tone = person.skin * rng.uniform(0.7, 1.15)
            for finger in np.linspace(-1.0, 1.0, 4):
                bone = points([4.0 * finger, 5.0 * finger + 0.5], [6.0, -5.0 + 3.0 * finger**2]) @ turn + centre
                sketch.line(bone, 0.7 * tone, 4.0, depth=0.0)
                sketch.line(bone, tone, 3.2, depth=0.0)
            sketch.fill(oval(0.0, 9.0, 6.2, 6.0) @ turn + centre, tone, depth=0.0)
        case "bar":
            sketch.line(points([-50.0, 50.0], 0.0) @ turn + centre, tone, rng.uniform(4.0, 8.0), depth=0.0)
        case "shades":
            glasses(sketch, person, shaded=True)
        case _:
            x, y = centre
            strand = bend((x, -24.0), (1.4 * x, -8.0), (x + 8.0 * np.cos(angle), y + 4.0))
            sketch.line(strand, person.hair, rng.uniform(3.0, 6.0))


def photograph(sketch: Sketch, variation: Variation, rng: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """Return the (size, size) grey picture of a sketch."""
    return _expose(_paint(sketch, variation, rng, size), variation, rng)


def _project(shapes: list[Shape], variation: Variation, rng: np.random.Generator) -> tuple[Floats, float]:
    """Turn the head and project it: (n, 2) points of all shapes in face units, and the scale."""
    yaw, pitch, roll = variation.pose * rng.uniform(-1.0, 1.0, 3) * (0.5, 0.3, 0.3)
    scale = 1.0 + variation.scale * rng.uniform(-0.2, 0.15)
    shift = variation.scale * rng.uniform(-3.0, 3.0, 2)
    x, y = np.concatenate([shape.points for shape in shapes]).T
    depth = np.repeat([shape.depth for shape in shapes], [len(shape.points) for shape in shapes])
    wide, high, deep = HEAD_RADII
    z = deep * depth * np.sqrt(np.maximum(1.0 - (x / wide) ** 2 - (y / high) ** 2, 0.0))
    # A real head is nearly as deep as wide: turned, its outline narrows much less than a flat mask would.
    turned = points((0.6 + 0.4 * np.cos(yaw)) * x + np.sin(yaw) * z, np.cos(pitch) * y + np.sin(pitch) * z)
    roll_matrix = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    return scale * turned @ roll_matrix + HEAD_CENTRE + shift, scale


def _paint(sketch: Sketch, variation: Variation, rng: np.random.Generator, size: int) -> Floats:
    """Rasterise: (size, size) grey levels, not yet clipped to 0..255."""
    projected, scale = _project(sketch.shapes, variation, rng)
    unit = size / FACE_UNITS
    grid = np.linspace(-1.0, 1.0, size)
    ground, dx, dy = variation.light * rng.uniform(-1.0, 1.0, 3) * (90.0, 40.0, 40.0)
    backdrop = np.clip(120.0 + ground + dx * grid + dy * grid[:, None], 0.0, 255.0).astype(np.uint8)
    ink = cv2.resize(backdrop, None, fx=SUPERSAMPLING, fy=SUPERSAMPLING)
    relief = np.full((size, size), MID_GREY, np.uint8)
    zooms = np.array([SUPERSAMPLING, 1.0])[:, None, None]
    fine, coarse = np.rint((projected * unit * zooms - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
    start = 0
    for shape in sketch.shapes:
        here = slice(start, start := start + len(shape.points))
        if shape.soft:
            cv2.fillPoly(relief, [coarse[here]], shape.tone, cv2.LINE_AA, SUBPIXEL_BITS)
        elif shape.width:
            thickness = max(round(shape.width * scale * unit * SUPERSAMPLING), 1)
            cv2.polylines(ink, [fine[here]], False, shape.tone, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        else:
            cv2.fillPoly(ink, [fine[here]], shape.tone, cv2.LINE_AA, SUBPIXEL_BITS)
    flat = cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA)
    picture: Floats = cv2.GaussianBlur(relief, (0, 0), 1.2 * unit) - MID_GREY + flat
    return picture


def _expose(picture: Floats, variation: Variation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Light, blur and sensor noise: (n, n) grey levels to a uint8 picture."""
    grid = np.linspace(-1.0, 1.0, len(picture))
    angle, slope = rng.uniform(0.0, 2.0 * np.pi), 0.6 * variation.light * rng.random()
    lit = picture * (1.0 + slope * (np.cos(angle) * grid + np.sin(angle) * grid[:, None]))
    contrast, brightness = variation.light * rng.uniform(-1.0, 1.0, 2) * (0.4, 38.0)
    lit = (lit - MID_GREY) * (1.0 + contrast) + MID_GREY + brightness
    blur, grain = variation.noise * rng.random(2) * (1.0, 20.0)
    noisy: Floats = grain * rng.standard_normal(lit.shape)
    noisy += cv2.GaussianBlur(lit, (0, 0), blur) if blur > 0.2 else lit
    return np.clip(np.rint(noisy), 0.0, 255.0).astype(np.uint8)
