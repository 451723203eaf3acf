"""The pictures of README and docs, in docs/img: `python tools/docs_images.py`.

- astronaut.webp: what `mien image --annotated` writes for examples/astronaut.jpg, without the lower third.
- action_units.webp: an animation: Action Units move a drawn face, and bars show the emotions that are read from them.
- pipeline.svg: the stages and their dependencies, from the README's `dvc dag --md`.
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mien import AUClassifier, EmotionRecognizer
from mien._io.outputs import Output
from mien.aus.facs import AUS, column
from mien.config import Variation
from mien.inference.photos import PhotoOutputs, read_photos
from mien.rendering import draw_face

FOLDER = Path("docs/img")

_SHOWN = {1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser", 6: "cheek raiser"}
_SHOWN |= {7: "lid tightener", 9: "nose wrinkler", 12: "lip corner puller", 15: "lip corner depressor"}
_SHOWN |= {17: "chin raiser", 23: "lip tightener", 25: "lips part", 26: "jaw drop"}
_POSES: list[dict[int, int]] = [
    {6: 90, 12: 100, 25: 60},
    {1: 90, 2: 90, 5: 80, 25: 80, 26: 95},
    {4: 100, 5: 40, 7: 95, 17: 50, 23: 95},
    {1: 90, 4: 60, 15: 100, 17: 70},
    {4: 50, 7: 60, 9: 100, 17: 50},
    {},
]
_MOVING, _HELD = 6, 8  # frames of a pose
_MS = 90  # milliseconds per frame
_SIZE = (760, 330)
_FACE = 290
_SCALE = 2  # drawn this much larger and then shrunk, for smooth edges
_INK, _BAR, _RAIL, _ACCENT, _PAPER = "#22303c", "#1f3b57", "#d8dee4", "#b5541c", "#ffffff"


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_astronaut(FOLDER / "astronaut.webp")
    write_action_units(FOLDER / "action_units.webp")
    (FOLDER / "pipeline.svg").write_text(pipeline(Path("README.md").read_text()), encoding="utf-8")


def write_astronaut(path: Path) -> None:
    """Write the annotated photo."""
    with tempfile.TemporaryDirectory() as folder:
        annotated = Path(folder, "annotated.png")
        outputs = PhotoOutputs(Output(annotated))
        read_photos([Path("examples/astronaut.jpg")], EmotionRecognizer(), outputs, as_json=False)
        with Image.open(annotated) as picture:
            picture.crop((0, 0, picture.width, 340)).save(path, quality=82, method=6)


def write_action_units(path: Path) -> None:
    """Write the animation."""
    classifier = AUClassifier.from_pretrained()
    frames = [_frame(intensities, classifier) for intensities in _intensities()]
    first, *others = frames
    animated = {"save_all": True, "append_images": others, "duration": _MS, "loop": 0}
    options: dict[str, Any] = {"quality": 42, "method": 6, "minimize_size": True, **animated}
    first.save(path, **options)


def _intensities() -> Iterator[np.ndarray]:
    """Yield the AU intensities of each frame, float (17,), 0..100: from pose to pose, with a pause in each."""
    before = np.zeros(len(AUS))
    for pose in _POSES:
        after = np.array([float(pose.get(au, 0)) for au in AUS])
        for step in [*range(1, _MOVING + 1), *[_MOVING] * _HELD]:
            share = (1 - np.cos(np.pi * step / _MOVING)) / 2
            yield before + share * (after - before)
        before = after


def _frame(intensities: np.ndarray, classifier: AUClassifier) -> Image.Image:
    frame = Image.new("RGB", (_SIZE[0] * _SCALE, _SIZE[1] * _SCALE), _PAPER)
    draw = ImageDraw.Draw(frame)
    levels = dict(zip(AUS, intensities, strict=True))
    for row, (au, name) in enumerate(_SHOWN.items()):
        _slider(draw, row, f"{column(au)} {name}", levels[au])
    (shares,) = classifier.predict_proba(intensities[np.newaxis])
    for row, (emotion, share) in enumerate(zip(classifier.classes_, shares, strict=True)):
        _bar(draw, row, emotion, float(share), share == shares.max())
    frame = frame.resize(_SIZE, Image.Resampling.LANCZOS)
    frame.paste(Image.fromarray(_face(intensities)), (16, (_SIZE[1] - _FACE) // 2))
    return frame


def _face(intensities: np.ndarray) -> np.ndarray:
    """Return the same person in each frame, uint8 (290, 290)."""
    variation = Variation(identity=0.4, pose=0, scale=0, light=0.2, noise=0, occlusion=0)
    return draw_face(intensities, variation, np.random.default_rng(3), _FACE)


def _slider(draw: ImageDraw.ImageDraw, row: int, name: str, level: float) -> None:
    left, width, middle = 488, 70, 24 + 23.5 * row
    knob = left + width * level / 100
    draw.text((_SCALE * (left - 10), _SCALE * middle), name, _INK, ImageFont.load_default(13 * _SCALE), anchor="rm")
    draw.rounded_rectangle(_scaled(left, middle - 2, left + width, middle + 2), 2 * _SCALE, _RAIL)
    draw.rounded_rectangle(_scaled(left, middle - 2, knob, middle + 2), 2 * _SCALE, _BAR)
    draw.ellipse(_scaled(knob - 6, middle - 6, knob + 6, middle + 6), _BAR)


def _bar(draw: ImageDraw.ImageDraw, row: int, emotion: str, share: float, is_best: bool) -> None:
    left, width, top = 650, 95, 24 + 40 * row
    draw.text(
        (_SCALE * (left - 8), _SCALE * (top + 8)), emotion, _INK, ImageFont.load_default(14 * _SCALE), anchor="rm"
    )
    draw.rectangle(_scaled(left, top, left + width, top + 16), _RAIL)
    draw.rectangle(_scaled(left, top, left + width * share, top + 16), _ACCENT if is_best else _BAR)


def _scaled(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return _SCALE * left, _SCALE * top, _SCALE * right, _SCALE * bottom


#: Column and row of each stage in the picture.
PLACES = {
    "generate_aus": (0, 0),
    "render_faces": (1, 0),
    "prepare_fer": (2, 0),
    "oversample_augment": (3, 0),
    "train_cnn": (4, 0),
    "train_au": (4, 1),
    "evaluate": (5, 1),
    "action_map": (5, 2),
}
_COLUMN, _ROW, _WIDTH, _HEIGHT = 180, 64, 154, 36


def pipeline(readme: str) -> str:
    """Return the picture of the mermaid graph in a text: SVG, readable on a light and on a dark page.

    Raises:
        KeyError: the graph has a stage that is not in PLACES.
    """
    names = dict(re.findall(r"(node\d+)\[\"(\w+)\"\]", readme))
    edges = [(names[start], names[end]) for start, end in re.findall(r"(node\d+)-->(node\d+)", readme)]
    direct = {(start, end) for start, end in edges if not (start == "prepare_fer" and end in ("train_cnn", "evaluate"))}
    lines = [_arrow(PLACES[start], PLACES[end]) for start, end in sorted(direct)]
    boxes = [_box(name, *PLACES[name]) for name in names.values()]
    width, height = 6 * _COLUMN, 3 * _ROW - 12
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  font-family="sans-serif" font-size="13">
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 8 4 0 8z" fill="#8a96a3"/></marker></defs>
{"".join(lines)}{"".join(boxes)}</svg>
"""


