"""Reads videos by PyAV, a binding of FFmpeg: with true times, square pixels, upright and deinterlaced.

OpenCV's VideoCapture returns black frames for interlaced videos, ignores the shape of pixels, treats names with a colon
as protocols, and guesses the number of frames.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import av
import av.error
import cv2
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien._io.errors import InputError, first_line, note
from mien._io.quiet import quiet_ffmpeg
from mien.inference.pictures.file_ends import GifEnd, gif_end
from mien.inference.video.frames import MAX_RATE, MIN_SIDE, USUAL_RATE, Frame

quiet_ffmpeg()  # errors are reported in one line here

_PATIENCE = 10.0  # seconds to wait for a server's answer
_WAITED = 0.9  # share of it after which an error counts as a timeout, as some protocols do not say so
_TEXT = ("tty", "bin", "xbin", "idf", "adf")  # formats in which FFmpeg draws any text as pictures
_SQUARE = 0.01  # pixels with up to this difference between width and height count as square
_MISSING = 0.05, 0.25  # share of the duration, and seconds, that must be missing for a file to count as truncated


class VideoFile:
    """A video file, stream or device; see `mien.inference.video.frames.Source`."""

    def __init__(self, name: str, container: InputContainer, stream: VideoStream, is_live: bool) -> None:
        """Use a stream of an open container."""
        self.name, self.is_live, self.damage = name, is_live, ""
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.rate = rate if 0 < rate <= MAX_RATE else USUAL_RATE
        seconds = container.duration / av.time_base if container.duration else None
        frames = stream.frames or (round(seconds * self.rate) if seconds else 0)
        self.total = None if is_live else frames or None
        self._container, self._stream, self._duration = container, stream, seconds
        self._errors, self._frames, self._end = 0, 0, -math.inf
        # MP4 also counts frames that an edit list hides
        self._promised = 0 if "mp4" in container.format.name else stream.frames
        self._gif_end = GifEnd.WHOLE

    @classmethod
    @contextmanager
    def open(cls, location: Path | str, is_live: bool = False) -> Iterator[Self]:
        """Open a file (Path), a URL or a device (str). Raises InputError if it is not a video or does not answer."""
        name = str(location)
        with _opened(location) as container:
            streams = [stream for stream in container.streams.video if stream.codec_context is not None]
            if not streams or container.format.name in _TEXT:
                raise InputError(f"{name}: contains no video, expected one")
            stream = streams[0]
            if min(stream.width, stream.height) < MIN_SIDE:
                raise InputError(
                    f"{name}: has frames of {stream.width} x {stream.height} pixels, expected at least "
                    f"{MIN_SIDE} x {MIN_SIDE}"
                )
            stream.thread_type = "AUTO"
            is_live = is_live or name.startswith(("rtsp:", "rtsps:", "rtmp:", "udp:", "srt:"))
            video = cls(name, container, stream, is_live)
            if container.format.name == "gif" and isinstance(location, Path):
                video._check_gif(location)
            yield video

    def _check_gif(self, path: Path) -> None:
        with path.open("rb") as file:
            self._gif_end = gif_end(file)
        if self._gif_end is GifEnd.UNMARKED:
            note(f"{self.name}: {self._gif_end.value}")

    def frames(self) -> Iterator[Frame]:
        """See `Source`."""
        first, last = None, -math.inf
        size: tuple[int, int] | None = None
        for picture, rotation in self._progressive():
            image = _upright(picture, self._stream, rotation)
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # a stream may change it
                image = cv2.resize(image, size)
            seconds = time.monotonic() if self.is_live else picture.time
            if seconds is None or seconds <= last:  # some files have no times or wrong ones
                seconds = last + 1 / self.rate if first is not None else 0.0
            first = seconds if first is None else first
            last = seconds
            self._frames += 1
            yield Frame(image, seconds - first)
        self.damage = self._what_is_missing(last - (first or 0))

    def _progressive(self) -> Iterator[tuple[VideoFrame, int]]:
        """Yield deinterlaced frames, each with its rotation in degrees."""
        deinterlacer: _Deinterlacer | None = None
        rotation = 0
        for frame in self._decoded():
            if deinterlacer is not None and not deinterlacer.takes(frame):
                yield from ((picture, rotation) for picture in deinterlacer.finish())
                deinterlacer = None
            rotation = frame.rotation
            if deinterlacer is None and not frame.interlaced_frame:
                yield frame, rotation
                continue
            deinterlacer = deinterlacer or _Deinterlacer(frame)
            yield from ((picture, rotation) for picture in deinterlacer.push(frame))
        if deinterlacer is not None:
            yield from ((picture, rotation) for picture in deinterlacer.finish())

    def _decoded(self) -> Iterator[VideoFrame]:
        container, stream = self._container, self._stream
        packets = container.demux(stream, *container.streams.audio)
        begun = False  # a TV recording may begin between key frames without being damaged
        while True:
            logged = _logged()
            try:
                packet = next(packets, None)
            except av.error.ExitError:
                raise InputError(f"{self.name}: gave no frame for {_PATIENCE:g} s") from None
            except av.error.FFmpegError:
                self._errors += 1
                packet = None
            if packet is None:
                break
            self._errors += _logged() > logged or packet.is_corrupt
            if packet.pts is not None and packet.time_base:
                self._end = max(self._end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream is not stream:
                continue
            begun = begun or packet.is_keyframe
            try:
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        self._errors += frame.is_corrupt and not packet.is_corrupt
                        yield frame
            except av.error.FFmpegError:
                self._errors += begun
        with suppress(av.error.FFmpegError):  # nothing is left
            yield from stream.codec_context.decode(None)

    def _what_is_missing(self, seconds: float) -> str:
        start = (self._container.start_time or 0) / av.time_base
        ends = max(self._end - start, seconds)
        share, least = _MISSING
        if self._duration and self._duration - ends > max(share * self._duration, least):
            return f"ends after {ends:.2f} s of {self._duration:.2f} s, is cut off"
        if self._frames < (1 - share) * self._promised:
            return f"ends after {self._frames:,} frames of {self._promised:,}, is cut off"
        if self._gif_end in (GifEnd.CUT_OFF, GifEnd.DAMAGED):
            return self._gif_end.value
        places = f"{self._errors:,} places" if self._errors > 1 else "one place"
        return f"is damaged in {places}" if self._errors else ""


@contextmanager
def _opened(location: Path | str) -> Iterator[InputContainer]:
    """Open a file, a URL or a device; see `VideoFile.open`."""
    start, logged = time.monotonic(), _logged()
    with ExitStack() as stack:
        try:
            if isinstance(location, Path):
                container = stack.enter_context(opened_file(location))
            else:
                device = "v4l2" if location.startswith("/dev/") else None
                container = stack.enter_context(av.open(location, "r", format=device, timeout=_PATIENCE))
        except (av.error.FFmpegError, ValueError) as error:
            if isinstance(error, av.error.ExitError) or (isinstance(location, str) and _has_waited(start)):
                raise InputError(f"{location}: did not answer within {_PATIENCE:g} s") from None
            if isinstance(location, str) and not isinstance(error, av.error.InvalidDataError):
                raise InputError(f"{location}: cannot be opened ({_reason(error, logged)}), expected a video") from None
            raise InputError(
                f"{location}: cannot be read as a video ({_reason(error, logged)}), expected one of a kind that FFmpeg "
                "reads, such as MP4"
            ) from None
        yield container


@contextmanager
def opened_file(path: Path) -> Iterator[InputContainer]:
    """Open a file of any name. Raises FFmpegError if it is not video or sound."""
    with ExitStack() as stack:
        if has_plain_name(path):  # "file:", so that a colon in the name does not look like a protocol
            yield stack.enter_context(av.open(f"file:{path}", "r"))
        else:
            yield stack.enter_context(av.open(stack.enter_context(path.open("rb")), "r"))


def has_plain_name(path: Path) -> bool:
    """Tell whether FFmpeg accepts a file name, which must be UTF-8."""
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _has_waited(start: float) -> bool:
    return time.monotonic() - start > _WAITED * _PATIENCE


def _logged() -> int:
    """Return how many errors FFmpeg has logged. This is the only sign that a container skips damaged parts."""
    return av.logging.get_last_error()[0]


def _reason(error: Exception, logged: int) -> str:
    """Return why a file cannot be opened. logged: `_logged` before opening, as older messages are about other files."""
    if not isinstance(error, av.error.FFmpegError):
        return first_line(error)
    log = error.log if error.log and _logged() > logged else ()
    texts = (error.strerror, *log[-1:])  # the log entry: level, name, text
    return ": ".join(str(text).strip() for text in texts if text)


def _upright(frame: VideoFrame, stream: VideoStream, rotation: int) -> np.ndarray:
    """Return a frame as viewers show it: uint8 (height, width, 3), BGR."""
    image: np.ndarray = frame.to_ndarray(format="bgr24")
    ratio = float(stream.sample_aspect_ratio or 1)
    if ratio > 0 and abs(ratio - 1) > _SQUARE:
        across, down = (ratio, 1.0) if ratio > 1 else (1.0, 1 / ratio)
        image = cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR)
    turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class _Deinterlacer:
    """Deinterlaces frames of one format with FFmpeg's filter bwdif."""

    def __init__(self, frame: VideoFrame) -> None:
        self._form = _form(frame)
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        bwdif = self._graph.add("bwdif", "mode=send_frame:deint=interlaced")
        sink = self._graph.add("buffersink")
        source.link_to(bwdif)
        bwdif.link_to(sink)
        self._graph.configure()

    def takes(self, frame: VideoFrame) -> bool:
        return _form(frame) == self._form

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        self._graph.push(frame)
        return self._pulled()

    def finish(self) -> Iterator[VideoFrame]:
        self._graph.push(None)
        return self._pulled()

    def _pulled(self) -> Iterator[VideoFrame]:
        with suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                frame = self._graph.pull()
                if isinstance(frame, VideoFrame):
                    yield frame


def _form(frame: VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
