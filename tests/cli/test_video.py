"""`mien video` by the options of release 0.1."""

import csv
from pathlib import Path

from helpers.commands import Run, run_unread
from helpers.photos import portrait
from PIL import Image


def test_old_options_write_what_the_new_ones_do(mien: Run, tmp_path: Path) -> None:
    frames = [Image.fromarray(portrait()[:, :, ::-1])] * 3
    clip, faces, again = tmp_path / "clip.gif", tmp_path / "faces.csv", tmp_path / "again.csv"
    frames[0].save(clip, save_all=True, append_images=frames[1:])
    options = (clip, "--no-display", "--model", "mien_small")
    out, err = mien("video", *options, "--faces-csv", faces, "--annotated", tmp_path / "new.mp4")
    assert err == ""
    assert mien("video", *options, "--output-csv", again, f"--output={tmp_path / 'old.mp4'}") == (
        out,
        "note: '--output-csv' is now '--faces-csv'\nnote: '--output' is now '--annotated'\n",
    )
    assert again.read_bytes() == faces.read_bytes()
    assert (tmp_path / "old.mp4").read_bytes() == (tmp_path / "new.mp4").read_bytes()
    with faces.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["face"]) for row in rows] == [(str(number), "1") for number in range(len(rows))]
    assert rows


def test_faces_below_the_least_confidence_are_unsure(mien: Run, tmp_path: Path) -> None:
    frame = Image.fromarray(portrait()[:, :, ::-1])
    frame.save(tmp_path / "clip.gif", save_all=True, append_images=[frame, frame])
    out, _ = mien(
        "video", tmp_path / "clip.gif", "--no-display", "--faces-csv", tmp_path / "a.csv", "--min-confidence", 1
    )
    assert out.rstrip().endswith("with faces: unsure 100%")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["emotion"] for row in rows} == {"unsure"}
    assert all(0 < float(row["confidence"]) < 1 for row in rows)


def test_a_reader_of_stdout_that_leaves_loses_no_video(tmp_path: Path) -> None:
    frame = Image.fromarray(portrait()[:, :, ::-1])
    clips = [tmp_path / "a.gif", tmp_path / "b.gif"]
    for clip in clips:
        frame.save(clip, save_all=True, append_images=[frame])
    options = ("--no-display", "--model", "mien_small", "--faces-csv")
    assert run_unread("video", *clips, *options, tmp_path / "faces") == (0, "")
    assert sorted(path.name for path in (tmp_path / "faces").iterdir()) == ["a.csv", "b.csv"]
    assert run_unread("video", clips[0], *options, tmp_path / "one.csv") == (0, "")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "faces" / "a.csv").read_bytes()


def test_the_smallest_face_and_the_search_size_are_passed_on(mien: Run, tmp_path: Path) -> None:
    frame = Image.fromarray(portrait()[:, :, ::-1])  # a face of 200 pixels
    clip, faces = tmp_path / "clip.gif", tmp_path / "faces.csv"
    frame.save(clip, save_all=True, append_images=[frame])
    options = (clip, "--no-display", "--model", "mien_small", "--faces-csv", faces)
    assert mien("video", *options, "--min-face", 60, "--search-size", 320)[0].startswith(
        f"{clip}: 1 frames, 1 with faces"
    )
    assert "0 with faces" in mien("video", *options, "--detector", "haar", "--min-face", 400)[0]
    _, err = mien("video", *options, "--min-face", 5, code=2)
    assert err == "error: min_face: found 5, expected at least 12 pixels\n"
    _, err = mien("video", *options, "--search-size", 0, code=2)
    assert err == "error: search_size: found 0, expected at least 64 pixels\n"


def test_one_video_may_have_a_folder_of_outputs(mien: Run, tmp_path: Path) -> None:
    """A glob such as `clips/*.mp4` may match one video."""
    frame = Image.fromarray(portrait()[:, :, ::-1])
    clip, there = tmp_path / "clip.gif", tmp_path / "there"
    frame.save(clip, save_all=True, append_images=[frame])
    there.mkdir()
    outputs = ("--faces-csv", f"{tmp_path / 'times'}/", "--annotated", there, "--output-plot", there)
    mien("video", clip, "--no-display", "--model", "mien_small", *outputs)
    assert [path.name for path in (tmp_path / "times").iterdir()] == ["clip.csv"]
    _, err = mien("video", clip, "--no-display", "--faces-csv", tmp_path / "a.png", code=2)
    assert "--faces-csv: found " in err
    assert sorted(path.name for path in there.iterdir()) == ["clip.mp4", "clip.png"]
