"""`mien video` and `mien webcam`: faces followed and smoothed, recordings closed, and what cannot be read refused."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.clips import pattern, write_clip
from helpers.commands import call_mien
from helpers.networks import CLASSES, LEVELS, brightness_network
from helpers.photos import overlap
from helpers.pictures import picture
from helpers.served import served
from helpers.videos import RATE, face_of_clip, frame_of_clip, write_video
from PIL import Image

from mien.inference.faces.detectors import Box, Detection, HaarDetector, NoDetector
from mien.inference.pictures.photo_files import read_photo
from mien.inference.recognizer import EmotionRecognizer
from mien.inference.video import video_session
from mien.inference.video.frames import NO_SOUND, Frame, open_video
from mien.inference.video.recording import Recorder
from mien.inference.video.timeline import Timeline
from mien.inference.video.tracker import FaceTracker

FRAMES = 24


def frames_of(path: Path) -> list[np.ndarray]:
    with open_video(path) as source:
        return [frame.image for frame in source.frames()]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brightness_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_video(path, [frame_of_clip(frame) for frame in range(FRAMES)])


Mien = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mien(network: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Mien:
    """`mien COMMAND` with a small network and no display: returns the exit code, stdout and stderr."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(command: str, *arguments: object) -> tuple[int, str, str]:
        return call_mien(monkeypatch, command, "--model", network, *arguments), *capfd.readouterr()

    return run


def test_a_file_gives_recording_timeline_and_plot(mien: Mien, clip: Path, tmp_path: Path) -> None:
    recording, timeline, plot = tmp_path / "out.mp4", tmp_path / "times.csv", tmp_path / "times.png"
    options = ("--annotated", recording, "--faces-csv", timeline, "--output-plot", plot, "--no-display", "--actions")
    code, out, err = mien("video", clip, *options)
    assert (code, err) == (0, "")
    assert out.startswith(f"{clip}: {FRAMES} frames, {FRAMES} with faces: ")
    rows = table(timeline)
    assert [(row["frame"], row["face"]) for row in rows] == [(str(frame), "1") for frame in range(FRAMES)]
    assert [float(row["seconds"]) for row in rows] == pytest.approx([frame / RATE for frame in range(FRAMES)], abs=1e-3)
    for frame, row in enumerate(rows):
        box = Box(*(int(row[name]) for name in ("left", "top", "width", "height")))
        assert overlap(box, face_of_clip(frame)) > 0.6
        assert sum(float(row[name]) for name in CLASSES) == pytest.approx(1, abs=1e-3)
        assert row["action"]
    written = frames_of(recording)
    assert len(written) == FRAMES
    with open_video(recording) as source:
        times = [frame.seconds for frame in source.frames()]
    assert times == pytest.approx([frame / RATE for frame in range(FRAMES)], abs=1e-3)
    assert written[0].shape == (480, 640, 3)
    assert read_photo(plot).shape == (400, 1000, 3)
    assert sorted(tmp_path.iterdir()) == sorted([recording, timeline, plot])


def test_faces_are_followed_between_detections(network: Path) -> None:
    tracker = FaceTracker(EmotionRecognizer(network, HaarDetector(640)), detect_every=1000)
    for frame in range(FRAMES):
        (tracked,) = tracker.update(frame_of_clip(frame), frame / RATE)
        assert tracked.number == 1
        assert overlap(tracked.face.box, face_of_clip(frame)) > 0.6


def test_a_slow_detector_beside_the_frames_delays_none_and_its_faces_are_moved_on(network: Path) -> None:
    started = threading.Event()

    class Slow(HaarDetector):
        def detect(self, image: np.ndarray) -> list[Detection]:
            started.wait(timeout=60)
            return super().detect(image)

    with ThreadPoolExecutor(1) as executor:
        tracker = FaceTracker(EmotionRecognizer(network, Slow(640)), detect_every=1, background=executor)
        for frame in range(8):
            assert tracker.update(frame_of_clip(frame), frame / RATE) == []
        started.set()
        executor.submit(int).result()  # is done after the detector is
        (tracked,) = tracker.update(frame_of_clip(8), 8 / RATE)
        assert overlap(tracked.face.box, face_of_clip(8)) > 0.6 > overlap(tracked.face.box, face_of_clip(0))


def test_emotions_do_not_flicker_but_do_change(network: Path) -> None:
    tracker = FaceTracker(EmotionRecognizer(network, NoDetector()))
    calm, other = (np.full((48, 48, 3), level, np.uint8) for level in LEVELS[1:])
    shown = [calm] * 20 + [other, other, calm, calm, calm] * 4 + [other] * 20
    emotions = [tracker.update(image, frame / RATE)[0].face.emotion for frame, image in enumerate(shown)]
    assert set(emotions[:40]) == {CLASSES[1]}
    assert set(emotions[50:]) == {CLASSES[2]}


