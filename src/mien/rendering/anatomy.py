"""The anatomy of expression: what each Action Unit (AU) moves, and the face this makes.

After Ekman, Friesen & Hager, FACS: The Manual, 2002.
"""

import numpy as np

from mien.rendering.person import BROW_Y, EYE_Y, HEAD_TOP, MOUTH_Y, NOSE_Y, Hair, Person
from mien.rendering.sketch import (
    HUMP,
    LOWER,
    RING,
    SIDES,
    TURN,
    UPPER,
    Floats,
    Sketch,
    T,
    U,
    bend,
    between,
    oval,
    points,
)

Moves = dict[int, float]  # AU number -> how far it moves the face, 0..1

#: The AUs that a drawn face shows. Other AUs have no effect.
DRAWN_AUS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 20, 23, 26)

JAW_DROP = 4.5
DARK = 0.2  # share of the skin tone: lashes, nostrils, the inside of the mouth
WHITE = 238.0  # eyes and teeth
TAPER = np.linspace(0.55, 0.25, len(T))  # half the thickness of a brow, from its inner to its outer end


def _outline(person: Person, au: Moves) -> Floats:
    chin = person.chin + JAW_DROP * au[26] - 0.8 * au[17]
    cos, sin = RING.T
    width = (person.width + 0.6 * au[12]) * (1.0 - person.taper * np.maximum(sin, 0.0) ** 2)
    return points(width * np.sign(cos) * np.abs(cos) ** 0.85, np.where(sin > 0.0, chin, -HEAD_TOP) * sin)


def _head(sketch: Sketch, person: Person, au: Moves) -> None:
    outline = _outline(person, au)
    if person.style and person.style.length:
        crown, _, _, curl, length = person.style
        top = HEAD_TOP - 0.7 * crown
        mane = RING * (1.0 + 0.07 * curl * np.sin(8.0 * TURN))[:, None]
        reach = np.array([person.width + crown, (length - top) / 2.0])
        sketch.fill(mane * reach + (0.0, (length + top) / 2.0), person.hair, depth=0.0)
    else:
        for side in SIDES:
            sketch.fill(oval(side * (person.width + 0.3), -1.0, 2.0, 4.0), person.skin * 0.85, depth=0.0)
    sketch.fill(points([-9.0, 9.0, 11.0, -11.0], [14.0, 14.0, 34.0, 34.0]), person.skin * 0.75, depth=0.0)
    sketch.fill(outline, person.skin, depth=0.0)
    sketch.line(outline[LOWER], person.skin * 0.6, 0.5, depth=0.0)
    sketch.relief(outline, -16.0)
    sketch.relief(outline * (0.84, 0.88), 2.0)


def _beard(sketch: Sketch, person: Person, au: Moves) -> None:
    jaw = _outline(person, au)[LOWER]
    edge = points(jaw[0, 0] * U, 9.5 - 1.2 * HUMP**4 - 6.0 * U**8)
    sketch.fill(np.concatenate([jaw, edge]), 0.5 * person.skin + 0.2 * person.hair, depth=0.25)


def _hairline(sketch: Sketch, person: Person, style: Hair) -> None:
    width = person.width + 0.5 * style.crown
    line = person.hairline + style.fringe + style.tilt * U * HUMP + style.curl * np.sin(11.0 * U)
    low = line + (1.0 - 0.2 * style.fringe) * U**2 + (8.0 - style.fringe) * U**8
    arc = RING[UPPER] * (width, -HEAD_TOP - 6.0 + 0.7 * style.crown) + (0.0, -6.0)
    sketch.fill(np.concatenate([arc, points(width * U, low)[::-1]]), person.hair, depth=0.6)


def _brow(sketch: Sketch, person: Person, au: Moves, side: float) -> None:
    # AU4 alone lowers and knits the brows. Beyond the manual, to be readable at 48 pixels: tense lids or lips
    # turn that into the V of anger, AU15 into a sad slope; AU2 with AU20 raises the brows whole, as in fear.
    tense = max(au[7], au[23])
    tilt, sag, dread = au[4] * tense, au[4] * au[15] * (1.0 - tense), au[2] * au[20] * (1.0 - au[4])
    inner = -3.6 * au[1] - 1.6 * au[2] + 1.5 * au[4] + 1.2 * au[9] - 2.2 * dread + 2.2 * tilt - 1.4 * sag
    arch = -1.3 - 1.4 * au[1] - 3.4 * au[2] + 2.0 * au[4] + 0.8 * au[9] + 0.6 * dread + 0.5 * tilt
    outer = 0.8 - 3.2 * au[2] + 1.0 * au[4] + 1.4 * dread - 1.8 * tilt + 2.6 * sag
    near, far = 3.0 - 1.3 * au[4] - 0.5 * dread - 0.3 * au[9], person.eye_x + 5.4
    curve = bend((near, inner), ((near + far) / 2.0, 2.0 * arch - (inner + outer) / 2.0), (far, outer))
    half = points(0.0, person.brow * TAPER)
    brow = between(curve - half, curve + half) + points(0.0, BROW_Y)
    sketch.fill(brow * (side, 1.0), min(0.8 * person.hair, 0.5 * person.skin))


