"""Draws a face from Action Unit (AU) intensities."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.aus.facs import AUS
from mien.config import Variation
from mien.rendering.anatomy import DRAWN_AUS, Moves, sketch_face
from mien.rendering.person import random_person
from mien.rendering.photograph import occlude, photograph
from mien.rendering.sketch import FACE_UNITS, Floats

RESPONSE_POWER = 1.7  # convex: an AU at 15 is hardly visible, at 95 almost fully


def draw_face(
    intensities: ArrayLike, variation: Variation, rng: np.random.Generator, size: int = FACE_UNITS
) -> NDArray[np.uint8]:
    """Draw one face; what each AU moves is from the FACS manual (Ekman, Friesen & Hager 2002).

    Args:
        intensities: (len(AUS),) floats, 0..100 per AU in the order of `mien.aus.facs.AUS`; those of AUs that are not
            drawn (see `mien.rendering.anatomy.DRAWN_AUS`) make no difference.
        variation: how much the face may differ from the average one in other ways.
        rng: the only source of randomness; the same state gives the same bytes.
        size: edge of the picture in pixels.

    Returns:
        (size, size) uint8 grey picture.

    Raises:
        ValueError: there is not one intensity per AU, or one is not within 0..100.
    """
    levels = _checked(intensities)
    person = random_person(variation.identity, rng)
    sketch = sketch_face(person, _moves(levels, person.vigour))
    if rng.random() < variation.occlusion:
        occlude(sketch, person, rng)
    return photograph(sketch, variation, rng, size)


def _checked(intensities: ArrayLike) -> Floats:
    levels = np.asarray(intensities, float)
    if levels.shape != (len(AUS),):
        raise ValueError(f"found intensities of shape {levels.shape}, expected ({len(AUS)},)")
    within = (levels >= 0.0) & (levels <= 100.0)  # false for NaN
    if not within.all():
        raise ValueError(f"found intensity {levels[~within][0]}, expected 0..100")
    return levels


def _moves(levels: Floats, vigour: float) -> Moves:
    moves = dict(zip(AUS, (vigour * (levels / 100.0) ** RESPONSE_POWER).tolist(), strict=True))
    return {au: moves[au] for au in DRAWN_AUS}
