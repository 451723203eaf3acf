"""The tab Live: frames of the browser's camera come by a WebSocket, and go back with boxes and labels.

A page has one frame on its way at a time. Where more come, the newest replaces those that wait: none is queued. Frames
are never written to disk.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import gradio as gr
import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien._io.errors import InputError
from mien._io.quiet import quiet_decoders
from mien.app.markup import bars
from mien.app.readers import Readers
from mien.data.decode import dimensions
from mien.inference.annotate import annotate_faces
from mien.inference.tracker import FaceTracker

PATH = "/live"
#: Bytes of a frame; one of 640 x 480 has a tenth.
MAX_BYTES = 2**20

_SIDES = range(16, 1281)  # pixels
_QUALITY = 80  # of JPEG, 0..100
_FOREIGN = 1008  # the WebSocket's code for a breach of policy
_PAGE = Path(__file__).with_name("live.html").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("live.js").read_text(encoding="utf-8")


def tab() -> None:
    """Add the tab."""
    with gr.Tab("Live"):
        gr.HTML(_PAGE, js_on_load=_SCRIPT)


def endpoint(readers: Readers) -> Callable[[WebSocket], Awaitable[None]]:
    """Return what serves the WebSocket at PATH: JPEG files in; for each that was read, a JSON text and a JPEG file out.

    The text has the bars of the face that is followed longest, as HTML; or an error as a sentence, and no file follows.
    """

    async def live(socket: WebSocket) -> None:
        if urlsplit(socket.headers.get("origin", "")).netloc != socket.headers.get("host"):
            await socket.close(_FOREIGN)  # browsers let any page open a WebSocket to localhost
            return
        await socket.accept()
        newest: asyncio.Queue[bytes] = asyncio.Queue(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_receive(socket, newest))
                group.create_task(_answer(socket, newest, readers))
        except* (WebSocketDisconnect, KeyError):  # KeyError: text where a frame is due
            pass

    return live


async def _receive(socket: WebSocket, newest: asyncio.Queue[bytes]) -> None:
    while True:
        frame = await socket.receive_bytes()
        if newest.full():
            newest.get_nowait()
        newest.put_nowait(frame)


async def _answer(socket: WebSocket, newest: asyncio.Queue[bytes], readers: Readers) -> None:
    session: _Session | None = None
    while True:
        frame = await newest.get()
        try:
            if session is None:
                session = await asyncio.to_thread(_Session, readers)
            html, picture = await asyncio.to_thread(session.read, frame)
        except InputError as error:
            await socket.send_json({"error": str(error)})
        else:
            await socket.send_json({"bars": html})
            await socket.send_bytes(picture)


class _Session:
    """What is known of the faces before one camera."""

    def __init__(self, readers: Readers) -> None:
        self._reader = readers.faces("haar", max_side=640)
        self._tracker = FaceTracker(self._reader)
        self._shape: tuple[int, ...] = ()

    def read(self, frame: bytes) -> tuple[str, bytes]:
        """Return the bars, as HTML, and the annotated frame, as a JPEG file, of the next frame, a JPEG file.

        Raises InputError where it is none, or too large or too small.
        """
        image = _decoded(frame)
        if image.shape != self._shape:  # at first, and where a phone was turned
            self._tracker, self._shape = FaceTracker(self._reader), image.shape
        faces = [tracked.face for tracked in self._tracker.update(image, time.monotonic())]
        encoded = cv2.imencode(".jpg", annotate_faces(image, faces), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        return bars(faces[0].probabilities) if faces else "", encoded.tobytes()


def _decoded(frame: bytes) -> np.ndarray:
    """Return a JPEG file as uint8 (height, width, 3), BGR; its size is checked before it unfolds."""
    expected = f"expected a JPEG file of {_SIDES.start} to {_SIDES.stop - 1} pixels a side"
    try:
        sides = dimensions(frame)
    except (ValueError, struct.error):
        raise InputError(f"camera: found {len(frame):,} bytes that are no picture, {expected}") from None
    if not all(side in _SIDES for side in sides):
        raise InputError(f"camera: found a frame of {sides[0]:,} x {sides[1]:,} pixels, {expected}")
    with quiet_decoders():
        image = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"camera: found a damaged frame, {expected}")
    return image