def _forehead(sketch: Sketch, au: Moves) -> None:
    for row in (0.0, 1.6):
        y = BROW_Y - 3.2 - row - 0.8 * max(au[1], au[2])
        sketch.wrinkle(points(4.5 * U, y + 0.5 * U**2), 0.6 * au[1])
        for side in SIDES:
            sketch.wrinkle(points(side * (8.5 + 3.0 * U), y + 0.2 - 0.6 * HUMP), 0.55 * au[2])
    sketch.relief(oval(0.0, BROW_Y + 1.0, 2.0, 2.6), -14.0 * au[4])
    for side in SIDES:
        sketch.wrinkle(points(side * (1.1 - 0.2 * U), BROW_Y + 0.6 + 1.9 * U), 0.85 * au[4], 0.6)


def _eye(sketch: Sketch, person: Person, au: Moves, side: float) -> None:
    mirror = (side, 1.0)
    dread, droop = au[2] * au[20], au[15] * (1.0 - au[5])
    rise = 2.6 + 1.9 * au[5] - 0.7 * au[6] - 1.4 * au[7] - 0.5 * au[9] + 0.6 * dread - 0.9 * droop
    fall = 1.9 + 0.3 * au[5] - 1.2 * au[7] - 2.2 * au[6]
    x = person.eye_x + 4.4 * person.eye * U
    corners = EYE_Y + 0.3 + (1.0 * au[15] - 0.4 * au[7]) * U
    upper = corners - person.eye * max(rise, 0.9) * HUMP**0.7
    lower = corners + person.eye * max(fall, -0.6) * HUMP**0.9
    sketch.fill(between(points(x, upper), points(x, lower)) * mirror, WHITE)
    for radius, tone in ((2.05, 75.0), (1.05, 10.0)):
        iris = oval(person.eye_x - 0.2, EYE_Y - 0.35, radius * person.eye, radius * person.eye)
        highest, lowest = np.interp(iris[:, 0], x, upper), np.interp(iris[:, 0], x, lower)
        iris[:, 1] = np.minimum(np.maximum(iris[:, 1], highest), lowest)
        sketch.fill(iris * mirror, tone)
    sketch.line(points(x, lower) * mirror, 0.55 * person.skin, 0.5)
    sketch.line(points(x, upper) * mirror, DARK * person.skin, 0.75)
    sketch.wrinkle(points(x, upper - 1.3 + 0.5 * au[5]) * mirror, 0.4 - 0.25 * au[5], 0.5)


def _cheek(sketch: Sketch, person: Person, au: Moves, side: float) -> None:
    x, mirror = person.eye_x, (side, 1.0)
    bag = points(x - 0.3 + 3.8 * U, EYE_Y + 1.6 + 1.5 * HUMP)
    sketch.wrinkle(bag * mirror, 0.6 * max(au[6], au[7]), 0.6)
    for fan in (-1.0, 0.0, 1.0):
        foot = points([x + 5.4, x + 7.2], [EYE_Y + 0.6 + 0.6 * fan, EYE_Y + 0.6 + 1.7 * fan])
        sketch.wrinkle(foot * mirror, 0.6 * au[6], 0.5)
    sketch.relief(oval(side * (x + 0.8), EYE_Y + 5.8, 4.5, 2.2), 28.0 * au[6])
    sketch.relief(oval(side * (x + 0.8), EYE_Y + 9.2, 4.0, 1.2), -20.0 * au[6])


