"""Photos of all kinds are read as they are meant to be looked at; what is none is refused in a line."""

import io
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from helpers.photos import PORTRAIT, portrait
from helpers.pictures import encoded, write_files
from PIL import Image

from mien._io.errors import InputError
from mien.data import further_pictures
from mien.inference.pictures.photo_files import find_photos, read_photo, write_photo

#: Four colours, so that turning and swapping channels shows: uint8 (40, 60, 3), RGB.
PAINTED = np.zeros((40, 60, 3), np.uint8)
PAINTED[:20, :30] = (200, 30, 30)
PAINTED[:20, 30:] = (30, 200, 30)
PAINTED[20:, :30] = (30, 30, 200)
PAINTED[20:, 30:] = (200, 200, 30)
NEAR = 12  # grey levels that JPEG and print colours may change


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".tiff"])
def test_a_picture_that_the_disk_takes_only_in_part_is_an_error(tmp_path: Path, suffix: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # as on a disk with 2,000 bytes left
    try:
        with pytest.raises(OSError, match="File too large"):
            write_photo(tmp_path / f"a{suffix}", portrait()[:128, :128])  # one that Pillow writes in one piece
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def rgb(path: Path) -> np.ndarray:
    return read_photo(path)[:, :, ::-1]


def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare the middles of the four quarters."""
    assert found.shape == expected.shape
    height, width = found.shape[0] // 4, found.shape[1] // 4
    places = np.ix_([height, 3 * height], [width, 3 * width])
    assert np.abs(found[places].astype(int) - expected[places]).max() <= NEAR


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg", ".jfif", ".jpe", ".webp", ".avif"])
def test_each_format_is_read(tmp_path: Path, suffix: str) -> None:
    found = rgb(saved(tmp_path / f"picture{suffix}", Image.fromarray(PAINTED)))
    assert (found.dtype, found.flags.c_contiguous or found.base is not None) == (np.uint8, True)
    assert_near(found, PAINTED)


def heic(path: Path, image: Image.Image, **options: Any) -> Path:
    pillow_heif.from_pillow(image).save(path, quality=95, chroma=444, **options)
    return path


@pytest.mark.parametrize("name", ["photo.heic", "photo.HEIF", "photo.jpg", "photo"])
def test_heic_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    assert_near(rgb(heic(tmp_path / name, Image.fromarray(PAINTED))), PAINTED)


def test_heic_is_turned_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = pillow_heif.from_bytes("RGB", (60, 40), PAINTED.tobytes())
    file.info["exif"] = exif.tobytes()
    file.save(tmp_path / "turned.heic", quality=95, chroma=444)
    data = (tmp_path / "turned.heic").read_bytes()
    assert b"irot" in data  # as phones do: turned by the container, and EXIF says so again
    assert exif.tobytes()[6:] in data
    assert_near(rgb(tmp_path / "turned.heic"), np.rot90(PAINTED, -1))


def test_transparent_heic_becomes_white(tmp_path: Path) -> None:
    alpha = np.repeat(np.array([255, 0], np.uint8), 30)[None].repeat(40, axis=0)
    found = rgb(heic(tmp_path / "cut.heic", Image.fromarray(np.dstack([PAINTED, alpha]))))
    assert (found[:, 34:] == 255).all()
    assert np.abs(found[:, :26].astype(int) - PAINTED[:, :26]).max() <= NEAR


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".heic", ".avif"])
def test_heic_and_avif_that_are_cut_short_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    if suffix == ".heic":
        heic(path, noise)
    else:
        noise.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"^\S+cut\.\w+: [^\\\n]+, expected a JPEG") as caught:
        read_photo(path)
    if suffix == ".heic" and share:
        assert "HEIC: " in str(caught.value)


def test_heic_is_loaded_only_where_it_is_needed(tmp_path: Path) -> None:
    heic(tmp_path / "photo.heic", Image.fromarray(PAINTED))
    code = (
        "import sys; from pathlib import Path; from mien.inference.pictures.photo_files import read_photo\n"
        "for path in sys.argv[1:]:\n    read_photo(Path(path)); print('pi_heif' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(PORTRAIT), str(tmp_path / "photo.heic")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, PAINTED), (2, PAINTED[:, ::-1]), (3, PAINTED[::-1, ::-1]), (6, np.rot90(PAINTED, -1)), (8, np.rot90(PAINTED))],
)
def test_photos_are_turned_as_exif_says(tmp_path: Path, orientation: int, turned: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_near(rgb(saved(tmp_path / "photo.jpg", Image.fromarray(PAINTED), exif=exif)), turned)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    alpha = np.full(PAINTED.shape[:2], 255, np.uint8)
    alpha[:, 30:] = 0
    found = rgb(saved(tmp_path / "cut.png", Image.fromarray(np.dstack([PAINTED, alpha]))))
    assert np.array_equal(found[:, :30], PAINTED[:, :30])
    assert (found[:, 30:] == 255).all()


def test_transparent_colours_of_a_palette_become_white(tmp_path: Path) -> None:
    image = Image.fromarray(PAINTED).quantize(4)
    index = image.getpixel((0, 0))
    found = rgb(saved(tmp_path / "palette.png", image, transparency=index))
    assert (found[:20, :30] == 255).all()
    assert_near(found[20:], PAINTED[20:])


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    expected = np.rint(ramp / 257)[:, :, None]
    for suffix in (".png", ".tif"):
        found = rgb(saved(tmp_path / f"deep{suffix}", Image.fromarray(ramp)))
        assert np.abs(found - expected).max() <= 1
    colours = write_files(tmp_path, {"deep_colour.png": encoded(PAINTED[:, :, ::-1].astype(np.uint16) * 257)})
    assert_near(rgb(colours / "deep_colour.png"), PAINTED)


RAMP = np.linspace(0, 1, 40 * 60).reshape(40, 60)
COLOURS = np.dstack([RAMP, 1 - RAMP, np.full_like(RAMP, 0.5)])  # BGR


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        (RAMP.astype(np.float32), "0 was taken for black and 1 for white"),
        ((255 * RAMP).astype(np.float32), "0 was taken for black and 255 for white"),
        ((4095 * RAMP).astype(np.float64), "0 was taken for black and 4095 for white"),
        ((2 * RAMP - 1).astype(np.float32), "-1 was taken for black and 1 for white"),
        ((-0.02 + 1.04 * RAMP).astype(np.float32), "0 was taken for black and 1 for white"),
        ((300_000 * (RAMP - 1 / 3)).astype(np.float32), "-100000 was taken for black and 200000 for white"),
        ((4095 * RAMP).astype(np.uint16), "0 was taken for black and 4095 for white"),
        ((1023 * RAMP).astype(np.uint16), "0 was taken for black and 1023 for white"),
        ((255 * RAMP).astype(np.int32), "0 was taken for black and 255 for white"),
        ((16_383 * RAMP).astype(np.int32), "0 was taken for black and 16383 for white"),
        ((1e6 * RAMP).astype(np.int32), "0 was taken for black and 1e[+]06 for white"),
        (COLOURS.astype(np.float32), "0 was taken for black and 1 for white"),
        ((255 * COLOURS).astype(np.float32), "0 was taken for black and 255 for white"),
        ((4095 * COLOURS).astype(np.uint16), "0 was taken for black and 4095 for white"),
    ],
)
def test_the_range_of_deep_pictures_is_guessed_and_said(tmp_path: Path, values: np.ndarray, taken: str) -> None:
    path = write_files(tmp_path, {"deep.tif": encoded(values, ".tif")}) / "deep.tif"
    notes: list[str] = []
    found = read_photo(path, notes.append)
    expected = 255 * (RAMP[:, :, None] if values.ndim == 2 else COLOURS)
    assert np.abs(found - expected).max() <= 6  # 2 % of overshoot
    (text,) = notes
    assert text.startswith(f"{path}: holds values from")
    assert re.search(taken, text)


def test_twelve_bits_in_a_png_are_not_black(tmp_path: Path) -> None:
    alpha = np.dstack([4095 * COLOURS, np.full_like(RAMP, 4095)])
    files = {"grey.png": 4095 * RAMP, "colours.png": 4095 * COLOURS, "alpha.png": alpha}
    write_files(tmp_path, {name: encoded(values.astype(np.uint16)) for name, values in files.items()})
    for name in files:
        notes: list[str] = []
        found = read_photo(tmp_path / name, notes.append)
        assert np.abs(found - 255 * (RAMP[:, :, None] if name == "grey.png" else COLOURS)).max() <= 1
        assert len(notes) == 1
        assert "4095 for white" in notes[0]


def test_deep_pictures_are_turned_and_undefined_values_are_black(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    ramp = (4095 * RAMP).astype(np.uint16)
    for suffix in (".png", ".tif"):
        found = read_photo(saved(tmp_path / f"turned{suffix}", Image.fromarray(ramp), exif=exif), lambda _: None)
        assert np.abs(found - np.rot90(255 * RAMP, -1)[:, :, None]).max() <= 1
    undefined = RAMP.astype(np.float32)
    undefined[:20] = np.nan
    found = read_photo(saved(tmp_path / "undefined.tif", Image.fromarray(undefined)), lambda _: None)
    assert not found[:20].any()
    assert found[-1, -1].tolist() == [255] * 3


def test_white_may_be_zero(tmp_path: Path) -> None:
    ramp = np.rint(65535 * RAMP).astype(np.uint16)
    path = saved(tmp_path / "negative.tif", Image.fromarray(ramp), tiffinfo={262: 0})
    assert np.abs(read_photo(path) - 255 * (1 - RAMP[:, :, None])).max() <= 1


def test_print_colours_and_grey_become_colours(tmp_path: Path) -> None:
    image = Image.fromarray(PAINTED)
    assert_near(rgb(saved(tmp_path / "print.jpg", image.convert("CMYK"), quality=95)), PAINTED)
    assert_near(rgb(saved(tmp_path / "print.tif", image.convert("CMYK"))), PAINTED)
    grey = np.asarray(image.convert("L"))
    assert_near(rgb(saved(tmp_path / "grey.png", image.convert("L"))), np.repeat(grey[:, :, None], 3, axis=2))
    assert (rgb(saved(tmp_path / "ink.png", Image.new("1", (20, 20), 1))) == 255).all()


def test_names_may_be_in_any_script(tmp_path: Path) -> None:
    path = tmp_path / "Gesicht für 顔 😀.png"
    write_photo(path, PAINTED[:, :, ::-1])
    assert np.array_equal(rgb(path), PAINTED)


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"20,000 x 16 pixels cannot be written as \.webp"):
        write_photo(tmp_path / "wide.webp", np.zeros((16, 20_000, 3), np.uint8))


def test_a_photo_is_read_as_opencv_reads_it() -> None:
    assert np.abs(read_photo(PORTRAIT).astype(int) - portrait()).mean() < 1


MOVING = "; mien video reads moving pictures"


@pytest.mark.parametrize(
    ("suffix", "hint"), [(".gif", MOVING), (".webp", MOVING), (".png", MOVING), (".avif", MOVING), (".tif", "")]
)
def test_of_several_pictures_the_first_is_read_and_counted(tmp_path: Path, suffix: str, hint: str) -> None:
    others = [Image.fromarray(np.roll(PAINTED, 20 * turn, axis=1)) for turn in (1, 2)]
    path = tmp_path / f"several{suffix}"
    saved(path, Image.fromarray(PAINTED), save_all=True, append_images=others, duration=100)
    notes: list[str] = []
    assert_near(read_photo(path, notes.append)[:, :, ::-1], PAINTED)
    assert notes == [f"{path}: holds 3 pictures, of which number 1 was read{hint}"]


def test_no_more_pictures_of_a_tiff_are_counted_than_time_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(further_pictures, "_MAX_COUNTED", 2)
    path, notes = tmp_path / "several.tif", list[str]()
    for further in (1, 2):
        saved(path, Image.fromarray(PAINTED), save_all=True, append_images=[Image.fromarray(PAINTED)] * further)
        read_photo(path, notes.append)
    counts = [re.findall("holds (.*) pictures", note)[0] for note in notes]
    assert counts == ["2", "more than 2"]


def test_a_picture_for_each_eye_counts_but_previews_do_not(tmp_path: Path) -> None:
    image, small = Image.fromarray(PAINTED), Image.fromarray(PAINTED[::2, ::2])
    notes: list[str] = []
    for name, further in {"eyes": [image], "preview": [small]}.items():
        path = saved(tmp_path / f"{name}.mpo", image, save_all=True, append_images=further, quality=95)
        assert_near(read_photo(path, notes.append)[:, :, ::-1], PAINTED)
    assert notes == [f"{tmp_path / 'eyes.mpo'}: holds 2 pictures, of which number 1 was read"]


def test_of_several_heic_pictures_the_main_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "burst.heic"
    file = pillow_heif.from_pillow(Image.new("RGB", (60, 40)))
    file.add_from_pillow(Image.fromarray(PAINTED))
    file.save(path, quality=95, chroma=444, primary_index=1)
    notes: list[str] = []
    assert_near(read_photo(path, notes.append)[:, :, ::-1], PAINTED)
    assert notes == [f"{path}: holds 2 pictures, of which number 2 was read"]


def test_a_still_gif_is_a_photo(tmp_path: Path) -> None:
    notes: list[str] = []
    assert_near(read_photo(saved(tmp_path / "still.gif", Image.fromarray(PAINTED)), notes.append)[:, :, ::-1], PAINTED)
    assert notes == []


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"exif": True}], ids=["baseline", "progressive", "turned"]
)
def test_of_a_jpeg_that_is_cut_short_what_is_there_is_read(tmp_path: Path, options: dict[str, Any]) -> None:
    if options.pop("exif", False):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 3
    whole = rgb(saved(tmp_path / "whole.jpg", Image.open(PORTRAIT), **options))
    data = (tmp_path / "whole.jpg").read_bytes()
    path = tmp_path / "cut.jpg"
    for size in (len(data) - 2, len(data) - 100, *range(1000, len(data), 1201)):
        path.write_bytes(data[:size])
        notes: list[str] = []
        found = read_photo(path, notes.append)[:, :, ::-1]
        assert found.shape == whole.shape
        assert notes == [f"{path}: is a JPEG that is cut short; what is there was read"]
    path.write_bytes(data[: len(data) // 2])
    upper = np.s_[: whole.shape[0] // 4] if "exif" not in options else np.s_[-whole.shape[0] // 4 :]
    difference = np.abs(read_photo(path, notes.append)[:, :, ::-1][upper].astype(int) - whole[upper])
    assert difference.mean() < (6 if "progressive" in options else 0.01)


def _claims(width: int, height: int) -> bytes:
    """Return a PNG file whose header claims a size."""
    data = io.BytesIO()
    Image.new("1", (width, height)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a picture that can be read, expected a JPEG"),
        (b"GIF89a", "is not a picture"),
        (b"emotion,pixels\n0,1 2 3\n", "is not a picture"),
        (PORTRAIT.read_bytes()[:150], "Truncated File Read"),
        (encoded(PAINTED)[:150], "cannot be read"),
        (_claims(1, 1), "has 1 x 1 pixels, expected at least 16 x 16"),
        (_claims(20_000, 4_000), "has 20,000 x 4,000 pixels, expected at most 67,108,864"),
        (_claims(20_000, 20_000), "too many pixels"),
    ],
)
def test_what_is_no_photo_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"photo\.jpg: .*{message}") as caught:
        read_photo(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_no_photos(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_photo(path)


def test_a_very_wide_photo_within_bounds_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    path.write_bytes(_claims(20_000, 20))
    assert read_photo(path).shape == (20, 20_000, 3)


def test_folders_are_searched_for_photos(tmp_path: Path) -> None:
    names = ["2.PNG", "3.HEIC", "4.heif", "5.avif", "6.jfif", "7.JPE", "8.mpo", "9.gif"]
    write_files(tmp_path, {"a.jpg": b"", "b/1.webp": b"", **{f"b/{name}": b"" for name in names}})
    notes: list[str] = []
    assert find_photos([tmp_path / "b", tmp_path / "a.jpg", tmp_path / "b" / "2.PNG"], notes.append) == [
        tmp_path / "b" / "1.webp",
        *(tmp_path / "b" / name for name in names),
        tmp_path / "a.jpg",
    ]
    assert notes == []


def test_what_a_folder_has_besides_photos_is_counted(tmp_path: Path) -> None:
    others = ["b/1.MOV", "b/2.mov", "b/notes.txt", "c/README", "c/d/3.mov"]
    hidden = [".DS_Store", "b/._1.jpg", ".thumbnails/1.jpg"]
    write_files(tmp_path, dict.fromkeys(("a.jpg", *others, *hidden), b""))
    notes: list[str] = []
    assert find_photos([tmp_path], notes.append) == [tmp_path / "a.jpg"]
    assert notes == ["5 files were left out: .mov (3), .txt (1), no suffix (1)"]
    (tmp_path / "b" / "b.jpg").touch()
    (tmp_path / "b" / "notes.txt").unlink()
    (tmp_path / "b" / "2.mov").unlink()
    find_photos([tmp_path / "a.jpg", tmp_path / "b"], notes.append)
    assert notes[1:] == ["1 file was left out: .mov (1)"]


def test_links_in_a_folder_are_followed_and_broken_ones_counted(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "in", {"1.jpg": b""})
    (folder / "album").symlink_to(write_files(tmp_path / "album", {"2.jpg": b"", "b/3.jpg": b"", "4.txt": b""}))
    (folder / "5.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "disk").symlink_to(tmp_path / "gone")
    os.mkfifo(folder / "6.jpg")
    notes: list[str] = []
    found = [str(path.relative_to(folder)) for path in find_photos([folder], notes.append)]
    assert found == ["1.jpg", "5.jpg", "album/2.jpg", "album/b/3.jpg"]
    assert notes == ["3 files were left out: .txt (1), broken link (1), pipe or device (1)"]
    with pytest.raises(InputError, match=r"5\.jpg: cannot be read \(No such file or directory\)"):
        read_photo(folder / "5.jpg")
    (folder / "album" / "up").symlink_to(folder)
    assert len(find_photos([folder], notes.append)) == len(found)
    assert notes[-1] == "4 files were left out: .txt (1), broken link (1), loop of links (1), pipe or device (1)"


def test_a_folder_without_photos_says_what_it_has(tmp_path: Path) -> None:
    write_files(tmp_path, {"clips/1.mov": b"", "clips/.1.jpg": b""})
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"clips: found no photo in this folder but \.mov \(1\), expected"):
        find_photos([tmp_path / "clips"])
    with pytest.raises(InputError, match="empty: found no photo in this folder, expected"):
        find_photos([tmp_path / "empty"])
