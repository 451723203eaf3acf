"""`mien app` in a real browser: Debian's Chromium, without a network, whose fake camera shows a real face."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import httpx
import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.photos import PORTRAIT, astronaut, portrait
from helpers.pictures import encoded
from helpers.repository import ROOT
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from mien.aus.facs import COLUMNS
from mien.cli import main
from mien.inference.recognizer import EmotionRecognizer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

expect.set_options(timeout=60_000)  # milliseconds; a machine may be busy

TABS = ("Live", "Photo", "Action Units", "Model")
SECRET = "secret.png"
# Says what the server asks of other machines, what it writes outside its temporary folder, and that it opens SECRET.
WATCHED = f"""
import os, sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto") and arguments[1][0] not in ("127.0.0.1", "::1"):
        os.write(2, f"WATCHED: asks {{arguments[1]}}\\n".encode())
    if event == "open":
        path, _, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        inside = str(path).startswith((os.environ["TMPDIR"], "/dev/", "/proc/")) or isinstance(path, int)
        first_use = "fontlist" in str(path) or str(path).endswith("gradio/hash_seed.txt")  # of matplotlib, of Gradio
        if str(path).endswith("{SECRET}") or (writes and not inside and not first_use):
            os.write(2, f"WATCHED: opens {{path}}\\n".encode())
sys.addaudithook(watch)
from mien.cli import main
main()
"""


@dataclass
class Server:
    """A running `mien app`. url: of the page. folder: where it runs. temporary: its temporary folder."""

    process: subprocess.Popen[str]
    folder: Path
    temporary: Path
    log: Path
    url: str = ""

    @classmethod
    def start(cls, folder: Path, *options: str) -> "Server":
        temporary, log = folder / "temporary", folder / "log"
        temporary.mkdir()
        environment = os.environ | {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-c", WATCHED, "app", "--port", "0", *options],
                cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=stream, text=True,
            )  # fmt: skip
        return cls(process, folder, temporary, log)

    def wait(self) -> None:
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[0]

    def live(self, origin: str | None = None) -> ClientConnection:
        address = f"ws{self.url.removeprefix('http')}/live"
        return connect(address, origin=Origin(origin or self.url), proxy=None)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """One server in a clone, with pictures in DVC's cache, and one server in a nearly empty folder."""
    clone, empty = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("empty")
    reports = clone / "reports" / "evaluate"
    reports.mkdir(parents=True)
    for file in (ROOT / "reports" / "evaluate").iterdir():
        if file.suffix in (".csv", ".json"):
            shutil.copy(file, reports)
    both = Server.start(clone), Server.start(empty, "--model", "nowhere", "--host", "0.0.0.0")
    try:
        for server in both:
            server.wait()
        yield both
    finally:
        for server in both:
            server.process.kill()
            server.process.communicate()


@pytest.fixture(scope="module")
def server(servers: tuple[Server, Server]) -> Server:
    return servers[0]


@pytest.fixture(scope="module")
def bare(servers: tuple[Server, Server]) -> Server:
    bare = servers[1]
    bare.url = bare.url.replace("0.0.0.0", "127.0.0.1")
    return bare


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        reason = "no Chromium on this machine: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    camera = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    camera.write_bytes(b"".join(frame(shift) for shift in range(0, 20, 2)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shared_page(browser: Browser, server: Server) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, permissions=["camera"])
    opened(page, server)
    yield page
    page.close()


@pytest.fixture
def page(shared_page: Page) -> Page:
    """The page, as the test before left it: each test goes to its tab."""
    return shared_page


def opened(page: Page, server: Server) -> None:
    page.set_default_timeout(60_000)
    page.goto(server.url)
    page.get_by_role("button", name="Start the camera").wait_for()


