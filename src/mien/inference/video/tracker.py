"""Tracks faces in videos between detections, and smooths their emotions over time.

Own code, because it smooths probabilities and moves boxes by optical flow, and because supervision, which has trackers
and annotators, would bring SciPy and matplotlib into the light core.
"""

import math
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from mien.inference.face import Face
from mien.inference.faces.detectors import Box, Detection, intersection_over_union
from mien.inference.networks.onnx import Readings
from mien.inference.recognizer import EmotionRecognizer

_MIN_IOU = 0.3  # intersection over union above which a detection matches a tracked face
_MAX_UNDECIDED = 10  # frames that a new face waits for a second detection
_MAX_MISSES = 2  # consecutive detections that may miss a face before it counts as gone
_BOX_INERTIA = 0.5  # weight of the old box, because detectors' boxes jitter by some pixels
_SMOOTHING_SECONDS = 0.3  # seconds after which an older prediction counts 1/e
_FLOW_WIDTH = 320  # pixels; the size at which motion is measured
_FLOW_POINTS = 20  # points per face to measure motion at


@dataclass(frozen=True)
class TrackedFace:
    """A face in a frame.

    Attributes:
        number: from 1; the same as long as the face is tracked.
        face: with smoothed probabilities and AUs.
    """

    number: int
    face: Face


@dataclass
class _Track:
    """A tracked face.

    Attributes:
        number: see `TrackedFace`.
        box: left, top, width, height, float (4,).
        landmarks: see `Detection`.
        read: smoothed probabilities and AUs, float (classes + AUs,); None before the first reading.
        misses: consecutive detections that missed the face.
        hits: detections that found it.
    """

    number: int
    box: np.ndarray
    landmarks: np.ndarray | None
    read: np.ndarray | None = None
    misses: int = 0
    hits: int = 1

    def move(self, shift: np.ndarray) -> None:
        self.box[:2] += shift
        if self.landmarks is not None:
            self.landmarks = self.landmarks + shift

    def found(self, detection: Detection) -> None:
        """Move the face towards a detection's position, with some inertia."""
        self.misses, self.hits = 0, self.hits + 1
        self.box = _BOX_INERTIA * self.box + (1 - _BOX_INERTIA) * np.array(detection.box)
        old, new = self.landmarks, detection.landmarks
        self.landmarks = new if old is None or new is None else _BOX_INERTIA * old + (1 - _BOX_INERTIA) * new

    def detection(self) -> Detection:
        return Detection(Box(*(round(value) for value in self.box.tolist())), self.landmarks)


class _Pending(NamedTuple):
    """A detection in progress.

    Attributes:
        detections: the future result of the detector.
        grey: the frame in the form for measuring motion.
    """

    detections: "Future[list[Detection]]"
    grey: np.ndarray


