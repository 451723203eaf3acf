"""Image files become grey arrays of one size, or nothing."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from helpers.pictures import encoded, picture, saved
from PIL import Image

from mien._io.errors import InputError
from mien.data import decode as module
from mien.data.decode import decode, dimensions, resize
from mien.data.image_stats import brightness_and_contrast, pixel_hashes
from mien.inference.pictures.photo_files import decode_photo


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff"])
@pytest.mark.parametrize("layers", [1, 3])
def test_any_picture_becomes_grey_and_square(suffix: str, layers: int) -> None:
    data = encoded(np.dstack([picture(i, 100, 80) for i in range(layers)]), suffix)
    image = decode(data, 48)
    assert image is not None
    assert (image.width, image.height) == (80, 100)
    assert (image.pixels.shape, image.pixels.dtype) == ((48, 48), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_the_pixels_of_a_picture_that_fits_are_kept(suffix: str) -> None:
    image = decode(encoded(picture(1), suffix), 48)
    assert image is not None
    assert np.array_equal(image.pixels, picture(1))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_of_16_bits_the_upper_8_are_kept(suffix: str) -> None:
    deep = picture(1).astype(np.uint16) * 256 + picture(2)
    image = decode(encoded(deep, suffix), 48)
    assert image is not None
    assert np.array_equal(image.pixels, picture(1))


@pytest.mark.parametrize(
    ("white", "dtype", "suffix"),
    [(4095, np.uint16, ".png"), (1023, np.uint16, ".tiff"), (1, np.float32, ".tiff"), (255, np.float32, ".tiff"),
     (16_383, np.int32, ".tiff")],
)  # fmt: skip
@pytest.mark.parametrize("layers", [1, 3])
def test_other_depths_are_scaled_as_photos_are_and_said(white: int, dtype: type, suffix: str, layers: int) -> None:
    grey = np.repeat(np.linspace(0, 1, 48), 48).reshape(48, 48)
    image = decode(encoded((white * np.dstack([grey] * layers)).astype(dtype), suffix), 48)
    assert image is not None
    assert np.abs(image.pixels - 255 * grey).max() <= 2
    assert image.remark == f"holds values from 0 to {white}; 0 was taken for black and {white} for white"


def _half_transparent(kind: str) -> Image.Image:
    alpha = np.full((48, 48), 255, np.uint8)
    alpha[:, 24:] = 0
    grey = Image.fromarray(picture(1) // 2)  # below what is transparent, too
    if kind == "P":
        image = Image.fromarray(np.where(alpha, 100, 7).astype(np.uint8)).convert("P")
        image.info["transparency"] = 7
        return image
    image = grey.convert(kind)
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.mark.parametrize(
    ("form", "kind"),
    [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("TIFF", "RGBA"), ("WEBP", "RGBA"), ("GIF", "P"), ("AVIF", "RGBA")],
)
def test_what_is_transparent_becomes_white_as_in_photos(form: str, kind: str) -> None:
    buffer = io.BytesIO()
    _half_transparent(kind).save(buffer, form, quality=95)
    image = decode(buffer.getvalue(), 48)
    assert image is not None
    assert (image.pixels[:, 26:] >= 250).all()
    photo = cv2.cvtColor(decode_photo(buffer.getvalue(), lambda _: None), cv2.COLOR_BGR2GRAY)
    assert np.abs(image.pixels.astype(int) - photo).max() <= 2
    assert (image.pixels[:, :22] < 200).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_16_bit_picture_becomes_white_where_it_is_transparent_and_an_opaque_one_keeps_its_pixels(depth: type) -> None:
    most = int(np.iinfo(depth).max)
    values: np.ndarray = (picture(1).astype(np.uint32) * most // 255).astype(depth)
    alpha = np.full_like(values, most)
    plain, opaque = (decode(encoded(np.dstack([values] * 3 + more)), 48) for more in ([], [alpha]))
    assert plain is not None
    assert opaque is not None
    assert np.array_equal(plain.pixels, opaque.pixels)
    alpha[:, 24:] = 0
    half = decode(encoded(np.dstack([values] * 3 + [alpha])), 48)
    assert half is not None
    assert (half.pixels[:, 24:] == 255).all()
    assert np.array_equal(half.pixels[:, :24], plain.pixels[:, :24])


def test_a_jpeg_s_own_size_is_told_from_its_thumbnail_s() -> None:
    jpeg, thumbnail = encoded(picture(1, 100, 80), ".jpg"), encoded(picture(2, 16), ".jpg")
    exif = b"\xff\xe1" + struct.pack(">H", 2 + len(thumbnail)) + thumbnail
    assert dimensions(jpeg[:2] + exif + b"\xff" + jpeg[2:]) == (80, 100)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_size_of_a_tiff_is_read_in_either_byte_order(order: str) -> None:
    tags = struct.pack(order + "HHII", 256, 4, 1, 70000) + struct.pack(order + "HHIHH", 257, 3, 1, 30, 0)
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2) + tags
    assert dimensions(data) == (70000, 30)


def test_a_second_size_of_a_tiff_does_not_hide_the_first() -> None:
    sizes = [(256, 30_000), (257, 30_000), (256, 16), (257, 16)]
    data = b"II*\0" + struct.pack("<IH", 8, 4) + b"".join(struct.pack("<HHII", tag, 4, 1, size) for tag, size in sizes)
    assert dimensions(data) == (30_000, 30_000)
    assert decode(data, 48) is None


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10JFIF", b"II*\0", b"BM", b"\x89PNG"]
)
def test_what_is_no_picture_decodes_to_none(data: bytes) -> None:
    assert decode(data, 48) is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_what_is_cut_short_decodes_to_none(suffix: str, share: float) -> None:
    data = encoded(picture(1), suffix)
    assert decode(data[: int(len(data) * share)], 48) is None


def test_a_picture_that_claims_to_be_huge_is_not_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    side = 2**13 + 1
    shape = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side + 1) * side))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    assert len(data) < 100_000
    assert decode(data, 48) is None
    monkeypatch.setattr(module, "MAX_PIXELS", side**2)
    assert decode(data, 48) is not None


def test_a_jpeg_of_very_many_scans_is_refused_and_what_follows_it_does_not_count() -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture(1, 48)).save(buffer, "JPEG", progressive=True)
    whole = buffer.getvalue()
    scan = whole[whole.rfind(b"\xff\xda") : -2]
    assert decode(whole + 200 * scan, 48) is not None
    assert decode(whole[:-2] + 200 * scan + whole[-2:], 48) is None
    with pytest.raises(InputError, match="picture: cannot be read \\(has more than 100 scans\\), expected"):
        decode_photo(whole[:-2] + 200 * scan + whole[-2:], print)


PILLOW_FORMATS = [".webp", ".gif", ".avif", ".heic"]


@pytest.mark.parametrize("suffix", PILLOW_FORMATS)
def test_formats_of_pillow_become_grey_and_square(suffix: str) -> None:
    smooth = cv2.resize(picture(1, 5), (80, 100))
    image = decode(saved(smooth, suffix), 48)
    assert image is not None
    assert (image.width, image.height, image.pixels.shape) == (80, 100, (48, 48))
    assert np.abs(image.pixels.astype(int) - resize(smooth, 48)).mean() < 10


def test_an_avif_is_told_by_any_of_its_brands() -> None:
    data = saved(picture(1, 100), ".avif")
    assert data[8:12] == b"avif"
    assert decode(data[:8] + b"mif1" + data[12:], 48) is not None


@pytest.mark.parametrize("suffix", PILLOW_FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_formats_of_pillow_that_are_cut_short_decode_to_none(suffix: str, share: float) -> None:
    data = saved(picture(1, 100), suffix)
    assert decode(data[: int(len(data) * share)], 48) is None


@pytest.mark.parametrize("suffix", PILLOW_FORMATS)
def test_formats_of_pillow_that_claim_to_be_huge_decode_to_none(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 99 * 100)
    assert decode(saved(picture(1, 100), suffix), 48) is None


def test_of_a_moving_picture_the_first_is_read() -> None:
    frames = [Image.fromarray(np.full((48, 48), level, np.uint8)) for level in (50, 200)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG", "AVIF", "MPO"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
        image = decode(buffer.getvalue(), 48)
        assert image is not None
        assert np.abs(image.pixels.astype(int) - 50).max() <= 3
        remarks: list[str] = []
        decode_photo(buffer.getvalue(), remarks.append)
        assert image.remark == remarks[0]
        assert image.remark.startswith("holds 2 pictures, of which number 1 was read")


def test_equal_pixels_have_equal_hashes() -> None:
    first, second, third = pixel_hashes(np.stack([picture(1), picture(1), picture(2)]))
    assert first == second != third
    assert len(first) == 16


def test_light_is_mean_and_standard_deviation() -> None:
    pixels = np.stack([picture(1), np.full((48, 48), 255, np.uint8), cv2.blur(picture(2), (9, 9))])
    brightness, contrast = brightness_and_contrast(pixels)
    assert brightness == pytest.approx(pixels.mean(axis=(1, 2)), abs=0.00501)
    assert contrast == pytest.approx(pixels.std(axis=(1, 2)), abs=0.00501)
    assert contrast[1] == 0
