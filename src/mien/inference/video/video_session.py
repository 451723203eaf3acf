"""Processes a video or camera from first to last frame: window, recording, timeline and plot."""

import csv
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mien._io.atomic import output_file
from mien._io.errors import InputError, note
from mien.inference.annotate import annotate_faces
from mien.inference.face import UNSURE, Face
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.video.frames import Frame, Source
from mien.inference.video.recording import Recorder
from mien.inference.video.timeline import Timeline
from mien.inference.video.tracker import FaceTracker, TrackedFace
from mien.inference.video.video_outputs import VideoOutputs
from mien.inference.video.window import Window, why_no_window

_INERTIA = 0.9  # weight of the old mean time between frames


def read_frames(
    source: Source,
    recognizer: EmotionRecognizer,
    tracker: FaceTracker,
    outputs: VideoOutputs,
    display: bool,
    report: Callable[[str], None] = print,
) -> None:
    """Read the faces of a video or camera until it ends or the user presses `q` or Ctrl+C. Reports a summary.

    Outputs contain everything up to then. Memory does not grow with the number of frames.

    Args:
        source: the open video or camera.
        recognizer: the tracker's recognizer.
        tracker: a new tracker.
        outputs: the files to write.
        display: show frames in a window. If none can open, a note says so, and outputs are written.
        report: called with the summary, one line.

    Raises:
        InputError: an output cannot be written, there is neither an output nor a window, there was no frame, a file is
            damaged, or a camera stopped.
    """
    file = Path(source.name) if Path(source.name).is_file() else None
    inputs = [file] if file else []
    display = _can_display(display, outputs)
    if outputs.video and source.sound.loss:
        note(f"{source.name}: its sound is left out of the recording ({source.sound.loss})")
    with ExitStack() as stack:
        partials = {name: stack.enter_context(output_file(path, inputs)) for name, path in outputs.paths().items()}
        session = _Session(source, recognizer.classes_)
        recorder = (
            stack.enter_context(Recorder(partials["video"], source.rate, source.sound.location))
            if "video" in partials
            else None
        )
        window = stack.enter_context(Window(f"mien: {source.name} (q ends)")) if display else None
        writer = _timeline_writer(stack, partials["timeline"], recognizer) if "timeline" in partials else None
        ended = _run(session, tracker, recorder, window, writer)
        if not session.frames:
            raise InputError(f"{source.name}: contains no readable frame, expected a video")
        if "plot" in partials:
            _plot(session, partials["plot"])
    report(session.summary())
    if ended and source.is_live:
        raise InputError(f"{source.name}: stopped after {session.frames:,} frames (unplugged?), which are kept")
    if ended and source.damage:
        raise InputError(f"{source.name}: {source.damage}; the outputs contain its {session.frames:,} readable frames")


class _Session:
    """The state over the frames so far."""

    def __init__(self, source: Source, classes: Sequence[str]) -> None:
        self.source = source
        self.classes = classes
        self.frames = self.frames_with_faces = 0
        self.timeline = Timeline(len(classes))
        self._counts = dict.fromkeys((*classes, UNSURE), 0)
        self._interval = 0.0
        self._last = time.perf_counter()

    def add(self, frame: Frame, faces: Sequence[Face]) -> None:
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        self._interval = _INERTIA * self._interval + (1 - _INERTIA) * passed if self.frames else passed
        self.frames += 1
        self.frames_with_faces += bool(faces)
        for face in faces:
            self._counts[face.emotion] += 1
        probabilities = np.array([list(face.probabilities.values()) for face in faces])
        self.timeline.add(frame.seconds, probabilities.reshape(-1, len(self.classes)))

    def rate(self) -> str:
        return f"{1 / max(self._interval, 1e-6):.0f} frames/s"

    def summary(self) -> str:
        text = f"{self.source.name}: {self.frames:,} frames, {self.frames_with_faces:,} with faces"
        total = sum(self._counts.values())
        counts = sorted(self._counts.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{emotion} {count / total:.0%}" for emotion, count in counts if count)
        return f"{text}: {shares}" if shares else text


def _run(
    session: _Session, tracker: FaceTracker, recorder: Recorder | None, window: Window | None, writer: Any
) -> bool:
    """Process the frames. Returns whether the source ended, rather than the user stopping it."""
    source = session.source
    start = time.monotonic()
    try:
        for frame, tracked in _tracked_frames(source, tracker):
            faces = [track.face for track in tracked]
            session.add(frame, faces)
            if writer:
                writer.writerows(_rows(session.frames - 1, frame.seconds, tracked))
            if not (recorder or window):
                continue
            canvas = annotate_faces(frame.image, faces, corner=session.rate() if window or source.is_live else "")
            if recorder:
                recorder.write(canvas, frame.seconds)
            early = 0.0 if source.is_live else start + frame.seconds - time.monotonic()
            if window and not window.show(canvas, early):
                return False
    except KeyboardInterrupt:
        return False
    return True


def _tracked_frames(source: Source, tracker: FaceTracker) -> Iterator[tuple[Frame, list[TrackedFace]]]:
    """Yield each frame with its faces.

    A frame with a new face waits for the next detection, which confirms the face. Frames of a camera do not wait.
    """
    waiting: deque[tuple[Frame, list[TrackedFace]]] = deque()
    for frame in _with_progress(source):
        waiting.append((frame, tracker.update(frame.image, frame.seconds)))
        while waiting and (source.is_live or not any(tracker.is_undecided(track.number) for track in waiting[0][1])):
            yield _people(tracker, *waiting.popleft())
    for frame, tracked in waiting:
        yield _people(tracker, frame, tracked)


def _people(tracker: FaceTracker, frame: Frame, tracked: list[TrackedFace]) -> tuple[Frame, list[TrackedFace]]:
    return frame, [track for track in tracked if tracker.is_person(track.number)]


def _with_progress(source: Source) -> Iterator[Frame]:
    return tqdm(source.frames(), "reading", source.total or None, unit=" frames", disable=None, delay=2)


def _rows(frame: int, seconds: float, tracked: Sequence[TrackedFace]) -> Iterator[list[Any]]:
    return ([frame, round(seconds, 3), track.number, *track.face.row()] for track in tracked)


def _timeline_writer(stack: ExitStack, path: Path, recognizer: EmotionRecognizer) -> Any:
    stream = stack.enter_context(path.open("w", newline="", encoding="utf-8"))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["frame", "seconds", "face", *recognizer.columns])
    return writer


def _plot(session: _Session, path: Path) -> None:
    from mien.plots.png import save_png  # matplotlib takes longer to load than all else
    from mien.plots.recordings import emotions_over_time

    seconds, means = session.timeline.means()
    save_png(emotions_over_time(seconds, means, session.classes, Path(session.source.name).name), path)


def _can_display(display: bool, outputs: VideoOutputs) -> bool:
    """Tell whether to show a window. A note says if a requested window cannot open."""
    reason = why_no_window() if display else "--no-display is given"
    if reason is None:
        return True
    if not outputs.paths():
        raise InputError(
            f"no window: {reason}, and no output is named, expected --annotated OUT.mp4, --faces-csv OUT.csv or "
            "--output-plot OUT.png"
        )
    if display:
        note(f"no window: {reason}")
    return False
