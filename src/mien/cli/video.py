"""`mien video` and `mien webcam`: emotions of the faces in video files and in front of cameras."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien.cli.face_options import action_names, aus, face_options, prior_option
from mien.cli.options import combined, command, executor_option, option
from mien.cli.paths import LOCATION, OUTPUT

if TYPE_CHECKING:
    from mien._io.outputs import Output
    from mien.config import ExecutorName
    from mien.inference.videos import VideoReader


#: Shared by both commands: how frames are read, and the outputs.
_frame_options = combined(
    face_options,
    prior_option("Model"),
    option(
        "--detect-every", group="Input", type=int, default=5, metavar="N",
        help="Detect faces in every Nth frame and track them in between.",
    ),
    option(
        "--annotated", was="--output", group="Output", type=OUTPUT, metavar="OUT.mp4",
        help="Write the video with boxes and labels, and the sound of a file or URL.",
    ),
    option(
        "--faces-csv", was="--output-csv", group="Output", type=OUTPUT, metavar="OUT.csv",
        help="Write one row per face and frame: time, number of the face, box, emotion, confidence, the probability of "
        "each emotion; with --aus also the intensity of each Action Unit, 0..100.",
    ),
    option(
        "--output-plot", group="Output", type=OUTPUT, metavar="OUT.png",
        help="Write a plot of the emotions over time. Needs the extra `pipeline`.",
    ),
    aus,
    action_names,
    option("--no-display", is_flag=True, group="Output", help="Do not open a window."),
)  # fmt: skip


@command(
    examples="mien video clip.mp4\n"
    "mien video clip.mp4 --no-display --annotated out.mp4 --faces-csv faces.csv --output-plot times.png\n"
    "mien video clips/*.mp4 --faces-csv faces/ --executor ray"
)
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    type=LOCATION,
    metavar="SOURCE...",
    help="Videos: files such as MP4, AVI, MOV, GIF or animated WebP, or URLs.",
)
@_frame_options
@executor_option(
    "Read videos on this machine or on the Ray cluster at RAY_ADDRESS, where each worker reads one, without a window."
)
def video(sources: tuple[Path | str, ...], no_display: bool, executor: "ExecutorName", **options: Any) -> None:
    """Read emotions from the faces in a video.

    Finds and tracks the faces in a video file, smooths their emotions over time, and shows them in a window. Press q or
    Ctrl+C to stop; outputs then contain the frames read so far. Several files are read without a window, and outputs
    are folders of files named after the videos, as is an output whose name ends in a slash. Unreadable videos are
    reported and skipped; the exit code is then 2.
    """
    from mien.inference.videos import read_videos

    reader, named = _reader(display=not (no_display or executor == "ray"), **options)
    read_videos(sources, reader, named, executor)


@command(examples="mien webcam\nmien webcam --camera 1 --actions --annotated recording.mp4")
@option(
    "--camera", group="Input", default="0", metavar="NUMBER|URL",
    help="Which camera: its number from 0, a URL such as rtsp://HOST/PATH, or a device such as /dev/video1.",
)  # fmt: skip
@_frame_options
def webcam(camera: str, no_display: bool, **options: Any) -> None:
    """Read emotions live from the faces in front of a camera.

    Shows the camera's picture with the emotion of each face, smoothed over time. Press q or Ctrl+C to stop.
    """
    from concurrent.futures import ThreadPoolExecutor

    from mien.inference.video.frames import open_camera
    from mien.inference.video.video_outputs import OPTIONS, VideoOutputs

    reader, named = _reader(display=not no_display, **options)
    outputs = VideoOutputs(**{name: output.as_file(OPTIONS[name]) for name, output in named.items()})
    outputs.check()
    with open_camera(camera) as source, ThreadPoolExecutor(1) as background:
        reader.read(source, outputs, background)


def _reader(
    *,
    annotated: "Output | None",
    faces_csv: "Output | None",
    output_plot: "Output | None",
    **reading: Any,
) -> "tuple[VideoReader, dict[str, Output]]":
    """Return the settings, and the outputs by their names in `VideoOutputs`."""
    from mien._io.extras import require
    from mien.inference.videos import VideoReader

    if output_plot:
        require("pipeline", "matplotlib", what="--output-plot")
    named = {"video": annotated, "timeline": faces_csv, "plot": output_plot}
    return VideoReader(**reading), {name: output for name, output in named.items() if output}
