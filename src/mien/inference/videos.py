"""What `mien video` and `mien webcam` do: frames in; a window, a recording, a timeline and a plot out."""

import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mien._io.errors import InputError
from mien._io.output import whole_file
from mien.inference.annotate import annotate
from mien.inference.frames import Frame, Recorder, Source, Window, why_no_window
from mien.inference.recognizer import COLUMNS, Face
from mien.inference.timeline import Timeline
from mien.inference.tracker import FaceTracker, TrackedFace

if TYPE_CHECKING:
    from mien.actions.suggest import Suggest

_WHOLE_FROM = 0.9  # of the frames that a file promises, which sound files may miss by a few
_MEMORY = 0.9  # of the mean time between frames, for the new one


@dataclass(frozen=True)
class VideoOutputs:
    """Where results go; None for nowhere.

    video: an MP4 file with boxes and labels, without sound. timeline: a CSV with a row a face and frame: frame (from
    0), seconds, face (its number as long as it is followed), box, emotion, confidence, the probability of each emotion.
    plot: a PNG of the emotions over time.
    """

    video: Path | None = None
    timeline: Path | None = None
    plot: Path | None = None


def read_frames(
    source: Source,
    tracker: FaceTracker,
    classes: Sequence[str],
    outputs: VideoOutputs,
    display: bool,
    suggest: "Suggest | None",
    say: Callable[[str], None] = print,
) -> None:
    """Read the faces of a video or camera until it ends, `q` is pressed or Ctrl+C; say what was seen.

    Outputs hold what came until then. Memory does not grow with the frames.

    Args:
        tracker: a new one.
        classes: the emotions, in the order of the probabilities.
        display: show the frames in a window. Where none can open, that is said, and the outputs are made.
        suggest: what names an action for each face; None for no actions.

    Raises:
        InputError: an output cannot be written, a window is all that was asked for and none can open, there was no
            frame, a file is damaged, or a camera stopped.
    """
    inputs = [] if source.is_live else [Path(source.name)]
    display = _can_display(display, outputs)
    if outputs.video and outputs.video.suffix.lower() != ".mp4":
        raise InputError(f"--annotated: found {str(outputs.video)!r}, expected a name that ends in .mp4")
    with ExitStack() as stack:
        partials = {
            name: stack.enter_context(whole_file(path, inputs))
            for name, path in vars(outputs).items()
            if path is not None
        }
        session = _Session(source, classes, suggest)
        recorder = stack.enter_context(Recorder(partials["video"], source.rate)) if "video" in partials else None
        window = stack.enter_context(Window(f"mien: {source.name} (q ends)")) if display else None
        writer = _timeline(stack, partials["timeline"], classes, suggest) if "timeline" in partials else None
        ended = _run(session, tracker, recorder, window, writer)
        if not session.frames:
            raise InputError(f"{source.name}: holds no frame that can be read, expected a video")
        if "plot" in partials:
            _plot(session, partials["plot"])
    say(session.summary())
    if ended and source.is_live:
        raise InputError(f"{source.name}: gives no more frames (unplugged?) after {session.frames:,}; those are kept")
    if ended and source.total and session.frames < _WHOLE_FROM * source.total:
        raise InputError(
            f"{source.name}: found {session.frames:,} frames that can be read, expected {source.total:,} as the file "
            "says; the outputs hold those"
        )


