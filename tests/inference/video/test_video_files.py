"""Videos as people have them: their frames, times and shapes; and what is cut off, damaged or no video."""

import os
import socket
import time
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from helpers.clips import RATE, column, join_files, pattern, set_display, turn_display, write_clip
from helpers.served import served
from PIL import Image

from mien._io.errors import InputError
from mien.inference.pictures.photo_files import read_photo
from mien.inference.video import containers
from mien.inference.video.frames import Frame, open_camera, open_video

FRAMES = [pattern(index) for index in range(40)]


def read(location: Path | str) -> tuple[list[Frame], str]:
    """Return the frames of a video, and its damage."""
    with open_video(location) as source:
        return list(source.frames()), source.damage


def noise(count: int = 40) -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 255, (120, 160, 3), np.uint8) for seed in range(count)]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("top.mp4", "libx264", {"x264-params": "tff=1"}),
        ("bottom.mkv", "libx264", {"x264-params": "interlaced=1:bff=1"}),
        ("tape.mpg", "mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
def test_interlaced_frames_are_all_there_and_move(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = write_clip(tmp_path / name, FRAMES, codec=codec, options=options)
    with av.open(str(path)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    frames, damage = read(path)
    assert (len(frames), damage) == (len(FRAMES), "")
    assert [frame.seconds for frame in frames] == pytest.approx([index / RATE for index in range(40)], abs=1e-3)
    for frame, drawn in zip(frames, FRAMES, strict=True):
        assert abs(column(frame.image) - column(drawn)) <= 2
        assert frame.image.mean() == pytest.approx(drawn.mean(), abs=8)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(2), (240, 640)), (Fraction(1, 2), (480, 320))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, shape: tuple[int, int]) -> None:
    frames, _ = read(write_clip(tmp_path / "wide.mp4", FRAMES, aspect=aspect))
    assert {frame.image.shape[:2] for frame in frames} == {shape}
    assert column(frames[10].image) == column(FRAMES[10]) * shape[1] / 320


@pytest.mark.parametrize(("name", "codec"), [("v.mp4", "libx264"), ("v.mkv", "libx264"), ("v.webm", "libvpx-vp9")])
def test_times_of_a_variable_rate_are_exact(tmp_path: Path, name: str, codec: str) -> None:
    times = [0, 0.011, 0.5, 0.503, 0.777, 1.0, 3.333, 3.4]
    frames, damage = read(write_clip(tmp_path / name, FRAMES[:8], times, codec=codec))
    assert [frame.seconds for frame in frames] == pytest.approx(times, abs=1e-3)
    assert damage == ""


@pytest.mark.parametrize(("name", "sound"), [("s.mp4", "aac"), ("s.mkv", "pcm_s16le")])
def test_sound_that_outlasts_the_pictures_is_no_damage(tmp_path: Path, name: str, sound: str) -> None:
    frames, damage = read(write_clip(tmp_path / name, FRAMES, sound=sound, sound_seconds=6))
    assert (len(frames), damage) == (40, "")


@pytest.mark.parametrize(("degrees", "turns"), [(90, 3), (180, 2), (270, 1)])
def test_a_turned_telephone_is_held_upright(tmp_path: Path, degrees: int, turns: int) -> None:
    frames, _ = read(turn_display(write_clip(tmp_path / "turned.mp4", FRAMES), degrees))
    expected = np.rot90(FRAMES[0], turns)
    assert frames[0].image.shape == expected.shape
    assert np.abs(frames[0].image.astype(int) - expected).mean() < 10


@pytest.mark.parametrize("matrix", [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)])
@pytest.mark.parametrize("transposed", [False, True])
def test_every_turn_and_mirroring_is_undone(
    tmp_path: Path, matrix: tuple[int, int, int, int], transposed: bool
) -> None:
    shown = np.zeros((48, 64, 3), np.uint8)
    shown[:24, :32], shown[:24, 32:], shown[24:, :32] = 220, 150, 80
    across, _, _, down = matrix
    stored = np.ascontiguousarray(shown[::down, ::across])
    if transposed:
        stored, matrix = np.ascontiguousarray(stored.swapaxes(0, 1)), (0, down, across, 0)
    path = set_display(write_clip(tmp_path / "mirrored.mp4", [stored] * 3), matrix)
    for frame in read(path)[0]:
        assert frame.image.shape == shown.shape
        assert np.abs(frame.image.astype(int) - shown).mean() < 5


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_exif_turns_and_mirrors_a_still_picture(tmp_path: Path, suffix: str) -> None:
    for orientation in range(1, 9):
        path, exif = tmp_path / f"{orientation}.{suffix}", Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pattern(10, (120, 160))).save(path, exif=exif)
        (frame,), _ = read(path)
        expected = read_photo(path)
        assert frame.image.shape == expected.shape
        assert np.abs(frame.image.astype(int) - expected).mean() < 3


