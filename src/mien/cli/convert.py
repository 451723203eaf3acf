"""`mien convert`: one form of an image data set into another."""

import argparse
from pathlib import Path

from mien._io.errors import InputError
from mien._io.urls import locate
from mien.cli.options import Commands, Help


def add(commands: Commands) -> None:
    """Add `mien convert`."""
    parser = commands.add_parser(
        "convert",
        help="make folders of images of a fer2013.csv, or one .npz file of any image source",
        description="Write labelled images in another form. A fer2013.csv (emotion, pixels, Usage) becomes a folder of "
        "PNG files, train|validation|test/EMOTION/fer0000012.png, numbered by row from 0: look at them, or take some "
        "out, and name the folder as prepare_fer.source. Any source (such a CSV, or a zip or folder of "
        "[train|validation|test/]EMOTION/IMAGE) becomes one file OUT.npz: images (uint8, grey), labels, classes, "
        "splits. The pipeline itself needs neither, it reads all sources as they are.",
        epilog="examples: mien convert fer2013.csv faces/\n"
        "          mien convert faces.zip faces.npz --size 64\n"
        "          python -c \"import numpy; print(numpy.load('faces.npz')['images'].shape)\"",
        formatter_class=Help,
    )
    parser.add_argument(
        "source", type=locate, metavar="SOURCE", help="a fer2013.csv, or a zip or folder of images; a path or URL"
    )
    parser.add_argument("target", type=Path, metavar="DIR|OUT.npz", help="a new or empty folder, or a file")
    parser.add_argument("--size", type=int, default=48, help="width and height of the images in OUT.npz (48)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.data.convert import convert

    if not 1 <= arguments.size <= 512:
        raise InputError(f"--size: found {arguments.size}, expected 1..512")
    convert(arguments.source, arguments.target, arguments.size)
