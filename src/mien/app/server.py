"""The server of the page: where it listens, and what stays of it, which is nothing."""

import asyncio
import ipaddress
import logging
import os
import signal
import socket
import sys
import tempfile

from mien._io.errors import InputError
from mien.app.readers import Readers


def serve(host: str, port: int, model: str | None) -> None:
    """Show the page until Ctrl+C. What it is sent lies in a temporary folder, which goes with it.

    Args:
        host: the address to listen on.
        port: from 0; 0 for any that is free.
        model: the network for faces, see `FaceClassifier.from_pretrained`. Where it cannot be loaded, the page says so.

    Raises:
        InputError: the address cannot be listened on, or Gradio is not installed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes then, too
    with _listening(host, port) as listening, tempfile.TemporaryDirectory(prefix="mien-app-") as folder:
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}  # read when it is imported
        try:
            import uvicorn

            from mien.app import live, page
        except ModuleNotFoundError as error:
            raise InputError(f"mien app: found no {error.name}, run: pip install --editable '.[app]'") from None
        readers = Readers(model)
        app = page.make_app(readers, local=_is_loopback(host))
        _tell(host, listening.getsockname()[1], readers)
        config = uvicorn.Config(app, log_level="error", ws_max_size=live.MAX_BYTES, timeout_graceful_shutdown=1)
        logging.getLogger("uvicorn.error").addFilter(_is_error)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            print("ended")


def _is_error(record: logging.LogRecord) -> bool:
    """Tell errors from what uvicorn logs about browsers that still show the page when the server stops."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not (cancelled or "timeout graceful shutdown exceeded" in record.getMessage())


def _listening(host: str, port: int) -> socket.socket:
    if port not in range(2**16):  # getaddrinfo would take the rest of a division
        raise InputError(f"--port: found {port}, expected 0..{2**16 - 1}")
    try:
        # asyncio sets TCP_NODELAY only where the protocol is named; without it, each frame waits 40 ms
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # so that who asks early waits
    except OSError as error:
        raise InputError(
            f"--host {host} --port {port}: cannot be listened on ({error}), expected an address of this machine and a "
            "free port; --port 0 takes any that is free"
        ) from None
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tell(host: str, port: int, readers: Readers) -> None:
    """Say where the page is, what an address that others reach means, and what is wrong with the network."""
    if not _is_loopback(host):
        print(
            f"note: whoever reaches {host} can use this page, without password or encryption: their pictures come to "
            "this machine, and they see its reports. Browsers give the camera only to https or localhost. Safer: "
            f"leave --host out here, and run ssh -L {port}:127.0.0.1:{port} THIS-MACHINE on the other computer.",
            file=sys.stderr,
        )
    try:
        _ = readers.predictor
    except InputError as error:
        print(f"note: {error}; the tabs Live and Photo say the same", file=sys.stderr)
    print(f"http://{f'[{host}]' if ':' in host else host}:{port} (Ctrl+C ends it)", flush=True)
