"""Compare speed and memory of turning images into arrays with the usual ways, each in its own process.

From JPEG files: the usual loop of keras.utils.load_img, and OpenCV alone, which is the limit. From a fer2013.csv: two
Python loops over the pixels, and pandas with str.split for each row. All of these make one array, so does `mien, read`,
whose figures also include hashes, brightness and contrast; `mien, prepare` cuts splits and writes an index, too.
Memory is the peak of the process; `grown` is what came after the imports. CPU time, of all threads, hardly depends on
what else runs.

python benchmarks/prepare.py [--zip fer2013.zip] [--counts 10000 100000 1000000]

Without --zip, the images are synthetic; so are those by which --counts shows the cost growing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthetic import EMOTIONS, SIDE, write_zip
from timing import measured

SYNTHETIC = 10_000
PIXEL_LOOP_ROWS, SPLIT_ROWS = 300, 3_000


STEPS: dict[str, float] = {}


@contextmanager
def step(name: str) -> Iterator[None]:
    """Time a step, in seconds."""
    with measured() as usage:
        yield
    STEPS[name] = usage.seconds


def read(source: Path, out: Path) -> Callable[[], int]:
    """Return mien's way from any source to one array on disk, which returns how many images it read."""
    from mien.data.arrays import open_npy
    from mien.data.pixel_file import PixelFile, read_images
    from mien.data.readers.opening import open_source

    def run() -> int:
        with PixelFile(out / "pixels", SIDE) as pixels, open_source(source) as images:
            index = read_images(images, pixels)
            with open_npy(out / "images.npy", (len(index), SIDE, SIDE)) as array:
                for part in pixels.chunks():
                    array.write(part.data)
        return len(index)

    return run


def prepare(source: Path, out: Path) -> Callable[[], int]:
    """Return mien's way from any source to arrays of three splits and an index, as the stage prepare_fer has it."""
    import sklearn.model_selection  # noqa: F401  imported where a split is cut, of which the time is not to be measured

    from mien.data.pixel_file import PixelFile, read_images
    from mien.data.prepare import assign_splits, choose_classes, write_index, write_splits
    from mien.data.readers.opening import open_source

    def run() -> int:
        with PixelFile(out / "pixels", SIDE) as pixels:
            with ExitStack() as stack:
                with step("list"):
                    images = stack.enter_context(open_source(source))
                with step("read"):
                    index = read_images(images, pixels)
            with step("split"):
                index = index.assign(dropped="", split=assign_splits(index.assign(dropped=""), 0.1, 0.1, seed=0))
                classes = choose_classes(index, [])
            with step("write"):
                write_splits(pixels, index, classes, out)
            with step("index"):
                write_index(index, out / "index.csv")
        return len(index)

    return run


def keras_loop(folder: Path, out: Path) -> Callable[[], int]:
    """Return the usual way of notebooks: each file by Keras (that is Pillow), all as float64."""
    import numpy as np

    from mien.models.keras_backend import keras

    def run() -> int:
        images = [
            keras.utils.img_to_array(keras.utils.load_img(path, color_mode="grayscale", target_size=(SIDE, SIDE)))
            for path in sorted(folder.rglob("*.jpg"))
        ]
        np.save(out / "images.npy", np.array(images, np.float64) / 255)
        return len(images)

    return run


def opencv(folder: Path, _: Path) -> Callable[[], int]:
    """Return decoding by OpenCV alone, from memory, on all cores: nothing that uses it can be faster."""
    import cv2
    import numpy as np

    from mien._io.parallel import parallel

    data = [np.fromfile(path, np.uint8) for path in folder.rglob("*.jpg")]
    parts = [data[start : start + 512] for start in range(0, len(data), 512)]

    def run() -> int:
        return sum(parallel(lambda part: len([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in part]), parts))

    return run