def go(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()


def frame(shift: int = 0) -> bytes:
    """Return what a camera sees: a JPEG file of 640 x 480 with the astronaut, moved to the right by some pixels."""
    small = cv2.resize(astronaut(), (480, 480))
    return encoded(cv2.copyMakeBorder(small, 0, 0, 70 + shift, 90 - shift, cv2.BORDER_REPLICATE), ".jpg")


def empty_frame() -> bytes:
    return encoded(np.full((480, 640, 3), 90, np.uint8), ".jpg")


def huge_png(side: int) -> bytes:
    """Return a PNG file of few bytes that says it is so large."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def answer(socket: ClientConnection) -> dict[str, str]:
    """Return the text about the next frame, and check that a picture follows unless the frame was bad."""
    message: dict[str, str] = json.loads(socket.recv(timeout=10))
    if "error" not in message:
        picture = socket.recv(timeout=10)
        assert isinstance(picture, bytes)
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape == (480, 640, 3)
    return message


def test_live_shows_box_label_bars_drawn_face_and_rate_until_it_is_stopped(page: Page) -> None:
    go(page, "Live")
    page.get_by_role("button", name="Start the camera").press("Enter")
    bars, aus = page.locator("[data-part=bars]"), page.locator("[data-part=aus]")
    expect(bars.locator("tr")).to_have_count(7)
    expect(bars.locator(".best th")).to_have_text("happy")
    expect(aus.locator("th").first).to_have_text("AU01 inner brow raiser")
    expect(page.locator("[data-part=drawn]")).to_have_js_property("naturalWidth", 192)
    expect(page.locator("[data-part=rate]")).to_have_text(re.compile(r"^[1-9]\d* frames/s$"))
    label_pixels = page.evaluate(
        """() => {
            const canvas = document.querySelector("[data-part=picture]");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let label_pixels = 0;
            for (let i = 0; i < data.length; i += 4)
                label_pixels += [240, 190, 40].every((value, channel) => Math.abs(data[i + channel] - value) < 16);
            return label_pixels;
        }"""
    )
    assert label_pixels > 1000  # of the yellow ground of "happy"; the plain frame has few
    page.get_by_role("button", name="Stop the camera").press("Enter")
    page.get_by_role("button", name="Start the camera").click()
    page.get_by_role("button", name="Stop the camera").wait_for()
    go(page, "Photo")
    page.wait_for_timeout(200)
    go(page, "Live")  # where the camera stopped when it was left
    expect(page.get_by_role("button", name="Start the camera")).to_be_visible()


def test_a_camera_that_is_refused_is_a_sentence(page: Page) -> None:
    go(page, "Live")
    page.context.clear_permissions()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("[data-part=status]")).to_contain_text("The camera was refused.")


def test_a_burst_of_frames_is_dropped_and_the_newest_is_answered(server: Server) -> None:
    with server.live() as socket:
        burst = frame()
        for _ in range(60):
            socket.send(burst)
        socket.send(b"the last one")
        answers = 0
        while "error" not in answer(socket):
            answers += 1
    assert 0 < answers < 30


def test_two_sessions_do_not_mix_and_a_bad_frame_is_a_sentence(server: Server) -> None:
    with server.live() as one, server.live() as other:
        for shift in range(6):
            one.send(frame(shift))
            other.send(empty_frame())
            assert "neutral" in answer(one)["bars"]
            assert answer(other) == {"bars": "", "aus": "", "drawn": ""}
        for bad, expected in (
            (b"text", "4 bytes that are not a picture"),
            (huge_png(20_000), "20,000 x 20,000 pixels"),
        ):
            one.send(bad)
            assert expected in answer(one)["error"]
        one.send(frame())
        assert answer(one)["bars"]


def test_pages_of_others_reach_nothing(server: Server) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        server.live("http://example.org")
    assert httpx.get(server.url, headers={"host": "example.org"}).status_code == 400


def test_photos_give_pictures_a_table_and_its_csv(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "huge.png").write_bytes(huge_png(20_000))
    (tmp_path / "=grey <b>.png").write_bytes(encoded(np.full((200, 200), 90, np.uint8)))
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files([PORTRAIT, *tmp_path.iterdir()])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the table as CSV").click()
    table = pd.read_csv(download.value.path())
    (face,) = EmotionRecognizer().predict(PORTRAIT)
    assert table["file"].tolist() == [PORTRAIT.name]
    assert table[["left", "top", "width", "height"]].to_numpy().tolist() == [list(face.box)]
    assert table[list(face.probabilities)].loc[0].to_dict() == pytest.approx(face.probabilities, abs=0.02)
    assert table["emotion"].tolist() == [face.emotion]
    assert table["AU12"].between(0, 100).all()
    alerts = " ".join(page.get_by_role("alert").all_inner_texts())
    assert "notes.png: is not a picture that can be read" in alerts
    assert "huge.png: has too many pixels" in alerts
    assert "/" not in alerts
    # The table is one to a screen reader too: its rows have names, its columns have headers.
    row = page.get_by_role("row").filter(has_text=PORTRAIT.name).filter(has_text=face.emotion)
    expect(row.filter(visible=True).first).to_be_visible()
    expect(page.get_by_role("columnheader", name="emotion").filter(visible=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Upload more")).to_be_visible()


def test_beside_a_photo_stand_its_faces_and_drawn_ones(page: Page, server: Server, tmp_path: Path) -> None:
    (tmp_path / "two.png").write_bytes(encoded(np.hstack([portrait(), portrait()])))
    opened(page, server)
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files([PORTRAIT, tmp_path / "two.png"])
    cards = page.locator(".mien-card")
    expect(cards).to_have_count(1)
    expect(cards.locator("summary")).to_contain_text("1: neutral")
    for caption in ("Face 1", "Its Action Units, drawn"):
        expect(cards.get_by_role("img", name=caption)).to_have_js_property("naturalWidth", 192)
    expect(cards.get_by_role("row", name="AU12 lip corner puller")).to_be_visible()
    page.get_by_role("button", name="Thumbnail 2 of 2").first.click()
    expect(cards).to_have_count(2)
    cards.last.locator("summary").click()
    expect(cards.last.get_by_role("img", name="Face 2")).to_be_visible()


def test_sets_of_emotions_and_equal_frequencies_are_offered(page: Page, server: Server) -> None:
    opened(page, server)
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files(PORTRAIT)
    summary = page.locator(".mien-card summary")
    for answer, reading in (
        ("all emotions that it may show", {"coverage": 0.9}),
        ("if all were", {"prior": "uniform"}),
    ):
        (face,) = EmotionRecognizer(**reading).predict(PORTRAIT)
        page.get_by_label(answer).check()
        expect(summary).to_contain_text(f"1: {face.label}")
    page.get_by_label("the most probable emotion", exact=True).check()


def test_what_led_to_an_answer_is_shown_on_request(page: Page, server: Server) -> None:
    opened(page, server)
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files(PORTRAIT)
    expect(page.locator(".mien-card summary")).to_contain_text("1: neutral")
    expect(page.get_by_role("button", name="Thumbnail 2 of 2")).to_have_count(0)
    page.get_by_label("Also show which parts of each face led to the answer").check()
    page.get_by_role("button", name="Thumbnail 2 of 2").first.click()
    expect(page.get_by_text("what led to the answers").filter(visible=True).first).to_be_visible()
    expect(page.locator(".mien-card summary")).to_contain_text("1: neutral")


def test_a_photo_without_a_face_is_said_and_may_be_read_as_one_face(page: Page, server: Server, tmp_path: Path) -> None:
    (tmp_path / "grey.png").write_bytes(encoded(np.full((200, 200), 90, np.uint8)))
    opened(page, server)
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "grey.png")
    expect(page.get_by_role("alert").first).to_contain_text("No face was found.")
    page.get_by_label("the photo is one face").check()
    expect(page.get_by_role("button", name="Download the table as CSV")).to_be_visible()
    page.get_by_role("spinbutton").filter(visible=True).fill("1")
    page.keyboard.press("Tab")
    expect(page.get_by_text("unsure").filter(visible=True).nth(1)).to_be_visible()


def test_a_file_that_is_too_large_is_a_sentence(page: Page, server: Server, tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(33 * 2**20)
    opened(page, server)
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "large.png")
    expect(page.get_by_text("maximum allowed size")).to_be_visible()


def test_a_path_or_address_that_a_client_names_is_never_opened(server: Server) -> None:
    secret = server.folder / SECRET
    secret.write_bytes(encoded(portrait()))
    config = httpx.get(f"{server.url}/config").json()
    kinds = {component["id"]: component["type"] for component in config["components"]}
    handlers = [handler for handler in config["dependencies"] if "file" in [kinds[key] for key in handler["inputs"]]]
    assert len(handlers) == 2
    for named in (str(secret), f"{server.url}/theme.css", "../" * 20 + str(secret)[1:]):
        for handler in handlers:
            file = {"path": named, "meta": {"_type": "gradio.FileData"}}
            data: list[Any] = (
                [file] if len(handler["inputs"]) == 1 else [[file], "none", "the most probable emotion", 0.0, False]
            )
            event = {"data": data, "fn_index": handler["id"], "session_hash": "session"}
            httpx.post(f"{server.url}/gradio_api/queue/join", json=event).raise_for_status()
            with httpx.stream("GET", f"{server.url}/gradio_api/queue/data?session_hash=session") as stream:
                assert "This file was not uploaded from this page." in stream.read().decode()
    for path in (secret, Path("/etc/passwd")):
        assert httpx.get(f"{server.url}/gradio_api/file={path}").status_code == 403


def test_sliders_move_the_face_and_the_distribution(page: Page) -> None:
    go(page, "Action Units")
    bars, face = page.locator(".mien-face .best th"), page.locator(".mien-face img")
    expect(bars).to_have_text("neutral")
    page.get_by_label("happy").check()
    expect(bars).to_have_text("happy")
    happy = face.get_attribute("src")
    for name in ("AU06", "AU12"):
        slider = page.get_by_role("slider", name=name)
        expect(slider).to_have_value("90")
        slider.press("Home")
        expect(slider).to_have_value("0")
    expect(bars).to_have_text("neutral")
    assert face.get_attribute("src") != happy


def test_a_table_of_aus_gives_predictions_and_a_bad_one_a_sentence(page: Page, tmp_path: Path) -> None:
    table, bad = tmp_path / "aus.csv", tmp_path / "bad.csv"
    smile = [97 if name in ("AU06", "AU12") else 0 for name in COLUMNS]
    table.write_text("\n".join([",".join(COLUMNS), ",".join(map(str, smile)), ",".join("0" * len(COLUMNS))]) + "\n")
    bad.write_text("AU01\n101\n")
    go(page, "Action Units")
    file = page.locator("input[type=file]").last
    file.set_input_files(bad)
    expect(page.get_by_role("alert").last).to_contain_text("bad.csv: ")
    page.get_by_label("Clear").last.click()
    file.set_input_files(table)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the predictions as CSV").click()
    predicted = pd.read_csv(download.value.path())
    assert predicted[["row", "emotion"]].to_numpy().tolist() == [[1, "happy"], [2, "neutral"]]


def test_the_model_tab_shows_reports_of_a_clone_without_dvcs_cache(page: Page, server: Server) -> None:
    figures = json.loads((server.folder / "reports" / "evaluate" / "metrics.json").read_text())
    go(page, "Model")
    report = page.locator(".mien-report")
    expect(report.get_by_role("row", name="accuracy", exact=False).first).to_contain_text(
        f"{figures['cnn']['accuracy']:.4g}"
    )
    captions = report.locator("figcaption").all_inner_texts()
    assert [caption.split()[0] for caption in captions] == ["Confusion", "Confusion", "Calibration:", "Accuracy"]
    expect(report).to_contain_text("cnn_mistakes.png is not here")
    for kind, name in (("recipes", "four_class"), ("experiments", "widths")):
        compared = server.folder / "reports" / kind / name
        compared.mkdir(parents=True)
        (compared / "comparison.csv").write_text(f"experiment,accuracy\n{name}-1,0.8123\n")
    go(page, "Live")
    go(page, "Model")
    for option, row in (("recipe four_class", "four_class-1"), ("experiments widths", "widths-1")):
        page.get_by_label("Report").click()
        page.get_by_role("option", name=option).click()
        expect(report.get_by_role("row", name=row)).to_contain_text("0.8123")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_tabs_are_readable_on_a_phone_and_ask_nobody_else(
    browser: Browser, server: Server, scheme: Literal["light", "dark"]
) -> None:
    """Contrast, names and roles by axe-core, WCAG 2.1 AA."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    opened(page, server)
    axe = Axe()
    for tab in TABS:
        go(page, tab)
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        if tab == "Model":
            page.locator(".mien-report").wait_for()
        results = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
        assert not results.response["violations"], results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [url for url in requested if not url.startswith((server.url, "data:", "blob:"))] == []
    context.close()


def test_without_network_or_reports_the_page_says_so(browser: Browser, bare: Server) -> None:
    assert "everyone who can reach 0.0.0.0 can use this page, without password" in bare.log.read_text()
    page = browser.new_page(permissions=["camera"])
    opened(page, bare)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("[data-part=status]")).to_contain_text("model: found 'nowhere'")
    go(page, "Photo")
    page.locator("input[type=file]").first.set_input_files(PORTRAIT)
    expect(page.get_by_role("alert").first).to_contain_text("model: found 'nowhere'")
    go(page, "Model")
    expect(page.get_by_role("alert").last).to_contain_text("There is no folder reports here.")
    expect(page.locator(".mien-report")).to_contain_text("accuracy")
    page.close()


