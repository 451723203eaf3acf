"""Soak test of `mien app` on loopback: many sessions upload photos and show live frames at once.

Each session is like a browser without drawing: it uploads a photo to the tab Photo, then sends camera frames one by
one. Each answer must show the face. Memory is that of the server's process; the first quarter of the rounds is warm-up.
Photos and frames show the portrait that comes with matplotlib, 640 x 480 pixels. Writes a report.

    python benchmarks/app_soak.py [--sessions 20] [--rounds 20] [--frames 10]
"""

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx
import numpy as np
import pandas as pd
import psutil
from app import running
from predict import photo
from websockets.sync.client import ClientConnection, connect

from mien.inference.pictures.photo_files import decode_photo
from mien.inference.recognizer import EmotionRecognizer

REPORT = Path("reports/benchmarks/app_soak/README.md")
MAX_MEMORY = 1.2  # times that after warm-up
QUESTION = "the most probable emotion"


@dataclass
class Results:
    """Seconds of answers by kind, faults, and how many rounds have begun."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"photo": [], "frame": []})
    faults: list[str] = field(default_factory=list)
    rounds: int = 0

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Keep the seconds of a block."""
        start = time.perf_counter()
        yield
        self.seconds[kind].append(time.perf_counter() - start)


def read_photo(client: httpx.Client, function: int, file: bytes, label: str, session: str) -> None:
    """Upload a photo and have it read, as the tab Photo does. Raises ValueError if the answer lacks its label."""
    (path,) = client.post("/gradio_api/upload", files={"files": ("a.jpg", file)}).raise_for_status().json()
    data = [[{"path": path, "orig_name": "a.jpg", "meta": {"_type": "gradio.FileData"}}], "yunet", QUESTION, 0, False]
    body = {"data": data, "fn_index": function, "session_hash": session}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
        for line in events.iter_lines():
            event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if event.get("msg") == "process_completed":
                if not event["success"] or label not in json.dumps(event["output"]["data"]):
                    raise ValueError(f"photo: {line[:300]}")
                return
    raise ValueError("photo: no answer")


def show_frame(socket: ClientConnection, frame: bytes) -> None:
    """Send a frame of a camera. Raises ValueError if its face is not in the answer."""
    socket.send(frame)
    answer = json.loads(socket.recv())
    if "neutral" not in answer.get("bars", ""):
        raise ValueError(f"frame: {str(answer)[:300]}")
    socket.recv()  # the picture


def photos_and_labels(count: int) -> list[tuple[bytes, str]]:
    """Return JPEG files, and how the page begins what it says of the face of each."""
    recognizer, found = EmotionRecognizer(threads=1), []
    for number in range(count):
        file = cv2.imencode(".jpg", photo(4 * number))[1].tobytes()
        (face,) = recognizer.predict_bgr(decode_photo(file, print))
        found.append((file, f"1: {face.emotion} {face.confidence:.0%}"))
    return found


def be_session(
    url: str, function: int, number: int, shown: tuple[bytes, str], rounds: int, frames: int, results: Results
) -> None:
    """Be one browser. shown: a photo, and how the page begins what it says of its face."""
    file, label = shown
    with httpx.Client(base_url=url, timeout=300, trust_env=False) as client:
        for index in range(rounds):
            results.rounds += 1
            try:
                with results.timed("photo"):
                    read_photo(client, function, file, label, f"session{number}-{index}")
                with connect(f"ws{url.removeprefix('http')}/live", origin=url, proxy=None) as socket:  # type: ignore[arg-type]
                    for _ in range(frames):
                        with results.timed("frame"):
                            show_frame(socket, file)
            except Exception as error:  # noqa: BLE001 -- whatever fails is a fault to be reported
                results.faults.append(repr(error))


def photo_function(url: str) -> int:
    """Return the number of the function that reads photos."""
    config = httpx.get(f"{url}/config", trust_env=False).json()
    (number,) = (row["id"] for row in config["dependencies"] if (len(row["inputs"]), len(row["outputs"])) == (5, 6))
    return int(number)


def server_memory(port: int) -> int:
    """Return the memory of the process, below this one, that listens on a port, in bytes."""
    for process in psutil.Process().children(recursive=True):
        if any(one.laddr.port == port and one.status == "LISTEN" for one in process.net_connections("tcp")):
            return int(process.memory_info().rss)
    raise SystemExit("the server is gone")


def main() -> None:
    """Measure, print and write the report. The exit code is 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--frames", type=int, default=10, help="of a round (default: %(default)s)")
    arguments = parser.parse_args()
    results, samples, warm = Results(), [0], 0
    with running() as url:
        port, function = int(url.rpartition(":")[2]), photo_function(url)
        threads = [
            threading.Thread(
                target=be_session, args=(url, function, number, shown, arguments.rounds, arguments.frames, results)
            )
            for number, shown in enumerate(photos_and_labels(arguments.sessions))
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            memory = server_memory(port)
            if results.rounds <= arguments.rounds * arguments.sessions / 4:
                warm = max(warm, memory)
            else:
                samples.append(memory)
            time.sleep(0.5)
    if (growth := max(samples) / warm) > MAX_MEMORY:
        results.faults.append(f"memory grew {growth:.2f} times")
    text = report(arguments, results, warm, growth)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(text)
    print(text)
    raise SystemExit(1 if results.faults else 0)


def report(arguments: argparse.Namespace, results: Results, memory: int, growth: float) -> str:
    """Return the report."""
    rows = {
        kind: {
            "answers": len(seconds),
            "p50, ms": 1000 * np.median(seconds),
            "p99, ms": 1000 * np.quantile(seconds, 0.99),
        }
        for kind, seconds in results.seconds.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").to_markdown(floatfmt=("", ".0f", ".0f", ".0f"))
    found = "\n".join(f"- {fault}" for fault in results.faults[:10]) or "Nothing failed."
    return f"""# mien app with many sessions

Made by `python benchmarks/app_soak.py --sessions {arguments.sessions} --rounds {arguments.rounds} --frames \
{arguments.frames}`, which says what is done, with {os.cpu_count()} CPU cores
that sessions and server shared.

{found}

Memory of the server: {memory / 1e6:.0f} MB at most in the first quarter of the rounds, then at most {growth:.2f} times
that.

{table}
"""


if __name__ == "__main__":
    main()
