"""`mien serve`: what it answers to good, bad, slow and broken requests, over real sockets."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from helpers.commands import Run
from helpers.damaged import harm
from helpers.photos import PORTRAIT, portrait
from helpers.pictures import encoded

from mien.app.listening import listen
from mien.app.service.limits import Limits
from mien.app.service.schemas import FaceSchema
from mien.app.service.server import TOKEN, make_server, read_token
from mien.app.service.workers import Readers, Workers
from mien.inference.faces.detectors import Detection, NoDetector, make_detector
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.recognizer import EmotionRecognizer

JPEG = {"content-type": "image/jpeg"}
PHOTO = PORTRAIT.read_bytes()
SECRET = "0123456789abcdef"
PATIENCE = 600  # seconds; a machine may be busy
WATCHED = """
import os, sys
def watch(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        if not str(arguments[0]).startswith(("/dev/null", "/proc/")) and not isinstance(arguments[0], int):
            os.write(2, f"WATCHED: opens {arguments[0]}\\n".encode())
    if event == "socket.connect":
        os.write(2, f"WATCHED: asks {arguments[1]}\\n".encode())
sys.addaudithook(watch)
from mien.cli import main
main()
"""


class Gate:
    """A detector that waits until it is opened, and counts its calls."""

    def __init__(self) -> None:
        self.entered, self.opened, self.calls = threading.Semaphore(0), threading.Event(), 0

    def detect(self, image: np.ndarray) -> list[Detection]:
        self.calls += 1
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return NoDetector().detect(image)


@pytest.fixture(scope="module")
def classifier() -> FaceClassifier:
    return FaceClassifier.from_pretrained("mien_small", threads=1)


@contextmanager
def served(
    classifier: FaceClassifier, detector: Any = None, *, token: str | None = None, **limits: Any
) -> Iterator[httpx.Client]:
    """Serve with one worker until the block ends."""
    photos = EmotionRecognizer(classifier, detector or make_detector("yunet"))
    bounds = Limits(**limits)
    workers = Workers([Readers(photos, EmotionRecognizer(classifier, "none"))], bounds.waiting)
    server = make_server(workers, bounds, token, local=True)
    with listen("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
            workers.close()


@pytest.fixture(scope="module")
def client(classifier: FaceClassifier) -> Iterator[httpx.Client]:
    with served(classifier, size=2**20, pixels=600 * 600, photos=3, seconds=PATIENCE) as client:
        yield client


def connection(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=PATIENCE)


def raw(client: httpx.Client, *parts: bytes) -> bytes:
    """Send bytes as they are; return all that is answered until the server closes the connection."""
    with connection(client) as stream:
        for part in parts:
            stream.sendall(part)
        return b"".join(iter(lambda: stream.recv(65536), b""))


def head(path: str = "/photos", **headers: object) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {"Host": "localhost", **headers}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()


def files(*contents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("photo", (f"{number}.jpg", content)) for number, content in enumerate(contents)]


def error_of(response: httpx.Response) -> str:
    """Return the error of a response, which is one line of JSON with nothing else."""
    assert response.headers["content-type"] == "application/json"
    assert "\n" not in response.text
    (name,) = response.json()
    assert name == "error"
    return str(response.json()["error"])


def counts(client: httpx.Client) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


def test_photos_are_read_as_the_command_reads_them(client: httpx.Client, mien: Run) -> None:
    (read,) = client.post("/photos", content=PHOTO, headers=JPEG).json()
    printed = json.loads(mien("image", PORTRAIT, "--json", "--model", "mien_small", "--precision", "fp32")[0])
    assert read == {**printed, "file": "photo"}
    several = client.post("/photos", files=files(PHOTO, encoded(portrait(), ".png")))
    assert [photo["file"] for photo in several.json()] == ["0.jpg", "1.jpg"]
    assert several.json()[0]["faces"] == several.json()[1]["faces"] == printed["faces"]


def test_crops_are_one_face_each(client: httpx.Client, mien: Run, tmp_path: Path) -> None:
    crop = encoded(portrait()[112:317, 162:367], ".png")
    (tmp_path / "crop.png").write_bytes(crop)
    arguments = ("--crop", "--json", "--model", "mien_small", "--precision", "fp32")
    printed = json.loads(mien("image", tmp_path / "crop.png", *arguments)[0])
    answered = client.post("/crops", content=crop, headers={"content-type": "application/octet-stream"})
    assert answered.json()[0]["faces"] == printed["faces"]


def test_a_bad_photo_does_not_stop_the_others(client: httpx.Client) -> None:
    answered = client.post("/photos", files=files(b"text", PHOTO, PHOTO[:-20_000]))
    assert answered.status_code == 200
    bad, good, cut = answered.json()
    assert bad == {"file": "0.jpg", "error": bad["error"]}
    assert bad["error"].startswith("0.jpg: is not a picture that can be read")
    assert "notes" not in good
    assert cut["notes"] == ["is a JPEG that is cut short; what is there was read"]


BOUNDARY = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'


@pytest.mark.parametrize(
    ("request_of", "status", "message"),
    [
        ({"content": b"", "headers": JPEG}, 400, "found an empty body"),
        ({"content": PHOTO, "headers": JPEG, "params": {"tta": "none", "detector": ""}}, 400,
         "query: found tta, detector, expected none: the options of mien serve say how photos are read"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "no boundary"),
        ({"content": b"hello", "headers": {"content-type": BOUNDARY}}, 400, "damaged multipart/form-data"),
        ({"content": PART + PHOTO[:999], "headers": {"content-type": BOUNDARY}}, 400, "cut off"),
        ({"content": b"--x--\r\n", "headers": {"content-type": BOUNDARY}}, 400, "without a file"),
        ({"data": {"photo": "text"}, "files": files(PHOTO)}, 400, "a part has no file name"),
        ({"content": PHOTO, "headers": JPEG | {"host": "evil.example"}}, 400, "Host: found 'evil.example'"),
        ({"content": bytes(2**20 + 1), "headers": JPEG}, 413, "found 1,048,577 bytes, expected at most 1,048,576"),
        ({"content": iter([bytes(2**19)] * 3), "headers": JPEG}, 413, "found more than 1,048,576 bytes"),
        ({"files": files(*[PHOTO[:99]] * 4)}, 413, "found more than 3 photos"),
        ({"content": PHOTO}, 415, "Content-Type: found none, expected multipart/form-data"),
        ({"data": {"photo": "text"}}, 415, "found application/x-www-form-urlencoded"),
        ({"content": PHOTO, "headers": JPEG | {"content-encoding": "gzip"}}, 415, "Content-Encoding: found gzip"),
        ({"content": b"GIF89a", "headers": JPEG}, 422, "photo: "),
        ({"files": files(b"a", b"b")}, 422, "none of 2 photos can be read"),
        ({"content": encoded(np.zeros((8, 8), np.uint8), ".png"), "headers": JPEG}, 422, "has 8 x 8 pixels"),
        ({"content": encoded(np.zeros((601, 600), np.uint8), ".png"), "headers": JPEG}, 422, "at most 360,000"),
    ],
)  # fmt: skip
def test_bad_requests_are_told_what_is_wrong(
    client: httpx.Client, request_of: dict[str, Any], status: int, message: str
) -> None:
    before = counts(client).get(f'mien_responses_total{{status="{status}"}}', 0)
    answered = client.post("/photos", **request_of)
    assert (answered.status_code, message in error_of(answered)) == (status, True), answered.text
    after = counts(client)
    assert after[f'mien_responses_total{{status="{status}"}}'] == before + 1
    assert (after["mien_jobs"], after["mien_bodies_bytes"]) == (0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_a_harmed_body_is_read_or_told_what_is_wrong(client: httpx.Client, seed: int) -> None:
    rng, small = random.Random(seed), encoded(portrait()[100:360, 140:400], ".jpg")
    request = client.build_request("POST", "/photos", files=files(small, small))
    bodies = ((small, "image/jpeg"), (request.read(), request.headers["content-type"]))
    for whole, kind in bodies:
        response = client.post("/photos", content=harm(whole, rng)[1] or b"x", headers={"content-type": kind})
        if response.status_code == 200:
            assert all({"faces", "error"} & set(reading) for reading in response.json())
        else:
            assert response.status_code in (400, 422)
            assert error_of(response)


def test_other_addresses_and_methods_are_refused(client: httpx.Client) -> None:
    assert (client.post("/x").status_code, error_of(client.post("/x"))) == (404, "Not Found")
    assert (client.get("/photos").status_code, client.get("/photos").headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/metrics", "/openapi.json"])
def test_head_is_answered_as_get_without_a_body(client: httpx.Client, path: str) -> None:
    answered, expected = client.head(path), client.get(path)
    assert (answered.status_code, answered.content) == (200, b"")
    assert answered.headers["content-type"] == expected.headers["content-type"]
    assert client.head("/photos").status_code == 405


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a greeting of TLS \r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        head(Content_Length="many"),
        head(X=70_000 * "a")[:-4],
        head(Content_Type="image/jpeg", Transfer_Encoding="chunked") + b"no number\r\n",
    ],
)
def test_what_is_not_http_gets_one_line_of_json(client: httpx.Client, request_bytes: bytes) -> None:
    answered = raw(client, request_bytes)
    status, _, body = answered.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"].startswith("request: invalid http request received, expected")
    assert client.get("/health").json()["status"] == "ok"


def test_slow_clients_are_told_so(classifier: FaceClassifier) -> None:
    with served(classifier, seconds=0.3) as client:
        answers = [
            raw(client, b"POST /photos HTTP/1.1\r\nHost: loc"),
            raw(client, b""),
            raw(client, head(Content_Type="image/jpeg", Content_Length=100) + b"a few bytes"),
        ]
        assert counts(client)['mien_responses_total{status="408"}'] == 3
    for answered in answers:
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert "after 0.3 s" in json.loads(answered.partition(b"\r\n\r\n")[2])["error"]


def test_a_client_that_goes_on_after_a_refusal_is_cut_off(classifier: FaceClassifier) -> None:
    with served(classifier, seconds=0.3) as client, connection(client) as stream:
        stream.sendall(head(Content_Type="text/plain", Content_Length=10**9))
        assert stream.recv(65536).startswith(b"HTTP/1.1 415 ")
        with pytest.raises(ConnectionError):  # noqa: PT012 -- the server may take a few of them
            for _ in range(100_000):
                stream.sendall(b"x")
                time.sleep(0.01)


def test_a_client_that_fetches_no_answers_is_cut_off(classifier: FaceClassifier) -> None:
    asks = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    with served(classifier, seconds=0.3) as client, connection(client) as stream:
        with pytest.raises(ConnectionError):  # noqa: PT012 -- the server may answer many of them
            for _ in range(10_000):
                stream.sendall(asks)
        assert client.get("/health").status_code == 200


def test_a_body_in_tiny_chunks_is_refused(client: httpx.Client) -> None:
    chunked = head(Content_Type="image/jpeg", Transfer_Encoding="chunked")
    answered = raw(client, chunked, b"1\r\nx\r\n" * 1001)
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert b"found a body in chunks of less than 64 bytes" in answered


def test_a_body_of_two_lengths_is_refused(client: httpx.Client) -> None:
    both = head(Content_Type="image/jpeg", Content_Length=3, Transfer_Encoding="chunked")
    answered = raw(client, both, b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 400 ")
    assert answered.count(b"HTTP/1.1") == 1
    assert b"found Content-Length and Transfer-Encoding" in answered


def test_a_client_that_is_refused_while_it_sends_reads_the_answer(client: httpx.Client) -> None:
    """A connection that is closed with data unread is reset, and the answer is lost with it."""
    for _ in range(20):
        answered = raw(client, b"no HTTP\r\n\r\n", *[bytes(2**16)] * 16)
        assert answered.startswith(b"HTTP/1.1 400 ")
        assert b"expected HTTP/1.1" in answered


def test_a_client_of_a_full_service_reads_why_while_it_sends(
    classifier: FaceClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(classifier) as client:
        monkeypatch.setattr("mien.app.service.deadlines.MAX_CONNECTIONS", 0)
        for _ in range(20):
            answered = raw(client, head(Content_Type="image/jpeg", Content_Length=2**20), *[bytes(2**16)] * 16)
            assert answered.startswith(b"HTTP/1.1 503 ")
            assert b"too many connections" in answered


def test_a_refused_client_that_never_closes_is_cut_off(classifier: FaceClassifier) -> None:
    with served(classifier, seconds=0.3) as client, connection(client) as stream:
        stream.sendall(b"no HTTP\r\n\r\n")
        assert b"".join(iter(lambda: stream.recv(65536), b"")).startswith(b"HTTP/1.1 400 ")
        with pytest.raises(ConnectionError):  # noqa: PT012 -- the system may take some of it
            for _ in range(1000):
                time.sleep(0.01)
                stream.sendall(b"x")


def test_a_refused_client_that_stays_silent_is_cut_off(classifier: FaceClassifier) -> None:
    with served(classifier, seconds=0.3) as client, connection(client) as stream:
        stream.sendall(head(Content_Type="text/plain", Content_Length=5))
        answered = stream.recv(65536)
        while not answered.endswith(b"}"):
            answered += stream.recv(65536)
        assert answered.startswith(b"HTTP/1.1 415 ")
        stream.sendall(b"hello")
        stream.settimeout(60)
        assert stream.recv(65536) == b""


def in_background(call: Callable[[], httpx.Response]) -> tuple[threading.Thread, list[httpx.Response]]:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def test_a_full_queue_says_when_to_come_back(classifier: FaceClassifier) -> None:
    gate = Gate()
    with served(classifier, gate, waiting=1) as client:
        accepted = [in_background(lambda: client.post("/photos", content=PHOTO, headers=JPEG)) for _ in range(2)]
        assert gate.entered.acquire(timeout=PATIENCE)
        while counts(client)["mien_jobs"] < 2:
            time.sleep(0.01)
        refused = client.post("/photos", content=PHOTO, headers=JPEG)
        assert (refused.status_code, error_of(refused)) == (503, "the queue is full, try again later")
        assert int(refused.headers["retry-after"]) >= 1
        gate.opened.set()
        for thread, answers in accepted:
            thread.join()
            assert answers[0].status_code == 200
        assert client.post("/photos", content=PHOTO, headers=JPEG).status_code == 200


def test_what_takes_too_long_ends(classifier: FaceClassifier) -> None:
    gate = Gate()
    with served(classifier, gate, seconds=0.5) as client:
        late = client.post("/photos", files=files(PHOTO, PHOTO))
        assert (late.status_code, error_of(late)[:35]) == (503, "the photos took more than 0.5 s, se")
        assert counts(client)["mien_jobs"] == 1  # the photo that a thread reads
        gate.opened.set()
        while counts(client)["mien_jobs"]:
            time.sleep(0.01)
        assert gate.calls == 1


def test_a_client_that_has_gone_costs_no_work(classifier: FaceClassifier) -> None:
    gate = Gate()
    with served(classifier, gate) as client:
        first, answers = in_background(lambda: client.post("/photos", content=PHOTO, headers=JPEG))
        assert gate.entered.acquire(timeout=PATIENCE)
        with connection(client) as stream:
            stream.sendall(head(Content_Type="image/jpeg", Content_Length=len(PHOTO)) + PHOTO)
            while counts(client)["mien_jobs"] < 2:
                time.sleep(0.01)
        while counts(client)["mien_jobs"] > 1:
            time.sleep(0.01)
        gate.opened.set()
        first.join()
        assert answers[0].status_code == 200
        assert gate.calls == 1


def test_a_body_that_is_cut_off_is_nobodys_answer(client: httpx.Client) -> None:
    with connection(client) as stream:
        stream.sendall(head(Content_Type="image/jpeg", Content_Length=len(PHOTO)) + PHOTO[:30_000])
    while counts(client)["mien_bodies_bytes"]:
        time.sleep(0.01)
    assert client.post("/photos", content=PHOTO, headers=JPEG).status_code == 200


def test_a_fault_of_the_server_is_said_and_logged(
    classifier: FaceClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def detect(self, image: np.ndarray) -> list[Detection]:
            raise RuntimeError(f"secret {image.shape}")

    with served(classifier, Broken()) as client:
        failed = client.post("/photos", content=PHOTO, headers=JPEG)
        assert (failed.status_code, error_of(failed)) == (500, "internal error, see the log of the server")
        assert client.post("/crops", content=PHOTO, headers=JPEG).status_code == 200
    assert "secret" in capsys.readouterr().err


def test_many_faces_are_refused_rather_than_left_out(classifier: FaceClassifier) -> None:
    two = np.hstack([portrait(), portrait()])
    with served(classifier, faces=1) as client:
        refused = client.post("/photos", content=encoded(two, ".jpg"), headers=JPEG)
    assert (refused.status_code, error_of(refused)) == (422, "photo: has 2 faces, expected at most 1")


def test_slow_bodies_together_cannot_fill_the_memory(classifier: FaceClassifier) -> None:
    with served(classifier, size=1000) as client:
        streams = [connection(client) for _ in range(8)]
        for stream in streams:
            stream.sendall(head(Content_Type="image/jpeg", Content_Length=1000) + bytes(999))
        while counts(client)["mien_bodies_bytes"] < 8 * 999:
            time.sleep(0.01)
        refused = client.post("/photos", content=bytes(1000), headers=JPEG)
        assert (refused.status_code, error_of(refused)) == (503, "too many photos are arriving, try again later")
        for stream in streams:
            stream.close()


def test_a_token_is_asked_for(classifier: FaceClassifier) -> None:
    with served(classifier, token=SECRET) as client:
        for wrong in ("", f"Bearer {SECRET[:-1]}", SECRET, "Bearer \xff"):
            headers = httpx.Headers(JPEG | {"authorization": wrong}, encoding="latin-1")
            refused = client.post("/photos", content=PHOTO, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert SECRET not in error_of(refused)
        right = {"authorization": f"Bearer {SECRET}"}
        assert client.post("/photos", content=PHOTO, headers=JPEG | right).status_code == 200
        assert (client.get("/metrics").status_code, client.get("/metrics", headers=right).status_code) == (401, 200)
        assert client.get("/health").status_code == 200


def test_the_description_is_whole_and_needs_no_web(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/photos", "/crops", "/health", "/metrics"}
    responses = document["paths"]["/photos"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "408", "413", "415", "422", "503"}
    text = client.get("/docs").text
    assert [path for path in document["paths"] if path not in text] == []
    assert re.findall(r"https?://(?!127\.0\.0\.1)|<script|src=", text) == []


def test_the_description_names_all_that_an_answer_may_contain() -> None:
    (face,) = EmotionRecognizer(coverage=0.9, aus=True, actions=True).predict(PORTRAIT)
    assert face.to_dict().keys() == FaceSchema.model_fields.keys()


def test_metrics_are_in_the_format_of_prometheus(client: httpx.Client) -> None:
    client.post("/photos", content=PHOTO, headers=JPEG)
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    form = r'(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"\\]*"\})? \d+(\.\d+)?(e[+-]\d+)?)'
    assert [line for line in metrics.text.splitlines() if not re.fullmatch(form, line)] == []
    values = counts(client)
    assert values["mien_read_seconds_count"] == values['mien_read_seconds_bucket{le="+Inf"}'] >= 1
    assert values['mien_photos_total{result="read"}'] >= 1
    assert sum(value for name, value in values.items() if name.startswith("mien_faces_total")) >= 1


def test_it_stops_when_accepted_requests_are_answered_and_writes_nothing(tmp_path: Path) -> None:
    large = encoded(cv2.resize(portrait(), None, fx=4, fy=4), ".png")
    assert len(large) > 3 * 2**20  # above what python-multipart keeps in memory by itself
    environment = os.environ | {TOKEN: SECRET, "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["--port", 0, "--workers", 1, "--model", "mien_small", "--timeout", PATIENCE]
    command = [sys.executable, "-c", WATCHED, "serve", *map(str, options)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = process.stdout.readline().split()[0]
        right = {"authorization": f"Bearer {SECRET}"}
        with httpx.Client(base_url=url, headers=right, timeout=PATIENCE, trust_env=False) as client:
            post = lambda: client.post("/photos", files=files(large, large))  # noqa: E731
            thread, answers = in_background(post)
            while not counts(client)["mien_jobs"] and thread.is_alive():
                time.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            thread.join()
        assert [len(photo["faces"]) for photo in answers[0].json()] == [1, 1]
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "short", "ö" * 20, "with spaces in its middle"])
def test_a_bad_token_is_refused(mien: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    errors = mien("serve", "--port", 0, "--token-file", tmp_path / "token", code=2)[1]
    assert re.fullmatch(r"error: .*token: found a token of \d+ characters, expected at least 16.*\n", errors)
    assert not text or text not in errors


def test_a_token_is_read_without_its_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert read_token(tmp_path / "token") == SECRET
    assert read_token(None) is None
    monkeypatch.setenv(TOKEN, SECRET[::-1])
    assert read_token(None) == SECRET[::-1]
