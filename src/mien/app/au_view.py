"""Action Units on the page: a drawn face that shows them, and bars for their intensities."""

from collections.abc import Mapping, Sequence
from html import escape

import cv2
import numpy as np

from mien.app.markup import intensity_bars, picture
from mien.aus.facs import AUS, JAW_DROP, MOUTH_STRETCH, column
from mien.config import Variation
from mien.inference.face import Face
from mien.inference.faces.detectors import Box
from mien.rendering import draw_face
from mien.rendering.anatomy import DRAWN_AUS

#: Explains the star beside the names of some AUs.
NOT_DRAWN = "* is not drawn"

_NAMES = {  # after the FACS manual
    1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser", 6: "cheek raiser",
    7: "lid tightener", 9: "nose wrinkler", 10: "upper lip raiser", 12: "lip corner puller",
    15: "lip corner depressor", 16: "lower lip depressor", 17: "chin raiser", 20: "lip stretcher", 23: "lip tightener",
    24: "lip pressor", 25: "lips part", 26: "jaw drop",
    27: "mouth stretch",
}  # fmt: skip
_DRAWN = {*DRAWN_AUS, MOUTH_STRETCH}
_LABELS = {column(au): f"{column(au)} {name}" + ("" if au in _DRAWN else " *") for au, name in _NAMES.items()}
_MAX_CARDS = 8  # faces of a photo
_SIDE = 192  # pixels, of a face on a card
_AVERAGE = Variation(identity=0, pose=0, scale=0, light=0, noise=0, occlusion=0)


def label(au: str) -> str:
    """Return the label of an AU, such as "AU25 lips part"; a star marks an AU that is not drawn."""
    return _LABELS.get(au, f"{au} *")


def drawn(intensities: Sequence[float], side: int) -> bytes:
    """Return a drawn face that shows AUs, as a PNG file. intensities: 0..100 in the order of AUS. side: in pixels."""
    face = draw_face(intensities, _AVERAGE, np.random.default_rng(0), side)
    return cv2.imencode(".png", face)[1].tobytes()


def drawn_of(aus: Mapping[str, float], side: int) -> bytes:
    """Return a drawn face that shows AUs by name, as a PNG file. AUs without an intensity are at rest."""
    jaw = max(aus.get(column(au), 0) for au in (JAW_DROP, MOUTH_STRETCH))
    return drawn([jaw if au == JAW_DROP else aus.get(column(au), 0) for au in AUS], side)


def cards(image: np.ndarray, faces: Sequence[Face]) -> str:
    """Return the largest faces of a photo as HTML: each beside a drawn face with its AUs, above bars for the AUs.

    The first one is open; the others can be unfolded.

    Args:
        image: the photo, uint8 (height, width, 3) BGR.
        faces: the largest first. If no AUs were read, the result is empty.
    """
    read = [face for face in faces if face.aus is not None]
    more = f"<p>{len(read) - _MAX_CARDS} smaller faces are in the table.</p>" if len(read) > _MAX_CARDS else ""
    return "".join(_card(image, face, number) for number, face in enumerate(read[:_MAX_CARDS], start=1)) + more


def _card(image: np.ndarray, face: Face, number: int) -> str:
    photographed = picture(_cropped(image, face.box), f"Face {number}")
    beside = picture(drawn_of(face.aus or {}, _SIDE), "Its Action Units, drawn")
    return (
        f'<details class="mien-card"{" open" * (number == 1)}><summary>{number}: {escape(face.label)}</summary>'
        f'<div class="mien-pair">{photographed}{beside}</div>{bars(face)}</details>'
    )


def _cropped(image: np.ndarray, box: Box) -> bytes:
    """Return the content of a box as a JPEG file. The box may extend beyond the picture."""
    left, top = max(box.left, 0), max(box.top, 0)
    face = image[top : box.top + box.height, left : box.left + box.width]
    return cv2.imencode(".jpg", cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))[1].tobytes()


def bars(face: Face) -> str:
    """Return the AUs of a face as bars. Those that match its emotion are highlighted."""
    aus = face.aus or {}
    rows = intensity_bars({label(name): aus[name] for name in aus}, {label(name) for name in face.reasons})
    return f'{rows}<p class="mien-note">{NOT_DRAWN}</p>'
