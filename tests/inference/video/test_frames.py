"""Cameras by number, URL and device; anything else gives a one-line error."""

import sys

import pytest

from mien._io.errors import InputError
from mien.inference.video.frames import open_camera


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        ("99", "^camera 99: cannot be opened: it does not exist"),
        ("-1", r"^--camera: found -1, expected 0\.\.99, a URL, or a device in /dev$"),
        ("100", r"^--camera: found 100, expected 0\.\.99, a URL, or a device in /dev$"),
        ("front", r"^--camera: found front, expected 0\.\.99, a URL, or a device in /dev$"),
        ("", r"^--camera: found '', expected 0\.\.99, a URL, or a device in /dev$"),
        ("clip.mp4", r"^--camera: found clip.mp4, expected 0\.\.99, a URL, or a device in /dev$"),
        ("nothing://host/path", r"^nothing://host/path: cannot be opened \(Protocol not found"),
    ],
)
def test_what_is_no_camera_is_said(camera: str, message: str) -> None:
    with pytest.raises(InputError, match=message), open_camera(camera):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux")
@pytest.mark.parametrize("device", ["/dev/video77", "/dev/null"])
def test_a_device_that_is_no_camera_is_said(device: str) -> None:
    with pytest.raises(InputError, match=f"^{device}: cannot be opened"), open_camera(device):
        pass
