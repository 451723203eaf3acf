"""Check each page of the documentation in Chromium, on a wide screen and a phone, light and dark: `make check_docs`.

python tools/check_site.py [FOLDER]

Names pages that are wider than the window, lack a picture, log an error, or load something from the web.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from mien._io.errors import InputError, reports_input_errors

WIDTHS = (1400, 390)  # pixels
_HEIGHT = 900  # pixels
_FIND = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => element && element !== document.body &&
    (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const wide = [...document.querySelectorAll("body *")].find((element) =>
    element.getBoundingClientRect().right > width + 1 && element.getBoundingClientRect().width && !scrolls(element));
  const pictures = [...document.images].filter((image) => image.complete && !image.naturalWidth);
  const isWide = wide && document.documentElement.scrollWidth > width + 1;
  return [
    ...(isWide ? [`wider than the window: ${wide.outerHTML.slice(0, 80)}`] : []),
    ...pictures.map((image) => `missing picture: ${image.src}`),
  ];
}"""


def faults(browser: Browser, folder: Path) -> Iterator[str]:
    """Yield one line per fault in the pages of a folder."""
    pages = [path for path in sorted(folder.rglob("*.html")) if path.name != "404.html"]  # only servers show it
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": _HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
            )
            page, found = context.new_page(), list[str]()
            _listen(page, found)
            for path in pages:
                page.goto(path.resolve().as_uri())
                found += page.evaluate(_FIND)
                yield from (f"{path.relative_to(folder)}, {width} pixels, {scheme}: {fault}" for fault in found)
                found.clear()
            context.close()


def _listen(page: Page, found: list[str]) -> None:
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: found.append(f"from the web: {request.url}") if _is_web(request.url) else None)


def _is_web(url: str) -> bool:
    return url.startswith(("http:", "https:", "ws:", "wss:"))


def find_chromium() -> str:
    """Return the path of the system's Chromium. Raises InputError if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise InputError("found no Chromium, expected one: apt-get install chromium")


@reports_input_errors
def main() -> None:
    """Check the pages and print faults."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    if not (folder / "index.html").is_file():
        raise InputError(f"{folder}: found no index.html, expected the output of make docs")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        found = list(faults(browser, folder))
        browser.close()
    print(*found, sep="\n", end="\n" * bool(found))
    if found:
        raise InputError(f"{folder}: {len(found)} faults")


if __name__ == "__main__":
    main()
