"""Copies the sound of a video into a recording of its frames."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from mien._io.errors import InputError, first_line, note
from mien.inference.video.containers import opened
from mien.inference.video.streams import moving_streams

_COPIED = ("aac", "mp3", "opus", "flac")  # formats that browsers play in MP4; all others are encoded as AAC
_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)  # a second, of AAC that browsers play


class SoundTrack:
    """Writes the first audio stream of a video into a recording, up to the time of its frames."""

    def __init__(self, location: Path | str, recording: OutputContainer) -> None:
        """Add a stream to a recording if the video has sound. Call it before the first frame is written.

        Args:
            location: the video, a file or a URL. If it cannot be read, a note says that the recording has no sound.
            recording: the open recording.
        """
        self._location, self._recording = location, recording
        self._stack = ExitStack()
        self._packets: Iterator[tuple[float, Packet]] = iter(())
        try:
            source = self._stack.enter_context(opened(location))
            if source.streams.audio and moving_streams(source):
                self._packets = self._started(source, source.streams.audio[0])
        except (InputError, av.error.FFmpegError, ValueError) as error:
            reason = first_line(error).removeprefix(f"{location}: ")
            note(f"{location}: its sound is left out of the recording ({reason})")
        self._next: tuple[float, Packet] | None = None

    def write_until(self, seconds: float) -> None:
        """Write the sound up to `seconds` after the first frame."""
        while True:
            self._next = self._next or self._read()
            if self._next is None or self._next[0] > seconds:
                return
            self._recording.mux(self._next[1])
            self._next = None

    def close(self) -> None:
        """Close the video."""
        self._stack.close()

    def _read(self) -> tuple[float, Packet] | None:
        try:
            return next(self._packets, None)
        except (av.error.FFmpegError, ValueError) as error:
            note(f"{self._location}: its sound is damaged, the recording holds the part before ({first_line(error)})")
            self._packets = iter(())
            return None

    def _started(self, source: InputContainer, stream: AudioStream) -> Iterator[tuple[float, Packet]]:
        video = moving_streams(source)[0]
        if (count := len(source.streams.audio)) > 1:
            note(f"{self._location}: holds {count} sound tracks, of which number 1 is recorded")
        begin = float((video.start_time or 0) * (video.time_base or 0))
        if stream.codec_context.codec.canonical_name in _COPIED:
            target = self._recording.add_stream_from_template(stream)
            return _copied(source, stream, target, begin)
        rate = next((rate for rate in _RATES if rate <= stream.codec_context.sample_rate), _RATES[-1])
        layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        return _encoded(source, stream, self._recording.add_stream("aac", rate=rate, layout=layout), begin)


def _copied(
    source: InputContainer, stream: AudioStream, target: AudioStream, begin: float
) -> Iterator[tuple[float, Packet]]:
    """Yield packets whose times count from the first frame of the video, and these times in seconds."""
    last = -1
    for packet in source.demux(stream):
        if packet.pts is None or packet.dts is None or not packet.time_base:
            continue
        ticks = round(begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
        if packet.pts >= 0 and packet.dts > last:  # times must not go back in MP4
            last = packet.dts
            seconds, packet.stream = float(packet.pts * packet.time_base), target
            yield seconds, packet


def _encoded(
    source: InputContainer, stream: AudioStream, target: AudioStream, begin: float
) -> Iterator[tuple[float, Packet]]:
    """Yield AAC packets and their times in seconds after the first frame of the video."""
    context = target.codec_context
    context.open()
    resampler = av.AudioResampler(context.format.name, context.layout, context.sample_rate, context.frame_size)
    for frame in chain(_decoded(source, stream, begin), [None]):
        for part in resampler.resample(frame):
            yield from _timed(target.encode(part))
    yield from _timed(target.encode(None))


def _decoded(source: InputContainer, stream: AudioStream, begin: float) -> Iterator[AudioFrame]:
    for frame in source.decode(stream):
        if frame.pts is not None and frame.time_base:
            frame.pts -= round(begin / frame.time_base)
            if frame.pts >= 0:
                yield frame


def _timed(packets: list[Packet]) -> Iterator[tuple[float, Packet]]:
    for packet in packets:
        yield float((packet.pts or 0) * (packet.time_base or 0)), packet
