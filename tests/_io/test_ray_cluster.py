"""Work on a Ray cluster of two workers: the same outputs as here, also where a worker dies; refusals in a line."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from helpers.commands import call_mien
from helpers.networks import brightness_network
from helpers.pictures import EMOTIONS, encoded, numbers, picture, png, read, write_csv, write_files, zipped
from helpers.repository import Repository
from helpers.served import served
from helpers.stages import run_stage
from helpers.videos import frame_of_clip, write_video

from mien._io import parallel
from mien._io.errors import InputError
from mien._io.ray_cluster import connect
from mien._io.urls import Location, locate
from mien.config import Augmentation
from mien.data import balance
from mien.data.arrays import Images
from mien.data.balance import oversample
from mien.data.readers import csv
from mien.data.readers import source as sources
from mien.data.readers.opening import open_source
from mien.data.readers.source import map_batches

TURN = Augmentation(
    flip=True, rotation=10.0, shift=0.1, zoom=0.1, brightness=20.0, contrast=0.2, cutout=0.1, interpolation="cubic"
)


class Cluster:
    """A head without CPUs and workers with one each, on loopback."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ray.cluster_utils import Cluster as OfRay

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 * 2**20}
        self._cluster = OfRay(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address
        self._workers = [self._add() for _ in range(2)]

    def _add(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)

    def kill_a_worker(self) -> None:
        """Kill a node and all its processes at once."""
        self._cluster.remove_node(self._workers.pop(), allow_graceful=False)

    def kill_processes(self) -> None:
        """Kill those that work, but no node: it starts others."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                if process.cmdline()[:1] in (["ray::_work"], ["ray::IDLE"]):
                    process.kill()

    def restore(self) -> None:
        """Add a worker for the one that was killed."""
        self._workers.append(self._add())
        self._cluster.wait_for_nodes()

    def stop(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster()
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
        cluster.stop()


@pytest.fixture(scope="module")
def connected(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, connected to, so that all tests share its processes."""
    with connect():
        yield cluster


def on_ray(path: Location) -> tuple[np.ndarray, pd.DataFrame]:
    """Return what `pictures.read` does, read by the cluster."""
    with parallel.executor("ray") as executor:
        return read(path, executor=executor)


FILES = {
    f"{split}/{emotion}/{i:02}.png": png(i)
    for split in ("train", "test")
    for emotion in ("happy", "sad")
    for i in range(20)
}


def of_rows(path: Path, count: int, end: str = "") -> Path:
    """Write a fer2013.csv; `end` follows its last row."""
    rows = [(i % 7, numbers(picture(i)), "Training") for i in range(count)]
    path.write_text(write_csv(path, rows).read_text() + end)
    return path


def augmented(folder: Path, executor: parallel.Executor) -> np.ndarray:
    """Return 35 images and 65 augmented images of them, made in a new folder."""
    labels = np.repeat(np.arange(2), [30, 5]).astype(np.uint8)
    images = Images(np.stack([picture(i) for i in range(35)]), labels, ["happy", "sad"])
    folder.mkdir()
    goals = {"happy": 50, "sad": 50}
    return oversample(images, goals, TURN, np.random.default_rng(1), folder, "train", executor).pixels[:]


def same(one: tuple[np.ndarray, pd.DataFrame], other: tuple[np.ndarray, pd.DataFrame]) -> None:
    assert np.array_equal(one[0], other[0])
    pd.testing.assert_frame_equal(one[1], other[1])


# Blocks, cut for any executor.


def test_rows_of_a_csv_are_those_of_the_whole_wherever_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv, "_PARSED_ROWS", 4)
    monkeypatch.setattr("mien.data.readers.lines._CHUNK", 1000)
    path = of_rows(tmp_path / "fer2013.csv", 24, end="\r\n \n\n")
    whole = read(path)
    for rows in (1, 5, 23, 24, 25):
        monkeypatch.setattr(csv, "_BATCH_ROWS", rows)
        with open_source(path) as source:
            placed = list(map_batches(source, 48, lambda *placed: placed, map))
        batches = [batch for _, batch in placed]
        assert [first for first, _ in placed] == [0, *np.cumsum([len(batch.entries) for batch in batches])][:-1]
        assert [entry[:3] for batch in batches for entry in batch.entries] == list(
            whole[1][["origin", "emotion", "split"]].itertuples(index=False, name=None)
        )
        assert np.array_equal(np.concatenate([batch.pixels for batch in batches]), whole[0])


