"""The server of the page. It keeps nothing that it received when it stops."""

import asyncio
import logging
import os
import signal
import sys
import tempfile

from mien._io.errors import InputError, note
from mien._io.extras import require
from mien.app.listening import is_loopback, listen, url
from mien.app.networks import Networks


def serve(host: str, port: int, model: str | None) -> None:
    """Serve the page until Ctrl+C. Uploads are kept in a temporary folder that is deleted when the server stops.

    Args:
        host: the address to listen on.
        port: 0 for any free one.
        model: the network for faces, see `FaceClassifier.from_pretrained`. If it cannot be loaded, the page says so.

    Raises:
        InputError: the address cannot be listened on, or the extra `app` is missing.
    """
    require("app", "gradio", "websockets", "uvicorn", what="mien app")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder is deleted in this case, too
    with listen(host, port) as listening, tempfile.TemporaryDirectory(prefix="mien-app-") as folder:
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}  # Gradio reads it on import
        import uvicorn

        from mien.app import live, page

        networks = Networks(model)
        app = page.make_app(networks, local=is_loopback(host))
        _announce(host, listening.getsockname()[1], networks)
        print(f"{url(host, listening)} (press Ctrl+C to stop)", flush=True)
        config = uvicorn.Config(app, log_level="error", ws_max_size=live.MAX_BYTES, timeout_graceful_shutdown=1)
        logging.getLogger("uvicorn.error").addFilter(_is_error)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            print("ended")


def _is_error(record: logging.LogRecord) -> bool:
    """Tell errors from uvicorn's log lines about browsers that still show the page when the server stops."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not (cancelled or "timeout graceful shutdown exceeded" in record.getMessage())


def _announce(host: str, port: int, networks: Networks) -> None:
    """Print what it means if others can reach the page, and what is wrong with the network, if anything."""
    if not is_loopback(host):
        note(
            f"everyone who can reach {host} can use this page, without password or encryption. They see its reports, "
            "and their pictures are sent to this machine. Browsers allow the camera only on https or localhost. "
            f"Safer: leave out --host here, and run ssh -L {port}:127.0.0.1:{port} THIS-MACHINE on the other computer."
        )
    try:
        _ = networks.face_classifier
    except InputError as error:
        note(f"{error}; the tabs Live and Photo say the same")