def pixel_loop(table: Path, out: Path) -> Callable[[], int]:
    """Return the leanest Python loop over the pixels of a fer2013.csv."""
    import csv

    import numpy as np

    def run() -> int:
        images = np.zeros((PIXEL_LOOP_ROWS, SIDE, SIDE))
        with table.open(newline="") as file:
            for row, cells in zip(range(PIXEL_LOOP_ROWS), csv.DictReader(file), strict=False):
                for place, value in enumerate(cells["pixels"].split()):
                    images[row, place // SIDE, place % SIDE] = int(value)
        np.save(out / "images.npy", images)
        return PIXEL_LOOP_ROWS

    return run


def digit_loop(table: Path, out: Path) -> Callable[[], int]:
    """Return the loop that most often makes class folders of a fer2013.csv: each number is read digit by digit.

    That of github.com/atulapra/Emotion-detection, src/dataset_prepare.py, and what took it over; without its PNG files.
    """
    import numpy as np
    import pandas as pd

    def number(digits: str) -> int:
        value = 0
        for digit in digits:
            value = 10 * value + ord(digit) - ord("0")
        return value

    def run() -> int:
        rows = pd.read_csv(table, nrows=PIXEL_LOOP_ROWS)
        images = np.zeros((len(rows), SIDE, SIDE), np.uint8)
        for row in range(len(rows)):
            numbers = rows["pixels"][row].split()
            image = images[row]
            for place in range(SIDE * SIDE):
                image[place // SIDE][place % SIDE] = number(numbers[place])
        np.save(out / "images.npy", images)
        return len(rows)

    return run


def pandas_split(table: Path, out: Path) -> Callable[[], int]:
    """Return pandas with str.split for each row of a fer2013.csv."""
    import numpy as np
    import pandas as pd

    def run() -> int:
        rows = pd.read_csv(table, nrows=SPLIT_ROWS)["pixels"]
        np.save(out / "images.npy", np.stack([np.array(row.split(), "uint8").reshape(SIDE, SIDE) for row in rows]))
        return len(rows)

    return run


def unpack(source: Path, out: Path) -> Callable[[], int]:
    """Return a step that makes folders and a fer2013.csv of a zip."""
    import zipfile

    import cv2
    import numpy as np

    def run() -> int:
        with zipfile.ZipFile(source) as archive, (out / "fer2013.csv").open("w") as table:
            archive.extractall(out / "folder")
            names = [name for name in archive.namelist() if name.endswith(".jpg")]
            table.write("emotion,pixels,Usage\n")
            for name in names:
                image = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
                table.write(f"{EMOTIONS.index(name.split('/')[-2])},{' '.join(map(str, image.ravel()))},Training\n")
        return len(names)

    return run


def synthesise(count: str, out: Path) -> Callable[[], int]:
    """Return a step that writes a zip of `count` synthetic images."""

    def run() -> int:
        write_zip(out / "synthetic.zip", int(count))
        return int(count)

    return run


WAYS: dict[str, Callable[[Any, Path], Callable[[], int]]] = {
    way.__name__: way
    for way in (read, prepare, keras_loop, opencv, pixel_loop, digit_loop, pandas_split, unpack, synthesise)
}


def perform(way: str, source: str, out: Path) -> None:
    """Run one way in this process, and print its figures as JSON."""
    run = WAYS[way](source if way == "synthesise" else Path(source), out)
    with measured() as usage:
        images = run()
    print(json.dumps({"images": images, **asdict(usage), "steps": STEPS}))


def measure(way: str, source: object, out: Path, repeats: int = 3) -> dict[str, Any]:
    """Run one way in processes of its own, which stay small as this one does, and return the figures of the fastest."""
    out.mkdir(exist_ok=True)
    command = [sys.executable, __file__, "--way", way, str(source), str(out)]
    figures = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(repeats)]
    return min(figures, key=lambda one: one["seconds"])


def per_image(figures: dict[str, Any]) -> float:
    """Return the time that one image takes, in microseconds."""
    return figures["seconds"] / figures["images"] * 1e6


def line(name: str, figures: dict[str, Any], **baselines: dict[str, Any]) -> None:
    """Print the figures of one way, and how many times as fast it is as some baselines."""
    memory = f"{figures['peak']:7,.0f} MB {figures['grown']:6,.0f} MB grown"
    times = "".join(
        f"{per_image(one) / per_image(figures):7.1f} x {of.replace('_', ' ')}" for of, one in baselines.items()
    )
    cpu = figures["cpu_seconds"] / figures["images"] * 1e6
    print(
        f"{name:32}{figures['images']:>10,} images{per_image(figures):7.1f} us each,{cpu:6.1f} of CPU {memory}{times}"
    )


def steps(figures: dict[str, Any]) -> None:
    """Print what the steps of the stage take of the time of one image."""
    parts = (f"{name} {seconds / figures['images'] * 1e6:.1f}" for name, seconds in figures["steps"].items())
    print(f"{'':42} of these: {', '.join(parts)} us")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, help="a zip of EMOTION/IMAGE.jpg, all 48 x 48 (synthetic images)")
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000], help="to show how the cost grows")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        way, source, out = arguments.way
        perform(way, source, Path(out))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.zip is None:
            measure("synthesise", SYNTHETIC, folder, repeats=1)
        source = arguments.zip or folder / "synthetic.zip"
        measure("unpack", source, folder, repeats=1)

        limit = measure("opencv", folder / "folder", folder / "out")
        loop = measure("keras_loop", folder / "folder", folder / "out", repeats=1)
        line("keras.utils.load_img loop", loop)
        line("OpenCV decoding, the limit", limit, loop=loop)
        for kind, path in (("folder", folder / "folder"), ("zip", source)):
            for way in ("read", "prepare"):
                figures = measure(way, path, folder / "out")
                line(f"mien, {way} {kind}", figures, loop=loop)
                share, memory = per_image(limit) / per_image(figures), loop["peak"] / figures["peak"]
                print(f"{'':42} {share:.0%} of the decoder's speed, 1/{memory:.1f} of the loop's memory")
            steps(figures)

        table = folder / "fer2013.csv"
        baselines = {way: measure(way, table, folder / "out") for way in ("pixel_loop", "digit_loop", "pandas_split")}
        for way, figures in baselines.items():
            line(f"fer2013.csv, {way.replace('_', ' ')}", figures)
        for way in ("read", "prepare"):
            figures = measure(way, table, folder / "out")
            line(f"mien, {way} fer2013.csv", figures, **baselines)
        steps(figures)

        for count in arguments.counts:
            measure("synthesise", count, folder, repeats=1)
            size = (folder / "synthetic.zip").stat().st_size / 2**20
            figures = measure("prepare", folder / "synthetic.zip", folder / "out", repeats=1)
            line(f"mien, prepare zip of {size:,.0f} MB", figures)
            steps(figures)


if __name__ == "__main__":
    main()