@pytest.mark.parametrize("wrong", ["", "3,1 2 3,Training", f"suprise,{'7 ' * 2304},Training", f"0,{'7 ' * 2304},Other"])
def test_a_wrong_row_is_said_as_if_the_csv_were_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setattr(csv, "_PARSED_ROWS", 2)
    monkeypatch.setattr(csv, "_BATCH_ROWS", 5)
    path = of_rows(tmp_path / "fer2013.csv", 7)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], wrong, *lines[5:]]) + "\n")
    with pytest.raises(InputError) as expected:
        read(path)
    with open_source(path) as source, pytest.raises(InputError) as refused:
        list(map_batches(source, 48, lambda _, batch: batch, map))
    assert "row 5" in str(expected.value)
    assert str(refused.value) == str(expected.value)


def test_a_csv_without_rows_is_refused_as_if_it_were_not_cut(tmp_path: Path) -> None:
    path = of_rows(tmp_path / "fer2013.csv", 0, end="\n\n")
    with open_source(path) as source, pytest.raises(InputError, match="a header without rows"):
        list(map_batches(source, 48, lambda _, batch: batch, map))


def test_new_views_do_not_depend_on_the_blocks_they_are_made_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance, "_CHUNK", 16)
    made = []
    for block, executor in ((256, parallel.parallel), (5, map), (16, map)):
        monkeypatch.setattr(balance, "_BLOCK", block)
        made.append(augmented(tmp_path / str(block), executor))
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


# The cluster.


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("kind", ["zip", "folder", "csv"])
def test_two_workers_read_what_threads_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(sources, "_BATCH_PIXELS", 8 * 48 * 48)
    monkeypatch.setattr(csv, "_BATCH_ROWS", 16)
    files = FILES | {"train/happy/05.png": png(5)[:90]}
    path = {
        "zip": lambda: zipped(tmp_path / "faces.zip", files),
        "folder": lambda: write_files(tmp_path / "faces", files),
        "csv": lambda: of_rows(tmp_path / "fer2013.csv", 80),
    }[kind]()
    same(on_ray(path), read(path))


@pytest.mark.usefixtures("connected")
def test_two_workers_read_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BATCH_PIXELS", 8 * 48 * 48)
    path = zipped(tmp_path / "faces.zip", FILES)
    with served(tmp_path) as server:
        same(on_ray(locate(f"{server.url}/faces.zip")), read(path))