@pytest.mark.parametrize(
    "name", ["2024-05-01T12:30:00.mp4", "http:a.mp4", "a film ü.mp4", "-dash.mp4", "%03d.mp4", os.fsdecode(b"\xff.mp4")]
)
def test_any_name_is_read(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "clip.mp4", FRAMES).rename(tmp_path / name)
    assert len(read(tmp_path / name)[0]) == 40
    assert len(read(Path(os.path.relpath(tmp_path / name)))[0]) == 40


@pytest.mark.parametrize(
    ("name", "codec"),
    [("c.mkv", "libx264"), ("c.webm", "libvpx-vp9"), ("c.avi", "mpeg4"), ("c.mp4", "libx264"), ("c.flv", "flv")],
)
def test_of_a_video_cut_in_the_middle_the_frames_are_kept(tmp_path: Path, name: str, codec: str) -> None:
    index_first = {"movflags": "+faststart"} if name == "c.mp4" else None
    path = write_clip(tmp_path / name, noise(), codec=codec, container_options=index_first)
    assert read(path)[1] == ""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames, damage = read(path)
    assert 10 < len(frames) < 30
    assert "is cut off" in damage


@pytest.mark.parametrize(("name", "codec"), [("s.webm", "libvpx"), ("s.mkv", "libx264"), ("s.asf", "wmv2")])
def test_a_start_after_zero_is_no_damage(tmp_path: Path, name: str, codec: str) -> None:
    """The duration of these formats counts from 0, not from the first frame."""
    times = [60 + index / RATE for index in range(40)]
    path = write_clip(tmp_path / name, noise(), times, codec=codec)
    frames, damage = read(path)
    assert (len(frames), damage) == (40, "")
    assert frames[0].seconds == 0
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "cut off" in read(path)[1] or "damaged" in read(path)[1]


def test_frames_that_a_camera_dropped_are_no_damage(tmp_path: Path) -> None:
    """An AVI counts them."""
    kept = [index for index in range(40) if index % 6 != 2]
    images = noise()
    path = write_clip(
        tmp_path / "drop.avi", [images[index] for index in kept], [index / RATE for index in kept], codec="mjpeg"
    )
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 40
    frames, damage = read(path)
    assert (len(frames), damage) == (len(kept), "")
    assert frames[-1].seconds == pytest.approx(kept[-1] / RATE)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "of 40, is cut off" in read(path)[1]


def test_subtitles_that_outlast_the_pictures_are_no_damage(tmp_path: Path) -> None:
    (tmp_path / "late.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\na\n\n2\n00:00:08,000 --> 00:00:09,000\nb\n")
    video = write_clip(tmp_path / "video.mkv", noise())
    path = join_files(tmp_path / "long.mkv", [video, tmp_path / "late.srt"])
    frames, damage = read(path)
    assert (len(frames), damage) == (40, "")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert "of 9.00 s, is cut off" in read(path)[1]


def test_the_first_of_several_videos_is_read_and_the_others_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front = write_clip(tmp_path / "front.mp4", FRAMES)
    back = write_clip(tmp_path / "back.mp4", [pattern(index, (120, 160)) for index in range(100)])
    path = join_files(tmp_path / "both.mp4", [front, back])
    frames, damage = read(path)
    assert (len(frames), frames[0].image.shape, damage) == (40, (240, 320, 3), "")
    note = f"note: {path}: holds 2 videos (320 x 240, 160 x 120), of which number 1 is read\n"
    assert capsys.readouterr().err == note


