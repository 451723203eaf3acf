"""Measure the Ray executor against this machine's threads, and extrapolate the cost of larger data sets.

Synthetic images are read from a zip (decoded, hashed, measured), augmented, and read by both pretrained
networks. Each work is timed on local threads on 1 and 2 cores, and on clusters of 1 and 2 workers of one CPU on
loopback, in a process of its own and after a small run, so that neither imports nor the start of workers count; those
are told apart. Workers' memory is the most that one of them had for itself (USS). Weak scaling is the time of one
worker with half of the images over that of two with all; the driver works on the same cores, so that on two cores it
cannot be 1.

Then, on paper: from the measured costs of an image, what more images cost in time, memory and storage, and what breaks
first. The output is Markdown.

    python benchmarks/scale.py [--images 100000] > reports/benchmarks/scale/README.md
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from synthetic import SIDE, write_zip
from timing import measured

WORKS = ("read", "augment", "mien_small", "mien")
TASKS = 200
PAPER = (10**6, 10**8, 10**9)
WORKERS = (2, 64, 1024)
DRIVER_MEMORY = 64 * 2**30
OBJECT_STORE = 500 * 2**20


def read(source: Path, out: Path, executor: Any) -> int:
    """Read a zip as prepare_fer does, and return how many images it has."""
    from mien.data.pixel_file import PixelFile, read_images
    from mien.data.prepare import write_index
    from mien.data.readers.opening import open_source

    with PixelFile(out / "pixels", SIDE) as pixels, open_source(source) as images:
        index = read_images(images, pixels, executor)
    if executor.__name__ == "parallel":
        write_index(index.assign(dropped=""), out / "index.csv")
    return len(index)


def augmented(arrays: Path, out: Path, executor: Any) -> int:
    """Make a new view of each image of arrays, and return how many."""
    from mien.config import load_params
    from mien.data.arrays import Images
    from mien.data.balance import oversample

    images = Images.load(arrays, "train")
    goals = {name: 2 * count for name, count in images.counts().items()}
    changes = load_params(Path(__file__).parents[1] / "params.yaml").oversample_augment.augmentation
    oversample(images, goals, changes, np.random.default_rng(0), out, "train", executor)
    return len(images.labels)


def score(model: str) -> Callable[[Path, Path, Any], int]:
    """Return a work that scores a network on a zip."""

    def run(source: Path, _: Path, executor: Any) -> int:
        from mien.evaluation.image_answers import ImageScoring
        from mien.evaluation.image_scoring import score as score_images
        from mien.inference.networks.face_classifier import FaceClassifier

        name = "local" if executor.__name__ == "parallel" else "ray"
        classifier = FaceClassifier.from_pretrained(model, threads=len(os.sched_getaffinity(0)))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            score_images(source, classifier, ImageScoring("all", executor=name), as_json=True)
        return int(json.loads(printed.getvalue())["images"])

    return run


def tasks(_: Path, __: Path, executor: Any) -> int:
    """Do nothing in tasks, and return in how many."""
    return len(list(executor(abs, range(TASKS), 1)))


def tasks_of_ray_data(_: Path, __: Path, ___: Any) -> int:
    """Do the same with Ray Data."""
    import logging

    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ray.data.DataContext.get_current().enable_progress_bars = False
    blocks = ray.data.range(TASKS, override_num_blocks=TASKS)
    return sum(len(batch["id"]) for batch in blocks.map_batches(lambda batch: batch).iter_batches(batch_size=None))


RUN: dict[str, Callable[[Path, Path, Any], int]] = {
    "read": read,
    "augment": augmented,
    "mien_small": score("mien_small"),
    "mien": score("mien"),
    "tasks": tasks,
    "tasks of Ray Data": tasks_of_ray_data,
}


def perform(work: str, executor: str, cores: int, source: Path, warm: Path, out: Path) -> None:
    """Do a work in this process, after a small one, and print its figures as JSON."""
    from mien._io import parallel

    if executor == "local":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    start = time.perf_counter()
    with parallel.executor(executor) as mapped:
        RUN[work](warm, out, mapped)
        begun = time.perf_counter()
        with measured() as usage:
            images = RUN[work](source, out, mapped)
    print(json.dumps({"images": images, "start": begun - start, **asdict(usage)}))


def measure(work: str, executor: str, cores: int, source: Path, warm: Path, out: Path) -> dict[str, float]:
    """Return the figures of a work, done in a process of its own; `memory` is the most that a worker of Ray had."""
    command = [sys.executable, __file__, "--perform", work, executor, str(cores), str(source), str(warm), str(out)]
    with tempfile.TemporaryFile("w+") as output, subprocess.Popen(command, stdout=output) as process:
        most = 0
        while process.poll() is None:
            most = max([most, *_memory_of_workers()])
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"{work} on {executor} failed")
        output.seek(0)
        return {**json.load(output), "memory": most}


def _memory_of_workers() -> Iterator[int]:
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if "ray::" in " ".join(process.info["cmdline"] or []):
                yield process.memory_full_info().uss


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[None]:
    """Run a Ray cluster on loopback, a head without CPUs and workers of one; RAY_ADDRESS names it."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(workers):
            nodes.add_node(num_cpus=1, object_store_memory=OBJECT_STORE)
        os.environ["RAY_ADDRESS"] = nodes.address
        yield
    finally:
        nodes.shutdown()
        os.environ.pop("RAY_ADDRESS", None)