def _corner(column: int, row: int) -> tuple[int, int]:
    return 8 + column * _COLUMN, 8 + row * _ROW


def _box(name: str, column: int, row: int) -> str:
    left, top = _corner(column, row)
    return (
        f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="{_BAR}"/>'
        f'<text x="{left + _WIDTH / 2:g}" y="{top + 23}" fill="{_PAPER}" text-anchor="middle">{name}</text>\n'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (left, top), (right, bottom) = _corner(*start), _corner(*end)
    start_x, start_y = float(left + _WIDTH), top + _HEIGHT / 2
    end_x, end_y = right, bottom + _HEIGHT / 2
    if end[0] - start[0] > 1:  # below the boxes of the columns in between
        start_x, start_y = left + _WIDTH / 2, top + _HEIGHT
        curve = f"M{start_x:g} {start_y:g} V{end_y - 12:g} q0 12 12 12 H{end_x:g}"
    elif start[1] != end[1]:
        middle = (start_x + end_x) / 2
        curve = f"M{start_x:g} {start_y:g} C{middle:g} {start_y:g} {middle:g} {end_y:g} {end_x:g} {end_y:g}"
    else:
        curve = f"M{start_x:g} {start_y:g} H{end_x:g}"
    return f'<path d="{curve}" fill="none" stroke="#8a96a3" stroke-width="2" marker-end="url(#tip)"/>\n'


if __name__ == "__main__":
    main()
