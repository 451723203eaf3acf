"""`mien serve`: an HTTP service for other programs."""

from pathlib import Path
from typing import Any

import click

from mien.cli.face_options import action_names, aus, face_options
from mien.cli.options import command, option
from mien.cli.paths import PATH


@command(
    examples="mien serve\n"
    "MIEN_TOKEN=$(openssl rand -hex 32) mien serve --host 0.0.0.0 --model mien_small --workers 4\n"
    "curl -F photo=@one.jpg -F photo=@two.png http://127.0.0.1:8000/photos\n"
    'curl --data-binary @face.png -H "Content-Type: image/png" http://127.0.0.1:8000/crops'
)
@option(
    "--host",
    group="Server",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="The address to listen on. With 0.0.0.0, everyone who can reach this machine can use the service.",
)
@option("--port", group="Server", type=int, default=8000, help="The port to listen on; 0 for any free one.")
@option(
    "--token-file",
    group="Server",
    type=PATH,
    metavar="FILE",
    help="A file with the token that clients must send (Authorization: Bearer TOKEN), instead of the environment "
    "variable MIEN_TOKEN. Without either, clients need no token.",
)
@option(
    "--workers",
    group="Server",
    type=click.IntRange(0, 256),
    default=0,
    help="Number of threads that read photos; 0 for one per core.",
)
@option(
    "--queue",
    group="Limits",
    type=click.IntRange(1, 10_000),
    default=64,
    help="How many requests may wait for a worker; others are answered with 503 and Retry-After.",
)
@option(
    "--max-megabytes", group="Limits", type=click.IntRange(1, 64), default=32, help="Largest request, in 2^20 bytes."
)
@option(
    "--max-megapixels", group="Limits", type=click.IntRange(1, 64), default=64, help="Largest photo, in 2^20 pixels."
)
@option("--max-photos", group="Limits", type=click.IntRange(1, 1000), default=32, help="Most photos in one request.")
@option("--max-faces", group="Limits", type=click.IntRange(1, 10_000), default=200, help="Most faces in one photo.")
@option(
    "--timeout",
    group="Limits",
    type=click.IntRange(1, 3600),
    default=30,
    metavar="SECONDS",
    help="The time for a request to arrive, and the same time again to answer it.",
)
@face_options
@aus
@action_names
def serve(
    host: str,
    port: int,
    token_file: Path | None,
    workers: int,
    queue: int,
    max_megabytes: int,
    max_megapixels: int,
    max_photos: int,
    max_faces: int,
    timeout: int,
    **reading: Any,
) -> None:
    """Start an HTTP service that reads photos for other programs.

    POST /photos finds the faces in one or several photos, POST /crops reads pictures of one face each. Both answer with
    the JSON of mien image --json. /docs describes all addresses; /health and /metrics are for monitoring. Photos are
    never written to disk. Only this machine can reach the service, unless you set --host. After Ctrl+C or SIGTERM, it
    answers the accepted requests and stops. Needs the extra `serve`.
    """
    from mien._io.extras import require

    require("serve", "fastapi", "uvicorn", "python_multipart", what="mien serve")
    from mien.app.service.limits import Limits
    from mien.app.service.server import serve as run

    limits = Limits(
        size=max_megabytes * 2**20,
        pixels=max_megapixels * 2**20,
        photos=max_photos,
        faces=max_faces,
        seconds=timeout,
        waiting=queue,
    )
    run(host, port, token_file, workers, limits, reading)
