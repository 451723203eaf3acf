"""`mien convert`: an image data set in another format."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien.cli.options import command, face_search, image_labels, label_names, option
from mien.cli.paths import PATH, SOURCE

if TYPE_CHECKING:
    from mien._io.urls import Location


@command(
    examples="mien convert fer2013.csv faces/\n"
    "mien convert faces.zip faces.npz --size 64\n"
    "mien convert portraits/ faces.npz --detector yunet\n"
    "python -c \"import numpy; print(numpy.load('faces.npz')['images'].shape)\""
)
@click.argument(
    "source",
    type=SOURCE,
    metavar="SOURCE",
    help="A fer2013.csv, a zip or folder of images, or a CSV of image paths and labels; a path or URL.",
)
@click.argument("target", type=PATH, metavar="DIR|OUT.npz", help="A new or empty folder, or a file.")
@option("--size", group="Output", type=int, default=48, help="Width and height of the images in OUT.npz, in pixels.")
@image_labels("Images")
@option(
    "--classes",
    group="Images",
    metavar="NAME,..",
    default="",
    help="Names of classes that are not emotions: engaged,bored.",
    show_default=False,
)
@face_search("Images")
def convert(source: "Location", target: Path, size: int, classes: str, **options: Any) -> None:
    """Convert image data sets to folders of images or one .npz file.

    Turns a fer2013.csv (emotion, pixels, Usage) into a folder of PNG files,
    train|validation|test/EMOTION/fer0000012.png, numbered by row from 0. Look at them, remove some, and set
    prepare_fer.source to the folder. Turns any source (such a CSV, or a zip or folder of
    [train|validation|test/]EMOTION/IMAGE) into one file OUT.npz with the arrays images (uint8, grey), labels, classes
    and splits; --detector crops the faces of whole portraits. The pipeline needs neither: it reads all sources as they
    are. Needs the extra `pipeline`.
    """
    from mien._io.errors import InputError, within
    from mien._io.extras import require

    require("pipeline", "xxhash", what="mien convert")
    from mien.data.convert import convert as convert_images
    from mien.inference.faces.face_crops import FaceSearch

    if not 1 <= size <= 512:
        raise InputError(f"--size: found {size}, expected 1..512")
    face = options["face"]
    with within("--detector"):
        decoder = FaceSearch(options["detector"], face).decoder()
    convert_images(source, target, size, label_names(options, _class_names(classes)), decoder, face)


def _class_names(text: str) -> list[str]:
    from mien._io.errors import InputError
    from mien.emotions.label_sets import name_fault

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if fault := name_fault(name):
            raise InputError(f"--classes: {fault}")
    return names
