"""Faces of a video from frame to frame: followed between detections, and their emotions smoothed over time."""

import math
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from mien.inference.detectors import Box
from mien.inference.recognizer import EmotionRecognizer, Face, named

_SAME = 0.3  # intersection over union from which a detection is the face that is followed
_MISSES = 2  # detections in a row that may miss a face before it counts as gone
_STEADY = 0.5  # share of the old box in the new one: detectors' boxes tremble by some pixels
_SECONDS = 0.3  # after which an older answer counts 1/e
_FLOW_WIDTH = 320  # pixels; motion is measured at this size
_POINTS = 20  # of a face, whose motion is measured


@dataclass(frozen=True)
class TrackedFace:
    """A face in a frame. number: from 1, its own as long as it is followed. face: its probabilities are smoothed."""

    number: int
    face: Face


@dataclass
class _Track:
    """box: left, top, width, height, float (4,). probabilities: float (classes,), None before the first answer."""

    number: int
    box: np.ndarray
    probabilities: np.ndarray | None = None
    misses: int = 0

    def as_box(self) -> Box:
        return Box(*(round(value) for value in self.box.tolist()))


class _Asked(NamedTuple):
    """What the detector works on. grey: the frame as motion is measured in it."""

    answer: "Future[list[Box]]"
    grey: np.ndarray


class FaceTracker:
    """Reads the faces of frames in order. Memory is that of a few frames."""

    def __init__(self, reader: EmotionRecognizer, every: int = 5, beside: Executor | None = None) -> None:
        """Start before the first frame.

        Args:
            reader: its detector is asked about one of `every` frames; in the others faces are followed.
            beside: where the detector works while frames go on, so that a slow one delays none; by default they wait.
        """
        self._reader = reader
        self._every = every
        self._beside = beside
        self._asked: _Asked | None = None
        self._tracks: list[_Track] = []
        self._frames = self._numbers = 0
        self._seconds = 0.0
        self._grey: np.ndarray | None = None

    def update(self, image: np.ndarray, seconds: float) -> list[TrackedFace]:
        """Return the faces of the next frame, those followed longest first.

        Args:
            image: uint8 (height, width, 3), BGR; of the same size each time.
            seconds: of the frame in the video, which smoothing counts by.
        """
        grey = self._follow(image)
        if self._beside:
            self._detect_beside(image, grey, self._beside)
        elif self._frames % self._every == 0:
            self._match(self._reader.detector.detect(image))
        self._tracks = [track for track in self._tracks if _centre_inside(track.box, *image.shape[1::-1])]
        keep = math.exp(-max(seconds - self._seconds, 0) / _SECONDS)
        self._frames += 1
        self._seconds = seconds
        boxes = [track.as_box() for track in self._tracks]
        for track, answer in zip(self._tracks, self._reader.probabilities(image, boxes), strict=True):
            old = answer if track.probabilities is None else track.probabilities
            track.probabilities = keep * old + (1 - keep) * answer
        smoothed = np.array([track.probabilities for track in self._tracks]).reshape(-1, len(self._reader.classes))
        faces = named(boxes, smoothed, self._reader.classes)
        return [TrackedFace(track.number, face) for track, face in zip(self._tracks, faces, strict=True)]

    def _follow(self, image: np.ndarray) -> np.ndarray:
        """Shift each face by its motion since the frame before; return the frame as motion is measured in it."""
        scale = min(_FLOW_WIDTH / image.shape[1], 1.0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        if self._grey is not None:
            for track in self._tracks:
                track.box[:2] += _motion(self._grey, grey, track.box * scale) / scale
        self._grey = grey
        return grey

    def _detect_beside(self, image: np.ndarray, grey: np.ndarray, executor: Executor) -> None:
        """Take the detector's answer about an earlier frame where it is there, and else ask about this one if due."""
        asked = self._asked
        if asked is None:
            if self._frames % self._every == 0:
                self._asked = _Asked(executor.submit(self._reader.detector.detect, image), grey)
        elif asked.answer.done():
            self._asked = None
            scale = grey.shape[1] / image.shape[1]
            boxes = asked.answer.result()
            moved = [_motion(asked.grey, grey, np.array(box) * scale) / scale for box in boxes]
            self._match(
                [
                    Box(round(box.left + right), round(box.top + down), box.width, box.height)
                    for box, (right, down) in zip(boxes, moved, strict=True)
                ]
            )

    def _match(self, boxes: list[Box]) -> None:
        """Give each detection to the face that it overlaps most, or else to a new one."""
        pairs = sorted(
            (
                (_overlap(track.box, box), at, place)
                for at, track in enumerate(self._tracks)
                for place, box in enumerate(boxes)
            ),
            reverse=True,
        )
        of_track: dict[int, int] = {}
        for shared, at, place in pairs:
            if shared >= _SAME and at not in of_track and place not in of_track.values():
                of_track[at] = place
        for at, track in enumerate(self._tracks):
            track.misses += 1
            if at in of_track:
                track.misses = 0
                track.box = _STEADY * track.box + (1 - _STEADY) * np.array(boxes[of_track[at]])
        self._tracks = [track for track in self._tracks if track.misses <= _MISSES]
        for place, box in enumerate(boxes):
            if place not in of_track.values():
                self._numbers += 1
                self._tracks.append(_Track(self._numbers, np.array(box, float)))


def _motion(before: np.ndarray, after: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return by how many pixels what is in a box has moved between two grey frames, float (2,): right, down.

    The median motion of some points in it (Lucas & Kanade 1981, in pyramids).
    """
    left, top = np.maximum(box[:2], 0).astype(int)
    right, bottom = np.maximum(box[:2] + box[2:], 0).astype(int)
    inside = before[top:bottom, left:right]
    points = cv2.goodFeaturesToTrack(inside, _POINTS, 0.01, 3) if inside.size else None
    if points is None:
        return np.zeros(2)
    starts = points + np.array([left, top], np.float32)
    ends, found, _ = cv2.calcOpticalFlowPyrLK(before, after, starts, np.empty_like(starts))
    moved = (ends - starts)[found.ravel() == 1].reshape(-1, 2)
    return np.median(moved, axis=0) if len(moved) else np.zeros(2)


def _centre_inside(box: np.ndarray, width: int, height: int) -> bool:
    across, down = box[:2] + box[2:] / 2
    return bool(0 <= across < width and 0 <= down < height)


def _overlap(one: np.ndarray, other: Box) -> float:
    """Return intersection over union."""
    far = np.minimum(one[:2] + one[2:], np.array(other[:2]) + np.array(other[2:]))
    shared = np.prod(np.maximum(far - np.maximum(one[:2], other[:2]), 0))
    return float(shared / (one[2] * one[3] + other.width * other.height - shared))
