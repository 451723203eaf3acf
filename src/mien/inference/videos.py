"""The work of `mien video` and `mien webcam`: reads a camera, a file or several files, here or on a cluster."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mien._io import parallel
from mien._io.arguments import check_number, check_whole
from mien._io.errors import InputError, note, printable
from mien._io.output import LinePrinter
from mien._io.outputs import Output
from mien.inference.networks.pretrained import Precision
from mien.inference.networks.priors import Prior
from mien.inference.networks.tta import Tta
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.video.frames import Source, open_video
from mien.inference.video.tracker import FaceTracker
from mien.inference.video.video_outputs import VideoOutputs, outputs_per_video
from mien.inference.video.video_session import read_frames

if TYPE_CHECKING:
    from mien.config import ExecutorName

_SEARCH_SIZE = 640  # pixels; see `make_detector`
_MAX_DETECT_EVERY = 10_000  # frames


@dataclass(frozen=True)
class VideoReader:
    """Settings for reading videos.

    Attributes:
        model, detector, tta, precision, prior: see `EmotionRecognizer`.
        detect_every: faces are detected in every n-th frame and tracked in the others.
        aus: also read Action Units.
        actions: also suggest an action for each face.
        min_confidence, coverage: see `EmotionRecognizer`.
        display: show the frames in a window.
        threads: threads for the network; 0 for one per core.
        min_face, search_size: see `make_detector`; by default, frames are searched at 640 pixels.
    """

    model: str | None = None
    detector: str = "yunet"
    detect_every: int = 5
    tta: Tta = "mirror"
    precision: Precision = "auto"
    aus: bool = False
    prior: Prior = "training"
    actions: bool = False
    min_confidence: float = 0.0
    coverage: float | None = None
    display: bool = False
    threads: int = 0
    min_face: int | None = None
    search_size: int | None = None

    def check(self) -> None:
        """Raise InputError if a number is out of bounds."""
        check_whole("--detect-every", self.detect_every, 1, _MAX_DETECT_EVERY)
        check_number("min_confidence", self.min_confidence, 0, 1)

    def read(
        self,
        source: Source,
        outputs: VideoOutputs,
        background: Executor | None = None,
        report: Callable[[str], None] = print,
    ) -> None:
        """Read the faces of an open video or camera, see `read_frames`. For `background` see `FaceTracker`."""
        self.check()
        recognizer = EmotionRecognizer(
            self.model,
            self.detector,
            tta=self.tta,
            precision=self.precision,
            aus=self.aus,
            prior=self.prior,
            actions=self.actions,
            threads=self.threads,
            search_size=_SEARCH_SIZE if self.search_size is None else self.search_size,
            min_face=self.min_face,
            min_confidence=self.min_confidence,
            coverage=self.coverage,
        )
        if recognizer.action_note:
            note(recognizer.action_note)
        tracker = FaceTracker(recognizer, self.detect_every, background)
        read_frames(source, recognizer, tracker, outputs, self.display, report)


def read_videos(
    paths: Sequence[Path | str], reader: VideoReader, named: Mapping[str, Output], executor: "ExecutorName"
) -> None:
    """Read the faces of video files; print a summary of each. Unreadable files among several are reported and skipped.

    One process reads a video from start to end, because face numbers and smoothed emotions depend on earlier frames.

    Args:
        paths: the videos.
        reader: the settings.
        named: outputs by their names in `VideoOutputs`, see `outputs_per_video`.
        executor: `local` reads one video after the other; `ray` reads many at a time, without a window.

    Raises:
        InputError: a video could not be read (raised after all others are done); or see `read_frames`.
    """
    reader.check()
    outputs = outputs_per_video(paths, named)
    if len(paths) == 1 and executor == "local":
        with open_video(paths[0]) as source:
            reader.read(source, outputs[0], report=LinePrinter())
        return
    tasks = list(zip(paths, outputs, strict=True))
    failed: list[_Result] = []
    print_line = LinePrinter()
    for result in _results(executor, replace(reader, display=False), tasks):
        if result.summary:
            print_line(result.summary)
        if result.error:
            failed.append(result)
            if len(paths) > 1:
                print(printable(f"error: {result.error}"), file=sys.stderr)
    if failed and len(paths) == 1:
        raise InputError(failed[0].error)
    if failed:
        raise InputError(f"{len(failed)} of {len(paths)} videos could not be read, the first is {failed[0].path}")


class _Result(NamedTuple):
    """The summary of a video, and what was wrong with it; each may be empty."""

    path: Path | str
    summary: str
    error: str


def _results(
    executor: "ExecutorName", reader: VideoReader, tasks: list[tuple[Path | str, VideoOutputs]]
) -> Iterator[_Result]:
    if executor == "local":
        yield from map(partial(_read, reader), tasks)
        return
    with parallel.executor(executor):
        yield from parallel.on_ray(partial(_read, replace(reader, threads=1)), tasks, batch_size=1)


def _read(reader: VideoReader, task: tuple[Path | str, VideoOutputs]) -> _Result:
    path, outputs = task
    lines: list[str] = []
    try:
        with open_video(path) as source:
            reader.read(source, outputs, report=lines.append)
    except InputError as error:
        return _Result(path, "\n".join(lines), str(error))
    return _Result(path, "\n".join(lines), "")
