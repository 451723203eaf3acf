"""Measure how many frames per second the tab Live of `mien app` shows, in a headless Chromium on the same machine.

The camera is Chromium's fake one: 640 x 480 pixels, 30 frames per second, one moving face (matplotlib's portrait). The
benchmark counts the frames that the page has drawn after the network read them. Browser, camera and network share the
cores, as on a user's own computer.

    python benchmarks/app.py [--model NAME|FOLDER] [--seconds 20]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
from playwright.sync_api import sync_playwright
from predict import photo

FRAMES = 60
WARM = 3  # seconds
COUNT = """window.drawn = 0;
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (image, ...rest) {
  if (image instanceof ImageBitmap) window.drawn += 1;
  return draw.call(this, image, ...rest);
};"""
DRAWN = "[window.drawn, performance.now()]"


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Run the page; yield its address."""
    command = [str(Path(sys.executable).with_name("mien")), "app", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield next(iter(server.stdout or [])).split()[0]
        finally:
            server.terminate()


def rate(url: str, camera: Path, seconds: float) -> float:
    """Return the frames per second that the page shows. camera: the fake camera's video, as .mjpeg."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        page = browser.new_page()
        page.add_init_script(COUNT)
        page.goto(url)
        page.get_by_role("button", name="Start the camera").click()
        page.locator(".mien-bars").wait_for()
        page.wait_for_timeout(1000 * WARM)
        before, start = page.evaluate(DRAWN)
        page.wait_for_timeout(1000 * seconds)
        after, end = page.evaluate(DRAWN)
        browser.close()
    return 1000 * (after - before) / (end - start)


def main() -> None:
    """Measure and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mien", help="as for mien app (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="(default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running("--model", arguments.model) as url:
        camera = Path(folder, "face.mjpeg")
        shifts = [*range(0, FRAMES, 2), *range(FRAMES, 0, -2)]
        camera.write_bytes(b"".join(cv2.imencode(".jpg", photo(shift))[1].tobytes() for shift in shifts))
        shown = rate(url, camera, arguments.seconds)
    print(f"{arguments.model}: {shown:.1f} frames/s shown, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
