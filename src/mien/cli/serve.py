"""`mien serve`: an HTTP service for other programs."""

from pathlib import Path
from typing import Any

import click

from mien.cli.face_options import action_names, aus, face_options
from mien.cli.options import PATH, command, option


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
    help="The address to listen on. 0.0.0.0 lets in everyone who can reach this machine.",
)
@option("--port", group="Server", type=int, default=8000, help="The port to listen on; 0 for any free one.")
@option(
    "--token-file",
    group="Server",
    type=PATH,
    metavar="FILE",
    help="The file of the token that clients must name (Authorization: Bearer TOKEN), in place of the environment "
    "variable MIEN_TOKEN. Without either, none is asked for.",
)
@option(
    "--workers",
    group="Server",
    type=click.IntRange(0, 256),
    default=0,
    help="Threads that read photos; 0 for one per core.",
)
@option(
    "--queue",
    group="Limits",
    type=click.IntRange(1, 10_000),
    default=64,
    help="How many requests may wait for a worker; others are answered by 503 and Retry-After.",
)
@option(
    "--max-megabytes", group="Limits", type=click.IntRange(1, 64), default=32, help="Of one request, in 2^20 bytes."
)
@option(
    "--max-megapixels", group="Limits", type=click.IntRange(1, 64), default=64, help="Of one photo, in 2^20 pixels."
)
@option("--max-photos", group="Limits", type=click.IntRange(1, 1000), default=32, help="In one request.")
@option("--max-faces", group="Limits", type=click.IntRange(1, 10_000), default=200, help="In one photo.")
@option(
    "--timeout",
    group="Limits",
    type=click.IntRange(1, 3600),
    default=30,
    metavar="SECONDS",
    help="The time for a request to arrive, and again for it to be answered.",
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
    """Read photos that other programs send by HTTP.

    POST /photos finds the faces in one or many photos, POST /crops reads pictures of one face each; both answer with
    the JSON of mien image --json. /docs describes all addresses, /health and /metrics are for monitoring. No photo
    touches the disk. Only this machine can reach the service, unless --host says otherwise. Ctrl+C or SIGTERM ends it
    when the requests that were accepted are answered. Needs the extra `serve`.
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
