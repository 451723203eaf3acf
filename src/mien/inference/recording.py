"""Recordings of frames: H.264 in MP4, which browsers play, with the times and the sound of the source."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import av.error
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien._io.errors import InputError, first_line

_TICKS = 90_000  # a second
_OPTIONS = {"crf": "20", "preset": "veryfast"}
_SOUND_IN_MP4 = ("aac", "mp3", "ac3", "eac3", "alac", "flac", "opus")


class Recorder:
    """Writes an MP4 file. Use as a context, so that the file is closed properly."""

    def __init__(self, path: Path, rate: float, sound: Path | None = None) -> None:
        """Start at the first frame.

        Args:
            path: where to write, with suffix .mp4.
            rate: frames a second, on the average.
            sound: a video whose sound goes along, as far as MP4 can hold it.
        """
        self._path, self._rate, self._sound_path = path, rate, sound
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._sound: _Sound | None = None
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is None or self._stream is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            if self._sound:
                self._sound.close()
        finally:
            self._container.close()

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Show a frame, uint8 (height, width, 3) BGR, from `seconds` on; the sides are those of the first.

        Raises:
            InputError: the file cannot be written.
        """
        ticks = max(round(seconds * _TICKS), self._last + 1)
        try:
            if self._container is None or self._stream is None:
                self._container, self._stream = self._opened(image)
            frame = VideoFrame.from_ndarray(_even(image), format="bgr24")
            frame.pts, frame.time_base = ticks, Fraction(1, _TICKS)
            self._container.mux(self._stream.encode(frame))
            if self._sound:
                self._sound.write_until(self._container, seconds)
        except (av.error.FFmpegError, ValueError) as error:
            size = f"{image.shape[1]} x {image.shape[0]}"
            raise InputError(f"{self._path}: MP4 video of {size} cannot be written ({first_line(error)})") from None
        self._last = ticks

    def _opened(self, image: np.ndarray) -> tuple[OutputContainer, VideoStream]:
        container = av.open(f"file:{self._path}", "w", format="mp4", options={"movflags": "+faststart"})
        stream = container.add_stream("libx264", rate=Fraction(self._rate).limit_denominator(1001), options=_OPTIONS)
        height, width = _even(image).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        self._sound = _Sound.of(self._sound_path, container) if self._sound_path else None
        return container, stream


class _Sound:
    """The sound of a video, copied into a recording as it goes."""

    def __init__(self, source: InputContainer, packets: Iterator[tuple[float, Packet]], target: AudioStream) -> None:
        self._source, self._packets, self._target = source, packets, target
        self._next = next(packets, None)

    @classmethod
    def of(cls, path: Path, container: OutputContainer) -> "_Sound | None":
        """Return the first stream of sound; None where there is none, or of a kind that MP4 does not hold."""
        source = av.open(f"file:{path}", "r")
        streams = [each for each in source.streams.audio if each.codec_context.name.startswith(_SOUND_IN_MP4)]
        if not streams or not source.streams.video:
            source.close()
            return None
        target = container.add_stream_from_template(streams[0])
        video = source.streams.video[0]
        begin = float((video.start_time or 0) * (video.time_base or 0))
        return cls(source, _shifted(source, streams[0], begin), target)

    def write_until(self, container: OutputContainer, seconds: float) -> None:
        while self._next is not None and self._next[0] <= seconds:
            packet = self._next[1]
            packet.stream = self._target
            container.mux(packet)
            self._next = next(self._packets, None)

    def close(self) -> None:
        self._source.close()


def _shifted(source: InputContainer, stream: AudioStream, begin: float) -> Iterator[tuple[float, Packet]]:
    """Yield packets of sound, with times that count from the first frame of the video, and these times in seconds."""
    with suppress(av.error.FFmpegError):  # the sound ends where the file is damaged
        for packet in source.demux(stream):
            if packet.pts is None or packet.dts is None or not packet.time_base:
                continue
            ticks = round(begin / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            if packet.pts >= 0:
                yield float(packet.pts * packet.time_base), packet


def _even(image: np.ndarray) -> np.ndarray:
    """Repeat the last row and column where the sides are odd, which H.264 cannot have."""
    height, width = image.shape[:2]
    return cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
