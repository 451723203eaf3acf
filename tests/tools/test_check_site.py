"""Pages that are too wide, lack a picture or load something from the web are named."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from mien._io.errors import InputError
from tools.check_site import faults, find_chromium

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
STYLE = '<!doctype html><meta name="viewport" content="width=device-width"><style>pre { overflow: auto }</style>'


def test_what_is_wrong_with_a_page_is_named(tmp_path: Path) -> None:
    try:
        chromium = find_chromium()
    except InputError as error:
        pytest.fail(str(error)) if os.environ.get("CI") == "true" else pytest.skip(str(error))
    (tmp_path / "there.svg").write_text(PICTURE)
    pages = {
        "good": '<img src="there.svg"><pre>' + 999 * "x" + "</pre>",
        "wide": '<p style="width: 1000px">A paragraph</p>',
        "picture": '<img src="gone.svg">',
        "web": '<img src="http://127.0.0.1:9/a.svg" style="display: none">',
    }
    for name, body in pages.items():
        (tmp_path / f"{name}.html").write_text(STYLE + body)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = list(faults(browser, tmp_path))
        browser.close()
    assert [fault for fault in found if fault.startswith("good")] == []
    wide = [fault.partition(": wider than the window: <p ")[0] for fault in found if fault.startswith("wide")]
    assert wide == ["wide.html, 390 pixels, light", "wide.html, 390 pixels, dark"]
    assert sum("missing picture: file:" in fault for fault in found) == 4
    assert sum("from the web: http://127.0.0.1:9/a.svg" in fault for fault in found) == 4
