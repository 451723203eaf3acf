"""The tab Live: the browser's camera sends frames by a WebSocket and gets them back with boxes and labels.

A page sends one frame at a time. If more arrive, the newest replaces the waiting one: there is no queue. Frames are
never written to disk.
"""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import gradio as gr
import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien._io.errors import InputError
from mien._io.quiet import quiet_decoders
from mien.app import au_view
from mien.app.markup import bars, data_url
from mien.app.networks import Networks
from mien.data.decode import dimensions
from mien.inference.annotate import annotate_faces
from mien.inference.face import Face
from mien.inference.video.tracker import FaceTracker

PATH = "/live"
#: The size limit of a frame, in bytes; a frame of 640 x 480 needs a tenth.
MAX_BYTES = 2**20

_SIDES = range(16, 1281)  # pixels
_QUALITY = 80  # JPEG quality, 0..100
_DRAWN_SIDE = 192  # pixels
_FOREIGN = 1008  # WebSocket code for a policy violation
_PAGE = Path(__file__).with_name("live.html").read_text(encoding="utf-8")
_SCRIPT = Path(__file__).with_name("live.js").read_text(encoding="utf-8")


def tab() -> None:
    """Add the tab."""
    with gr.Tab("Live"):
        gr.HTML(_PAGE, js_on_load=_SCRIPT)


def endpoint(networks: Networks) -> Callable[[WebSocket], Awaitable[None]]:
    """Return the handler of the WebSocket at PATH: JPEG files in, and for each one a JSON text and a JPEG file out.

    The text describes the face that has been tracked longest: `bars` of its emotions and `aus`, as HTML, and `drawn`,
    the address of a drawn face; each is empty if there is none. If the text has an `error` instead, no file follows.
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
                group.create_task(_answer(socket, newest, networks))
        except* WebSocketDisconnect:
            pass

    return live


async def _receive(socket: WebSocket, newest: asyncio.Queue[bytes]) -> None:
    while True:
        try:
            frame = await socket.receive_bytes()
        except KeyError:  # text instead of a frame
            raise WebSocketDisconnect from None
        if newest.full():
            newest.get_nowait()
        newest.put_nowait(frame)


async def _answer(socket: WebSocket, newest: asyncio.Queue[bytes], networks: Networks) -> None:
    session: _Session | None = None
    while True:
        frame = await newest.get()
        try:
            if session is None:
                session = await asyncio.to_thread(_Session, networks)
            message, picture = await asyncio.to_thread(session.read, frame)
        except InputError as error:
            await socket.send_json({"error": str(error)})
        else:
            await socket.send_json(message)
            await socket.send_bytes(picture)


class _Session:
    """The faces in front of one camera, tracked over time."""

    def __init__(self, networks: Networks) -> None:
        self._recognizer = networks.recognizer("yunet", search_size=640)
        self._tracker = FaceTracker(self._recognizer)
        self._shape: tuple[int, ...] = ()

    def read(self, frame: bytes) -> tuple[dict[str, str], bytes]:
        """Read the next frame, a JPEG file. Returns the text about it and the annotated frame as a JPEG file.

        Raises InputError if it is not a JPEG file, or too large or too small.
        """
        image = _decoded(frame)
        if image.shape != self._shape:  # the first frame, or the first after a phone was turned
            self._tracker, self._shape = FaceTracker(self._recognizer), image.shape
        faces = [tracked.face for tracked in self._tracker.update(image, time.monotonic())]
        encoded = cv2.imencode(".jpg", annotate_faces(image, faces), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        return _message(faces), encoded.tobytes()


def _message(faces: Sequence[Face]) -> dict[str, str]:
    if not faces:
        return {"bars": "", "aus": "", "drawn": ""}
    face, message = faces[0], {"bars": bars(faces[0].probabilities)}
    if face.aus is None:
        return message | {"aus": "", "drawn": ""}
    return message | {"aus": au_view.bars(face), "drawn": data_url(au_view.drawn_of(face.aus, _DRAWN_SIDE))}


def _decoded(frame: bytes) -> np.ndarray:
    """Decode a JPEG file to uint8 (height, width, 3), BGR. Its size is checked first."""
    expected = f"expected a JPEG file of {_SIDES.start} to {_SIDES.stop - 1} pixels a side"
    try:
        sides = dimensions(frame)
    except (ValueError, struct.error):
        raise InputError(f"camera: found {len(frame):,} bytes that are not a picture, {expected}") from None
    if not all(side in _SIDES for side in sides):
        raise InputError(f"camera: found a frame of {sides[0]:,} x {sides[1]:,} pixels, {expected}")
    with quiet_decoders():
        image = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"camera: found a damaged frame, {expected}")
    return image
