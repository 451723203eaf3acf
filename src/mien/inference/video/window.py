"""A window that shows frames."""

import ctypes
import os
import sys

import cv2
import numpy as np


class Window:
    """A window that shows frames. Use it as a context manager."""

    def __init__(self, title: str) -> None:
        """Prepare a window. It opens with the first frame."""
        self._title = title
        self._shown = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            cv2.destroyAllWindows()

    def show(self, image: np.ndarray, wait: float) -> bool:
        """Show a frame and wait some seconds. Returns False if `q` was pressed or the window was closed."""
        if not self._shown:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(self._title, *image.shape[1::-1])
            self._shown = True
        cv2.imshow(self._title, image)
        key = cv2.waitKey(max(round(wait * 1000), 1)) & 0xFF
        return key != ord("q") and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1


def why_no_window() -> str | None:
    """Return why no window can open here; None if one can. (Without this check, Qt would abort the process.)"""
    if sys.platform.startswith("linux"):  # OpenCV's wheels use X11 on Linux, also under Wayland
        if not (display := os.environ.get("DISPLAY")):
            return "there is no display (DISPLAY is not set)"
        if not _x_server_answers():
            return f"the display DISPLAY={display} does not answer"
    gui = next((line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")), "")
    return "this build of OpenCV has no windows (opencv-python-headless)" if "NONE" in gui else None


def _x_server_answers() -> bool:
    """Tell whether the X server can be reached, with the library that Qt uses."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not failed