def test_a_cover_picture_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cover = write_clip(tmp_path / "cover.mkv", [pattern(0, (64, 64))], codec="mjpeg")
    film = join_files(tmp_path / "film.mp4", [cover, write_clip(tmp_path / "clip.mp4", FRAMES)], "mp4", cover=0)
    frames, damage = read(film)
    assert (len(frames), frames[0].image.shape, damage) == (40, (240, 320, 3), "")
    _wav(tmp_path / "song.wav")
    song = join_files(tmp_path / "song.m4a", [cover, tmp_path / "song.wav"], "mp4", cover=0)
    with pytest.raises(InputError, match=r"song.m4a: contains only a cover picture, expected a video"):
        read(song)
    assert capsys.readouterr().err == ""


def test_further_pages_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pages.tif"
    pages = [Image.fromarray(frame) for frame in FRAMES[:20]]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    assert len(read(path)[0]) == 1
    assert capsys.readouterr().err == f"note: {path}: holds 20 pictures, of which number 1 was read\n"


@pytest.mark.parametrize(("name", "codec"), [("c.ts", "libx264"), ("c.mpg", "mpeg2video"), ("c.asf", "wmv2")])
def test_a_cut_is_told_where_no_duration_is_stored(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, noise(), codec=codec)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    frames, damage = read(path)
    assert 10 < len(frames) < 30
    assert "is damaged in" in damage


@pytest.mark.parametrize(("name", "codec"), [("f.mp4", "libx264"), ("f.avi", "mpeg4"), ("f.mkv", "libx264")])
def test_flipped_bytes_are_said_and_frames_kept(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, noise(), codec=codec)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(value ^ 0x5A for value in data[middle : middle + 3000])
    path.write_bytes(data)
    frames, damage = read(path)
    assert len(frames) >= 15
    assert "damaged" in damage or "cut off" in damage


def test_frames_that_change_their_size_get_that_of_the_first(tmp_path: Path) -> None:
    for options in ({}, {"x264-params": "tff=1"}):
        large = write_clip(tmp_path / "large.ts", FRAMES[:10], options=options)
        small = write_clip(tmp_path / "small.ts", [pattern(index, (120, 160)) for index in range(10)], options=options)
        (tmp_path / "both.ts").write_bytes(large.read_bytes() + small.read_bytes())
        frames, _ = read(tmp_path / "both.ts")
        assert [frame.image.shape for frame in frames] == [(240, 320, 3)] * 20
        assert all(np.diff([frame.seconds for frame in frames]) > 0)


def _wav(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("sound.wav", _wav, "contains no video"),
        ("empty.mp4", Path.touch, "cannot be read as a video"),
        ("text.mp4", lambda path: path.write_text("text\n" * 99), "cannot be read as a video"),
        ("text.txt", lambda path: path.write_text("text\n" * 99), "contains no video"),
        ("folder", Path.mkdir, "is a folder"),
        ("nothing", lambda _: None, "no such file"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, name: str, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: {message}"):
        read(tmp_path / name)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_a_still_picture_is_a_video_of_one_frame(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(FRAMES[0]).save(tmp_path / f"still.{suffix}")
    frames, damage = read(tmp_path / f"still.{suffix}")
    assert ([frame.seconds for frame in frames], damage) == ([0.0], "")


def test_memory_does_not_grow_with_the_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", (pattern(index) for index in range(1500)), options={"preset": "ultrafast"})
    tracemalloc.start()
    with open_video(path) as source:
        for frame in source.frames():
            assert frame.image.any()
            if frame.seconds < 4:
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - before < 4 * FRAMES[0].nbytes


def test_a_url_is_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a clip.mp4", FRAMES)
    assert len(read(path.as_uri())[0]) == 40
    with served(tmp_path) as server:
        path.rename(tmp_path / "clip.mp4")
        frames, damage = read(f"{server.url}/clip.mp4")
        assert (len(frames), damage) == (40, "")
        with pytest.raises(InputError, match=r"other.mp4: cannot be opened \(Server returned 404 Not Found\)"):
            read(f"{server.url}/other.mp4")
        (tmp_path / "page.html").write_text("<html>no video</html>" * 99)
        with pytest.raises(InputError, match=r"page.html: cannot be read as a video"):
            read(f"{server.url}/page.html")


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_left(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert containers.PATIENCE == 10
    monkeypatch.setattr(containers, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(InputError, match=r"did not answer within 1 s$"):
            read(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/clip.mp4")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_closed_port_is_said_in_one_line(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/clip.mp4"
    for opened in (open_video, open_camera):
        with pytest.raises(InputError, match=r"cannot be opened \(Connection refused"), opened(url):
            pass
