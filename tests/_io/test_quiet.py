"""Native libraries are silent, Python is not."""

import subprocess
import sys
from pathlib import Path

import pytest

INSIDE = {
    "native": "os.write(2, b'native\\n')",
    "python": "print('python', file=sys.stderr)",
    "opencv": "cv2.imdecode(np.frombuffer(DAMAGED, np.uint8), cv2.IMREAD_GRAYSCALE)",
}
DAMAGED = """
_, png = cv2.imencode('.png', np.arange(48 * 48, dtype=np.uint8).reshape(48, 48))
DAMAGED = bytearray(png.tobytes()); DAMAGED[60] ^= 255
"""


def stderr_of(code: str) -> str:
    start = "import logging, os, sys, threading; import cv2, numpy as np; from mien._io.quiet import *"
    result = subprocess.run([sys.executable, "-c", f"{start}\n{DAMAGED}\n{code}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stderr


def test_libpng_complains_unless_it_is_silenced() -> None:
    assert "libpng" in stderr_of(INSIDE["opencv"])
    assert stderr_of(f"with quiet_decoders():\n    {INSIDE['opencv']}") == ""


@pytest.mark.parametrize("quiet", ["quiet_native_stderr", "quiet_decoders"])
def test_only_native_lines_are_dropped_and_only_inside(quiet: str) -> None:
    inside = f"with {quiet}():\n    {INSIDE['native']}\n    {INSIDE['python']}\n"
    code = f"{inside}print('after', file=sys.stderr)\nos.write(2, b'end\\n')"
    assert stderr_of(code).splitlines() == ["python", "after", "end"]


def test_threads_are_silent_until_the_last_one_leaves() -> None:
    code = """
first, second = quiet_native_stderr(), quiet_native_stderr()
first.__enter__(); second.__enter__(); first.__exit__(None, None, None)
os.write(2, b'native')
second.__exit__(None, None, None)
os.write(2, b'after')
"""
    assert stderr_of(code) == "after"


def test_opencv_speaks_again_when_the_last_thread_leaves() -> None:
    code = """
before = cv2.utils.logging.getLogLevel()
first, second = quiet_opencv(), quiet_opencv()
first.__enter__(); second.__enter__(); first.__exit__(None, None, None)
assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_SILENT
second.__exit__(None, None, None)
assert cv2.utils.logging.getLogLevel() == before != cv2.utils.logging.LOG_LEVEL_SILENT
"""
    assert stderr_of(code) == ""


def test_an_error_inside_ends_the_silence() -> None:
    code = "try:\n    with quiet_decoders():\n        1 / 0\nexcept ZeroDivisionError:\n    os.write(2, b'after')"
    assert stderr_of(code) == "after"


def test_a_log_handler_made_inside_still_writes_to_stderr_afterwards(tmp_path: Path) -> None:
    code = f"""
for _ in range(2):
    with quiet_native_stderr():
        handler = logging.StreamHandler()
other = open({str(tmp_path / "other.txt")!r}, 'w')
logging.getLogger('x').addHandler(handler)
logging.getLogger('x').warning('logged')
os.write(2, b'native')
"""
    assert stderr_of(code) == "logged\nnative"
    assert (tmp_path / "other.txt").read_text() == ""


def test_the_ways_to_be_silent_do_not_load_opencv() -> None:
    code = "import sys; import mien._io.quiet; print('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
