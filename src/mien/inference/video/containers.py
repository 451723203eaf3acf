"""Opens the files, URLs and devices that FFmpeg reads."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from mien._io.errors import InputError, first_line
from mien._io.quiet import quiet_ffmpeg

quiet_ffmpeg()  # errors are reported in one line here

PATIENCE = 10.0  #: seconds to wait for a server's answer
_WAITED = 0.9  # share of it after which an error counts as a timeout, as some protocols do not say so


@contextmanager
def opened(location: Path | str) -> Iterator[InputContainer]:
    """Open a file (Path), a URL or a device (str).

    Raises:
        InputError: it is not a video, or a server does not answer.
    """
    start, logged = time.monotonic(), logged_errors()
    with ExitStack() as stack:
        try:
            if isinstance(location, Path):
                container = stack.enter_context(opened_file(location))
            else:
                device = "v4l2" if location.startswith("/dev/") else None
                container = stack.enter_context(av.open(location, "r", format=device, timeout=PATIENCE))
        except (av.error.FFmpegError, ValueError) as error:
            if isinstance(error, av.error.ExitError) or (isinstance(location, str) and _has_waited(start)):
                raise InputError(f"{location}: did not answer within {PATIENCE:g} s") from None
            if isinstance(location, str) and not isinstance(error, av.error.InvalidDataError):
                raise InputError(f"{location}: cannot be opened ({_reason(error, logged)}), expected a video") from None
            raise InputError(
                f"{location}: cannot be read as a video ({_reason(error, logged)}), expected one of a kind that FFmpeg "
                "reads, such as MP4"
            ) from None
        yield container


@contextmanager
def opened_file(path: Path) -> Iterator[InputContainer]:
    """Open a file of any name. Raises FFmpegError if it is not video or sound."""
    with ExitStack() as stack:
        if has_plain_name(path):  # "file:", so that a colon in the name does not look like a protocol
            yield stack.enter_context(av.open(f"file:{path}", "r"))
        else:
            yield stack.enter_context(av.open(stack.enter_context(path.open("rb")), "r"))


def has_plain_name(path: Path) -> bool:
    """Tell whether FFmpeg accepts a file name, which must be UTF-8."""
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _has_waited(start: float) -> bool:
    return time.monotonic() - start > _WAITED * PATIENCE


def logged_errors() -> int:
    """Return how many errors FFmpeg has logged. This is the only sign that a container skips damaged parts."""
    return av.logging.get_last_error()[0]


def _reason(error: Exception, logged: int) -> str:
    """Return why a file cannot be opened.

    Args:
        error: what was raised.
        logged: `logged_errors` before opening, as older messages are about other files.
    """
    if not isinstance(error, av.error.FFmpegError):
        return first_line(error)
    log = error.log if error.log and logged_errors() > logged else ()
    texts = (error.strerror, *log[-1:])  # the log entry: level, name, text
    return ": ".join(str(text).strip() for text in texts if text)
