"""Load test of `mien serve` on loopback: many clients; a tenth of the requests are malformed, slow or truncated.

Each answer is compared with that of `EmotionRecognizer` in this process: a good request must get exactly it, or 503
with Retry-After, which clients heed. A bad request must get its status (or 503 where it would have to wait), and those
that close their connection nothing. Memory is that of the server's process; a tenth of the requests warms it up. Then
the server is killed (SIGKILL) and started again under the same load: connections break, but no answer may be wrong.
Beside it, the same good requests by one client alone, and by one thread of the bare predictor, which also decodes the
files. Photos are the portrait that matplotlib ships, 640 x 480 pixels; of ten good requests, seven are one photo, one
is three photos, two are a crop. Clients and server share the machine. Writes a report.

    python benchmarks/serve.py [--requests 20000] [--clients 64] [--kills 5] [--model mien]
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
import psutil
from predict import photo

from mien.inference.pictures.photo_files import decode_photo
from mien.inference.recognizer import EmotionRecognizer

REPORT = Path("reports/benchmarks/serve/README.md")
TIMEOUT = 10  # seconds that the server waits for slow clients
QUEUE = 32
PHOTOS = 8
ALONE = 300  # requests of one client, and of the bare predictor
MAX_MEMORY = 1.2  # times that after warm-up
BROKEN = "broken"
BOUNDARY = "a-boundary-of-the-load-test"


class Request(NamedTuple):
    """A request: its kind, what is sent, and what is expected: the answer of a good one, else the statuses.

    files: the pictures of a good one.
    """

    kind: str
    path: str
    content_type: str
    body: bytes
    answer: Any = None
    statuses: Sequence[object] = (503,)
    files: Sequence[bytes] = ()


@dataclass
class Results:
    """What came of requests: counts of kinds with their outcome, faults, and seconds of good answers."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    photos: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)  # of the counts


def good_requests(recognizer: EmotionRecognizer, crops: EmotionRecognizer) -> list[Request]:
    """Return requests with their right answers: one photo, several, and crops."""
    files = [cv2.imencode(".jpg", photo(12 * number))[1].tobytes() for number in range(PHOTOS)]
    faces = [[face.to_dict() for face in recognizer.predict_bgr(decoded(file))] for file in files]
    found = [
        Request("one photo", "/photos", "image/jpeg", file, [{"file": "photo", "faces": answer}], files=[file])
        for file, answer in zip(files, faces, strict=True)
    ]
    for first in range(PHOTOS):
        numbers = [(first + step) % PHOTOS for step in range(3)]
        answer = [{"file": f"{number}.jpg", "faces": faces[number]} for number in numbers]
        three = {f"{number}.jpg": files[number] for number in numbers}
        form = f"multipart/form-data; boundary={BOUNDARY}"
        found.append(Request("three photos", "/photos", form, multipart(three), answer, files=[*three.values()]))
    for number in range(PHOTOS):
        crop = cv2.imencode(".png", photo(12 * number)[90:260, 150 + 12 * number : 320 + 12 * number])[1].tobytes()
        answer = [face.to_dict() for face in crops.predict_bgr(decoded(crop))]
        answers = [{"file": "photo", "faces": answer}]
        found.append(Request("one crop", "/crops", "image/png", crop, answers, files=[crop]))
    return found


def bad_requests(some_photo: bytes) -> list[Request]:
    """Return requests that are malformed, slow or cut off."""
    form = f"multipart/form-data; boundary={BOUNDARY}"
    whole = multipart({"a.jpg": some_photo})
    return [
        Request("not a picture", "/photos", "image/jpeg", b"no picture" * 99, statuses=(422, 503)),
        Request("multipart without its end", "/photos", form, whole[:-9], statuses=(400, 503)),
        Request("another type", "/photos", "text/html", b"<p>", statuses=(415,)),
        Request("too large", "/photos", "image/jpeg", bytes(2**20 + 1), statuses=(413,)),
        Request("not HTTP", "", "", b"\x16\x03\x01 hello\r\n\r\n", statuses=(400,)),
        Request("slow headers", "", "", b"POST /photos HTTP/1.1\r\nHost: loc", statuses=(408,)),
        Request("slow body", "", "", head(len(some_photo)) + some_photo[:100], statuses=(408, 503)),
        Request("cut off body", "", "", head(len(some_photo)) + some_photo[:-100]),
        Request("gone before the answer", "", "", head(len(some_photo)) + some_photo),
    ]


def decoded(file: bytes) -> np.ndarray:
    """Decode a photo as the service does."""
    return decode_photo(file, lambda _: None)


