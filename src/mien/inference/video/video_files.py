"""Reads videos by PyAV, a binding of FFmpeg: with true times, square pixels, upright and deinterlaced.

OpenCV's VideoCapture returns black frames for interlaced videos, ignores the shape of pixels, treats names with a colon
as protocols, and guesses the number of frames.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import av
import av.error
import cv2
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien._io.errors import InputError, note
from mien.inference.pictures.file_ends import GifEnd, gif_end
from mien.inference.pictures.photo_formats import report_further
from mien.inference.video import containers
from mien.inference.video.completeness import Completeness
from mien.inference.video.containers import logged_errors
from mien.inference.video.deinterlacing import Deinterlacer
from mien.inference.video.frames import MAX_RATE, MIN_SIDE, NO_SOUND, USUAL_RATE, Frame, Sound
from mien.inference.video.streams import video_stream
from mien.inference.video.upright import Orientation, upright

_TEXT = ("tty", "bin", "xbin", "idf", "adf")  # formats in which FFmpeg draws any text as pictures
_PAGES = "tiff_pipe"  # a format of several pictures, of which FFmpeg reads the first
_LIVE = ("rtsp:", "rtsps:", "rtmp:", "udp:", "srt:")


class VideoFile:
    """A video file, stream or device; see `mien.inference.video.frames.Source`."""

    def __init__(self, name: str, container: InputContainer, stream: VideoStream, is_live: bool) -> None:
        """Use a stream of an open container."""
        self.name, self.is_live, self.damage, self.sound = name, is_live, "", NO_SOUND
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.rate = rate if 0 < rate <= MAX_RATE else USUAL_RATE
        seconds = container.duration / av.time_base if container.duration else None
        frames = stream.frames or (round(seconds * self.rate) if seconds else 0)
        self.total = None if is_live else frames or None
        self._container, self._stream = container, stream
        self._completeness = Completeness(container, stream, rate)

    @classmethod
    @contextmanager
    def open(cls, location: Path | str, is_live: bool = False) -> Iterator[Self]:
        """Open a file (Path), a URL or a device (str). Raises InputError if it is not a video or does not answer."""
        name = str(location)
        with containers.opened(location) as container:
            if container.format.name in _TEXT:
                raise InputError(f"{name}: contains no video, expected one")
            stream = video_stream(name, container)
            if min(stream.width, stream.height) < MIN_SIDE:
                raise InputError(
                    f"{name}: has frames of {stream.width} x {stream.height} pixels, expected at least "
                    f"{MIN_SIDE} x {MIN_SIDE}"
                )
            stream.thread_type = "AUTO"
            video = cls(name, container, stream, is_live or name.startswith(_LIVE))
            video.sound = _sound(location, container, video.is_live)
            if isinstance(location, Path):
                video._check_pictures(location)
            yield video

    def _check_pictures(self, path: Path) -> None:
        """Note the missing end of a GIF, and the further pages of a TIFF."""
        if self._container.format.name == "gif":
            with path.open("rb") as file:
                end = self._completeness.gif_end = gif_end(file)
            if end is GifEnd.UNMARKED:
                note(f"{self.name}: {end.value}")
        elif self._container.format.name == _PAGES:
            with suppress(Exception):  # Pillow's; FFmpeg may read what Pillow cannot
                report_further(path.read_bytes(), lambda text: note(f"{self.name}: {text}"))

    def frames(self) -> Iterator[Frame]:
        """See `Source`."""
        first, last = None, -math.inf
        size: tuple[int, int] | None = None
        for picture, orientation in self._progressive():
            image = upright(picture, self._stream, orientation)
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # a stream may change it
                image = cv2.resize(image, size)
            seconds = time.monotonic() if self.is_live else picture.time
            if seconds is None or seconds <= last:  # some files have no times or wrong ones
                seconds = last + 1 / self.rate if first is not None else 0.0
            first = seconds if first is None else first
            last = seconds
            self._completeness.frames += 1
            yield Frame(image, seconds - first)
        self.damage = self._completeness.damage(last - (first or 0))

    def _progressive(self) -> Iterator[tuple[VideoFrame, Orientation]]:
        """Yield deinterlaced frames, each with its orientation."""
        deinterlacer: Deinterlacer | None = None
        orientation = Orientation()
        for frame in self._decoded():
            if deinterlacer is not None and not deinterlacer.takes(frame):
                yield from ((picture, orientation) for picture in deinterlacer.finish())
                deinterlacer = None
            orientation = Orientation.of(frame)
            if deinterlacer is None and not frame.interlaced_frame:
                yield frame, orientation
                continue
            deinterlacer = deinterlacer or Deinterlacer(frame)
            yield from ((picture, orientation) for picture in deinterlacer.push(frame))
        if deinterlacer is not None:
            yield from ((picture, orientation) for picture in deinterlacer.finish())

    def _decoded(self) -> Iterator[VideoFrame]:
        stream, seen = self._stream, self._completeness
        packets = self._container.demux()  # of all streams, as the duration is that of the longest
        begun = False  # a TV recording may begin between key frames without being damaged
        while True:
            logged = logged_errors()
            try:
                packet = next(packets, None)
            except av.error.ExitError:
                raise InputError(f"{self.name}: gave no frame for {containers.PATIENCE:g} s") from None
            except av.error.FFmpegError:
                seen.errors += 1
                packet = None
            if packet is None:
                break
            seen.errors += logged_errors() > logged or packet.is_corrupt
            seen.add(packet)
            if packet.stream is not stream:
                continue
            begun = begun or packet.is_keyframe
            try:
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        seen.errors += frame.is_corrupt and not packet.is_corrupt
                        yield frame
            except av.error.FFmpegError:
                seen.errors += begun
        with suppress(av.error.FFmpegError):  # nothing is left
            yield from stream.codec_context.decode(None)


def _sound(location: Path | str, container: InputContainer, is_live: bool) -> Sound:
    """Return where the sound is read for a recording, beside the frames: the file is opened a second time."""
    if not container.streams.audio:
        return NO_SOUND
    if is_live or (isinstance(location, str) and not container.duration):
        return Sound(None, "a live stream is read only once")
    return Sound(location)
