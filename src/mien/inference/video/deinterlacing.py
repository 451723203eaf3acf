"""Deinterlaces frames, which OpenCV's VideoCapture returns as black."""

from collections.abc import Iterator
from contextlib import suppress

import av.error
from av.filter import Graph
from av.video.frame import VideoFrame


class Deinterlacer:
    """Deinterlaces frames of one format with FFmpeg's filter bwdif."""

    def __init__(self, frame: VideoFrame) -> None:
        """Take frames of the format of `frame`, which is not added yet."""
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
        """Tell whether a frame has the format of the first one."""
        return _form(frame) == self._form

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Add a frame; yield those that are ready."""
        self._graph.push(frame)
        return self._pulled()

    def finish(self) -> Iterator[VideoFrame]:
        """Yield the frames that are left."""
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
