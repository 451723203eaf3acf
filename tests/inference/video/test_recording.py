"""Recordings: H.264 that browsers play, with the times of the source and its sound."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from helpers.clips import pattern, sound_of, write_clip
from helpers.served import served

from mien._io.errors import InputError
from mien.inference.video.frames import Sound, open_video
from mien.inference.video.recording import Recorder
from mien.inference.video.video_files import VideoFile

TIMES = [0, 0.011, 0.04, *(index / 25 for index in range(2, 47)), 2.5, 3.0]


def record(location: Path | str, path: Path) -> list[float]:
    """Record a video, and return the times of its frames."""
    with open_video(location) as source, Recorder(path, source.rate, source.sound.location) as recorder:
        times = []
        for frame in source.frames():
            recorder.write(frame.image, frame.seconds)
            times.append(frame.seconds)
    return times


def clip(path: Path, sound: str | None = None, codec: str = "libx264") -> Path:
    frames = (pattern(index) for index in range(len(TIMES)))
    return write_clip(path, frames, TIMES, codec=codec, sound=sound, sound_seconds=5)


def test_it_is_h264_with_the_times_of_the_source(tmp_path: Path) -> None:
    times = record(clip(tmp_path / "clip.mp4"), tmp_path / "out.mp4")
    assert times == pytest.approx(TIMES, abs=1e-3)
    with open_video(tmp_path / "out.mp4") as source:
        assert [frame.seconds for frame in source.frames()] == pytest.approx(times, abs=1e-3)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.format.name.startswith("mov,mp4")
        (stream,) = container.streams.video
        assert not container.streams.audio
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # so that browsers play while they load


@pytest.mark.parametrize(
    ("name", "sound", "codec", "recorded"),
    [
        ("clip.mp4", "aac", "libx264", "aac"),
        ("clip.ts", "aac", "libx264", "aac"),
        ("clip.webm", "libopus", "libvpx-vp9", "opus"),
        ("clip.mkv", "libmp3lame", "libx264", "mp3float"),
        ("clip.mkv", "pcm_s16le", "libx264", "aac"),
        ("clip.mkv", "ac3", "libx264", "aac"),
        ("clip.mov", "alac", "libx264", "aac"),
    ],
)
def test_sound_goes_along_as_long_as_the_pictures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, sound: str, codec: str, recorded: str
) -> None:
    times = record(clip(tmp_path / name, sound, codec), tmp_path / "out.mp4")
    found = sound_of(tmp_path / "out.mp4")
    assert found
    assert found[0] == recorded
    assert found[1] == pytest.approx(times[-1], abs=0.1)
    assert capfd.readouterr().err == ""


def test_the_sound_at_a_url_goes_along(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = clip(tmp_path / "clip.mp4", "aac")
    with served(tmp_path) as server:
        times = record(f"{server.url}/clip.mp4", tmp_path / "out.mp4")
        found = sound_of(tmp_path / "out.mp4")
        assert found
        assert found[1] == pytest.approx(times[-1], abs=0.1)
        assert capfd.readouterr().err == ""
        with (
            open_video(f"{server.url}/clip.mp4") as source,
            Recorder(tmp_path / "out.mp4", 25, source.sound.location) as recorder,
        ):
            frames = list(source.frames())
            path.unlink()
            recorder.write(frames[0].image, 0)
    assert sound_of(tmp_path / "out.mp4") is None
    err = capfd.readouterr().err
    assert err.startswith(f"note: {server.url}/clip.mp4: its sound is left out of the recording (cannot be opened")
    assert len(err.splitlines()) == 1


def test_the_sound_of_a_live_stream_is_not_recorded(tmp_path: Path) -> None:
    """It would be read a second time, from another moment on."""
    path = clip(tmp_path / "clip.mp4", "aac")
    with served(tmp_path) as server, VideoFile.open(f"{server.url}/{path.name}", is_live=True) as source:
        assert source.sound == Sound(None, "a live stream is read only once")
    with open_video(clip(tmp_path / "silent.mp4")) as silent:
        assert silent.sound == Sound()


def test_the_first_of_several_sound_tracks_is_recorded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = clip(tmp_path / "clip.mkv", "aac")
    with av.open(str(path)) as source, av.open(str(tmp_path / "two.mkv"), "w") as target:
        streams = [target.add_stream_from_template(source.streams[index]) for index in (0, 1, 1)]
        for packet in source.demux():
            if packet.dts is not None:
                for stream in (streams[:1], streams[1:])[packet.stream.index]:
                    packet.stream = stream
                    target.mux(packet)
    record(tmp_path / "two.mkv", tmp_path / "out.mp4")
    note = f"note: {tmp_path / 'two.mkv'}: holds 2 sound tracks, of which number 1 is recorded\n"
    assert capfd.readouterr().err == note


def test_sound_that_ends_early_is_whole(tmp_path: Path) -> None:
    frames = [pattern(index) for index in range(50)]
    record(write_clip(tmp_path / "a.mkv", frames, sound="pcm_s16le", sound_seconds=1), tmp_path / "out.mp4")
    found = sound_of(tmp_path / "out.mp4")
    assert found
    assert found[1] == pytest.approx(1, abs=0.1)


def test_sound_keeps_its_place_beside_the_pictures(tmp_path: Path) -> None:
    """A tone from 1 s on, after silence, starts at 1 s in the recording."""
    frames = [pattern(index) for index in range(50)]
    for sound in ("aac", "pcm_s16le"):
        path = write_clip(tmp_path / "a.mkv", frames, sound=sound, sound_seconds=2, silence=1.0)
        record(path, tmp_path / "out.mp4")
        with av.open(str(tmp_path / "out.mp4")) as container:
            loud = [frame.time for frame in container.decode(audio=0) if np.abs(frame.to_ndarray()).max() > 0.1]
        assert loud[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("size", [(361, 641), (17, 18), (240, 321)])
def test_odd_sides_get_one_more_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    with Recorder(tmp_path / "out.mp4", 25) as recorder:
        for index in range(3):
            recorder.write(np.full((*size, 3), 90, np.uint8), index / 25)
    with open_video(tmp_path / "out.mp4") as source:
        images = [frame.image for frame in source.frames()]
    assert [image.shape[:2] for image in images] == [(size[0] + size[0] % 2, size[1] + size[1] % 2)] * 3
    assert np.abs(images[0].astype(int) - 90).max() < 8


def test_any_name_is_written(tmp_path: Path) -> None:
    source = clip(tmp_path / "clip.mkv", "aac").rename(tmp_path / os.fsdecode(b"\xff.mkv"))
    for name in ("2024-05-01T12:30:00.mp4", "-ü %d.mp4", os.fsdecode(b"\xfe.mp4")):
        times = record(source, tmp_path / name)
        with open_video(tmp_path / name) as recording:
            assert len(list(recording.frames())) == len(times)


def test_a_recording_without_frames_writes_nothing(tmp_path: Path) -> None:
    with Recorder(tmp_path / "out.mp4", 25):
        pass
    assert not (tmp_path / "out.mp4").exists()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    expected = pytest.raises(InputError, match=r"out.mp4: MP4 video of 20000 x 20 cannot be written")
    with expected, Recorder(tmp_path / "out.mp4", 25) as recorder:
        recorder.write(np.zeros((20, 20_000, 3), np.uint8), 0)
