"""Videos of many kinds, encoded by PyAV."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

TICKS = 90_000  # a second
RATE = 25
SOUND_RATE = 48_000


def pattern(index: int, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    """Return a picture that tells its number: a bright column that moves; uint8 (height, width, 3)."""
    image = np.full((*size, 3), 60, np.uint8)
    left = (8 * index) % (size[1] - 16)
    image[:, left : left + 16] = 220
    return image


def column(image: np.ndarray) -> int:
    """Return the left edge of the bright column of `pattern`."""
    return int(np.argmax(image[image.shape[0] // 2, :, 1] > 140))


def write_clip(
    path: Path,
    frames: Sequence[np.ndarray] | Iterator[np.ndarray],
    times: Sequence[float] | None = None,
    *,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    aspect: Fraction | None = None,
    sound: str | None = None,
    sound_seconds: float = 0.0,
    silence: float = 0.0,
) -> Path:
    """Encode a video.

    Args:
        path: its suffix tells the container.
        frames: uint8 (height, width, 3), BGR, of one size.
        times: seconds of the frames; by default RATE a second.
        codec: of the pictures.
        options: of the encoder.
        container_options: of the container.
        aspect: width of a pixel by its height.
        sound: codec of a tone that goes along, `sound_seconds` long.
        silence: seconds after which the tone begins.
    """
    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=RATE, options=dict(options or {}))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times is not None:
            ticks = {".avi": RATE, ".mkv": 1000, ".webm": 1000}.get(path.suffix, TICKS)
            stream.codec_context.time_base = Fraction(1, ticks)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        write_sound = _tone(container, sound, sound_seconds, silence) if sound else None
        for index, image in enumerate(chain([first], frames)):
            frame = VideoFrame.from_ndarray(image, format="bgr24").reformat(format=stream.pix_fmt)
            frame.time_base = stream.codec_context.time_base or Fraction(1, RATE)
            seconds = Fraction(index, RATE) if times is None else Fraction(times[index])
            frame.pts = round(seconds / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if write_sound:
            write_sound()
    return path


def _tone(container: OutputContainer, codec: str, seconds: float, silence: float) -> Callable[[], None]:
    stream = container.add_stream(codec, rate=SOUND_RATE, layout="mono")
    assert isinstance(stream, AudioStream)

    def write() -> None:
        step = stream.codec_context.frame_size or 1024
        for start in range(0, round(seconds * SOUND_RATE), step):
            times = np.arange(start, start + step) / SOUND_RATE
            wave = np.round(8000 * np.sin(2 * np.pi * 440 * times) * (times >= silence)).astype(np.int16)[None]
            frame = AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
            for converted in resampler.resample(frame):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))

    resampler = av.AudioResampler(stream.codec_context.format.name, "mono", SOUND_RATE)
    return write


def sound_of(path: Path) -> tuple[str, float] | None:
    """Return the codec of the sound of a video, and how many seconds it lasts; None if there is none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        name = container.streams.audio[0].codec_context.name
        frames = list(container.decode(audio=0))
        return name, sum(frame.samples / frame.sample_rate for frame in frames)


def turn_display(path: Path, degrees: int) -> Path:
    """Write a rotation into the display matrix of the video track of an MP4, clockwise by 90, 180 or 270 degrees."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    return set_display(path, (cosine, sine, -sine, cosine))


def set_display(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a, b, c, d of the display matrix of an MP4: a point (x, y) is shown at (a x + c y, b x + d y)."""
    a, b, c, d = matrix
    rows = [a, b, 0, c, d, 0, 0, 0, 1]
    units = [1 << 16, 1 << 16, 1 << 30] * 3
    values = b"".join((row * unit).to_bytes(4, "big", signed=True) for row, unit in zip(rows, units, strict=True))
    data = path.read_bytes()
    start = data.index(b"tkhd") + 4 + 40  # version 0
    path.write_bytes(data[:start] + values + data[start + 36 :])
    return path


def join_files(path: Path, parts: Sequence[Path], format_name: str | None = None, *, cover: int | None = None) -> Path:
    """Write the first streams of files into one file. cover: the index of the part that is a cover picture."""
    with ExitStack() as stack:
        target = stack.enter_context(av.open(str(path), "w", format=format_name))
        sources = [stack.enter_context(av.open(str(part))) for part in parts]
        streams = [target.add_stream_from_template(source.streams[0]) for source in sources]
        if cover is not None:
            streams[cover].disposition = Disposition.attached_pic
        for source, stream in zip(sources, streams, strict=True):
            for packet in source.demux(source.streams[0]):
                if packet.dts is not None or packet.size:
                    packet.stream = stream
                    target.mux(packet)
    return path
