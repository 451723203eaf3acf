"""`mien image`: emotions of the faces in photos."""

import argparse
from pathlib import Path

from mien.cli.options import Commands, Help, add_action_names, add_detector, add_face_model


def add(commands: Commands) -> None:
    """Add `mien image`."""
    parser = commands.add_parser(
        "image",
        help="read emotions from the faces in photos",
        description="Find the faces in photos (JPEG, PNG, BMP, TIFF, WebP) and read their emotions. Prints a line a "
        "photo: the emotion and confidence of each face, the largest first. A photo that cannot be read is named, the "
        "others are done, and the exit code is 2.",
        epilog="examples: mien image photo.jpg --output-image annotated.jpg\n"
        "          mien image holidays/ --output-image annotated/ --output-csv emotions.csv --faces-csv faces.csv\n"
        "          mien image face.png --crop --json",
        formatter_class=Help,
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO|DIR", help="photos, and folders of them")
    parser.add_argument(
        "--output-image", type=Path, metavar="OUT", help="the photo with boxes and labels; of several photos, a folder"
    )
    parser.add_argument(
        "--output-csv", type=Path, metavar="OUT.csv", help="a row a photo: how many faces, and how many of each emotion"
    )
    parser.add_argument(
        "--faces-csv", type=Path, metavar="OUT.csv", help="a row a face: box, emotion, and the probability of each"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a photo instead of text")
    add_action_names(parser)
    detector = parser.add_mutually_exclusive_group()
    add_detector(detector)
    detector.add_argument(
        "--crop",
        action="store_const",
        const="none",
        dest="detector",
        help="each photo is one face already, as in FER2013; its label stands above the annotated picture",
    )
    add_face_model(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.inference.detectors import make_detector
    from mien.inference.face_classifier import FaceClassifier
    from mien.inference.photos import PhotoOutputs, read_photos
    from mien.inference.recognizer import EmotionRecognizer

    outputs = PhotoOutputs(arguments.output_image, arguments.output_csv, arguments.faces_csv)
    reader = EmotionRecognizer(FaceClassifier.named(arguments.model), make_detector(arguments.detector))
    suggest = None
    if arguments.actions:
        from mien.actions.suggest import suggester

        suggest = suggester(reader.classes)
    read_photos(arguments.photos, reader, outputs, arguments.json, suggest)
