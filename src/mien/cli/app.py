"""`mien app`: a page in the browser."""

import argparse

from mien.cli.options import Commands, Help, add_face_model


def add(commands: Commands) -> None:
    """Add `mien app`."""
    parser = commands.add_parser(
        "app",
        help="do all this on a page in the browser",
        description="Show a page in the browser: the camera live, photos, Action Units to move and to read from "
        "tables, and what the reports say of the networks. What the page is given stays on this machine. The page is "
        "for this machine alone, unless --host says otherwise. Ctrl+C ends it.",
        epilog="examples: mien app\n"
        "          mien app --port 8000 --model mien_small\n"
        "          ssh -L 7860:127.0.0.1:7860 SERVER mien app    # on a server; the page is http://127.0.0.1:7860 here",
        formatter_class=Help,
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen (127.0.0.1); 0.0.0.0 lets in all who reach this machine, without a password",
    )
    parser.add_argument("--port", type=int, default=7860, help="where to listen (7860); 0 for any that is free")
    add_face_model(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.app.server import serve

    serve(arguments.host, arguments.port, arguments.model)