def killing(kill: Callable[[], None]) -> parallel.Executor:
    """Return the executor `ray`; something is killed while it works."""

    def executor(function: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
        for number, result in enumerate(parallel.on_ray(function, items)):
            if number == 1:
                kill()
            yield result

    return executor


def test_a_worker_killed_during_the_work_changes_nothing(
    connected: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_BATCH_PIXELS", 2 * 48 * 48)
    path = zipped(tmp_path / "faces.zip", FILES)
    whole = read(path, executor=killing(connected.kill_a_worker))
    connected.restore()
    same(whole, read(path))


def test_processes_killed_during_the_work_change_nothing(
    connected: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(balance, "_BLOCK", 2)
    expected = augmented(tmp_path / "local", parallel.parallel)
    assert np.array_equal(augmented(tmp_path / "ray", killing(connected.kill_processes)), expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("connected")
def test_what_is_wrong_is_said_as_if_it_were_read_here(tmp_path: Path) -> None:
    path = of_rows(tmp_path / "fer2013.csv", 9, end=f"0,{'7 ' * 2303}256,Training\n")
    with pytest.raises(InputError, match="row 10, pixel 2304: found '256'"):
        on_ray(path)


@pytest.mark.usefixtures("connected")
def test_a_worker_without_the_file_says_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "faces.zip", FILES)
    with open_source(path) as source:
        path.rename(tmp_path / "elsewhere.zip")
        with pytest.raises(InputError, match=f"{path}.*expected storage that all nodes share"):
            list(map_batches(source, 48, lambda _, batch: batch.hashes, parallel.on_ray))


@pytest.mark.usefixtures("connected")
def test_a_worker_whose_disk_is_full_says_so() -> None:
    with pytest.raises(InputError, match=r"No space left on device.*expected a node that can read and write its files"):
        list(parallel.on_ray(lambda path: path.write_bytes(b"face"), [Path("/dev/full")]))


@pytest.mark.usefixtures("connected")
def test_a_worker_without_the_code_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "only_here", parallel)
    monkeypatch.setattr(parallel._work, "__module__", "only_here")
    with pytest.raises(InputError, match=r"cannot start .ModuleNotFoundError: .*expected the same environment"):
        list(parallel.on_ray(abs, [1]))


@pytest.mark.usefixtures("connected")
def test_the_stages_write_the_same_bytes(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    train = {
        f"train/{emotion}/{i:02}.png": png(100 * k + i) for k, emotion in enumerate(EMOTIONS) for i in range(9 + k)
    }
    test = {f"test/{emotion}/{i:02}.png": png(100 * k + 5 * i) for k, emotion in enumerate(EMOTIONS) for i in range(4)}
    zipped(stages.path / "faces.zip", train | test)
    written = {}
    for executor in ("local", "ray"):
        stages.set_params(
            {
                "compute": {"executor": executor},
                "prepare_fer": {"source": "faces.zip", "validation_share": 0.2},
                "oversample_augment": {"ratio": 1.0},
            }
        )
        for stage in ("prepare_fer", "oversample_augment"):
            run_stage(stage)
        lines = capfd.readouterr().err.splitlines()
        assert [line for line in lines if not line.startswith("mlflow: ")] == []  # one process, so one run for both
        folders = ("data", "reports")
        paths = [path for folder in folders for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        written[executor] = {path: path.read_bytes() for path in paths}
        for folder in folders:
            shutil.rmtree(folder)
    assert len(written["local"]) > 15
    assert written["ray"] == written["local"]


Mien = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mien(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Mien:
    """`mien COMMAND` with a small network: returns the exit code, stdout and stderr."""
    network = brightness_network(tmp_path / "network", temperature=1.7)

    def run(*words: object) -> tuple[int, str, str]:
        return call_mien(monkeypatch, *words, "--model", network), *capfd.readouterr()

    return run


@pytest.mark.usefixtures("connected")
def test_scores_are_the_same(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_BATCH_PIXELS", 4 * 48 * 48)
    levels = {"angry": 40, "happy": 120, "sad": 180, "fear": 90}
    faces = {
        f"{split}/{emotion}/{i:02}.png": encoded(np.clip(picture(i) // 2 + level - 64, 0, 255).astype(np.uint8))
        for split in ("train", "test")
        for emotion, level in levels.items()
        for i in range(8)
    }
    path = zipped(tmp_path / "faces.zip", faces | {"test/happy/8.png": png(1)[:50]})
    answers = [mien("score", path, "--tta", "--json", "--executor", executor) for executor in ("local", "ray")]
    assert answers[0][0] == 0
    assert answers[0] == answers[1]


@pytest.mark.usefixtures("connected")
def test_videos_are_read_the_same(mien: Mien, tmp_path: Path) -> None:
    clips = [write_video(tmp_path / f"{start}.mp4", [frame_of_clip(start + i) for i in range(6)]) for start in (0, 9)]
    (tmp_path / "words.mp4").write_text("no video")
    results = []
    for executor in ("local", "ray"):
        folder = tmp_path / executor
        outputs = ("--annotated", folder, "--faces-csv", folder, "--output-plot", folder)
        results.append(mien("video", *clips, tmp_path / "words.mp4", *outputs, "--executor", executor))
    code, out, err = results[0]
    assert (code, len(out.splitlines()), len(err.splitlines())) == (2, 2, 2), err
    assert "words.mp4: cannot be read as a video" in err
    assert results[1] == results[0]
    written = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("local", "ray")]
    assert sorted(written[0]) == [f"{start}.{suffix}" for start in (0, 9) for suffix in ("csv", "mp4", "png")]
    assert written[0] == written[1]


# Refusals.


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "RAY_ADDRESS: nothing answers at 127.0.0.1:1 (Connection refused)"),
        ("head", "RAY_ADDRESS: found 'head', expected HOST:PORT"),
        ("ray://127.0.0.1:10001", "RAY_ADDRESS: found 'ray://127.0.0.1:10001', expected HOST:PORT"),
    ],
)
def test_a_bad_address_is_said_in_a_line(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    code, out, err = mien("score", zipped(tmp_path / "faces.zip", FILES), "--executor", "ray")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


@pytest.mark.usefixtures("connected")
def test_too_few_cpus_are_said_in_a_line() -> None:
    with pytest.raises(InputError, match="has 2 CPUs, expected at least 3"), connect(cpus=3):
        pass


def test_another_version_of_ray_is_said_in_a_line(cluster: Cluster, tmp_path: Path) -> None:
    faces = zipped(tmp_path / "faces.zip", FILES)
    code = (
        "import sys, ray; ray.__version__ = '1.2.3'; from mien.cli import main\n"
        f"sys.argv = ['mien', 'score', {str(faces)!r}, '--executor', 'ray']; main()"
    )
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"the cluster at {cluster.address} runs Ray 2." in line
    assert "expected Ray 1.2.3 on Python" in line


def test_without_the_extra_what_to_install_is_said_in_a_line(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = mien("score", zipped(tmp_path / "faces.zip", FILES), "--executor", "ray")
    assert (code, err) == (
        2,
        "error: a Ray cluster needs the extra `scale`: pip install '.[scale]' in a clone of mien\n",
    )


def test_ray_is_imported_only_where_it_is_asked_for() -> None:
    code = (
        "import sys; import mien.cli, mien.config, mien.evaluation.image_scoring, mien.inference.videos\n"
        "import mien.data.balance\n"
        "sys.exit('ray' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
