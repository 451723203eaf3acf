"""A web server on loopback that gives parts of files, or fails in the ways that hosts do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit


@dataclass
class Server:
    """What a server is asked, and how it fails.

    asked: method and Range of each request. authorization: what clients said last. status: to answer with instead.
    knows_ranges, says_length: whether it does. breaks_at: the request, counted from 0, of which it sends half.
    """

    url: str
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    authorization: str | None = None
    status: int = 200
    knows_ranges: bool = True
    says_length: bool = True
    breaks_at: int | None = None


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve the files of a folder until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            wanted = self.headers["Range"]
            breaks = len(server.asked) == server.breaks_at
            server.asked.append((self.command, wanted))
            server.authorization = self.headers["Authorization"]
            path = folder / urlsplit(self.path).path.lstrip("/")
            found = server.status == 200 and path.is_file()
            data = path.read_bytes() if found else b"<html>an error</html>"
            status = 200 if found else 404 if server.status == 200 else server.status
            if found and wanted and server.knows_ranges:
                first, last = wanted.removeprefix("bytes=").split("-")
                end = int(last) + 1 if last else None
                status, data = (206, data[int(first) : end]) if int(first) < len(data) else (416, b"")
            self.send_response(status)
            if server.says_length:
                self.send_header("Content-Length", str(len(data)))
            if breaks or not server.says_length:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data[: len(data) // 2] if breaks else data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}")
        thread = Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield server
        http.shutdown()
        thread.join()
