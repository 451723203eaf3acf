"""`mien convert`: a fer2013.csv to folders, any source to .npz."""

from pathlib import Path

import cv2
import numpy as np
from helpers.commands import Run
from helpers.photos import ASTRONAUT, PORTRAIT
from helpers.pictures import encoded, numbers, picture, png, write_csv, write_files, zipped

from mien.data.convert import convert
from mien.inference.faces.face_crops import FaceSearch

ROWS: list[tuple[object, str, str]] = [
    (0, numbers(picture(0)), "Training"),
    (3, numbers(picture(1)), "PublicTest"),
    (3, numbers(picture(2)), "PrivateTest"),
]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_csv_becomes_folders_of_the_same_pictures(mien: Run, tmp_path: Path) -> None:
    assert mien("convert", write_csv(tmp_path / "fer.csv", ROWS), tmp_path / "faces") == ("", "")
    names = ["test/happy/fer0000002.png", "train/angry/fer0000000.png", "validation/happy/fer0000001.png"]
    assert files(tmp_path) == sorted(["fer.csv", *(f"faces/{name}" for name in names)])
    for name in names:
        image = cv2.imread(str(tmp_path / "faces" / name), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert np.array_equal(image, picture(int(name[-5])))


def test_a_csv_without_splits_becomes_class_folders(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(f"emotion,pixels\n4,{ROWS[0][1]}\n")
    (tmp_path / "faces").mkdir()
    convert(tmp_path / "train.csv", tmp_path / "faces", 48)
    assert files(tmp_path / "faces") == ["sad/fer0000000.png"]


def test_folder_zip_and_csv_become_the_same_npz(mien: Run, tmp_path: Path) -> None:
    csv = write_csv(tmp_path / "fer.csv", sorted(ROWS, key=lambda row: str(row[2])))
    convert(csv, tmp_path / "faces", 48)
    convert(csv, tmp_path / "a.npz", 48)
    assert mien("convert", tmp_path / "faces", tmp_path / "b.npz") == ("", "")
    with np.load(tmp_path / "a.npz") as arrays:
        assert sorted(arrays) == ["classes", "images", "labels", "splits"]
        assert np.array_equal(arrays["images"], [picture(2), picture(1), picture(0)])
        assert list(arrays["classes"][arrays["labels"]]) == ["happy", "happy", "angry"]
        assert list(arrays["splits"]) == ["test", "validation", "train"]
        images = {
            f"{split}/{label}": image
            for split, label, image in zip(arrays["splits"], arrays["labels"], arrays["images"], strict=True)
        }
    with np.load(tmp_path / "b.npz") as arrays:
        for split, label, image in zip(arrays["splits"], arrays["labels"], arrays["images"], strict=True):
            assert np.array_equal(images[f"{split}/{label}"], image)


def test_an_npz_has_the_same_bytes_each_time_and_the_size_asked_for(mien: Run, tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", {"happy/1.png": png(1), "joy/2.png": png(2)})
    for name in ("a.npz", "b.npz"):
        _, err = mien("convert", source, tmp_path / name, "--size", 32)
        assert err == f"note: {source}: the folders happy, joy are one class, happy\n"
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    folder = write_files(tmp_path / "in", {"happy/1.png": png(1), "happy/2.png": png(2)})
    for _ in range(2):
        mien("convert", folder, folder / "a.npz", "--size", 32)
    assert (folder / "a.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["images"].shape == (2, 32, 32)
        assert list(arrays["splits"]) == ["", ""]


def test_faces_of_portraits_are_cropped_as_for_training(mien: Run, tmp_path: Path) -> None:
    files = {"happy/astronaut.png": ASTRONAUT.read_bytes(), "sad/portrait.jpg": PORTRAIT.read_bytes()}
    wall = {"neutral/wall.png": encoded(np.full((300, 200), 99, np.uint8))}
    source = write_files(tmp_path / "portraits", files | wall)
    _, err = mien("convert", source, tmp_path / "faces.npz", "--detector", "yunet")
    assert err == f"note: {source}: neutral/wall.png shows no face that was found; left out\n"
    crop = FaceSearch("yunet").decoder()
    expected = [decoded.pixels for data in files.values() if (decoded := crop(data, 48))]
    with np.load(tmp_path / "faces.npz") as arrays:
        assert np.array_equal(arrays["images"], expected)
        assert list(arrays["classes"][arrays["labels"]]) == ["happy", "sad"]
    _, err = mien(
        "convert", write_files(tmp_path / "walls", wall), tmp_path / "none.npz", "--detector", "yunet", code=2
    )
    assert "expected some images of a class" in err
    table = write_csv(tmp_path / "fer.csv", ROWS)
    assert "detector none reads it" in mien("convert", table, tmp_path / "a.npz", "--detector", "yunet", code=2)[1]
    assert not list(tmp_path.glob("[an]*.npz"))
