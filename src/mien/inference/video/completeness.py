"""Tells whether the end of a video is missing, from what its container promises and what came."""

import math

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from mien.inference.pictures.file_ends import GifEnd

_SHARE, _SECONDS = 0.05, 0.25  # of the duration, that must be missing for a file to count as truncated
_FROM_ZERO = ("matroska", "asf", "nut")  # formats whose duration counts from 0, not from the first packet


class Completeness:
    """What came of a file.

    Attributes:
        errors: places that could not be read.
        frames: frames that were decoded.
        gif_end: how the file ends, if it is a GIF.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, rate: float) -> None:
        """Use an open container. rate: frames per second of the stream."""
        name = container.format.name
        self.errors, self.frames, self.gif_end = 0, 0, GifEnd.WHOLE
        self._stream, self._rate = stream, rate
        self._duration = container.duration / av.time_base if container.duration else None
        self._start = (container.start_time or 0) / av.time_base
        self._counts_from_zero = any(known in name for known in _FROM_ZERO)
        # MP4 also counts frames that an edit list hides
        self._promised = 0 if "mp4" in name else stream.frames
        self._end = self._end_of_video = -math.inf

    def add(self, packet: Packet) -> None:
        """Take account of a packet of any stream of the container."""
        time = packet.dts if packet.pts is None else packet.pts
        if time is None or not packet.time_base:
            return
        end = float((time + (packet.duration or 0)) * packet.time_base)
        self._end = max(self._end, end)
        if packet.stream is self._stream:
            self._end_of_video = max(self._end_of_video, end)

    def damage(self, seconds: float) -> str:
        """Return what is missing or damaged; empty if nothing is. seconds: from the first to the last frame."""
        ends = max(self._reached(), seconds)
        if self._duration and self._duration - ends > self._tolerance():
            return f"ends after {ends:.2f} s of {self._duration:.2f} s, is cut off"
        frames = max(self.frames, self._frames_reached())
        if frames < (1 - _SHARE) * self._promised:
            return f"ends after {frames:,} frames of {self._promised:,}, is cut off"
        if self.gif_end in (GifEnd.CUT_OFF, GifEnd.DAMAGED):
            return self.gif_end.value
        places = f"{self.errors:,} places" if self.errors > 1 else "one place"
        return f"is damaged in {places}" if self.errors else ""

    def _reached(self) -> float:
        """Return the end in seconds, counted as the duration is; some programs count it as in other formats."""
        if self._counts_from_zero and self._end <= (self._duration or 0) + self._tolerance():
            return self._end
        return self._end - self._start

    def _tolerance(self) -> float:
        """Return the seconds that may be missing."""
        length = (self._duration or 0) - (self._start if self._counts_from_zero else 0)
        return max(_SHARE * length, _SECONDS)

    def _frames_reached(self) -> int:
        """Return the number of the last frame by its time: an AVI also counts frames that a camera dropped."""
        return round(self._end_of_video * self._rate) if math.isfinite(self._end_of_video) else 0
