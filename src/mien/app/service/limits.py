"""What one request may ask for. Whatever lies beyond is answered by an error, never cut down without a word."""

from dataclasses import dataclass

from mien.data.decode import MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """The limits of `mien serve`.

    Attributes:
        size: bytes of a request's body.
        pixels: of one picture, checked before it is decoded.
        photos: in one request.
        faces: in one photo, checked before they are read.
        seconds: for a request to arrive, and again for it to be answered.
        waiting: requests that wait for a worker; more are told to come back later.
    """

    size: int = 32 * 2**20
    pixels: int = MAX_PIXELS
    photos: int = 32
    faces: int = 200
    seconds: float = 30.0
    waiting: int = 64
