"""Records frames as H.264 in MP4, which browsers play, with the times and the sound of the source."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import av.error
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien._io.errors import InputError, first_line
from mien.inference.video.containers import has_plain_name
from mien.inference.video.sound import SoundTrack

_TICKS = 90_000  # ticks per second
_OPTIONS = {"crf": "20", "preset": "veryfast"}


class Recorder:
    """Writes an MP4 file. Use it as a context manager, so that the file is closed properly."""

    def __init__(self, path: Path, rate: float, sound: Path | str | None = None) -> None:
        """Start at the first frame.

        Args:
            path: where to write, with suffix .mp4.
            rate: average frames per second.
            sound: a video whose sound is added, a file or a URL.
        """
        self._path, self._rate, self._sound_path = path, rate, sound
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._sound: SoundTrack | None = None
        self._files = ExitStack()
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._files:
            if self._container is None or self._stream is None:
                return
            try:
                self._finish(self._container, self._stream)
            except (av.error.FFmpegError, ValueError) as error:
                if kind is None:
                    raise InputError(f"{self._path}: cannot be written ({first_line(error)})") from None

    def _finish(self, container: OutputContainer, stream: VideoStream) -> None:
        try:
            if self._last >= 0:
                container.mux(stream.encode(None))
        finally:
            container.close()

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Show a frame, uint8 (height, width, 3) BGR, from `seconds` on. All frames have the size of the first.

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
                self._sound.write_until(seconds)
        except (av.error.FFmpegError, ValueError) as error:
            size = f"{image.shape[1]} x {image.shape[0]}"
            raise InputError(f"{self._path}: MP4 video of {size} cannot be written ({first_line(error)})") from None
        self._last = ticks

    def _opened(self, image: np.ndarray) -> tuple[OutputContainer, VideoStream]:
        if has_plain_name(self._path):  # index at the beginning, so that browsers play while they load
            options = {"movflags": "+faststart"}
            container = av.open(f"file:{self._path}", "w", format="mp4", options=options)
        else:
            container = av.open(self._files.enter_context(self._path.open("wb")), "w", format="mp4")
        stream = container.add_stream("libx264", rate=Fraction(self._rate).limit_denominator(1001), options=_OPTIONS)
        height, width = _even(image).shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _TICKS)
        if self._sound_path:
            self._sound = SoundTrack(self._sound_path, container)
            self._files.callback(self._sound.close)
        return container, stream


def _even(image: np.ndarray) -> np.ndarray:
    """Repeat the last row and column if a side is odd, as H.264 needs even sides."""
    height, width = image.shape[:2]
    return cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
