"""The Photo tab's answers, without a browser."""

from pathlib import Path

import cv2
import numpy as np
from helpers.networks import brightness_network

from mien.app.networks import Networks
from mien.app.photo import _read_photos


def test_it_says_for_which_classes_no_action_is_known(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    cv2.imwrite(str(photo), np.full((64, 64, 3), 30, np.uint8))
    networks = Networks(str(brightness_network(tmp_path / "n", classes=["bored", "sad", "x"])))
    *_, table, _, messages = _read_photos(networks, [photo], networks.recognizer("none"), with_reasons=False)
    assert "none is suggested for bored, x" in messages
    assert table.value["data"][0][2] == "bored"