class Scripted:
    """A detector that finds what it was told for each picture."""

    def __init__(self, *boxes: list[Box]) -> None:
        self._boxes = iter(boxes)

    def detect(self, _: np.ndarray) -> list[Detection]:
        return [Detection(box) for box in next(self._boxes)]


def test_faces_keep_their_numbers_and_leave(network: Path) -> None:
    one, other, third = Box(10, 10, 40, 40), Box(100, 10, 40, 40), Box(60, 100, 40, 40)
    script = [[one], [other, one], [Box(104, 12, 40, 40)], [other], [other, third], []]
    tracker = FaceTracker(EmotionRecognizer(network, Scripted(*script)), detect_every=1)
    image = np.dstack([picture(0, 150, 200)] * 3)
    numbers = [[face.number for face in tracker.update(image, frame / RATE)] for frame in range(len(script))]
    assert numbers == [[1], [1, 2], [1, 2], [1, 2], [2, 3], [2]]
    assert [number for number in (1, 2, 3) if tracker.is_person(number)] == [1, 2]  # 3 was seen once


def test_a_timeline_of_any_length_is_bounded_and_keeps_means_and_gaps() -> None:
    timeline = Timeline(2)
    for second in range(36_000):
        seen = second < 9_000 or 18_000 <= second < 34_000
        timeline.add(second, np.array([[0.2, 0.8], [0.4, 0.6]]) if seen else np.empty((0, 2)))
    seconds, means = timeline.means()
    assert 500 <= len(seconds) <= 1000
    assert seconds[-1] == pytest.approx(36_000, abs=60)
    gap = np.isnan(means).any(axis=1)
    np.testing.assert_allclose(means[~gap], np.tile([0.3, 0.7], ((~gap).sum(), 1)))
    assert seconds[gap].min() == pytest.approx(9_000, abs=90)
    assert seconds[gap & (seconds < 30_000)].max() == pytest.approx(18_000, abs=90)


