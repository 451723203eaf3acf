"""Differences between faces that have nothing to do with emotion: settings, and the looks of one person."""

from typing import NamedTuple

import numpy as np

# Landmarks of the average face, in face units (see mien.rendering.sketch).
HEAD_TOP = -20.5
EYE_Y, BROW_Y, NOSE_Y, MOUTH_Y = -3.5, -9.2, 5.5, 12.0


class Hair(NamedTuple):
    crown: float  # its distance from the head
    fringe: float
    tilt: float
    curl: float
    length: float  # how far it falls behind the face; 0 for not at all


SHORT_HAIR = Hair(crown=1.0, fringe=0.0, tilt=0.0, curl=0.0, length=0.0)
HAIR_STYLES = (
    None,
    SHORT_HAIR,
    Hair(crown=1.8, fringe=3.0, tilt=0.0, curl=0.3, length=9.0),
    Hair(crown=1.8, fringe=0.5, tilt=4.0, curl=0.0, length=0.0),
    Hair(crown=3.0, fringe=0.5, tilt=-3.0, curl=0.0, length=32.0),
    Hair(crown=3.5, fringe=1.0, tilt=0.0, curl=0.9, length=14.0),
)


class Person(NamedTuple):
    """Looks that do not change with the expression. Lengths are in face units, tones from 0 (black) to 255 (white)."""

    vigour: float  # how far this person's face moves
    width: float
    taper: float
    chin: float
    skin: float
    hair: float
    style: Hair | None
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


def random_person(strength: float, rng: np.random.Generator) -> Person:
    """Draw the looks of a random person. At `strength` 0, everyone is the average person."""

    def about(average: float, spread: float) -> float:
        return average + strength * spread * rng.uniform(-1.0, 1.0)

    style = HAIR_STYLES[rng.integers(len(HAIR_STYLES))]
    return Person(
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
