"""The limits of one request. A request beyond them gets an error; nothing is silently cut down."""

from dataclasses import dataclass

from mien.data.decode import MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """The limits of `mien serve`.

    Attributes:
        size: bytes of a request's body.
        pixels: pixels of one picture, checked before it is decoded.
        photos: photos in one request.
        faces: faces in one photo, checked before they are read.
        seconds: time for a request to arrive, and the same time again to answer it.
        waiting: requests that may wait for a worker; further ones are asked to come back later.
    """

    size: int = 32 * 2**20
    pixels: int = MAX_PIXELS
    photos: int = 32
    faces: int = 200
    seconds: float = 30.0
    waiting: int = 64