def write_arrays(folder: Path, count: int) -> None:
    """Write training images of two classes, as prepare_fer leaves them."""
    from mien.data.arrays import Images

    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)
    Images(pixels, (np.arange(count) % 2).astype(np.uint8), ["happy", "sad"]).save(folder, "train")


def data_of(work: str, folder: Path, count: int) -> Path:
    """Return data of `count` images for a work, made where they are not there."""
    path = folder / (f"{count}.zip" if work != "augment" else f"{count}-arrays")
    if not path.exists():
        (write_arrays if work == "augment" else write_zip)(path, count)
    return path


def per_image(figures: dict[str, float], key: str = "seconds") -> float:
    """Return what one image takes, in microseconds."""
    return figures[key] / figures["images"] * 1e6


def table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    for cells in (header, ["---", *["---:"] * (len(header) - 1)], *rows):
        print(f"| {' | '.join(cells)} |")
    print()


def measure_all(folder: Path, images: int) -> tuple[dict[str, dict[str, dict[str, float]]], list[dict[str, float]]]:
    """Return the figures of all works, by work and way, and those of empty tasks by Ray and by Ray Data."""
    out = folder / "out"
    out.mkdir()
    works: dict[str, dict[str, dict[str, float]]] = {work: {} for work in WORKS}

    def run(way: str, work: str, executor: str, cores: int, count: int) -> None:
        warm = data_of(work, folder, min(2000, count))
        works[work][way] = measure(work, executor, cores, data_of(work, folder, count), warm, out)

    for work in WORKS:
        run("local 1", work, "local", 1, images // 2)
        run("local 2", work, "local", 2, images)
    run("quarter", "read", "local", 2, images // 4)
    for workers in (1, 2):
        with cluster(workers):
            for work in WORKS:
                run(f"ray {workers}", work, "ray", workers, images * workers // 2)
            if workers == 1:
                run("few", "read", "ray", 1, images // 8)
            else:
                overhead = [measure(kind, "ray", 2, folder, folder, out) for kind in ("tasks", "tasks of Ray Data")]
    works["read"]["local 2"]["index"] = (out / "index.csv").stat().st_size / works["read"]["quarter"]["images"]
    return works, overhead


def report(works: dict[str, dict[str, dict[str, float]]], overhead: list[dict[str, float]], zip_bytes: float) -> None:
    """Print what was measured, and what follows from it."""
    print("# Ray compared with local threads\n")
    print(f"Made by `python benchmarks/scale.py`, on {os.cpu_count()} cores. Microseconds per image.\n")
    print(f"{int(works['read']['ray 2']['images']):,} images for two cores or workers, half as many for one.\n")
    rows = []
    for work, ways in works.items():
        one, two = ways["ray 1"], ways["ray 2"]
        times = [f"{per_image(ways[way]):,.0f}" for way in ("local 1", "local 2", "ray 1", "ray 2")]
        rows.append(
            [
                work,
                *times,
                f"{per_image(two) / per_image(ways['local 2']):.2f}",
                f"{one['seconds'] / two['seconds']:.2f}",
                f"{per_image(two, 'cpu_seconds'):,.1f}",
                f"{two['start']:.0f} s",
                f"{two['memory'] / 2**20:,.0f} MB",
            ]
        )
    header = ["work", "local, 1 core", "local, 2", "Ray, 1 worker", "Ray, 2", "Ray 2 / local 2", "weak scaling"]
    table([*header, "driver's CPU", "start", "a worker's memory"], rows)
    few, many = works["read"]["few"], works["read"]["ray 1"]
    print(
        f"A worker has {few['memory'] / 2**20:,.0f} MB at most while it reads {int(few['images']):,} images, and "
        f"{many['memory'] / 2**20:,.0f} MB while it reads {int(many['images']):,}.\n"
    )
    wall, cpu = ([per_image(figures, key) / 1000 for figures in overhead] for key in ("seconds", "cpu_seconds"))
    print(
        f"A task that does nothing takes {wall[0]:.1f} ms with two workers, {cpu[0]:.1f} ms of the driver's CPU; one "
        f"of Ray Data, which is not used for that reason, {wall[1]:.1f} and {cpu[1]:.1f}.\n"
    )
    on_paper(works, zip_bytes)


def on_paper(works: dict[str, dict[str, dict[str, float]]], zip_bytes: float) -> None:
    """Print what more images would cost: nothing of this was run."""
    quarter, whole = works["read"]["quarter"], works["read"]["local 2"]
    held = 2**20 * max(whole["grown"] - quarter["grown"], 0) / (whole["images"] - quarter["images"])
    print("## On paper\n\nExtrapolated from the costs above, not run. In hours, except sizes.\n")
    rows = []
    for images in PAPER:
        for work, ways in works.items():
            unit, driver = per_image(ways["ray 1"]) / 3.6e9, per_image(ways["ray 2"], "cpu_seconds") / 3.6e9
            hours = [f"{images * max(unit / workers, driver):,.2f}" for workers in WORKERS]
            rows.append([f"{images:,} images, {work}", *hours, f"{images * driver:,.2f}"])
    table(["work", *(f"{workers:,} workers" for workers in WORKERS), "the driver alone"], rows)
    rows = []
    for images in PAPER:
        sizes = (zip_bytes, SIDE**2, SIDE**2, whole["index"], held)
        rows.append([f"{images:,} images", *(f"{images * size / 1e9:,.1f} GB" for size in sizes)])
    table(["", "zip", "arrays", "while they are made, as much again", "index.csv", "memory of the driver"], rows)
    print("What breaks first:\n")
    print(
        f"- the driver's memory, in which the list of a zip and the index take {held:,.0f} bytes an image: "
        f"{DRIVER_MEMORY / 2**30:,.0f} GB hold {DRIVER_MEMORY / max(held, 1):,.0f} images;"
    )
    for work, ways in works.items():
        most = per_image(ways["ray 1"]) / per_image(ways["ray 2"], "cpu_seconds")
        print(f"- the driver's CPU: more than {most:,.0f} workers do not speed up {work};")
    print("- the storage that workers read from and write to, which was not measured here.")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="to read from a zip (100,000)")
    parser.add_argument("--perform", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.perform:
        work, executor, cores, *paths = arguments.perform
        perform(work, executor, int(cores), *map(Path, paths))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works, overhead = measure_all(folder, arguments.images)
        source = data_of("read", folder, arguments.images)
        report(works, overhead, source.stat().st_size / arguments.images)


if __name__ == "__main__":
    main()
