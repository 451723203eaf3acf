"""Animated pictures as videos: GIF, PNG and WebP have their own times."""

from pathlib import Path

import numpy as np
import pytest
from helpers.clips import pattern
from PIL import Image

from mien._io.errors import InputError
from mien.inference.animations import is_animation
from mien.inference.frames import open_video

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


def test_a_webp_that_is_cut_off_is_said(tmp_path: Path) -> None:
    path = animation(tmp_path / "moving.webp")
    path.write_bytes(path.read_bytes()[:-200])
    assert is_animation(path)
    expected = pytest.raises(InputError, match=r"moving.webp: cannot be read .* expected a whole picture")
    with expected, open_video(path) as source:
        list(source.frames())


def test_a_still_webp_does_not_move(tmp_path: Path) -> None:
    Image.fromarray(pattern(0)).save(tmp_path / "still.webp")
    assert not is_animation(tmp_path / "still.webp")
    (tmp_path / "empty.webp").touch()
    assert not is_animation(tmp_path / "empty.webp")
