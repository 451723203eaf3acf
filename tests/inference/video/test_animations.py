"""Animated pictures as videos: GIF, PNG, WebP and AVIF have their own times; what is cut off or damaged is said."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from helpers.clips import pattern
from PIL import Image, ImageOps

from mien._io.errors import InputError
from mien.inference.pictures.file_ends import GifEnd, gif_end
from mien.inference.pictures.photo_files import read_photo
from mien.inference.video.animations import is_animation
from mien.inference.video.frames import open_video

DURATIONS = [40, 100, 200, 40, 30, 500]  # milliseconds


def animation(path: Path) -> Path:
    pictures = [Image.fromarray(pattern(index)) for index in range(len(DURATIONS))]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=DURATIONS)
    return path


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_times_are_exact(tmp_path: Path, suffix: str) -> None:
    with open_video(animation(tmp_path / f"moving.{suffix}")) as source:
        frames = list(source.frames())
    starts = np.cumsum([0, *DURATIONS[:-1]]) / 1000
    assert [frame.seconds for frame in frames] == pytest.approx(starts.tolist(), abs=1e-3)
    for index, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - pattern(index)).mean() < 5
    assert source.damage == ""


@pytest.mark.parametrize("suffix", ["png", "webp"])  # Pillow crashes when it writes such an AVIF
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_frame_is_turned_and_mirrored_as_exif_says(tmp_path: Path, suffix: str, orientation: int) -> None:
    path, exif = tmp_path / f"moving.{suffix}", Image.Exif()
    exif[0x0112] = orientation
    pictures = [Image.fromarray(pattern(index, (64, 96))) for index in (3, 5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], exif=exif)
    with open_video(path) as source:
        frames = [frame.image for frame in source.frames()]
    for frame, picture in zip(frames, pictures, strict=True):
        picture.getexif()[0x0112] = orientation
        expected = np.asarray(ImageOps.exif_transpose(picture))
        assert frame.shape == expected.shape
        assert np.abs(frame.astype(int) - expected).mean() < 5


@pytest.mark.parametrize("suffix", ["gif", "png"])  # Pillow writes no transparent animated WebP
def test_transparent_areas_are_white_as_in_photos(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"moving.{suffix}"
    pictures = []
    for grey in (60, 120):
        picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        picture.paste((grey, grey, grey, 255), (16, 16, 48, 48))
        pictures.append(picture)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, disposal=2)
    with open_video(path) as source:
        frames = [frame.image for frame in source.frames()]
    for frame, grey in zip(frames, (60, 120), strict=True):
        assert frame[2, 2].tolist() == [255] * 3
        assert frame[32, 32].tolist() == [grey] * 3
    assert np.array_equal(frames[0], read_photo(path))


@pytest.mark.parametrize("suffix", ["webp", "avif"])
@pytest.mark.parametrize("missing", [1, 300])
def test_a_picture_whose_decoder_needs_all_of_it_is_refused_when_cut_off(
    tmp_path: Path, suffix: str, missing: int
) -> None:
    path = animation(tmp_path / f"moving.{suffix}")
    path.write_bytes(path.read_bytes()[:-missing])
    assert is_animation(path)
    expected = pytest.raises(InputError, match=rf"moving.{suffix}: cannot be read \(is cut off\), expected a whole")
    with expected, open_video(path) as source:
        list(source.frames())
    with pytest.raises(InputError, match=rf"moving.{suffix}: cannot be read \(is cut off\)"):
        read_photo(path)


@pytest.mark.parametrize(("missing", "damage"), [(1, ""), (2, "is cut off"), (300, "is cut off")])
def test_of_a_gif_that_is_cut_off_the_frames_are_kept(
    tmp_path: Path, missing: int, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = animation(tmp_path / "moving.gif")
    path.write_bytes(path.read_bytes()[:-missing])
    with open_video(path) as source:
        assert len(list(source.frames())) == len(DURATIONS)
    assert source.damage == damage
    unmarked = "has no end mark, so pictures may be missing"
    assert capsys.readouterr().err == ("" if damage else f"note: {path}: {unmarked}\n")
    notes: list[str] = []
    read_photo(path, notes.append)
    assert notes[0] == f"{path}: {damage or unmarked}"


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "avif"])
def test_no_damage_brings_another_error(tmp_path: Path, suffix: str) -> None:
    path = animation(tmp_path / f"moving.{suffix}")
    whole = path.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, 60, np.uint8).tobytes()
    for start in np.linspace(0, len(whole) - len(noise), 25, dtype=int):
        path.write_bytes(whole[:start] + noise + whole[start + len(noise) :])
        with suppress(InputError), open_video(path) as source:
            list(source.frames())


def test_a_gif_whose_blocks_make_no_sense_is_damaged() -> None:
    screen = b"GIF89a" + bytes(7)
    assert gif_end(BytesIO(screen + b"\0\0;")) is GifEnd.WHOLE
    assert gif_end(BytesIO(screen + b"!\xf9\x01.\0what;")) is GifEnd.DAMAGED
    assert gif_end(BytesIO(screen[:8])) is GifEnd.CUT_OFF


def test_a_still_webp_does_not_move(tmp_path: Path) -> None:
    Image.fromarray(pattern(0)).save(tmp_path / "still.webp")
    assert not is_animation(tmp_path / "still.webp")
    (tmp_path / "empty.webp").touch()
    assert not is_animation(tmp_path / "empty.webp")