class FaceTracker:
    """Tracks the faces of consecutive frames and reads their emotions. Memory holds a few frames."""

    def __init__(
        self, recognizer: EmotionRecognizer, detect_every: int = 5, background: Executor | None = None
    ) -> None:
        """Start before the first frame.

        Args:
            recognizer: detects faces in every `detect_every`-th frame, and reads their emotions in all frames.
            detect_every: between detections, faces are tracked by their motion.
            background: runs the detector while frames continue, so that a slow one delays no frame; by default, frames
                wait for it.
        """
        self._recognizer = recognizer
        self._detect_every = detect_every
        self._background = background
        self._pending: _Pending | None = None
        self._tracks: list[_Track] = []
        self._confirmed: set[int] = set()
        self._frames = self._numbers = self._detections = 0
        self._last_detection = 0  # number of the frame
        self._seconds = 0.0
        self._grey: np.ndarray | None = None

    def update(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        """Return the faces of the next frame, those tracked longest first.

        Args:
            image: uint8 (height, width, 3), BGR; of the same size each time.
            seconds: time of the frame in the video, for smoothing.
        """
        grey = self._follow(image)
        if self._background:
            self._detect_in_background(image, grey, self._background)
        elif self._frames % self._detect_every == 0 or self._must_decide():
            self._match(self._recognizer.detector.detect(image))
        self._tracks = [track for track in self._tracks if _centre_inside(track.box, *image.shape[1::-1])]
        keep = math.exp(-max(seconds - self._seconds, 0) / _SMOOTHING_SECONDS)
        self._frames += 1
        self._seconds = seconds
        detections = [track.detection() for track in self._tracks]
        readings = self._recognizer.read(image, detections)
        smoothed = np.hstack(readings)
        for track, new in zip(self._tracks, smoothed, strict=True):
            if track.read is not None:
                new[:] = keep * track.read + (1 - keep) * new
            track.read = new
        smoothed_readings = Readings(*np.hsplit(smoothed, [readings.probabilities.shape[1]]))
        faces = self._recognizer.to_faces([detection.box for detection in detections], smoothed_readings)
        return [TrackedFace(track.number, face) for track, face in zip(self._tracks, faces, strict=True)]

    def is_person(self, number: int) -> bool:
        """Tell whether a face was detected twice, or in the only frame searched so far."""
        return number in self._confirmed or (self._detections == 1 and self.is_undecided(number))

    def is_undecided(self, number: int) -> bool:
        """Tell whether the next detection decides if this is a face; something detected only once is not."""
        return any(track.number == number and track.hits == 1 for track in self._tracks)

    def _must_decide(self) -> bool:
        """Tell whether a new face has waited so long that it must be decided, to bound memory."""
        waits = self._frames - self._last_detection >= _MAX_UNDECIDED
        return waits and any(track.hits == 1 for track in self._tracks)

    def _follow(self, image: np.ndarray) -> np.ndarray:
        """Shift each face by its motion since the previous frame. Returns the frame prepared for measuring motion."""
        scale = min(_FLOW_WIDTH / image.shape[1], 1.0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        if self._grey is not None:
            for track in self._tracks:
                track.move(_motion(self._grey, grey, track.box * scale) / scale)
        self._grey = grey
        return grey

    def _detect_in_background(self, image: np.ndarray, grey: np.ndarray, executor: Executor) -> None:
        """Use the boxes of an earlier frame when they are ready; otherwise start a detection if it is due."""
        pending = self._pending
        if pending is None:
            if self._frames % self._detect_every == 0:
                self._pending = _Pending(executor.submit(self._recognizer.detector.detect, image), grey)
        elif pending.detections.done():
            self._pending = None
            scale = grey.shape[1] / image.shape[1]
            detections = pending.detections.result()
            shifts = [_motion(pending.grey, grey, np.array(detection.box) * scale) / scale for detection in detections]
            self._match([_moved(detection, shift) for detection, shift in zip(detections, shifts, strict=True)])

    def _match(self, detections: list[Detection]) -> None:
        """Assign each detection to the tracked face that it overlaps most, or else to a new face."""
        pairs = sorted(
            (
                (intersection_over_union(track.box, np.array(detection.box)), track_index, index)
                for track_index, track in enumerate(self._tracks)
                for index, detection in enumerate(detections)
            ),
            reverse=True,
        )
        matches: dict[int, int] = {}  # from tracks to detections
        for overlap, track_index, index in pairs:
            if overlap >= _MIN_IOU and track_index not in matches and index not in matches.values():
                matches[track_index] = index
        for track_index, track in enumerate(self._tracks):
            track.misses += 1
            if track_index in matches:
                track.found(detections[matches[track_index]])
        self._detections, self._last_detection = self._detections + 1, self._frames
        self._confirmed |= {track.number for track in self._tracks if track.hits > 1}
        self._tracks = [track for track in self._tracks if track.misses <= (_MAX_MISSES if track.hits > 1 else 0)]
        for index, (box, landmarks) in enumerate(detections):
            if index not in matches.values():
                self._numbers += 1
                self._tracks.append(_Track(self._numbers, np.array(box, float), landmarks))


def _moved(detection: Detection, shift: np.ndarray) -> Detection:
    (left, top, width, height), landmarks = detection
    right, down = shift
    box = Box(round(left + right), round(top + down), width, height)
    return Detection(box, None if landmarks is None else landmarks + shift)


def _motion(before: np.ndarray, after: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the motion of a box's content between two grey frames, in pixels, float (2,): right, down.

    It is the median motion of some points in the box (pyramidal Lucas & Kanade 1981).
    """
    left, top = np.maximum(box[:2], 0).astype(int)
    right, bottom = np.maximum(box[:2] + box[2:], 0).astype(int)
    inside = before[top:bottom, left:right]
    points = cv2.goodFeaturesToTrack(inside, _FLOW_POINTS, 0.01, 3) if inside.size else None
    if points is None:
        return np.zeros(2)
    starts = points + np.array([left, top], np.float32)
    ends, status, _ = cv2.calcOpticalFlowPyrLK(before, after, starts, np.empty_like(starts))
    shifts = (ends - starts)[status.ravel() == 1].reshape(-1, 2)
    return np.median(shifts, axis=0) if len(shifts) else np.zeros(2)


def _centre_inside(box: np.ndarray, width: int, height: int) -> bool:
    across, down = box[:2] + box[2:] / 2
    return bool(0 <= across < width and 0 <= down < height)
