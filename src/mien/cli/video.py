"""`mien video` and `mien webcam`: emotions of the faces in video files and before cameras."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.options import Commands, Help, add_action_names, add_detector, add_executor, add_face_model

if TYPE_CHECKING:
    from mien.inference.video_batch import VideoReading
    from mien.inference.videos import VideoOutputs


def add(commands: Commands) -> None:
    """Add `mien video` and `mien webcam`."""
    _add_video(commands)
    _add_webcam(commands)


def _add_video(commands: Commands) -> None:
    parser = commands.add_parser(
        "video",
        help="read emotions from the faces of a video",
        description="Find and follow the faces of a video file, smooth their emotions over time, and show them. q or "
        "Ctrl+C ends it; outputs hold what came until then. Of several files none is shown, and outputs are folders.",
        epilog="examples: mien video clip.mp4\n"
        "          mien video clip.mp4 --no-display --output out.mp4 --output-csv times.csv --output-plot times.png\n"
        "          mien video rack/*.mp4 --output-csv times/ --executor ray",
        formatter_class=Help,
    )
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="SOURCE", help="a video file, such as MP4, AVI, MOV or GIF"
    )
    parser.add_argument("--no-display", action="store_true", help="open no window")
    _add_video_options(parser)
    add_executor(parser, "each video by a worker, without a window")
    parser.set_defaults(run=_video)


def _add_webcam(commands: Commands) -> None:
    parser = commands.add_parser(
        "webcam",
        help="read emotions from the faces that a camera sees, live",
        description="Show what a camera sees, with the emotion of each face, smoothed over time. q or Ctrl+C ends it.",
        epilog="examples: mien webcam\n          mien webcam --camera 1 --actions --output recording.mp4",
        formatter_class=Help,
    )
    parser.add_argument("--camera", type=int, default=0, metavar="NUMBER", help="which camera, from 0 (0)")
    parser.add_argument("--no-display", action="store_true", help="open no window")
    _add_video_options(parser)
    parser.set_defaults(run=_webcam)


def _add_video_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="OUT.mp4", help="the video with boxes and labels, without sound")
    parser.add_argument(
        "--output-csv", type=Path, metavar="T.csv", help="a row a face and frame: box, emotion, probability of each"
    )
    parser.add_argument("--output-plot", type=Path, metavar="T.png", help="a plot of the emotions over time")
    add_action_names(parser)
    add_detector(parser)
    parser.add_argument(
        "--detect-every",
        type=int,
        default=5,
        metavar="N",
        help="search one of N frames, follow faces in the others (5)",
    )
    add_face_model(parser)


def _video(arguments: argparse.Namespace) -> None:
    from mien.inference.video_batch import read_videos

    reading, outputs = _video_reading(arguments, display=not (arguments.no_display or arguments.executor == "ray"))
    read_videos(arguments.sources, reading, outputs, arguments.executor or "local")


def _webcam(arguments: argparse.Namespace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from mien.inference.frames import open_camera

    reading, outputs = _video_reading(arguments, display=not arguments.no_display)
    with open_camera(arguments.camera) as source, ThreadPoolExecutor(1) as beside:
        reading.read(source, outputs, beside)


def _video_reading(arguments: argparse.Namespace, display: bool) -> "tuple[VideoReading, VideoOutputs]":
    from mien.inference.video_batch import VideoReading
    from mien.inference.videos import VideoOutputs

    outputs = VideoOutputs(arguments.output, arguments.output_csv, arguments.output_plot)
    reading = VideoReading(
        arguments.model, arguments.detector, arguments.detect_every, arguments.actions, display=display
    )
    return reading, outputs
