"""Measure near-duplicates: how many a data set has, how many changed copies are found, and how fast.

python benchmarks/near_duplicates.py --zip fer2013.zip [--counts 10000 100000] [--sheet pairs.png] [--output FOLDER]

First, the images of the zip: how many near-duplicates and leaks between splits there are in addition to equal pixels,
and which share is found of the pairs that comparing every image with every other one finds. --sheet draws 100 of the
pairs for inspection. Then, sets of --counts images, each the mean of two random images of the zip, with a changed copy
of 1,000 of them. Without --zip, the images are synthetic.
"""

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from synthetic import SIDE, write_zip
from timing import measured

from mien.data import audit, near_duplicates
from mien.data.image_stats import pixel_hashes
from mien.data.pixel_file import PixelFile, read_images
from mien.data.readers.opening import open_source

SYNTHETIC = 10_000
CHANGED = 1_000
BLOCK = 1_000
CHANGES = {
    "jpeg": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 0),
    "resized": lambda image: cv2.resize(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA), (SIDE, SIDE)),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "darker": lambda image: (image * 0.6 + 10).astype(np.uint8),
    "cropped by 1": lambda image: cv2.resize(image[1:, :-1], (SIDE, SIDE)),
}


def every_pair(images: np.ndarray) -> set[tuple[int, int]]:
    """Return all pairs of near-duplicates, each image compared with every other and its mirror image."""
    basis, is_odd = near_duplicates._frequencies(SIDE, near_duplicates._COMPARED)
    units = near_duplicates._unit(images, basis)
    pairs = set()
    for others in (units, units * np.where(is_odd, -1, 1).astype(np.float32)):
        for start in range(0, len(units), BLOCK):
            one, other = np.nonzero(units[start : start + BLOCK] @ others.T >= near_duplicates.MIN_CORRELATION)
            pairs |= {(int(i) + start, int(j)) for i, j in zip(one, other, strict=True) if i + start < j}
    return pairs


def draw(images: np.ndarray, pairs: np.ndarray, path: Path) -> None:
    """Write 100 of the pairs as a picture."""
    chosen = np.random.default_rng(0).choice(len(pairs), min(len(pairs), 100), replace=False)
    tiles = [np.pad(np.hstack(images[pairs[row]]), 3, constant_values=255) for row in chosen]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 10)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[row : row + 10]) for row in range(0, len(tiles), 10)]))


def measure_source(path: Path, folder: Path, sheet: Path | None) -> tuple[np.ndarray, dict[str, object]]:
    """Print the figures of a source, and return its distinct images, uint8 (N, 48, 48), and which pairs are found."""
    with PixelFile(folder / "pixels", SIDE) as pixels:
        with open_source(path) as source:
            index = read_images(source, pixels)
        index = index.assign(dropped="", split=index["split"].fillna("train"))
        comparable = audit.comparable(index).to_numpy()
        with measured() as usage:
            index["near"] = near_duplicates.near_groups(pixels, index["hash"].to_numpy(), comparable)
        rows = np.flatnonzero(comparable & ~index["hash"].duplicated().to_numpy())
        images = pixels.memmap()[rows]
        pairs = near_duplicates.near_pairs(pixels, rows)
    if sheet:
        draw(images, pairs, sheet)
    near, every = {(int(one), int(other)) for one, other in pairs}, every_pair(images)
    figures = audit.summarize(index)
    shown = ("images", "distinct", "copies", "near_copies", "leaks", "near_leaks", "near_duplicate_groups")
    print(json.dumps({name: figures[name] for name in shown}))
    conflicts = index[index["near"] >= 0].drop_duplicates(["near", "emotion"])["near"].duplicated().sum()
    print(f"groups of near or equal images with several labels: {conflicts}")
    print(f"pairs found: {len(near)}, of {len(every)} by comparing all: {len(near & every) / max(len(every), 1):.3f}")
    print(f"seconds: {usage.seconds:.2f}")
    found = {"pairs": len(every), "found": round(len(near & every) / max(len(every), 1), 4)}
    return images, {name: figures[name] for name in shown} | found


def measure_count(images: np.ndarray, count: int, folder: Path) -> dict[str, object]:
    """Print time, memory and which changed copies are found, for a set of `count` images and their copies."""
    rng = np.random.default_rng(0)
    with PixelFile(folder / "pixels", SIDE) as pixels:
        originals = np.empty((0, SIDE, SIDE), np.uint8)
        hashes: list[str] = []
        for start in range(0, count, BLOCK):
            one, other = (images[rng.integers(0, len(images), min(BLOCK, count - start))] for _ in range(2))
            part = ((one.astype(np.uint16) + other) // 2).astype(np.uint8)
            originals = part if start == 0 else originals
            pixels.write(start, part)
            hashes += pixel_hashes(part)
        names = list(CHANGES)
        changed = np.stack([CHANGES[names[row % len(names)]](image) for row, image in enumerate(originals[:CHANGED])])
        pixels.write(count, changed)
        hashes += pixel_hashes(changed)
        with measured() as usage:
            groups = near_duplicates.near_groups(pixels, np.array(hashes), np.ones(len(hashes), bool))
    is_found = pd.Series(groups[count:] == groups[: len(changed)])
    rates = is_found.groupby([names[row % len(names)] for row in range(len(changed))]).mean().round(3).to_dict()
    spent = f"{usage.seconds:.1f} s, {usage.cpu_seconds:.1f} s of CPU, {usage.grown:.0f} MB grown"
    print(f"{count:>9,} images: {spent}; found {rates}")
    return {"cpu_seconds": round(usage.cpu_seconds, 1), "grown": round(usage.grown), "found": rates}


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--output", type=Path, help="keep the figures in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.zip is None:
            write_zip(folder / "synthetic.zip", SYNTHETIC)
        images, figures = measure_source(options.zip or folder / "synthetic.zip", folder, options.sheet)
        counts = {f"{count}": measure_count(images, count, folder) for count in options.counts}
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"source": figures, "counts": counts}, indent=2) + "\n"
        (options.output / "figures.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