class _Session:
    """What is known of the frames so far."""

    def __init__(self, source: Source, classes: Sequence[str], suggest: "Suggest | None") -> None:
        self.source = source
        self.classes = classes
        self.suggest = suggest
        self.frames = self.with_faces = 0
        self.timeline = Timeline(len(classes))
        self._of_emotion = dict.fromkeys(classes, 0)
        self._between = 0.0
        self._last = time.perf_counter()

    def add(self, frame: Frame, faces: Sequence[Face]) -> None:
        now = time.perf_counter()
        passed, self._last = now - self._last, now
        self._between = _MEMORY * self._between + (1 - _MEMORY) * passed if self.frames else passed
        self.frames += 1
        self.with_faces += bool(faces)
        for face in faces:
            self._of_emotion[face.emotion] += 1
        probabilities = np.array([face.probabilities for face in faces]).reshape(-1, len(self.classes))
        self.timeline.add(frame.seconds, probabilities)

    def rate(self) -> str:
        return f"{1 / max(self._between, 1e-6):.0f} frames/s"

    def summary(self) -> str:
        said = f"{self.source.name}: {self.frames:,} frames, {self.with_faces:,} with faces"
        total = sum(self._of_emotion.values())
        shares = sorted(self._of_emotion.items(), key=lambda item: -item[1])
        named = ", ".join(f"{emotion} {count / total:.0%}" for emotion, count in shares if count)
        return f"{said}: {named}" if named else said


def _run(
    session: _Session, tracker: FaceTracker, recorder: Recorder | None, window: Window | None, writer: Any
) -> bool:
    """Work through the frames; return whether the source ended, rather than the user ending it."""
    source = session.source
    start = time.monotonic()
    try:
        for frame in _with_progress(source):
            tracked = tracker.update(frame.image, frame.seconds)
            session.add(frame, [each.face for each in tracked])
            actions = [session.suggest(each.face.probabilities) for each in tracked] if session.suggest else None
            if writer:
                writer.writerows(_rows(session.frames - 1, frame.seconds, tracked, actions))
            if not (recorder or window):
                continue
            canvas = _drawn(frame.image, tracked, actions, session.rate() if window or source.is_live else "")
            if recorder:
                recorder.write(canvas, frame.seconds)
            early = 0.0 if source.is_live else start + frame.seconds - time.monotonic()
            if window and not window.show(canvas, early):
                return False
    except KeyboardInterrupt:
        return False
    return True


def _with_progress(source: Source) -> Iterator[Frame]:
    return tqdm(source.frames(), "reading", source.total or None, unit=" frames", disable=None, delay=2)


def _drawn(image: np.ndarray, tracked: Sequence[TrackedFace], actions: Sequence[str] | None, corner: str) -> np.ndarray:
    faces = [each.face for each in tracked]
    labels = [f"{face.emotion} {face.confidence:.0%}" for face in faces]
    if actions is not None:
        labels = [f"{label}: {action}" for label, action in zip(labels, actions, strict=True)]
    return annotate(image, [face.box for face in faces], [face.emotion for face in faces], labels, corner)


def _rows(
    number: int, seconds: float, tracked: Sequence[TrackedFace], actions: Sequence[str] | None
) -> Iterator[list[Any]]:
    for at, each in enumerate(tracked):
        yield [number, round(seconds, 3), each.number, *each.face.row(), *([actions[at]] if actions else [])]


def _timeline(stack: ExitStack, path: Path, classes: Sequence[str], suggest: "Suggest | None") -> Any:
    stream = stack.enter_context(path.open("w", newline="", encoding="utf-8"))
    writer = csv.writer(stream, lineterminator="\n")
    actions = ["action"] if suggest else []
    writer.writerow(["frame", "seconds", "face", *COLUMNS, *classes, *actions])
    return writer


def _plot(session: _Session, path: Path) -> None:
    from mien import plots  # matplotlib takes longer to load than all else

    seconds, means = session.timeline.means()
    plots.save(plots.emotions_over_time(seconds, means, session.classes, Path(session.source.name).name), path)


def _can_display(display: bool, outputs: VideoOutputs) -> bool:
    """Tell whether to show a window, and say where one was asked for that cannot open."""
    reason = why_no_window() if display else "--no-display is given"
    if reason is None:
        return True
    if not any(vars(outputs).values()):
        raise InputError(
            f"no window: {reason}, and no output is named, expected --annotated OUT.mp4, --faces-csv OUT.csv or "
            "--output-plot OUT.png"
        )
    if display:
        print(f"note: no window: {reason}", file=sys.stderr)
    return False
