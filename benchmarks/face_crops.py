"""Measure speed and memory of turning whole pictures into arrays of faces (prepare_fer.detector).

The pictures are two photos in the public domain, shifted, tilted and darkened, with 250 x 250 pixels like LFW's. Each
count is measured in a separate process. Memory is the peak of the process; `grown` is what was added after imports and
listing the images. CPU time of all threads hardly depends on other load.

python benchmarks/face_crops.py [--counts 3000 30000] [--detector yunet] [--output FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import asdict
from importlib.metadata import distribution
from pathlib import Path

from timing import measured

SIDE, CROP = 250, 48


def write_pictures(path: Path, count: int) -> None:
    """Write a zip of `count` different pictures."""
    import cv2
    import numpy as np
    from matplotlib import cbook

    files = [Path(str(file.locate())) for file in distribution("scikit-image").files or []]
    photos = [next(file for file in files if file.name == "astronaut.png")]
    photos.append(Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)))
    images = [cv2.imread(str(photo)) for photo in photos]
    corners = [(110, 10, 220), (100, 60, 330)]  # left, top, side of a square around each head
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            which = number % 2
            left, top, side = corners[which]
            scale, turn = SIDE / side * rng.uniform(0.7, 1.0), rng.uniform(-15, 15)
            matrix = cv2.getRotationMatrix2D((left + side / 2, top + side / 2), turn, scale)
            matrix[:, 2] += SIDE / 2 - np.array([left + side / 2, top + side / 2]) + rng.uniform(-15, 15, 2)
            picture = cv2.warpAffine(images[which], matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
            data = cv2.imencode(".jpg", (picture * rng.uniform(0.6, 1.0)).astype(np.uint8))[1].tobytes()
            archive.writestr(f"{('happy', 'neutral')[which]}/{number:06}.jpg", data)


def measure(path: Path, detector: str) -> None:
    """Read a zip in this process, and print its figures as JSON."""
    from mien.data.pixel_file import PixelFile, read_images
    from mien.data.readers.opening import open_source
    from mien.inference.faces.face_crops import FaceSearch

    decoder = FaceSearch(detector).decoder()
    with (
        tempfile.TemporaryDirectory() as folder,
        PixelFile(Path(folder, "pixels"), CROP) as pixels,
        open_source(path, decoder=decoder) as source,
        measured() as usage,
    ):
        index = read_images(source, pixels)
    with_face = int((index["faces"] > 0).sum()) if "faces" in index else len(index)
    print(json.dumps({"images": len(index), "with_face": with_face} | asdict(usage)))


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[3_000, 30_000])
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--output", type=Path, help="keep the figures in this folder")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        measure(options.read, options.detector)
        return
    kept = {}
    for count in options.counts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pictures.zip")
            write_pictures(path, count)
            command = [sys.executable, __file__, "--read", str(path), "--detector", options.detector]
            figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        rate, cpu = count / figures["seconds"], figures["cpu_seconds"] / count * 1e3
        print(
            f"{options.detector}: {count:,} images, {figures['with_face']:,} with a face, {rate:.0f} images/s, "
            f"{cpu:.1f} ms of CPU each, peak {figures['peak']:.0f} MB, {figures['grown']:.0f} MB grown"
        )
        kept[f"{count}"] = figures | {"images_per_second": round(rate), "cpu_ms": round(cpu, 2)}
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / f"{options.detector}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