def head(length: int) -> bytes:
    """Return the headers of a request with one photo."""
    lines = [
        "POST /photos HTTP/1.1",
        "Host: localhost",
        "Content-Type: image/jpeg",
        f"Content-Length: {length}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def multipart(files: dict[str, bytes]) -> bytes:
    """Return a body of multipart/form-data."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def plan(count: int, good: Sequence[Request], bad: Sequence[Request]) -> Iterator[Request]:
    """Yield requests in an order that is the same each time: a tenth are bad, most of the others one photo."""
    rng = random.Random(0)  # noqa: S311
    for _ in range(count):
        if rng.random() < 0.1:
            yield rng.choice(bad)
        else:
            first = PHOTOS * rng.choices(range(3), (7, 1, 2))[0]
            yield good[first + rng.randrange(PHOTOS)]


class Server:
    """A running `mien serve`, which may be killed and started again on its port."""

    def __init__(self, model: str) -> None:
        self.port, self._model = 0, model
        self.is_up = threading.Event()
        self.start()

    def start(self) -> None:
        options = ["--port", self.port, "--model", self._model, "--timeout", TIMEOUT, "--queue", QUEUE]
        command = [sys.executable, "-m", "mien", "serve", *map(str, options), "--max-megabytes", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = next(iter(self.process.stdout or []))
        self.port = int(line.split()[0].rpartition(":")[2])
        self.is_up.set()

    def restart(self) -> None:
        """Kill the process, and start another one."""
        self.is_up.clear()
        self.process.kill()
        self.process.wait()
        self.start()

    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait()


def send(request: Request, connection: HTTPConnection) -> tuple[str, Any, float]:
    """Send a whole request; return the status, the JSON, and the seconds that a client is to wait."""
    connection.request("POST", request.path, request.body, {"Content-Type": request.content_type})
    response = connection.getresponse()
    answer = json.load(response)
    return str(response.status), answer, float(response.headers.get("Retry-After", 0))


def send_raw(request: Request, port: int) -> str:
    """Send bytes; return the status of the answer, or "" for requests that close their connection at once."""
    with socket.create_connection(("127.0.0.1", port), 60) as stream:
        stream.sendall(request.body)
        if request.statuses == (503,):
            return ""
        answer = b""
        while not answer.endswith(b"}"):
            answer += stream.recv(65536) or b"}"
        json.loads(answer.partition(b"\r\n\r\n")[2])
        return answer.split(maxsplit=2)[1].decode()


def work(server: Server, requests: Iterator[Request], results: Results, may_break: bool) -> None:
    """Be a client, until there are no further requests. may_break: the server is killed now and then."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    for request in requests:
        server.is_up.wait()
        start, answer, pause = time.perf_counter(), None, 0.0
        try:
            if request.path:
                status, answer, pause = send(request, connection)
            else:
                connection.close()  # the server would, while this one waits
                status = send_raw(request, server.port)
        except (OSError, HTTPException, ValueError, IndexError) as error:
            connection.close()
            status, pause = BROKEN, 1.0
            if not may_break:
                results.faults.append(f"{request.kind}: {error!r}")
        seconds = time.perf_counter() - start
        with results.lock:
            results.outcomes[request.kind, status] += 1
        if request.answer is not None and status == "200":
            results.seconds.append(seconds)
            with results.lock:
                results.photos += len(request.answer)
            if answer != request.answer:
                results.faults.append(f"{request.kind}: a wrong answer")
        elif status not in ("", BROKEN) and int(status) not in request.statuses:
            results.faults.append(f"{request.kind}: status {status}")
        if pause:
            connection.close()  # the server closes idle ones
            time.sleep(pause)
    connection.close()


def load(
    server: Server,
    requests: Iterator[Request],
    clients: int,
    may_break: bool = False,
    during: Callable[[], None] | None = None,
) -> Results:
    """Let clients send requests; `during` is called again and again."""
    results = Results()

    def shared() -> Iterator[Request]:
        while True:
            with results.lock:
                request = next(requests, None)
            if request is None:
                return
            yield request

    threads = [threading.Thread(target=work, args=(server, shared(), results, may_break)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if during:
            during()
        time.sleep(0.2)
    return results


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    """Keep the seconds of a block."""
    start = time.perf_counter()
    yield
    times[name] = time.perf_counter() - start


def killed(server: Server, requests: Sequence[Request], clients: int, kills: int) -> Results:
    """Load the server while it is killed and started again, evenly spread over the requests."""
    begun, done = 0, 0

    def counted() -> Iterator[Request]:
        nonlocal begun
        for request in requests:
            begun += 1
            yield request

    def kill() -> None:
        nonlocal done
        if done < kills and begun > (done + 0.5) * len(requests) / kills:
            done += 1
            server.restart()

    results = load(server, counted(), clients, may_break=True, during=kill)
    if done < kills:
        results.faults.append(f"only {done} of {kills} kills: name more --requests")
    return results


def speed(seconds: Sequence[float], pictures: int, wall: float) -> dict[str, float]:
    """Return a row of the table of speed."""
    low, high = np.percentile(seconds, (50, 99))
    return {"pictures/s": pictures / wall, "p50, ms": 1000 * low, "p99, ms": 1000 * high}


def bare(recognizer: EmotionRecognizer, crops: EmotionRecognizer, requests: Sequence[Request]) -> dict[str, float]:
    """Return a row of the table of speed, of one thread without a server."""
    spent = []
    for request in requests:
        start = time.perf_counter()
        for file in request.files:
            (crops if request.path == "/crops" else recognizer).predict_bgr(decoded(file))
        spent.append(time.perf_counter() - start)
    return speed(spent, sum(len(request.files) for request in requests), sum(spent))


def outcomes(results: Results) -> str:
    """Return a table of the outcomes: one row per kind."""
    rows = [(kind, status, count) for (kind, status), count in results.outcomes.items()]
    counts = pd.DataFrame(rows, columns=["request", "status", "count"]).pivot_table(
        values="count", index="request", columns="status", fill_value=0
    )
    counts = counts.rename(columns={"": "closed by the client", BROKEN: "broken by the kill"})
    return str(counts.astype(int).to_markdown())


def main() -> None:
    """Measure, print and write the report. The exit code is 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--model", default="mien")
    arguments = parser.parse_args()
    recognizer = EmotionRecognizer(arguments.model, threads=1)
    crops = EmotionRecognizer(recognizer.classifier, "none")
    good = good_requests(recognizer, crops)
    bad = bad_requests(good[0].body)
    few = [request for request in plan(min(ALONE, arguments.requests), good, bad) if request.files]
    rows, times = {"bare predictor, one thread": bare(recognizer, crops, few)}, {}
    server = Server(arguments.model)
    try:
        with timed(times, "alone"):
            alone = load(server, iter(few), 1)
        warm = load(server, plan(arguments.requests // 10, good, bad), arguments.clients)
        samples = [server.memory()]
        with timed(times, "load"):
            requests = plan(arguments.requests, good, bad)
            full = load(server, requests, arguments.clients, during=lambda: samples.append(server.memory()))
        many = [*plan(max(arguments.requests // 10, 100 * arguments.kills), good, bad)]
        broken = killed(server, many, arguments.clients, arguments.kills)
        code = server.stop()
    finally:
        server.process.kill()
    rows["mien serve, one client"] = speed(alone.seconds, alone.photos, times["alone"])
    rows[f"mien serve, {arguments.clients} clients"] = speed(full.seconds, full.photos, times["load"])
    growth = max(samples) / samples[0]
    faults = [*alone.faults, *warm.faults, *full.faults, *broken.faults]
    if growth > MAX_MEMORY:
        faults.append(f"memory grew {growth:.2f} times")
    if code:
        faults.append(f"the server ended with {code}")
    text = report(arguments, rows, full, broken, samples[0], growth, faults)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    print(text)
    raise SystemExit(1 if faults else 0)


def report(
    arguments: argparse.Namespace,
    rows: dict[str, dict[str, float]],
    full: Results,
    broken: Results,
    memory: int,
    growth: float,
    faults: Sequence[str],
) -> str:
    """Return the report."""
    table = pd.DataFrame.from_dict(rows, orient="index").to_markdown(floatfmt=("", ".1f", ".0f", ".0f"))
    answered = sum(count for (_, status), count in broken.outcomes.items() if status == "200")
    wrong = sum("wrong answer" in fault for fault in broken.faults)
    found = "\n".join(f"- {fault} ({count})" for fault, count in Counter(faults).items()) or "Nothing failed."
    return f"""# mien serve under load

Made by `python benchmarks/serve.py --requests {arguments.requests} --clients {arguments.clients} --kills \
{arguments.kills} --model {arguments.model}`, which says what is tested, with {os.cpu_count()}
CPU cores that clients and server shared. Photos have 640 x 480 pixels.

{found}

- Memory of the server: {memory / 1e6:.0f} MB after warm-up, at most {growth:.2f} times that under load.
- Killed {arguments.kills} times and started again under load: {answered:,} answers, {wrong:,} of them wrong.

{table}

Times are of requests that were answered by 200. With many clients, they wait in the queue ({QUEUE} requests).

## Outcomes under load

{outcomes(full)}

## Outcomes while the server was killed

{outcomes(broken)}
"""


if __name__ == "__main__":
    main()
