"""Workers that read photos, behind a bounded queue."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from mien._io.errors import InputError
from mien.app.service.bodies import Upload
from mien.app.service.limits import Limits
from mien.inference.face import Face
from mien.inference.pictures.photo_files import decode_photo
from mien.inference.recognizer import EmotionRecognizer

_T = TypeVar("_T")
_MAX_RETRY = 30  # seconds


class QueueFullError(Exception):
    """The queue is full. The message is the number of seconds after which to try again."""


@dataclass(frozen=True)
class Reading:
    """The result for one photo.

    Attributes:
        name: the client's name for the file.
        faces: None if the photo could not be read.
        notes: what was not read or had to be guessed; for an unreadable photo, the error.
    """

    name: str
    faces: Sequence[Face] | None
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what `mien image --json` prints, plus notes, or an error instead of the faces."""
        if self.faces is None:
            return {"file": self.name, "error": self.notes[0]}
        notes = {"notes": list(self.notes)} if self.notes else {}
        return {"file": self.name, "faces": [face.to_dict() for face in self.faces], **notes}


@dataclass(frozen=True)
class Readers:
    """The recognizers of one worker's thread. photos: finds faces. crops: takes each picture as one face."""

    photos: EmotionRecognizer
    crops: EmotionRecognizer


def read_uploads(
    uploads: Sequence[Upload], recognizer: EmotionRecognizer, limits: Limits, deadline: float
) -> list[Reading]:
    """Read photos, in order. Results include those that cannot be read.

    Args:
        uploads: the photos.
        recognizer: reads the faces.
        limits: limits of pixels and faces.
        deadline: value of `time.monotonic` after which no further photo is started.

    Raises:
        TimeoutError: the deadline has passed.
    """
    readings = []
    for upload in uploads:
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            readings.append(_read(upload, recognizer, limits))
        except InputError as error:
            text = str(error).removeprefix("picture: ")
            readings.append(Reading(upload.name, None, [str(InputError(f"{upload.name}: {text}"))]))
    return readings


def _read(upload: Upload, recognizer: EmotionRecognizer, limits: Limits) -> Reading:
    notes: list[str] = []
    image = decode_photo(upload.data, notes.append, limits.pixels)
    detections = recognizer.detector.detect(image)
    if len(detections) > limits.faces:
        raise InputError(f"has {len(detections):,} faces, expected at most {limits.faces:,}")
    boxes = [detection.box for detection in detections]
    return Reading(upload.name, recognizer.to_faces(boxes, recognizer.read(image, detections)), notes)


class Workers:
    """Threads, each with its own readers. An accepted job is done, unless its client leaves or its time is over."""

    def __init__(self, readers: Sequence[Readers], waiting: int) -> None:
        """Start the threads. waiting: how many jobs may wait for a thread."""
        self._threads = len(readers)
        self._most = len(readers) + waiting
        self._readers: SimpleQueue[Readers] = SimpleQueue()
        for reader in readers:
            self._readers.put(reader)
        self._pool = ThreadPoolExecutor(len(readers), "mien-reader")
        self._jobs: set[Future[Any]] = set()

    @property
    def jobs(self) -> int:
        """The number of jobs that run or wait."""
        return len(self._jobs)

    def check_room(self, mean_seconds: float) -> None:
        """Raise QueueFullError if no further job can wait. mean_seconds: the mean time of a job."""
        if len(self._jobs) >= self._most:
            seconds = math.ceil(len(self._jobs) * mean_seconds / self._threads)
            raise QueueFullError(str(min(max(seconds, 1), _MAX_RETRY)))

    def submit(self, job: Callable[[Readers], _T]) -> "asyncio.Future[_T]":
        """Queue a job for the next free thread; if cancelled before, it is dropped. Call `check_room` first."""
        future = self._pool.submit(self._run, job)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)  # in the worker's thread, in one step
        return asyncio.wrap_future(future)

    def _run(self, job: Callable[[Readers], _T]) -> _T:
        readers = self._readers.get()
        try:
            return job(readers)
        finally:
            self._readers.put(readers)

    def close(self) -> None:
        """Wait for the running jobs."""
        self._pool.shutdown(cancel_futures=True)
