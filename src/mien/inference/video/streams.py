"""Which of the streams of a container is the video."""

from collections.abc import Sequence

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien._io.errors import InputError, note

_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails  # covers and previews


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """Return the streams that are videos; a cover picture or a preview is none."""
    return [stream for stream in container.streams.video if not stream.disposition & _PICTURES]


def video_stream(name: str, container: InputContainer) -> VideoStream:
    """Return the first video of a container. A note says if there are more.

    Raises:
        InputError: there is none.
    """
    streams = moving_streams(container)
    readable = [stream for stream in streams if stream.codec_context is not None]
    if not readable:
        found = "only a cover picture" if container.streams.video and not streams else "no video"
        raise InputError(f"{name}: contains {found}, expected a video")
    if len(streams) > 1:
        number = streams.index(readable[0]) + 1
        note(f"{name}: holds {len(streams)} videos ({_sizes(streams)}), of which number {number} is read")
    return readable[0]


def _sizes(streams: Sequence[VideoStream]) -> str:
    return ", ".join(
        f"{stream.width} x {stream.height}" if stream.codec_context else "of an unknown kind" for stream in streams
    )
