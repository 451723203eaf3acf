"""Synthetic grey faces drawn from FACS Action Unit intensities.

What each Action Unit (AU) moves follows Ekman, Friesen & Hager, FACS: The Manual, 2002.

A face is a display list of polygons and lines in face units (1/48 of the picture; x to the right, y down,
the origin on the nose bridge), projected in one go from a turned head onto the picture and then painted.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.facs import AUS
from mien.schema import Schema, Share

Floats = NDArray[np.float64]  # (n,) coordinates, (n, 2) points or an (n, n) picture
Actions = dict[int, float]  # AU number -> how far it moves the face, 0..1

FACE_UNITS = 48  # the width of a picture, however many pixels it has
SUPERSAMPLING = 4
SUBPIXEL_BITS = 3
MID_GREY = 128.0  # of the relief layer: neither light nor shadow
RESPONSE_POWER = 1.7  # convex: an AU at 15 is hardly visible, at 95 it is nearly all there

HEAD_CENTRE = (24.0, 22.5)
HEAD_RADII = (20.0, 25.0, 16.0)  # of the ellipsoid that features lie on: x, y and out of the picture
HEAD_TOP = -20.5
EYE_Y, BROW_Y, NOSE_Y, MOUTH_Y = -3.5, -9.2, 5.5, 12.0
JAW_DROP = 4.5
DARK = 0.2  # of the skin tone: lashes, nostrils, the inside of the mouth
WHITE = 238.0  # eyes and teeth

SIDES = (-1.0, 1.0)
U = np.linspace(-1.0, 1.0, 15)  # the parameter of lids, lips and wrinkles, from end to end
HUMP = 1.0 - U**2
TURN = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
RING = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
LOWER, UPPER = slice(1, 20), slice(20, 40)  # halves of the ring
T = np.linspace(0.0, 1.0, 9)
BEZIER = np.stack([(1 - T) ** 2, 2 * T * (1 - T), T**2], axis=1)
TAPER = np.linspace(0.55, 0.25, len(T))  # half the thickness of a brow, from its inner to its outer end


class Variation(Schema):
    """How much faces differ in what has nothing to do with emotion; 0 = not at all, 1 = strongest.

    `occlusion` is not a strength but the share of faces that get something in front of them.
    """

    identity: Share
    pose: Share
    scale: Share
    light: Share
    noise: Share
    occlusion: Share


class _Hair(NamedTuple):
    crown: float  # how far it stands off the head
    fringe: float
    tilt: float
    curl: float
    length: float  # how far it falls behind the face; 0 for not at all


SHORT_HAIR = _Hair(crown=1.0, fringe=0.0, tilt=0.0, curl=0.0, length=0.0)
HAIR_STYLES = (
    None,
    SHORT_HAIR,
    _Hair(crown=1.8, fringe=3.0, tilt=0.0, curl=0.3, length=9.0),
    _Hair(crown=1.8, fringe=0.5, tilt=4.0, curl=0.0, length=0.0),
    _Hair(crown=3.0, fringe=0.5, tilt=-3.0, curl=0.0, length=32.0),
    _Hair(crown=3.5, fringe=1.0, tilt=0.0, curl=0.9, length=14.0),
)


class _Person(NamedTuple):
    """Looks that stay when the expression changes: lengths in face units, tones 0 (black) to 255 (white)."""

    vigour: float  # how far this person's face moves
    width: float
    taper: float
    chin: float
    skin: float
    hair: float
    style: _Hair | None
    hairline: float
    brow: float
    eye: float
    eye_x: float
    nose: float
    nose_y: float
    mouth: float
    lips: float
    beard: bool
    glasses: bool


def _person(strength: float, rng: np.random.Generator) -> _Person:
    def about(average: float, spread: float) -> float:
        return average + strength * spread * rng.uniform(-1.0, 1.0)

    style = HAIR_STYLES[rng.integers(len(HAIR_STYLES))]
    return _Person(
        vigour=1.0 - 0.35 * strength * rng.random(),
        width=about(17.3, 1.8),
        taper=about(0.2, 0.13),
        chin=about(19.8, 1.3),
        skin=about(172.0, 55.0),
        hair=about(60.0, 60.0),
        style=style if rng.random() < 2.0 * strength else SHORT_HAIR,
        hairline=about(-15.0, 1.2),
        brow=about(1.7, 0.7),
        eye=about(1.0, 0.18),
        eye_x=about(7.8, 0.8),
        nose=about(3.3, 0.9),
        nose_y=about(NOSE_Y, 1.0),
        mouth=about(7.4, 1.0),
        lips=about(1.0, 0.4),
        beard=rng.random() < 0.3 * strength,
        glasses=rng.random() < 0.3 * strength,
    )


class _Shape(NamedTuple):
    points: Floats
    tone: float
    width: float  # of a line; 0 fills a polygon
    depth: float  # 1 on the curved front of the head, 0 in the plane of its outline
    soft: bool


@dataclass(frozen=True)
class _Sketch:
    """The display list, with the skin tone that its lines darken."""

    skin: float
    shapes: list[_Shape] = field(default_factory=list)

    def fill(self, points: Floats, tone: float, depth: float = 1.0) -> None:
        self.shapes.append(_Shape(points, tone, 0.0, depth, soft=False))

    def line(self, points: Floats, tone: float, width: float, depth: float = 1.0) -> None:
        self.shapes.append(_Shape(points, tone, width, depth, soft=False))

    def wrinkle(self, points: Floats, strength: float, width: float = 0.7) -> None:
        if strength > 0.03:
            self.line(points, self.skin * (1.0 - 0.6 * min(strength, 1.0)), width)

    def relief(self, points: Floats, light: float) -> None:
        """Add the light (+) or shadow (-) of a bulge, in grey levels; it is blurred when painted."""
        if abs(light) > 1.0:
            self.shapes.append(_Shape(points, MID_GREY + light, 0.0, 1.0, soft=True))


def _points(x: ArrayLike, y: ArrayLike) -> Floats:
    points = np.empty((max(np.size(x), np.size(y)), 2))
    points[:, 0], points[:, 1] = x, y
    return points


def _oval(x: float, y: float, width: float, height: float) -> Floats:
    return RING * (width, height) + (x, y)


def _between(upper: Floats, lower: Floats) -> Floats:
    return np.concatenate([upper, lower[::-1]])


def _bend(start: tuple[float, float], control: tuple[float, float], end: tuple[float, float]) -> Floats:
    """A quadratic Bezier curve."""
    curve: Floats = BEZIER @ np.array((start, control, end))
    return curve


def _outline(person: _Person, au: Actions) -> Floats:
    chin = person.chin + JAW_DROP * au[26] - 0.8 * au[17]
    cos, sin = RING.T
    width = (person.width + 0.6 * au[12]) * (1.0 - person.taper * np.maximum(sin, 0.0) ** 2)
    return _points(width * np.sign(cos) * np.abs(cos) ** 0.85, np.where(sin > 0.0, chin, -HEAD_TOP) * sin)


def _head(sketch: _Sketch, person: _Person, au: Actions) -> None:
    outline = _outline(person, au)
    if person.style and person.style.length:
        crown, _, _, curl, length = person.style
        top = HEAD_TOP - 0.7 * crown
        mane = RING * (1.0 + 0.07 * curl * np.sin(8.0 * TURN))[:, None]
        reach = np.array([person.width + crown, (length - top) / 2.0])
        sketch.fill(mane * reach + (0.0, (length + top) / 2.0), person.hair, depth=0.0)
    else:
        for side in SIDES:
            sketch.fill(_oval(side * (person.width + 0.3), -1.0, 2.0, 4.0), person.skin * 0.85, depth=0.0)
    sketch.fill(_points([-9.0, 9.0, 11.0, -11.0], [14.0, 14.0, 34.0, 34.0]), person.skin * 0.75, depth=0.0)
    sketch.fill(outline, person.skin, depth=0.0)
    sketch.line(outline[LOWER], person.skin * 0.6, 0.5, depth=0.0)
    sketch.relief(outline, -16.0)
    sketch.relief(outline * (0.84, 0.88), 2.0)


def _beard(sketch: _Sketch, person: _Person, au: Actions) -> None:
    jaw = _outline(person, au)[LOWER]
    edge = _points(jaw[0, 0] * U, 9.5 - 1.2 * HUMP**4 - 6.0 * U**8)
    sketch.fill(np.concatenate([jaw, edge]), 0.5 * person.skin + 0.2 * person.hair, depth=0.25)


def _hairline(sketch: _Sketch, person: _Person, style: _Hair) -> None:
    width = person.width + 0.5 * style.crown
    line = person.hairline + style.fringe + style.tilt * U * HUMP + style.curl * np.sin(11.0 * U)
    low = line + (1.0 - 0.2 * style.fringe) * U**2 + (8.0 - style.fringe) * U**8
    arc = RING[UPPER] * (width, -HEAD_TOP - 6.0 + 0.7 * style.crown) + (0.0, -6.0)
    sketch.fill(np.concatenate([arc, _points(width * U, low)[::-1]]), person.hair, depth=0.6)


def _brow(sketch: _Sketch, person: _Person, au: Actions, side: float) -> None:
    # AU4 alone lowers and knits the brows. Beyond the manual, to be readable at 48 pixels: tense lids or lips
    # turn that into the V of anger, AU15 into a sad slope; AU2 with AU20 raises the brows whole, as in fear.
    tense = max(au[7], au[23])
    tilt, sag, dread = au[4] * tense, au[4] * au[15] * (1.0 - tense), au[2] * au[20] * (1.0 - au[4])
    inner = -3.6 * au[1] - 1.6 * au[2] + 1.5 * au[4] + 1.2 * au[9] - 2.2 * dread + 2.2 * tilt - 1.4 * sag
    arch = -1.3 - 1.4 * au[1] - 3.4 * au[2] + 2.0 * au[4] + 0.8 * au[9] + 0.6 * dread + 0.5 * tilt
    outer = 0.8 - 3.2 * au[2] + 1.0 * au[4] + 1.4 * dread - 1.8 * tilt + 2.6 * sag
    near, far = 3.0 - 1.3 * au[4] - 0.5 * dread - 0.3 * au[9], person.eye_x + 5.4
    curve = _bend((near, inner), ((near + far) / 2.0, 2.0 * arch - (inner + outer) / 2.0), (far, outer))
    half = _points(0.0, person.brow * TAPER)
    brow = _between(curve - half, curve + half) + _points(0.0, BROW_Y)
    sketch.fill(brow * (side, 1.0), min(0.8 * person.hair, 0.5 * person.skin))


def _forehead(sketch: _Sketch, au: Actions) -> None:
    for row in (0.0, 1.6):
        y = BROW_Y - 3.2 - row - 0.8 * max(au[1], au[2])
        sketch.wrinkle(_points(4.5 * U, y + 0.5 * U**2), 0.6 * au[1])
        for side in SIDES:
            sketch.wrinkle(_points(side * (8.5 + 3.0 * U), y + 0.2 - 0.6 * HUMP), 0.55 * au[2])
    sketch.relief(_oval(0.0, BROW_Y + 1.0, 2.0, 2.6), -14.0 * au[4])
    for side in SIDES:
        sketch.wrinkle(_points(side * (1.1 - 0.2 * U), BROW_Y + 0.6 + 1.9 * U), 0.85 * au[4], 0.6)


def _eye(sketch: _Sketch, person: _Person, au: Actions, side: float) -> None:
    mirror = (side, 1.0)
    dread, droop = au[2] * au[20], au[15] * (1.0 - au[5])
    rise = 2.6 + 1.9 * au[5] - 0.7 * au[6] - 1.4 * au[7] - 0.5 * au[9] + 0.6 * dread - 0.9 * droop
    fall = 1.9 + 0.3 * au[5] - 1.2 * au[7] - 2.2 * au[6]
    x = person.eye_x + 4.4 * person.eye * U
    corners = EYE_Y + 0.3 + (1.0 * au[15] - 0.4 * au[7]) * U
    upper = corners - person.eye * max(rise, 0.9) * HUMP**0.7
    lower = corners + person.eye * max(fall, -0.6) * HUMP**0.9
    sketch.fill(_between(_points(x, upper), _points(x, lower)) * mirror, WHITE)
    for radius, tone in ((2.05, 75.0), (1.05, 10.0)):
        iris = _oval(person.eye_x - 0.2, EYE_Y - 0.35, radius * person.eye, radius * person.eye)
        highest, lowest = np.interp(iris[:, 0], x, upper), np.interp(iris[:, 0], x, lower)
        iris[:, 1] = np.minimum(np.maximum(iris[:, 1], highest), lowest)
        sketch.fill(iris * mirror, tone)
    sketch.line(_points(x, lower) * mirror, 0.55 * person.skin, 0.5)
    sketch.line(_points(x, upper) * mirror, DARK * person.skin, 0.75)
    sketch.wrinkle(_points(x, upper - 1.3 + 0.5 * au[5]) * mirror, 0.4 - 0.25 * au[5], 0.5)


def _cheek(sketch: _Sketch, person: _Person, au: Actions, side: float) -> None:
    x, mirror = person.eye_x, (side, 1.0)
    bag = _points(x - 0.3 + 3.8 * U, EYE_Y + 1.6 + 1.5 * HUMP)
    sketch.wrinkle(bag * mirror, 0.6 * max(au[6], au[7]), 0.6)
    for fan in (-1.0, 0.0, 1.0):
        foot = _points([x + 5.4, x + 7.2], [EYE_Y + 0.6 + 0.6 * fan, EYE_Y + 0.6 + 1.7 * fan])
        sketch.wrinkle(foot * mirror, 0.6 * au[6], 0.5)
    sketch.relief(_oval(side * (x + 0.8), EYE_Y + 5.8, 4.5, 2.2), 28.0 * au[6])
    sketch.relief(_oval(side * (x + 0.8), EYE_Y + 9.2, 4.0, 1.2), -20.0 * au[6])


def _nose(sketch: _Sketch, person: _Person, au: Actions) -> None:
    wide, y = person.nose * (1.0 + 0.4 * au[9]), person.nose_y - 1.6 * au[9]
    sketch.relief(_oval(0.0, y - 1.2, 1.4, 1.8), 20.0)
    for side in SIDES:
        mirror = (side, 1.0)
        bridge = _bend((1.8, EYE_Y + 1.0), (1.6, 1.0), (wide - 0.6, y - 1.5))
        sketch.wrinkle(bridge * mirror, 0.22 + 0.3 * au[9])
        wing = _bend((wide - 0.4, y - 2.0), (wide + 1.2, y + 0.4), (wide - 1.0, y + 0.9))
        sketch.wrinkle(wing * mirror, 0.55 + 0.45 * au[9], 0.75)
        nostril = _oval(side * 0.5 * wide, y + 0.8, 1.0 + 0.4 * au[9], 0.5 + 0.2 * au[9])
        sketch.fill(nostril, DARK * person.skin)
    for row in range(3):
        fold = _points((1.5 + 0.3 * row) * U, EYE_Y - 0.8 + 2.0 * row - 0.7 * HUMP)
        sketch.wrinkle(fold, 0.9 * au[9], 0.6)


def _mouth(sketch: _Sketch, person: _Person, au: Actions) -> None:
    smile, stretch, tight, jaw = au[12], au[20], au[23], au[26]
    spread = 0.42 * smile + 0.4 * stretch - 0.22 * tight - 0.36 * jaw * (1.0 - stretch) - 0.08 * au[17]
    x = person.mouth * (1.0 + spread) * U
    middle = MOUTH_Y - 1.2 * au[17] * (1.0 - 0.7 * smile) - 1.3 * au[9] - 0.7 * au[15] + 0.6 * smile
    corner = -4.2 * smile + 3.0 * au[15] + 2.7 * stretch + 1.6 * au[17] * (1.0 - smile) + 0.8 * au[9]
    parting = middle + corner * np.abs(U) ** (2.0 + au[15])
    drop = 8.5 * jaw * (1.0 - 0.35 * stretch)
    grin = 6.5 * max(smile - 0.4, 0.0) * (1.0 - 0.6 * max(tight, au[17]))
    opening = (1.0 - np.abs(U) ** (2.0 + 4.0 * stretch)) ** 0.6
    top = parting - 0.25 * drop * (1.0 - stretch) * opening
    bottom = parting + (drop + grin) * opening
    lip = person.lips * (1.0 - 0.8 * tight) * (1.0 - 0.35 * max(smile, stretch))
    bow = 1.0 - 0.25 * np.exp(-((U / 0.15) ** 2))
    red = _between(_points(x, top - 1.8 * lip * HUMP**0.7 * bow), _points(x, bottom + 2.2 * lip * HUMP**0.6))
    sketch.fill(red + _points(0.0, 0.3 * au[17]), (0.7 + 0.15 * tight) * person.skin)
    dark = DARK * person.skin
    sketch.line(_points(0.97 * x, top), dark, 0.6 + 0.2 * tight)
    if drop + grin > 0.6:
        sketch.fill(_between(_points(x, top), _points(x, bottom)), dark)
        bared = max(3.2 * smile, 2.4 * stretch)
        if bared > 1.0:
            edge = np.minimum(top + bared * opening, bottom - 0.2)
            sketch.fill(_between(_points(0.93 * x, top + 0.2), _points(0.93 * x, edge)), WHITE)
        sketch.line(_points(x, bottom), dark, 0.5)


def _furrows(sketch: _Sketch, person: _Person, au: Actions) -> None:
    half = person.mouth * (1.0 + 0.42 * au[12] + 0.4 * au[20])
    wing = person.nose + 1.0
    for side in SIDES:
        mirror = (side, 1.0)
        laugh = _bend((wing, NOSE_Y - 1.0), (half + 0.8, 6.0), (half + 1.8, 11.5 - 1.5 * au[12]))
        sketch.wrinkle(laugh * mirror, 0.1 + 0.6 * au[12] * (1.0 - au[9]))
        snarl = _bend((wing, NOSE_Y - 4.5), (wing + 3.8, 5.5), (half + 1.0, 13.0))
        sketch.wrinkle(snarl * mirror, au[9], 0.8)
        droop = _bend((half + 0.5, MOUTH_Y + 2.8), (half + 1.3, MOUTH_Y + 3.8), (half + 1.0, MOUTH_Y + 5.2))
        sketch.wrinkle(droop * mirror, 0.7 * au[15])
        pull = _bend((half + 1.0, MOUTH_Y - 1.5), (half + 1.8, MOUTH_Y + 1.0), (half + 1.0, MOUTH_Y + 4.0))
        sketch.wrinkle(pull * mirror, 0.6 * au[20])


def _chin(sketch: _Sketch, person: _Person, au: Actions) -> None:
    sketch.relief(_oval(0.0, MOUTH_Y - 3.0, person.mouth * 0.7, 0.9), 20.0 * au[23])
    sketch.relief(_oval(0.0, MOUTH_Y + 3.0, person.mouth * 0.7, 1.0), 24.0 * au[23])
    chin = person.chin - 2.0 + JAW_DROP * au[26]
    sketch.relief(_oval(0.0, chin, 3.2, 1.6), 24.0 * au[17])
    sketch.wrinkle(_points(3.4 * U, chin - 1.0 - 1.4 * HUMP), 0.85 * au[17])


def _glasses(sketch: _Sketch, person: _Person, shaded: bool) -> None:
    frame = 0.25 * person.skin
    for side in SIDES:
        lens = _oval(side * person.eye_x, EYE_Y, 6.0, 5.0)
        if shaded:
            sketch.fill(lens, frame)
        sketch.line(np.concatenate([lens, lens[:1]]), frame, 0.5)
    sketch.line(_points([6.0 - person.eye_x, person.eye_x - 6.0], EYE_Y - 0.5), frame, 0.6)


def _occlude(sketch: _Sketch, person: _Person, rng: np.random.Generator) -> None:
    at = rng.uniform((-13.0, -9.0), (13.0, 17.0))
    tone, angle = rng.uniform(20.0, 220.0), rng.uniform(-np.pi, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    match rng.choice(["hand", "bar", "shades", "strand"]):
        case "hand":
            tone = person.skin * rng.uniform(0.7, 1.15)
            for finger in np.linspace(-1.0, 1.0, 4):
                bone = _points([4.0 * finger, 5.0 * finger + 0.5], [6.0, -5.0 + 3.0 * finger**2]) @ turn + at
                sketch.line(bone, 0.7 * tone, 4.0, depth=0.0)
                sketch.line(bone, tone, 3.2, depth=0.0)
            sketch.fill(_oval(0.0, 9.0, 6.2, 6.0) @ turn + at, tone, depth=0.0)
        case "bar":
            sketch.line(_points([-50.0, 50.0], 0.0) @ turn + at, tone, rng.uniform(4.0, 8.0), depth=0.0)
        case "shades":
            _glasses(sketch, person, shaded=True)
        case _:
            strand = _bend((at[0], -24.0), (1.4 * at[0], -8.0), (at[0] + 8.0 * np.cos(angle), at[1] + 4.0))
            sketch.line(strand, person.hair, rng.uniform(3.0, 6.0))


def _sketch(person: _Person, au: Actions) -> _Sketch:
    sketch = _Sketch(person.skin)
    _head(sketch, person, au)
    for side in SIDES:
        _eye(sketch, person, au, side)
        _cheek(sketch, person, au, side)
    _nose(sketch, person, au)
    _furrows(sketch, person, au)
    _chin(sketch, person, au)
    if person.beard:
        _beard(sketch, person, au)
    _mouth(sketch, person, au)
    _forehead(sketch, au)
    for side in SIDES:
        _brow(sketch, person, au, side)
    if person.style:
        _hairline(sketch, person, person.style)
    if person.glasses:
        _glasses(sketch, person, shaded=False)
    return sketch


def _project(shapes: list[_Shape], variation: Variation, rng: np.random.Generator) -> tuple[Floats, float]:
    """Turn the head and put it on the picture: (n, 2) points of all shapes in face units, and the scale."""
    yaw, pitch, roll = variation.pose * rng.uniform(-1.0, 1.0, 3) * (0.5, 0.3, 0.3)
    scale = 1.0 + variation.scale * rng.uniform(-0.2, 0.15)
    shift = variation.scale * rng.uniform(-3.0, 3.0, 2)
    x, y = np.concatenate([shape.points for shape in shapes]).T
    depth = np.repeat([shape.depth for shape in shapes], [len(shape.points) for shape in shapes])
    wide, high, deep = HEAD_RADII
    z = deep * depth * np.sqrt(np.maximum(1.0 - (x / wide) ** 2 - (y / high) ** 2, 0.0))
    # A real head is nearly as deep as wide: turned, its outline narrows much less than a flat mask would.
    turned = _points((0.6 + 0.4 * np.cos(yaw)) * x + np.sin(yaw) * z, np.cos(pitch) * y + np.sin(pitch) * z)
    roll_matrix = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    return scale * turned @ roll_matrix + HEAD_CENTRE + shift, scale


def _paint(sketch: _Sketch, variation: Variation, rng: np.random.Generator, size: int) -> Floats:
    """Rasterise: (size, size) grey levels, not yet clipped to 0..255."""
    points, scale = _project(sketch.shapes, variation, rng)
    unit = size / FACE_UNITS
    grid = np.linspace(-1.0, 1.0, size)
    ground, dx, dy = variation.light * rng.uniform(-1.0, 1.0, 3) * (90.0, 40.0, 40.0)
    backdrop = np.clip(120.0 + ground + dx * grid + dy * grid[:, None], 0.0, 255.0).astype(np.uint8)
    ink = cv2.resize(backdrop, None, fx=SUPERSAMPLING, fy=SUPERSAMPLING)
    relief = np.full((size, size), MID_GREY, np.uint8)
    zooms = np.array([SUPERSAMPLING, 1.0])[:, None, None]
    fine, coarse = np.rint((points * unit * zooms - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
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


def _photograph(picture: Floats, variation: Variation, rng: np.random.Generator) -> NDArray[np.uint8]:
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


def draw_face(
    intensities: ArrayLike, variation: Variation, rng: np.random.Generator, size: int = FACE_UNITS
) -> NDArray[np.uint8]:
    """Draw one face; what each AU moves is from the FACS manual (Ekman, Friesen & Hager 2002).

    Args:
        intensities: (13,) float, 0..100 per AU in the order of `mien.facs.AUS`.
        variation: how much the face may differ from the average one in other ways.
        rng: the only source of randomness; the same state gives the same bytes.
        size: edge of the picture in pixels.

    Returns:
        (size, size) uint8 grey picture.
    """
    person = _person(variation.identity, rng)
    moves = person.vigour * (np.asarray(intensities, float) / 100.0) ** RESPONSE_POWER
    sketch = _sketch(person, dict(zip(AUS, moves.tolist(), strict=True)))
    if rng.random() < variation.occlusion:
        _occlude(sketch, person, rng)
    return _photograph(_paint(sketch, variation, rng, size), variation, rng)
