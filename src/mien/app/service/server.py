"""The server of `mien serve`: how it starts and stops."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import uvicorn

from mien._io.errors import InputError, note
from mien._io.parallel import usable_cores
from mien._io.quiet import quiet_reading
from mien.app.listening import is_loopback, listen, url
from mien.app.service.api import busy, make_api
from mien.app.service.deadlines import DeadlineProtocol
from mien.app.service.limits import Limits
from mien.app.service.metrics import Metrics
from mien.app.service.workers import Readers, Workers
from mien.inference.recognizer import EmotionRecognizer

#: The environment variable with the bearer token. It is not a flag, because `ps` shows flags to everyone.
TOKEN = "MIEN_TOKEN"  # noqa: S105

_MIN_TOKEN = 16  # characters


def serve(
    host: str, port: int, token_file: Path | None, workers: int, limits: Limits, reading: Mapping[str, Any]
) -> None:
    """Serve until Ctrl+C or SIGTERM. Accepted requests are answered before the service stops.

    Args:
        host: the address to listen on.
        port: 0 for any free one.
        token_file: contains the bearer token; None for the token of the environment, if there is one.
        workers: threads that read photos; 0 for one per core.
        limits: limits of a request.
        reading: arguments of `EmotionRecognizer`.

    Raises:
        InputError: the address cannot be listened on, the network cannot be loaded, or the token cannot be read.
    """
    token = read_token(token_file)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn calls it after all answers
    with (
        listen(host, port) as listening,
        quiet_reading(),
        closing(Workers(_readers(workers or usable_cores(), reading), limits.waiting)) as pool,
    ):
        server = make_server(pool, limits, token, local=is_loopback(host))
        _announce(host, token)
        print(f"{url(host, listening)} (press Ctrl+C to stop)", flush=True)
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            print("ended")


def make_server(workers: Workers, limits: Limits, token: str | None, local: bool) -> uvicorn.Server:
    """Return the server, to be run with a listening socket. For the arguments see `make_api`."""
    metrics = Metrics()
    protocol = partial(DeadlineProtocol, seconds=limits.seconds, busy=busy, refused=metrics.count_response)
    config = uvicorn.Config(
        make_api(workers, limits, metrics, token, local),
        http=protocol,  # type: ignore[arg-type]  # uvicorn only calls it
        ws="none",
        lifespan="off",
        log_level="error",
        server_header=False,
        timeout_graceful_shutdown=round(2 * limits.seconds) + 1,  # one for arrival, one for the answer
    )
    return uvicorn.Server(config)


def read_token(file: Path | None) -> str | None:
    """Return the bearer token from a file or the environment; None if neither has one.

    Raises:
        InputError: the file cannot be read, or the token is short or has characters that are not printable ASCII.
    """
    if file is None:
        place, text = TOKEN, os.environ.get(TOKEN)
        if text is None:
            return None
    else:
        place = str(file)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: cannot be read ({error}), expected a file with the bearer token") from None
    token = text.strip()
    if len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            f"{place}: found a token of {len(token)} characters, expected at least {_MIN_TOKEN}, ASCII without spaces; "
            "openssl rand -hex 32 makes one"
        )
    return token


def _readers(count: int, reading: Mapping[str, Any]) -> list[Readers]:
    """Return the readers of each thread. They share the network."""
    cv2.setNumThreads(1)  # the workers use the other cores
    first = EmotionRecognizer(**reading, threads=1)
    if first.action_note:
        note(first.action_note)
    options = {**reading, "model": first.classifier}
    of_crops = {**options, "detector": "none", "search_size": None, "min_face": None}
    return [Readers(EmotionRecognizer(**options), EmotionRecognizer(**of_crops)) for _ in range(count)]


def _announce(host: str, token: str | None) -> None:
    """Print what it means if others can reach the service."""
    if is_loopback(host):
        return
    note(
        f"everyone who can reach {host} can send pictures here, without encryption: put a proxy with TLS before it"
        if token
        else f"everyone who can reach {host} can send pictures here, without a token or encryption: set {TOKEN} or "
        "--token-file, and put a proxy with TLS before it"
    )
