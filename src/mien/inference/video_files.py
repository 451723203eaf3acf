"""Videos read by PyAV, FFmpeg's own binding: with their own times, square pixels, upright, and without interlacing.

OpenCV's VideoCapture gives black frames of interlaced videos, ignores the shape of pixels, takes names with a colon for
protocols, and guesses how many frames a file has.
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
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien._io.errors import InputError, first_line
from mien.inference.frames import MAX_RATE, MIN_SIDE, USUAL_RATE, Frame

av.logging.set_level(av.logging.PANIC)  # what goes wrong is said in one line here

_PATIENCE = 10.0  # seconds that a server may take to answer
_SQUARE = 0.01  # pixels that are so little wider or narrower than high count as square
_MISSING = 0.05, 0.25  # share of the duration, and seconds, that must be missing for a file to count as cut off


class VideoFile:
    """A video file, stream or device; see `mien.inference.frames.Source`."""

    def __init__(self, name: str, container: InputContainer, stream: VideoStream, is_live: bool) -> None:
        """Use an open container, and a stream of it."""
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

    @classmethod
    @contextmanager
    def open(cls, location: Path | str, is_live: bool = False) -> Iterator[Self]:
        """Open a file (Path), a URL or a device (str). Raises InputError where it is no video or does not answer."""
        name = str(location)
        try:
            container = _opened(location)
        except av.error.ExitError:
            raise InputError(f"{name}: does not answer within {_PATIENCE:g} s") from None
        except (av.error.FFmpegError, ValueError, UnicodeError) as error:
            raise InputError(
                f"{name}: cannot be read as a video ({first_line(error)}), expected one of a kind that FFmpeg reads, "
                "such as MP4"
            ) from None
        with container:
            streams = [stream for stream in container.streams.video if stream.codec_context is not None]
            if not streams:
                raise InputError(f"{name}: holds no moving pictures, expected a video")
            stream = streams[0]
            if min(stream.width, stream.height) < MIN_SIDE:
                raise InputError(
                    f"{name}: has frames of {stream.width} x {stream.height} pixels, expected at least "
                    f"{MIN_SIDE} x {MIN_SIDE}"
                )
            stream.thread_type = "AUTO"
            is_live = is_live or name.startswith(("rtsp:", "rtsps:", "rtmp:", "udp:", "srt:"))
            yield cls(name, container, stream, is_live)

    def frames(self) -> Iterator[Frame]:
        """See `Source`."""
        first, last = None, -math.inf
        size: tuple[int, int] | None = None
        for picture, rotation in self._progressive():
            image = _upright(picture, self._stream, rotation)
            size = size or (image.shape[1], image.shape[0])
            if image.shape[1::-1] != size:  # which a stream may change in the middle
                image = cv2.resize(image, size)
            seconds = time.monotonic() if self.is_live else picture.time
            if seconds is None or seconds <= last:  # some files have no times, or wrong ones
                seconds = last + 1 / self.rate if first is not None else 0.0
            first = seconds if first is None else first
            last = seconds
            self._frames += 1
            yield Frame(image, seconds - first)
        self.damage = self._what_is_missing(last - (first or 0))

    def _progressive(self) -> Iterator[tuple[VideoFrame, int]]:
        """Yield frames in which lines of two moments are one picture, each with its rotation in degrees."""
        graph: Graph | None = None
        rotation = 0
        for frame in self._decoded():
            rotation = frame.rotation
            if graph is None and not frame.interlaced_frame:
                yield frame, rotation
                continue
            graph = graph or _deinterlacer(self._stream)
            graph.push(frame)
            yield from ((each, rotation) for each in _pulled(graph))
        if graph is not None:
            graph.push(None)
            yield from ((each, rotation) for each in _pulled(graph))

    def _decoded(self) -> Iterator[VideoFrame]:
        container, stream = self._container, self._stream
        packets = container.demux(stream, *container.streams.audio)
        while True:
            try:
                packet = next(packets, None)
            except av.error.ExitError:
                raise InputError(f"{self.name}: has given no frame for {_PATIENCE:g} s") from None
            except av.error.FFmpegError:
                self._errors += 1
                packet = None
            if packet is None:
                break
            if packet.pts is not None and packet.time_base:
                self._end = max(self._end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream is not stream:
                continue
            try:
                yield from (frame for frame in packet.decode() if isinstance(frame, VideoFrame))
            except av.error.FFmpegError:
                self._errors += 1
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
        return f"is damaged in {self._errors:,} places" if self._errors else ""


def _opened(location: Path | str) -> InputContainer:
    if isinstance(location, Path):
        try:
            return av.open(f"file:{location}", "r")  # so that a colon in its name is not taken for a protocol
        except UnicodeEncodeError:  # a name in no encoding
            return av.open(location.open("rb"), "r")
    if location.startswith("/dev/"):
        return av.open(location, "r", format="v4l2", timeout=_PATIENCE)
    return av.open(location, "r", timeout=_PATIENCE)


def _upright(frame: VideoFrame, stream: VideoStream, rotation: int) -> np.ndarray:
    """Return a frame as it is to be seen: uint8 (height, width, 3), BGR."""
    image: np.ndarray = frame.to_ndarray(format="bgr24")
    ratio = float(stream.sample_aspect_ratio or 1)
    if ratio > 0 and abs(ratio - 1) > _SQUARE:
        across, down = (ratio, 1.0) if ratio > 1 else (1.0, 1 / ratio)
        image = cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR)
    turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _deinterlacer(stream: VideoStream) -> Graph:
    graph = Graph()
    source = graph.add_buffer(template=stream)
    deinterlace = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(deinterlace)
    deinterlace.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, VideoFrame):
            yield frame
