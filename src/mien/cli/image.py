"""`mien image`: emotions of the faces in photos."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien.cli.face_options import action_names, aus, face_options, prior_option
from mien.cli.options import command, exclusive, option
from mien.cli.paths import OUTPUT, OUTPUT_TEXT, PATH

if TYPE_CHECKING:
    from mien._io.outputs import Output


@command(
    examples="mien image photo.jpg --annotated annotated.jpg\n"
    "mien image holidays/ --annotated annotated/ --faces-csv faces.csv --output-csv emotions.csv\n"
    "mien image face.png --crop --json"
)
@click.argument(
    "photos", nargs=-1, required=True, type=PATH, metavar="PHOTO|DIR...", help="Photos and folders of them."
)
@face_options
@prior_option("Model", em=True)
@option("--crop", is_flag=True, group="Input", help="Each photo is one face already, as in FER2013: --detector none.")
@option(
    "--annotated",
    was="--output-image",
    group="Output",
    type=OUTPUT,
    metavar="OUT",
    help="Write the photo with boxes and labels; for several photos, a folder.",
)
@option(
    "--faces-csv",
    group="Output",
    type=OUTPUT_TEXT,
    metavar="OUT.csv",
    help="Write one row per face: box, emotion, confidence, the probability of each emotion; with --aus also the "
    "intensity of each Action Unit, 0..100, and the AUs that go with the emotion.",
)
@option(
    "--output-csv",
    group="Output",
    type=OUTPUT_TEXT,
    metavar="OUT.csv",
    help="Write one row per photo: the number of faces in total and with each emotion.",
)
@option(
    "--explain",
    group="Output",
    type=OUTPUT,
    metavar="OUT",
    help="Write a heat map of each face, red where it speaks most for the emotion; for several photos, a folder. Takes "
    "as long as reading a face about 50 times.",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON object per photo instead of text.")
@aus
@action_names
def image(
    photos: tuple[Path, ...],
    crop: bool,
    annotated: "Output | None",
    faces_csv: Path | None,
    output_csv: Path | None,
    explain: "Output | None",
    as_json: bool,
    **reading: Any,
) -> None:
    """Read emotions from the faces in photos.

    Finds the faces in photos (JPEG, HEIC, PNG, WebP, AVIF, TIFF, BMP) and prints one line per photo: the emotion and
    confidence of each face, the largest face first. Unreadable photos are reported and skipped; the exit code is then
    2. A note counts the files in a folder that are not photos.
    """
    from mien.inference.networks.priors import EM
    from mien.inference.photo_priors import with_prior_of_photos
    from mien.inference.photos import PhotoOutputs, read_photos
    from mien.inference.recognizer import EmotionRecognizer

    for name in ("detector", "min_face", "search_size"):
        exclusive(name, "crop")
    outputs = PhotoOutputs(annotated, output_csv, faces_csv, explain)
    if crop:
        reading["detector"] = "none"
    prior = reading.pop("prior")
    recognizer = EmotionRecognizer(**reading, prior="training" if prior == EM else prior)
    if prior == EM:
        recognizer.classifier = with_prior_of_photos(recognizer, photos)
    read_photos(photos, recognizer, outputs, as_json)
