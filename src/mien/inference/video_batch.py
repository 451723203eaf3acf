"""What `mien video` does with video files: one, several one after the other, or each on a worker of a cluster."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mien._io import parallel
from mien._io.errors import InputError, printable
from mien._io.output import until_closed
from mien.config import ExecutorName
from mien.inference.detectors import make_detector
from mien.inference.face_classifier import FaceClassifier
from mien.inference.frames import Source, open_video
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.tracker import FaceTracker
from mien.inference.videos import VideoOutputs, read_frames

_LONGEST = 640  # pixels of a frame's side at which faces are searched
_SUFFIXES = {"video": ".mp4", "timeline": ".csv", "plot": ".png"}


@dataclass(frozen=True)
class VideoReading:
    """How faces of videos are read: model, detector and detect_every as the options of `mien video` have them.

    actions: also name an action for each face. display: show the frames in a window. threads: that the network may
    work in, 0 for as many as there are cores.
    """

    model: str | None
    detector: str
    detect_every: int
    actions: bool
    display: bool
    threads: int = 0

    def check(self) -> None:
        """Raise InputError where a number is wrong."""
        if self.detect_every < 1:
            raise InputError(f"--detect-every: found {self.detect_every}, expected at least 1")

    def read(
        self,
        source: Source,
        outputs: VideoOutputs,
        beside: Executor | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """Read the faces of an open video or camera; see `read_frames`, and `FaceTracker` about `beside`."""
        self.check()
        reader = EmotionRecognizer(
            FaceClassifier.named(self.model, threads=self.threads), make_detector(self.detector, _LONGEST)
        )
        suggest = None
        if self.actions:
            from mien.actions.suggest import suggester

            suggest = suggester(reader.classes)
        tracker = FaceTracker(reader, self.detect_every, beside)
        read_frames(source, tracker, reader.classes, outputs, self.display, suggest, say)


def read_videos(paths: Sequence[Path], reading: VideoReading, outputs: VideoOutputs, executor: ExecutorName) -> None:
    """Read the faces of video files; print what was seen in each. Of several, a bad one is named, the others are done.

    A video is read by one process from end to end, as what a face is called and how its emotion is smoothed follow from
    the frames before.

    Args:
        outputs: of one video, files; of several, folders of files that have the names of the videos.
        executor: `local` reads videos one after the other; `ray` many at a time, without a window.

    Raises:
        InputError: a video could not be read, when all others are done; or see `read_frames`.
    """
    reading.check()
    if len(paths) == 1 and executor == "local":
        with open_video(paths[0]) as source:
            reading.read(source, outputs)
        return
    tasks = list(zip(paths, _of_each(paths, outputs), strict=True))
    failed: list[_Read] = []
    with until_closed():
        for done in _on(executor, replace(reading, display=False), tasks):
            if done.said:
                print(done.said, flush=True)
            if done.error:
                failed.append(done)
                if len(paths) > 1:
                    print(printable(f"error: {done.error}"), file=sys.stderr)
    if failed and len(paths) == 1:
        raise InputError(failed[0].error)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(paths)} videos could not be read, of which {failed[0].path} is the first"
        )


class _Read(NamedTuple):
    """What is to be said of a video, and what was wrong with it, empty where nothing was."""

    path: Path
    said: str
    error: str


def _on(executor: ExecutorName, reading: VideoReading, tasks: list[tuple[Path, VideoOutputs]]) -> Iterator[_Read]:
    if executor == "local":
        yield from map(partial(_read, reading), tasks)
        return
    with parallel.executor(executor):
        yield from parallel.on_ray(partial(_read, replace(reading, threads=1)), tasks, together=1)


def _read(reading: VideoReading, task: tuple[Path, VideoOutputs]) -> _Read:
    path, outputs = task
    said: list[str] = []
    try:
        with open_video(path) as source:
            reading.read(source, outputs, say=said.append)
    except InputError as error:
        return _Read(path, "\n".join(said), str(error))
    return _Read(path, "\n".join(said), "")


def _of_each(paths: Sequence[Path], outputs: VideoOutputs) -> list[VideoOutputs]:
    """Return where the results of each video go; the folders for several are there then."""
    if len(paths) == 1:
        return [outputs]
    for name, times in Counter(path.stem for path in paths).items():
        if times > 1:
            raise InputError(f"{times} videos are called {name}, expected different names for their results")
    folders = {name: folder for name, folder in vars(outputs).items() if folder}
    if not folders:
        raise InputError("found several videos, but no FOLDER for --annotated, --faces-csv or --output-plot")
    for folder in folders.values():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: is no folder for several videos ({error.strerror})") from None
    return [
        VideoOutputs(**{name: folder / f"{path.stem}{_SUFFIXES[name]}" for name, folder in folders.items()})
        for path in paths
    ]
