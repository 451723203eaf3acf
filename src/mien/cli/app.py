"""`mien app`: a page in the browser."""

from mien.cli.face_options import face_model
from mien.cli.options import command, option


@command(
    examples="mien app\n"
    "mien app --port 8000 --model mien_small\n"
    "ssh -L 7860:127.0.0.1:7860 SERVER mien app    # on a server; then open http://127.0.0.1:7860 here"
)
@option(
    "--host",
    group="Server",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="The address to listen on. 0.0.0.0 lets in everyone who can reach this machine, without a password.",
)
@option("--port", group="Server", type=int, default=7860, help="The port to listen on; 0 for any free one.")
@face_model
def app(host: str, port: int, model: str | None) -> None:
    """Do all this on a page in the browser.

    The page shows the live camera, photos, Action Units (move them, or read them from tables), and the reports on the
    networks. What you give it stays on this machine. Only this machine can open the page, unless --host says
    otherwise. Ctrl+C ends it. Needs the extra `app`.
    """
    from mien.app.server import serve

    serve(host, port, model)
