"""The command `mien`: its arguments; the library does the work."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError, reports_input_errors


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_image, _add_video, _add_webcam, _add_app, _add_aus, _add_score, _add_actions,
        _add_convert, _add_summary, _add_recipe, _add_report, _add_compare, _add_search, _add_sync, _add_register,
    ):  # fmt: skip
        add(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)


if TYPE_CHECKING:
    from mien.action_commands import Suggest
    from mien.face_reader import FaceReader
    from mien.video_commands import VideoOutputs
    from mien.video_files import VideoReading

    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add_image(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "image",
        help="read emotions from the faces in photos",
        description="Find the faces in photos (JPEG, PNG, BMP, TIFF, WebP) and read their emotions. Prints a line a "
        "photo: the emotion and confidence of each face, the largest first. A photo that cannot be read is named, the "
        "others are done, and the exit code is 2.",
        epilog="examples: mien image photo.jpg --output-image annotated.jpg\n"
        "          mien image holidays/ --output-image annotated/ --output-csv emotions.csv --faces-csv faces.csv\n"
        "          mien image face.png --crop --json",
        formatter_class=_Help,
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
    _add_action_names(parser)
    detector = parser.add_mutually_exclusive_group()
    _add_detector(detector)
    detector.add_argument(
        "--crop",
        action="store_const",
        const="none",
        dest="detector",
        help="each photo is one face already, as in FER2013; its label stands above the annotated picture",
    )
    _add_face_model(parser)
    parser.set_defaults(run=_image)


def _add_video(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "video",
        help="read emotions from the faces of a video",
        description="Find and follow the faces of a video file, smooth their emotions over time, and show them. q or "
        "Ctrl+C ends it; outputs hold what came until then. Of several files none is shown, and outputs are folders.",
        epilog="examples: mien video clip.mp4\n"
        "          mien video clip.mp4 --no-display --output out.mp4 --output-csv times.csv --output-plot times.png\n"
        "          mien video rack/*.mp4 --output-csv times/ --engine ray",
        formatter_class=_Help,
    )
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="SOURCE", help="a video file, such as MP4, AVI, MOV or GIF"
    )
    parser.add_argument("--no-display", action="store_true", help="open no window")
    _add_video_options(parser)
    _add_engine(parser, "each video by a worker, without a window")
    parser.set_defaults(run=_video)


def _add_webcam(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "webcam",
        help="read emotions from the faces that a camera sees, live",
        description="Show what a camera sees, with the emotion of each face, smoothed over time. q or Ctrl+C ends it.",
        epilog="examples: mien webcam\n          mien webcam --camera 1 --actions --output recording.mp4",
        formatter_class=_Help,
    )
    parser.add_argument("--camera", type=int, default=0, metavar="NUMBER", help="which camera, from 0 (0)")
    parser.add_argument("--no-display", action="store_true", help="open no window")
    _add_video_options(parser)
    parser.set_defaults(run=_webcam)


def _add_app(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "app",
        help="do all this on a page in the browser",
        description="Show a page in the browser: the camera live, photos, Action Units to move and to read from "
        "tables, and what the reports say of the networks. What the page is given stays on this machine. The page is "
        "for this machine alone, unless --host says otherwise. Ctrl+C ends it.",
        epilog="examples: mien app\n"
        "          mien app --port 8000 --model mien_small\n"
        "          ssh -L 7860:127.0.0.1:7860 SERVER mien app    # on a server; the page is http://127.0.0.1:7860 here",
        formatter_class=_Help,
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen (127.0.0.1); 0.0.0.0 lets in all who reach this machine, without a password",
    )
    parser.add_argument("--port", type=int, default=7860, help="where to listen (7860); 0 for any that is free")
    _add_face_model(parser)
    parser.set_defaults(run=_app)


def _add_action_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--actions", action="store_true", help="also name the action that each person may take")


def _add_video_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="OUT.mp4", help="the video with boxes and labels, without sound")
    parser.add_argument(
        "--output-csv", type=Path, metavar="T.csv", help="a row a face and frame: box, emotion, probability of each"
    )
    parser.add_argument("--output-plot", type=Path, metavar="T.png", help="a plot of the emotions over time")
    _add_action_names(parser)
    _add_detector(parser)
    parser.add_argument(
        "--detect-every",
        type=int,
        default=5,
        metavar="N",
        help="search one of N frames, follow faces in the others (5)",
    )
    _add_face_model(parser)


def _add_detector(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--detector",
        default="haar",
        metavar="NAME",
        help="haar (the default: frontal faces), mtcnn (turned ones too; slower, loads TensorFlow), or none",
    )


def _add_engine(parser: argparse._ActionsContainer, how: str) -> None:
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        help=f"where to work: this machine (the default), or the Ray cluster at RAY_ADDRESS, {how}",
    )


def _add_face_model(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--model",
        metavar="NAME|FOLDER",
        help="mien (the default), mien_small (less accurate, much faster), or a folder that a network was trained in, "
        "such as models/cnn",
    )


def _add_aus(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "aus",
        help="read emotions from Action Units: a table, or some given by hand",
        description="Read the emotion of each row of AU tables: native (AU01 .. AU26, 0..100), OpenFace (AU01_r .., "
        "0..5) or py-feat (AU01 .., 0..1) output, told apart by the header. Prints CSV: emotion, confidence, the "
        "probability of each emotion, and the AUs that spoke for it.",
        epilog="examples: mien aus --au 6=98 --au 12=97\n"
        "          mien aus openface.csv --output emotions.csv\n"
        "          mien aus clips/*.csv --per-file --model du_martinez",
        formatter_class=_Help,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.csv", help="AU tables; other columns are ignored")
    parser.add_argument(
        "--au", action="append", metavar="AU=INTENSITY", help="instead of a file: an AU and its 0..100; others are 0"
    )
    parser.add_argument("--output", type=Path, metavar="OUT.csv", help="write there instead of to the screen")
    parser.add_argument(
        "--per-file", action="store_true", help="one prediction a file, from its strong moments (a video)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of CSV")
    parser.add_argument(
        "--model",
        metavar="FOLDER|TABLE",
        help="a folder with best.onnx and classes.json, such as models/au, or an AU table as rules: du_martinez, seed, "
        "emfacs or a path (the network that mien ships)",
    )
    _add_reading(parser)
    parser.set_defaults(run=_aus)


def _add_score(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "score",
        help="measure a model on labelled images or a labelled AU table",
        description="Compare the emotions that a model reads with the true ones, and print accuracy and more. SOURCE "
        "is a set of images (a zip or folder of [train|validation|test/]EMOTION/IMAGE, or a fer2013.csv with columns "
        "emotion, pixels and, where it has splits, Usage), or an AU table with a column that names the emotions "
        "(happy, happiness, Joy ..).",
        epilog="examples: mien score faces.zip --model models/cnn\n"
        "          mien score fer2013.csv --split test --views --json\n"
        "          mien score coded.csv --label emotion --model seed",
        formatter_class=_Help,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a zip, folder or CSV of images, or an AU table")
    parser.add_argument(
        "--all-classes", action="store_true", help="let the model also choose emotions that nothing is labelled with"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument(
        "--model",
        metavar="NAME|FOLDER|TABLE",
        help="a folder that a network was trained in: models/cnn for images, models/au for AUs; for images also mien "
        "or mien_small; for AUs also a table as rules: du_martinez, seed, emfacs or a path (the network that mien "
        "ships)",
    )
    images = parser.add_argument_group("images")
    images.add_argument(
        "--split",
        choices=["train", "validation", "test", "all"],
        help="what to measure on (test where the source has splits, else all)",
    )
    images.add_argument(
        "--views",
        action="store_true",
        help="also average over ten views of each image, which takes ten times as long",
    )
    _add_engine(images, "with the same figures")
    table = parser.add_argument_group("AU table")
    table.add_argument("--label", metavar="COLUMN", help="the column of true emotions (emotion)")
    _add_reading(table)
    parser.set_defaults(run=_score)


def _add_reading(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--format", choices=["native", "openface", "pyfeat"], help="instead of what the header tells")
    parser.add_argument("--missing", choices=["fail", "zero"], help="what to do about AUs without a column (fail)")


def _add_actions(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "actions",
        help="suggest what a person in an emotion and context may do",
        description="Print the actions that a person in an emotion may take, how likely a model of hand-written "
        "assumptions holds them, and the feelings that lead there. Suggestions: no data tell what people do next.",
        epilog="examples: mien actions happy --context sports --top 3\n"
        '          mien actions happy=0.7 surprise=0.3 --context "music playing" --json\n'
        "          mien actions sad --model models/action_map --joints people.csv",
        formatter_class=_Help,
    )
    parser.add_argument(
        "emotions",
        nargs="+",
        metavar="EMOTION[=PROBABILITY]",
        help="angry, disgust, fear, happy, sad, surprise, neutral or a synonym; or several that sum to 1",
    )
    context = parser.add_mutually_exclusive_group()
    context.add_argument("--context", metavar="NAME", help="a category or activity of MPII: sports, basketball ..")
    context.add_argument(
        "--joints",
        type=Path,
        metavar="FILE.csv",
        help="tell the context from body joints, a row a person, in the columns of MPII's CSV form; needs --model",
    )
    parser.add_argument("--top", type=int, default=5, help="how many actions (5)")
    parser.add_argument("--json", action="store_true", help="one JSON object a person instead of text")
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="what the stage action_map made: models/action_map (hand-written)"
    )
    parser.set_defaults(run=_actions)


def _add_convert(commands: "_Commands") -> None:
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
        formatter_class=_Help,
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="a fer2013.csv, or a zip or folder of images")
    parser.add_argument("target", type=Path, metavar="DIR|OUT.npz", help="a new or empty folder, or a file")
    parser.add_argument("--size", type=int, default=48, help="width and height of the images in OUT.npz (48)")
    parser.set_defaults(run=_convert)


def _add_summary(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "summary",
        help="print the headline figures of the last run",
        description="Print accuracy, macro F1 and MCC on test of the last `dvc repro` or `dvc exp run`.",
        epilog="example: mien summary",
        formatter_class=_Help,
    )
    parser.set_defaults(run=_summary)


def _add_recipe(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "recipe",
        help="print a recipe as flags for `dvc exp run`",
        description="Print the params of recipes/NAME.yaml as flags. Further -S flags win over the recipe's.",
        epilog="example: dvc exp run $(mien recipe fer2013)",
        formatter_class=_Help,
    )
    parser.add_argument("name", help="a file in recipes/, without .yaml")
    parser.set_defaults(run=_recipe)


def _add_report(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "report",
        help="keep the figures and pictures of the last run in a folder",
        description="Copy params, metrics and pictures of the last `dvc repro` or `dvc exp run` into a folder for Git, "
        "with a README.md that shows them.",
        epilog='example: mien report reports/recipes/fer2013 --title "FER2013" --command "make fer2013"',
        formatter_class=_Help,
    )
    parser.add_argument("folder", type=Path, help="where to write, for example reports/recipes/fer2013")
    parser.add_argument("--title", required=True, help="the heading")
    parser.add_argument("--command", required=True, help="the command that made it, for the record")
    parser.set_defaults(run=_report)


def _add_compare(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "compare",
        help="compare DVC experiments in a table and pictures",
        description="Write a table of DVC experiments (the params that differ, accuracy, macro F1, weights, "
        "multiply-adds, minutes), the curves of each, and what the one with the best validation accuracy confuses.",
        epilog="example: mien compare four-mien four-base_cnn --output reports/comparison",
        formatter_class=_Help,
    )
    parser.add_argument("experiments", nargs="+", metavar="NAME", help="experiments, as `dvc exp list` names them")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument("--title", default="Comparison of experiments", help="the heading")
    parser.set_defaults(run=_compare)


def _add_search(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "search",
        help="search for better params of train_cnn on a Ray cluster",
        description="Train with params drawn as a file says, such as recipes/search/cnn.yaml, on the Ray cluster at "
        "RAY_ADDRESS, or on this machine. Hopeless trials are stopped early (ASHA), each is a run in MLflow, and the "
        "best by validation goes into params.yaml. Prints each trial as a DVC experiment, the best first.",
        epilog="examples: mien search recipes/search/cnn.yaml --trials 4\n"
        "          RAY_ADDRESS=head:6379 mien search recipes/search/cnn.yaml --cpus 8 --gpus 1",
        formatter_class=_Help,
    )
    parser.add_argument("space", type=Path, metavar="SPACE.yaml", help="what to draw from, and how many trials")
    parser.add_argument("--trials", type=int, metavar="N", help="instead of as many as the file says")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="of the cluster, for each trial (1)")
    parser.add_argument("--gpus", type=int, default=0, metavar="N", help="of the cluster, for each trial (0)")
    parser.add_argument(
        "--output", type=Path, default=Path("reports/search"), metavar="FOLDER",
        help="where to write; its name is that of the trials, too (reports/search)",
    )  # fmt: skip
    parser.set_defaults(run=_search)


def _add_sync(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "sync",
        help="send to MLflow what it lacks",
        description="Send what stages logged while MLflow's store or server was away, from .mlflow-outbox to where "
        "they would have sent it, or to MLFLOW_TRACKING_URI; and what DVC's experiments took from its cache, so that "
        "no stage logged it. Nothing arrives twice.",
        epilog="examples: mien sync\n          MLFLOW_TRACKING_URI=http://127.0.0.1:5000 mien sync",
        formatter_class=_Help,
    )
    parser.set_defaults(run=_sync)


def _add_register(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "register",
        help="put the network for faces that mien ships into MLflow's registry",
        description="Register the network for faces that mien ships in MLflow, as the model mien with the alias "
        "champion. The same network makes no second version.",
        epilog="example: mien register && mlflow models serve --model-uri models:/mien@champion --env-manager local",
        formatter_class=_Help,
    )
    parser.set_defaults(run=_register)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Wraps descriptions and keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _image(arguments: argparse.Namespace) -> None:
    from mien.photo_commands import PhotoOutputs, read_photos

    outputs = PhotoOutputs(arguments.output_image, arguments.output_csv, arguments.faces_csv)
    reader = _face_reader(arguments)
    read_photos(arguments.photos, reader, outputs, arguments.json, _suggest(arguments, reader.classes))


def _video(arguments: argparse.Namespace) -> None:
    from mien.video_files import read_videos

    reading, outputs = _video_reading(arguments, display=not (arguments.no_display or arguments.engine == "ray"))
    read_videos(arguments.sources, reading, outputs, arguments.engine or "local")


def _webcam(arguments: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from mien.video import open_camera

    reading, outputs = _video_reading(arguments, display=not arguments.no_display)
    with open_camera(arguments.camera) as source, ThreadPoolExecutor(1) as beside:
        reading.read(source, outputs, beside)


def _app(arguments: argparse.Namespace) -> None:
    from mien.app.server import serve

    serve(arguments.host, arguments.port, arguments.model)


def _video_reading(arguments: argparse.Namespace, display: bool) -> "tuple[VideoReading, VideoOutputs]":
    from mien.video_commands import VideoOutputs
    from mien.video_files import VideoReading

    outputs = VideoOutputs(arguments.output, arguments.output_csv, arguments.output_plot)
    reading = VideoReading(
        arguments.model, arguments.detector, arguments.detect_every, arguments.actions, display=display
    )
    return reading, outputs


def _suggest(arguments: argparse.Namespace, classes: list[str]) -> "Suggest | None":
    if not arguments.actions:
        return None
    from mien.action_commands import suggester

    return suggester(classes)


def _face_reader(arguments: argparse.Namespace) -> "FaceReader":
    from mien.detection import make_detector
    from mien.face_reader import FaceReader
    from mien.image_predictor import ImagePredictor

    return FaceReader(ImagePredictor.named(arguments.model), make_detector(arguments.detector))


def _aus(arguments: argparse.Namespace) -> None:
    from mien import au_commands
    from mien.predictor import AuPredictor

    if bool(arguments.files) == bool(arguments.au):
        raise InputError("found both or neither of FILE.csv and --au, expected one: mien aus --au 6=98 --au 12=97")
    if arguments.au and (arguments.output or arguments.per_file):
        raise InputError("found --output or --per-file beside --au, expected them with a FILE.csv")
    predictor = AuPredictor.named(arguments.model)
    if arguments.au:
        au_commands.predict_one(arguments.au, predictor, arguments.json)
        return
    reading = au_commands.Reading(arguments.format, arguments.missing or "fail")
    au_commands.predict_files(arguments.files, predictor, reading, arguments.output, arguments.json, arguments.per_file)


def _score(arguments: argparse.Namespace) -> None:
    from mien.image_commands import holds_images

    if not arguments.source.exists():
        raise InputError(f"{arguments.source}: no such file or folder, expected images or an AU table")
    images = holds_images(arguments.source)
    odd = ("label", "format", "missing") if images else ("split", "views", "engine")
    if given := [f"--{name}" for name in odd if getattr(arguments, name)]:
        kinds = ("images", "an AU table") if images else ("an AU table", "images")
        raise InputError(f"{arguments.source}: is {kinds[0]}: found {', '.join(given)}, expected only with {kinds[1]}")
    (_score_images if images else _score_aus)(arguments)


def _score_images(arguments: argparse.Namespace) -> None:
    from mien import image_commands
    from mien.image_predictor import ImagePredictor

    predictor = ImagePredictor.named(arguments.model)
    image_commands.score(
        arguments.source,
        arguments.split,
        predictor,
        arguments.views,
        arguments.all_classes,
        arguments.json,
        arguments.engine or "local",
    )


def _score_aus(arguments: argparse.Namespace) -> None:
    from mien import au_commands
    from mien.predictor import AuPredictor

    reading = au_commands.Reading(arguments.format, arguments.missing or "fail")
    predictor = AuPredictor.named(arguments.model)
    label = arguments.label or "emotion"
    au_commands.score(arguments.source, label, predictor, reading, arguments.all_classes, arguments.json)


def _actions(arguments: argparse.Namespace) -> None:
    from mien import action_commands

    action_commands.suggest(
        arguments.emotions, arguments.context, arguments.joints, arguments.top, arguments.model, arguments.json
    )


def _convert(arguments: argparse.Namespace) -> None:
    from mien.convert import convert

    if not 1 <= arguments.size <= 512:
        raise InputError(f"--size: found {arguments.size}, expected 1..512")
    convert(arguments.source, arguments.target, arguments.size)


def _compare(arguments: argparse.Namespace) -> None:
    from mien import comparison

    comparison.compare(arguments.experiments, arguments.output, arguments.title)


def _summary(_: argparse.Namespace) -> None:
    from mien import report

    print(report.summary())


def _recipe(arguments: argparse.Namespace) -> None:
    from mien import recipes

    print(*recipes.flags(arguments.name))


def _report(arguments: argparse.Namespace) -> None:
    from mien import report

    report.write_report(arguments.folder, arguments.title, arguments.command)


def _search(arguments: argparse.Namespace) -> None:
    from mien.search import search

    for name, least in (("trials", 1), ("cpus", 1), ("gpus", 0)):
        if (found := getattr(arguments, name)) is not None and found < least:
            raise InputError(f"--{name}: found {found}, expected at least {least}")
    for trial in search(arguments.space, arguments.output, arguments.trials, arguments.cpus, arguments.gpus):
        print(trial.command)


def _sync(_: argparse.Namespace) -> None:
    from mien.mlflow_sync import sync

    for line in sync():
        print(line)


def _register(_: argparse.Namespace) -> None:
    from mien import mlflow_model

    print(mlflow_model.register())