def _nose(sketch: Sketch, person: Person, au: Moves) -> None:
    wide, y = person.nose * (1.0 + 0.4 * au[9]), person.nose_y - 1.6 * au[9]
    sketch.relief(oval(0.0, y - 1.2, 1.4, 1.8), 20.0)
    for side in SIDES:
        mirror = (side, 1.0)
        bridge = bend((1.8, EYE_Y + 1.0), (1.6, 1.0), (wide - 0.6, y - 1.5))
        sketch.wrinkle(bridge * mirror, 0.22 + 0.3 * au[9])
        wing = bend((wide - 0.4, y - 2.0), (wide + 1.2, y + 0.4), (wide - 1.0, y + 0.9))
        sketch.wrinkle(wing * mirror, 0.55 + 0.45 * au[9], 0.75)
        nostril = oval(side * 0.5 * wide, y + 0.8, 1.0 + 0.4 * au[9], 0.5 + 0.2 * au[9])
        sketch.fill(nostril, DARK * person.skin)
    for row in range(3):
        fold = points((1.5 + 0.3 * row) * U, EYE_Y - 0.8 + 2.0 * row - 0.7 * HUMP)
        sketch.wrinkle(fold, 0.9 * au[9], 0.6)


def _mouth(sketch: Sketch, person: Person, au: Moves) -> None:
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
    red = between(points(x, top - 1.8 * lip * HUMP**0.7 * bow), points(x, bottom + 2.2 * lip * HUMP**0.6))
    sketch.fill(red + points(0.0, 0.3 * au[17]), (0.7 + 0.15 * tight) * person.skin)
    dark = DARK * person.skin
    sketch.line(points(0.97 * x, top), dark, 0.6 + 0.2 * tight)
    if drop + grin > 0.6:
        sketch.fill(between(points(x, top), points(x, bottom)), dark)
        bared = max(3.2 * smile, 2.4 * stretch)
        if bared > 1.0:
            edge = np.minimum(top + bared * opening, bottom - 0.2)
            sketch.fill(between(points(0.93 * x, top + 0.2), points(0.93 * x, edge)), WHITE)
        sketch.line(points(x, bottom), dark, 0.5)


def _furrows(sketch: Sketch, person: Person, au: Moves) -> None:
    half = person.mouth * (1.0 + 0.42 * au[12] + 0.4 * au[20])
    wing = person.nose + 1.0
    for side in SIDES:
        mirror = (side, 1.0)
        laugh = bend((wing, NOSE_Y - 1.0), (half + 0.8, 6.0), (half + 1.8, 11.5 - 1.5 * au[12]))
        sketch.wrinkle(laugh * mirror, 0.1 + 0.6 * au[12] * (1.0 - au[9]))
        snarl = bend((wing, NOSE_Y - 4.5), (wing + 3.8, 5.5), (half + 1.0, 13.0))
        sketch.wrinkle(snarl * mirror, au[9], 0.8)
        droop = bend((half + 0.5, MOUTH_Y + 2.8), (half + 1.3, MOUTH_Y + 3.8), (half + 1.0, MOUTH_Y + 5.2))
        sketch.wrinkle(droop * mirror, 0.7 * au[15])
        pull = bend((half + 1.0, MOUTH_Y - 1.5), (half + 1.8, MOUTH_Y + 1.0), (half + 1.0, MOUTH_Y + 4.0))
        sketch.wrinkle(pull * mirror, 0.6 * au[20])


def _chin(sketch: Sketch, person: Person, au: Moves) -> None:
    sketch.relief(oval(0.0, MOUTH_Y - 3.0, person.mouth * 0.7, 0.9), 20.0 * au[23])
    sketch.relief(oval(0.0, MOUTH_Y + 3.0, person.mouth * 0.7, 1.0), 24.0 * au[23])
    chin = person.chin - 2.0 + JAW_DROP * au[26]
    sketch.relief(oval(0.0, chin, 3.2, 1.6), 24.0 * au[17])
    sketch.wrinkle(points(3.4 * U, chin - 1.0 - 1.4 * HUMP), 0.85 * au[17])


def glasses(sketch: Sketch, person: Person, shaded: bool) -> None:
    """Put glasses on the face, or sunglasses."""
    frame = 0.25 * person.skin
    for side in SIDES:
        lens = oval(side * person.eye_x, EYE_Y, 6.0, 5.0)
        if shaded:
            sketch.fill(lens, frame)
        sketch.line(np.concatenate([lens, lens[:1]]), frame, 0.5)
    sketch.line(points([6.0 - person.eye_x, person.eye_x - 6.0], EYE_Y - 0.5), frame, 0.6)


def sketch_face(person: Person, au: Moves) -> Sketch:
    """Return the face of a person, from back to front, moved by AUs. au: a value for each of DRAWN_AUS."""
    sketch = Sketch(person.skin)
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
        glasses(sketch, person, shaded=False)
    return sketch
