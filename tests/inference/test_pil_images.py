"""PIL images are the same pictures as their files."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from helpers.pictures import encoded
from PIL import Image

from mien.inference.pictures.photo_files import read_photo, to_bgr

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F")
SUFFIXES = (".png", ".tif", ".webp", ".gif", ".bmp", ".jpg", ".avif", ".heic", ".mpo")
NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 4), np.uint8)


def _loaded(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def _from_bytes(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


OPENERS = pytest.mark.parametrize("open_image", [Image.open, _loaded, _from_bytes])
Opener = Callable[[Path], Image.Image]


def _noise(mode: str) -> Image.Image:
    grey = Image.fromarray(NOISE[:, :, 0])
    if mode in ("1", "L", "I;16", "I", "F"):
        return grey.convert(mode)
    return Image.fromarray(NOISE if mode in ("RGBA", "LA") else NOISE[:, :, :3]).convert(mode)


@OPENERS
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.filterwarnings("ignore:Saving I mode images as PNG is deprecated:DeprecationWarning")
def test_every_mode_of_every_format_is_read_as_its_file(tmp_path: Path, suffix: str, open_image: Opener) -> None:
    pillow_heif.register_heif_opener()
    read = 0
    for mode in MODES:
        path = tmp_path / f"noise{suffix}"
        try:
            _noise(mode).save(path)
        except (KeyError, OSError, RuntimeError, ValueError):  # the format has no such mode
            continue
        with open_image(path) as image:
            assert np.array_equal(to_bgr(image), read_photo(path, lambda _: None)), mode
        read += 1
    assert read >= 2


@OPENERS
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_read_as_their_file(
    tmp_path: Path, suffix: str, channels: int, open_image: Opener, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve bits in 16, which Pillow alone would show nearly black."""
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(encoded(np.random.default_rng(1).integers(0, 4096, (40, 60, channels)).astype(np.uint16), suffix))
    notes: list[str] = []
    expected = read_photo(path, notes.append)
    with open_image(path) as image:
        assert np.array_equal(to_bgr(image), expected)
    assert capsys.readouterr().err.splitlines()[0] == f"note: image: {notes[0].partition(': ')[2]}"


def test_dark_pixels_that_have_lost_their_file_are_noted(capsys: pytest.CaptureFixture[str]) -> None:
    image = _from_bytes_of(np.full((20, 20, 3), 4000, np.uint16))
    image.load()
    to_bgr(image)
    assert capsys.readouterr().err == (
        "note: image: is dark: if its file has 16 bits per colour, only the upper 8 were read; pass the path of the "
        "file to read all\n"
    )


def _from_bytes_of(values: np.ndarray) -> Image.Image:
    return Image.open(io.BytesIO(encoded(values)))


def test_an_image_that_was_painted_on_is_not_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(encoded(np.full((40, 60, 3), 4000, np.uint16)))
    with Image.open(path) as image:
        image.paste((9, 9, 9), (0, 0, 60, 40))
        assert (to_bgr(image) == 9).all()