def test_ctrl_c_ends_it_and_the_outputs_are_whole(
    mien: Mien, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect, calls = HaarDetector.detect, iter(range(FRAMES))

    def interrupted(self: HaarDetector, image: np.ndarray) -> list[Detection]:
        if next(calls) == 10:
            signal.raise_signal(signal.SIGINT)
        return detect(self, image)

    monkeypatch.setattr(HaarDetector, "detect", interrupted)
    options = (
        "--detector",
        "haar",
        "--detect-every",
        1,
        "--annotated",
        tmp_path / "out.mp4",
        "--faces-csv",
        tmp_path / "times.csv",
    )
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist ignores it
    try:
        code, out, _ = mien("video", clip, "--no-display", *options)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert code == 0
    assert "10 frames" in out
    assert len(frames_of(tmp_path / "out.mp4")) == len(table(tmp_path / "times.csv")) == 10


def test_q_ends_the_window(mien: Mien, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[np.ndarray] = []
    monkeypatch.setattr(video_session, "why_no_window", lambda: None)
    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(shown) == 7 else -1)
    code, _, err = mien("video", clip, "--annotated", tmp_path / "out.mp4")
    assert (code, err) == (0, "")
    assert len(shown) == len(frames_of(tmp_path / "out.mp4")) == 7


@pytest.fixture
def screen() -> Iterator[str]:
    """A display that nobody sees, for DISPLAY."""
    if missing := [name for name in ("Xvfb", "xdotool") if not shutil.which(name)]:
        pytest.skip(f"a real window needs {' and '.join(missing)} (apt-get install xvfb xdotool)")
    ready, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(ready) as number:
        display = number.readline().strip()
    assert display, "Xvfb did not start"
    yield f":{display}"
    server.terminate()
    server.wait()


def test_q_pressed_in_a_real_window_ends_it_and_closes_the_recording(
    screen: str, network: Path, tmp_path: Path
) -> None:
    minutes = 3 * 60 * int(RATE)  # longer than a busy machine takes to press a key
    source = write_video(tmp_path / "long.mp4", [np.full((240, 320, 3), 110, np.uint8)] * minutes)
    recording = tmp_path / "out.mp4"
    mien = str(Path(sys.executable).with_name("mien"))
    command = [mien, "video", str(source), "--model", str(network), "--annotated", str(recording)]
    environment = {**os.environ, "DISPLAY": screen}
    window = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "^mien: .*long.mp4"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        subprocess.run([*window, "windowfocus", "--sync", "key", "q"], env=environment, check=True, timeout=120)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert 0 < len(frames_of(recording)) < minutes
    assert sorted(tmp_path.iterdir()) == [source, recording]


def test_without_a_display_it_says_so_and_records(mien: Mien, clip: Path, tmp_path: Path) -> None:
    code, _, err = mien("video", clip, "--faces-csv", tmp_path / "times.csv")
    assert code == 0
    assert err == "note: no window: there is no display (DISPLAY is not set)\n"
    assert len(table(tmp_path / "times.csv")) == FRAMES


@pytest.mark.skipif(sys.platform != "linux", reason="X11")
def test_a_display_that_does_not_answer_is_none(
    mien: Mien, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", f"unix:{tmp_path}:77")
    code, _, err = mien("video", clip, "--faces-csv", tmp_path / "times.csv")
    assert code == 0
    assert err == f"note: no window: the display DISPLAY=unix:{tmp_path}:77 does not answer\n"


def test_a_gif_is_a_video(mien: Mien, tmp_path: Path) -> None:
    pictures = [Image.fromarray(frame_of_clip(frame)[:, :, ::-1]) for frame in range(6)]
    pictures[0].save(tmp_path / "moving.gif", save_all=True, append_images=pictures[1:], duration=40)
    code, out, _ = mien("video", tmp_path / "moving.gif", "--faces-csv", tmp_path / "times.csv")
    assert code == 0
    assert "6 frames, 6 with faces" in out


def test_a_video_without_faces_has_an_empty_timeline(mien: Mien, tmp_path: Path) -> None:
    grey = write_video(tmp_path / "grey.mp4", [np.full((64, 64, 3), 99, np.uint8)] * 3)
    options = ("--faces-csv", tmp_path / "times.csv", "--output-plot", tmp_path / "times.png")
    code, out, _ = mien("video", grey, *options)
    assert (code, out) == (0, f"{grey}: 3 frames, 0 with faces\n")
    assert table(tmp_path / "times.csv") == []
    assert read_photo(tmp_path / "times.png").shape == (400, 1000, 3)


def test_small_videos_are_enlarged_for_their_labels(mien: Mien, tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.mp4", [np.full((48, 64, 3), 99, np.uint8)] * 3)
    code, _, _ = mien("video", small, "--detector", "none", "--annotated", tmp_path / "out.mp4")
    assert code == 0
    assert [frame.shape for frame in frames_of(tmp_path / "out.mp4")] == [(384, 512, 3)] * 3


def test_a_damaged_video_is_said_and_what_came_is_kept(mien: Mien, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", [frame_of_clip(frame) for frame in range(FRAMES)], "MJPG").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    code, out, err = mien("video", tmp_path / "cut.avi", "--no-display", "--faces-csv", tmp_path / "times.csv")
    kept = len(table(tmp_path / "times.csv"))
    assert 0 < kept < FRAMES
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"ends after {kept} frames of {FRAMES}, is cut off" in err
    assert f"{kept} frames" in out


def test_a_recording_keeps_time_where_frames_come_unevenly(tmp_path: Path) -> None:
    times = (0.0, 0.01, 0.02, 0.2, 0.4)
    with Recorder(tmp_path / "out.mp4", RATE) as recorder:
        for seconds in times:
            recorder.write(np.zeros((64, 64, 3), np.uint8), seconds)
    with open_video(tmp_path / "out.mp4") as source:
        assert [frame.seconds for frame in source.frames()] == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.mp4", "cannot be read as a video"),
        ("broken.avi", "contains no readable frame"),
        ("tiny.mp4", "has frames of 8 x 8 pixels"),
    ],
)
def test_a_damaged_video_is_said_in_a_line(mien: Mien, clip: Path, tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-2000])
    frames = write_video(tmp_path / "broken.avi", [frame_of_clip(0)] * 3, "MJPG")
    data = frames.read_bytes()
    position = data.index(b"00dc", data.index(b"movi"))
    frames.write_bytes(data[:position])
    write_video(tmp_path / "tiny.mp4", [np.zeros((8, 8, 3), np.uint8)] * 3)
    before = sorted(tmp_path.iterdir())
    code, out, err = mien("video", tmp_path / name, "--no-display", "--faces-csv", tmp_path / "times.csv")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"{name}: {message}" in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def camera(clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A camera that shows the clip and is unplugged then."""
    capture: Any = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: capture(str(clip)) if source == 0 else capture(source))
    yield
    monkeypatch.undo()


@pytest.mark.usefixtures("camera")
def test_a_camera_unplugged_in_the_middle_is_said_and_the_recording_kept(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = mien(
        "webcam", "--no-display", "--annotated", tmp_path / "out.mp4", "--faces-csv", tmp_path / "t.csv"
    )
    assert (code, len(err.splitlines())) == (2, 1)
    assert f"camera 0: stopped after {FRAMES} frames (unplugged?)" in err
    assert all(int(row["frame"]) < FRAMES for row in table(tmp_path / "t.csv"))
    monkeypatch.undo()
    assert frames_of(tmp_path / "out.mp4")


def test_the_sound_that_a_recording_of_a_stream_lacks_is_noted(mien: Mien, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", [pattern(index) for index in range(5)], sound="aac", sound_seconds=1)
    with served(tmp_path) as server:
        url = f"{server.url}/clip.mp4"
        _, _, err = mien("webcam", "--camera", url, "--no-display", "--annotated", tmp_path / "out.mp4")
        assert err.splitlines()[0] == (
            f"note: {url}: its sound is left out of the recording (a live stream is read only once)"
        )
        _, _, err = mien("webcam", "--camera", url, "--no-display", "--faces-csv", tmp_path / "t.csv")
        assert "sound" not in err


def _seconds_video(path: Path, count: int) -> Path:
    return write_video(path, [np.full((240, 320, 3), 110, np.uint8)] * count)


@pytest.mark.parametrize("phantom_at", [0, 10])
def test_a_face_detected_once_is_no_person(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phantom_at: int
) -> None:
    """One face is there all the time, another in one detection: neither the table nor the picture shows it."""
    person, phantom = Box(20, 20, 60, 60), Box(200, 120, 60, 60)
    frames = iter(range(0, 30, 5))

    def detect(_: HaarDetector, __: np.ndarray) -> list[Detection]:
        return [Detection(box) for box in ([person, phantom] if next(frames) == phantom_at else [person])]

    monkeypatch.setattr(HaarDetector, "detect", detect)
    clip = _seconds_video(tmp_path / "clip.mp4", 30)
    options = ("--detector", "haar", "--annotated", tmp_path / "out.mp4", "--faces-csv", tmp_path / "t.csv")
    code, out, _ = mien("video", clip, "--no-display", *options)
    assert (code, out.startswith(f"{clip}: 30 frames, 30 with faces")) == (0, True)
    rows = table(tmp_path / "t.csv")
    assert [(row["frame"], row["face"], row["left"]) for row in rows] == [
        (str(frame), "1", "20") for frame in range(30)
    ]
    for image in frames_of(tmp_path / "out.mp4"):
        half = image.shape[1] // 2
        assert np.ptp(image[:, half:].astype(int)) < 30 < np.ptp(image[:, :half].astype(int))


def test_a_new_face_is_shown_from_its_first_frame(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = iter(range(0, 40, 10))
    face = Detection(Box(20, 20, 60, 60))
    monkeypatch.setattr(HaarDetector, "detect", lambda *_: [face] if next(frames) >= 10 else [])
    clip = _seconds_video(tmp_path / "clip.mp4", 40)
    options = ("--detector", "haar", "--detect-every", 10, "--faces-csv", tmp_path / "t.csv")
    assert mien("video", clip, "--no-display", *options)[0] == 0
    assert [int(row["frame"]) for row in table(tmp_path / "t.csv")] == list(range(10, 40))


def test_a_new_face_waits_ten_frames_at_most(network: Path) -> None:
    face = [Box(20, 20, 60, 60)]
    tracker = FaceTracker(EmotionRecognizer(network, Scripted(face, face)), detect_every=1000)
    image = np.full((240, 320, 3), 110, np.uint8)
    undecided = [bool(tracker.update(image, frame / RATE)) and tracker.is_undecided(1) for frame in range(20)]
    assert undecided == [True] * 10 + [False] * 10


class _Live:
    """A camera of 12 frames that notes how many were asked of it."""

    name, rate, is_live, damage, sound = "camera", RATE, True, "", NO_SOUND
    total: int | None = None
    taken = 0

    def frames(self) -> Iterator[Frame]:
        for self.taken in range(1, 13):
            yield Frame(np.full((240, 320, 3), 110, np.uint8), self.taken / RATE)


def test_a_camera_waits_for_nothing(network: Path) -> None:
    boxes = [[Box(20 + 5 * frame, 20, 60, 60)] for frame in range(12)]
    source = _Live()
    tracker = FaceTracker(EmotionRecognizer(network, Scripted(*boxes)), detect_every=5)
    taken = [source.taken for _ in video_session._tracked_frames(source, tracker)]
    assert taken == list(range(1, 13))
