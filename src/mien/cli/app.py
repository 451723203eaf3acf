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
    help="The address to listen on. With 0.0.0.0, everyone who can reach this machine can use the page, without a "
    "password.",
)
@option("--port", group="Server", type=int, default=7860, help="The port to listen on; 0 for any free one.")
@face_model
def app(host: str, port: int, model: str | None) -> None:
    """Open a page in the browser that does all this.

    The page reads the camera and photos, moves Action Units by sliders or reads them from tables, and shows reports on
    the networks. Your data stay on this machine. Only this machine can open the page, unless you set --host. Press
    Ctrl+C to stop. Needs the extra `app`.
    """
    from mien.app.server import serve

    serve(host, port, model)