def test_nothing_left_the_machine_or_was_written_and_the_end_is_clean(servers: tuple[Server, Server]) -> None:
    """Comes last: this is about all that the tests above did."""
    for server in servers:
        with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/session") as open_page:
            assert "ALIVE" in next(open_page.iter_text())
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(timeout=120) == 0
        for noise in ("WATCHED", "Traceback", "ERROR"):
            assert noise not in server.log.read_text()
        assert list(server.temporary.iterdir()) == []


def test_plots_page_is_drawn_offline(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "loss.csv").write_text("epoch,loss\n0,1.5\n1,0.5\n")
    (tmp_path / "dvc.yaml").write_text("plots: [{loss.csv: {x: epoch, y: loss}}]\n")
    for command in (["-m", "dvc", "init", "--no-scm", "--quiet"], [str(ROOT / "tools/plots_page.py")]):
        subprocess.run([sys.executable, *command], cwd=tmp_path, check=True, capture_output=True)
    page = browser.new_page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto((tmp_path / "dvc_plots" / "index.html").as_uri())
    expect(page.locator(".vega-embed canvas, .vega-embed svg").first).to_be_visible()
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_the_command_says_what_is_missing_or_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mien", "app"])
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == "error: mien app needs the extra `app`: pip install '.[app]' in a clone of mien\n"
