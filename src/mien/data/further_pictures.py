"""Counts the pictures in a file, of which one is read: frames of an animation, pages of a TIFF."""

from typing import Any

_VIDEO_FORMATS = ("AVIF", "GIF", "PNG", "WEBP")  # formats for mien video
_MAX_COUNTED = 1000  # pictures in a file: Pillow's time to count those of a TIFF grows with the square of their number


def further_pictures(image: Any) -> str:
    """Return how many pictures a file has and which of them is read; empty if it has one.

    image: the file opened by Pillow, at the picture that is read. Its position in the file changes.
    """
    first = image.tell() + 1
    try:
        count = _count(image)
    except Exception:  # noqa: BLE001 -- Pillow's about damaged files share no narrower base; the first may be whole
        return f"holds several pictures, of which number {first} was read"
    if count < 2:
        return ""
    hint = "; mien video reads moving pictures" if image.format in _VIDEO_FORMATS else ""
    several = f"more than {_MAX_COUNTED:,}" if image.format == "TIFF" and count > _MAX_COUNTED else f"{count:,}"
    return f"holds {several} pictures, of which number {first} was read{hint}"


def _count(image: Any) -> int:
    """Return how many pictures a file has; of a TIFF no more than _MAX_COUNTED + 1 are counted."""
    if image.format == "MPO":
        return _same_size(image)
    if image.format != "TIFF":
        return int(image.n_frames)
    for count in range(1, _MAX_COUNTED + 1):  # one by one: after a leap beyond the end, Pillow counts wrong
        try:
            image.seek(count)
        except EOFError:
            return count
    return _MAX_COUNTED + 1


def _same_size(image: Any) -> int:
    """Return how many pictures are as large as the first one. Smaller ones are previews, depth maps and the like."""
    sizes = []
    for index in range(image.n_frames):
        image.seek(index)
        sizes.append(image.size)
    return sizes.count(sizes[0])
