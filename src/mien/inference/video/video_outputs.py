"""The files that are written about videos."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien._io.errors import InputError
from mien._io.outputs import Output, check_folder_name, check_outputs, check_suffix, check_text

#: The option that names each output.
OPTIONS = {"video": "--annotated", "timeline": "--faces-csv", "plot": "--output-plot"}

_SUFFIXES = {"video": ".mp4", "timeline": ".csv", "plot": ".png"}
_CHECKED = ("video", "plot")  # outputs whose format follows from the suffix


@dataclass(frozen=True)
class VideoOutputs:
    """Output files of one video; None for no output.

    Attributes:
        video: an MP4 file with boxes and labels and the sound of the source.
        timeline: a CSV, one row per face and frame: frame (from 0), seconds, face (its number as long as it is
            tracked), then `EmotionRecognizer.columns`.
        plot: a PNG of the emotions over time.
    """

    video: Path | None = None
    timeline: Path | None = None
    plot: Path | None = None

    def paths(self) -> dict[str, Path]:
        """Return the files to write, by their names here."""
        return {name: path for name, path in vars(self).items() if path is not None}

    def check(self) -> None:
        """Raise InputError if a name has the suffix of another format, or if two outputs are the same file."""
        for name, path in self.paths().items():
            if name in _CHECKED:
                check_suffix(OPTIONS[name], path, [_SUFFIXES[name]])
            else:
                check_text(OPTIONS[name], path)
        check_outputs(self.paths().values())


def outputs_per_video(paths: Sequence[Path | str], named: Mapping[str, Output]) -> list[VideoOutputs]:
    """Return the outputs of each video. Makes the folders of files that are named after the videos.

    Args:
        paths: the videos.
        named: outputs by their names in `VideoOutputs`. For several videos, all are folders.

    Raises:
        InputError: two outputs are the same file, an output is one of the videos, a suffix is of another format, or a
            folder cannot be made.
    """
    if len(paths) > 1:
        _check_several(paths, named)
    is_folder = {name: len(paths) > 1 or output.names_folder() for name, output in named.items()}
    outputs = [
        VideoOutputs(
            **{
                name: output.path / f"{Path(path).stem}{_SUFFIXES[name]}" if is_folder[name] else output.path
                for name, output in named.items()
            }
        )
        for path in paths
    ]
    for each in outputs:
        each.check()
    check_outputs([path for each in outputs for path in each.paths().values()], paths)
    _make_folders([output.path for name, output in named.items() if is_folder[name]])
    return outputs


def _check_several(paths: Sequence[Path | str], named: Mapping[str, Output]) -> None:
    for name, count in Counter(Path(path).stem for path in paths).items():
        if count > 1:
            raise InputError(f"{count} videos are called {name}, expected different names for their results")
    for name, output in named.items():
        if not output.is_folder:
            check_folder_name(output.path, f"a folder for several videos in {OPTIONS[name]}")
    if not named:
        raise InputError("found several videos, but no FOLDER for --annotated, --faces-csv or --output-plot")


def _make_folders(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: is not a folder for files of videos ({error.strerror})") from None
