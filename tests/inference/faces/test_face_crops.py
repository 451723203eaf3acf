"""Faces of pictures as a data set wants them: the same that `mien image` finds and crops."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.photos import ASTRONAUT, PORTRAIT, astronaut, portrait, turned
from helpers.pictures import encoded, picture
from PIL import Image

from mien._io.errors import InputError
from mien.data.decode import decode
from mien.inference.faces.detectors import crops, make_detector
from mien.inference.faces.face_crops import FaceCropper, FaceSearch
from mien.inference.pictures.photo_files import read_photo


def crowd() -> np.ndarray:
    """Return a picture with a large face at the left and a small one in the middle."""
    small = cv2.resize(astronaut(), (200, 200), interpolation=cv2.INTER_AREA)
    scene = np.full((600, 1200, 3), 128, np.uint8)
    scene[:, :512] = portrait()
    scene[200:400, 520:720] = small
    return scene


def upright_and_mirrored() -> bytes:
    """Return the portrait as a camera that was turned writes it: on its side, with EXIF data that say so."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(PORTRAIT).rotate(90, expand=True).save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


PICTURES = {
    "portrait.jpg": PORTRAIT.read_bytes(),
    "astronaut.png": ASTRONAUT.read_bytes(),
    "tilted.png": encoded(turned(astronaut(), 20)),
    "small.jpg": encoded(cv2.resize(astronaut(), (160, 160), interpolation=cv2.INTER_AREA), ".jpg"),
    "grey.bmp": encoded(cv2.cvtColor(portrait(), cv2.COLOR_BGR2GRAY), ".bmp"),
    "turned_by_exif.jpg": upright_and_mirrored(),
    "crowd.png": encoded(crowd()),
}


@pytest.mark.parametrize("detector", ["yunet", "haar"])
@pytest.mark.parametrize("name", PICTURES)
def test_the_crop_is_that_of_a_photo(tmp_path: Path, detector: str, name: str) -> None:
    (tmp_path / name).write_bytes(PICTURES[name])
    image = read_photo(tmp_path / name)
    detections = make_detector(detector).detect(image)
    decoded = FaceCropper(detector)(PICTURES[name], 48)
    assert decoded is not None
    assert (decoded.width, decoded.height, decoded.faces) == (*image.shape[1::-1], len(detections))
    assert detections or (detector == "haar" and name in ("tilted.png", "small.jpg"))
    if detections:
        assert np.array_equal(decoded.pixels, crops(image, detections[:1], 48)[0])


def test_the_middle_face_may_be_a_smaller_one() -> None:
    found = make_detector("yunet").detect(crowd())
    assert len(found) == 2
    expected = crops(crowd(), found, 64)
    for search, crop in zip((FaceSearch("yunet"), FaceSearch("yunet", "middle")), expected, strict=True):
        decoded = search.decoder()(PICTURES["crowd.png"], 64)
        assert decoded is not None
        assert decoded.faces == 2
        assert np.array_equal(decoded.pixels, crop)


@pytest.mark.parametrize("image", [picture(0, 96), picture(0, 8), np.zeros((1, 1), np.uint8)])
def test_a_picture_without_a_face_is_read_and_has_none(image: np.ndarray) -> None:
    decoded = FaceCropper("yunet")(encoded(image), 48)
    assert decoded is not None
    assert (decoded.width, decoded.height, decoded.faces) == (*image.shape[::-1], 0)
    assert not decoded.pixels.any()


def test_what_is_no_picture_has_no_pixels() -> None:
    for data in (b"", b"no image", PICTURES["astronaut.png"][:1000], PICTURES["portrait.jpg"][:40]):
        assert FaceCropper("yunet")(data, 48) is None


def test_what_was_guessed_is_remarked() -> None:
    data = PICTURES["portrait.jpg"]
    decoded = FaceCropper("yunet")(data[: len(data) * 3 // 4], 48)
    assert decoded is not None
    assert (decoded.faces, decoded.remark) == (1, "is a JPEG that is cut short; what is there was read")
    whole = FaceCropper("yunet")(data, 48)
    assert whole is not None
    assert whole.remark == ""


def test_threads_and_processes_find_the_same() -> None:
    cropper: FaceCropper = pickle.loads(pickle.dumps(FaceCropper("yunet")))
    expected = {name: cropper(data, 48) for name, data in PICTURES.items()}
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            parts = dict(zip(PICTURES, pool.map(lambda data: cropper(data, 48), PICTURES.values()), strict=True))
            assert all(np.array_equal(parts[name][0], expected[name][0]) for name in PICTURES)  # type: ignore[index]


def test_without_a_detector_images_are_decoded_whole() -> None:
    assert FaceSearch().decoder() is decode
    with pytest.raises(InputError, match="detector: found 'dog'"):
        FaceSearch("dog").decoder()
