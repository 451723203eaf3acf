"""Files of every form that commands read, harm to them, and what must hold of each run with a harmed file.

A run ends with exit code 0, or 3 for a drift; or with 2 and a line that names the file, or the folder it is
in. Nothing is printed on stderr but
notes and errors of mien, and there is no traceback. A file that was cut, where its form has an end, or changed below a
checksum of its own form, gives what the whole one gave, or a note or an error.
"""

import os
import random
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple, TextIO

from helpers.networks import brightness_network
from helpers.pictures import write_files
from mien.cli import main

_LINE = re.compile(r"(mien[ \w]*: )?(note|error): |[ \w]+: +\d+%")  # of stderr; the last is a progress bar's
_CODES = (0, 2, 3)


class Reading(NamedTuple):
    """A command that reads files.

    Attributes:
        run: a command line.
        files: what is there, by name.
        harmed: which of them are harmed; all where it names none.
        is_checked: whether the form of these files has checksums of what it holds.
        has_end: whether it tells where a file ends; lines of text do not.
    """

    run: str
    files: Mapping[str, bytes]
    harmed: tuple[str, ...] = ()
    is_checked: bool = False
    has_end: bool = True


class Try(NamedTuple):
    """What became of a run. problem: "" where all held. outcome: "read", "read, with a note" or "refused"."""

    problem: str
    outcome: str
    said: str


def harm(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return how some bytes were harmed, and what they are then."""
    kind = rng.choice(("flip", "flip", "cut", "zeros", "insert", "repeat"))
    place = rng.randrange(len(data))
    match kind:
        case "flip":
            return kind, data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
        case "cut":
            return kind, data[:place]
        case "zeros":
            return kind, data[:place] + bytes(min(16, len(data) - place)) + data[place + 16 :]
        case "insert":
            return kind, data[:place] + rng.randbytes(rng.randrange(1, 9)) + data[place:]
    return kind, data[: place + 1] + data[max(place - 30, 0) :]


class Harness:
    """Runs one reading with whole and with harmed files, in a folder of its own."""

    def __init__(self, reading: Reading, folder: Path) -> None:
        """Run it with whole files. Raises AssertionError if these are not read without an error."""
        self._reading, self._folder = reading, folder
        self._code, self._out, err = self._run()
        assert self._code in (0, 3), f"{reading.run}: {err}"
        self._notes = len(err.splitlines())

    def attempt(self, seed: int) -> Try:
        """Harm one of the files, and run the command. The same seed does the same harm."""
        rng = random.Random(seed)
        name = rng.choice(self._reading.harmed or list(self._reading.files))
        named = Path(name).parts[0]  # the file, or the folder that is read
        kind, data = harm(self._reading.files[name], rng)
        code, out, err = self._run({name: data})
        lines = err.splitlines()
        is_said = code == 2 or len(lines) > self._notes
        outcome = "refused" if code == 2 else "read, with a note" if is_said else "read"
        is_noticed = (kind == "cut" and self._reading.has_end) or self._reading.is_checked
        problem = ""
        if code not in _CODES:
            problem = f"exit code {code}: {err[-2000:]}"
        elif noise := [line for line in lines if line and not _LINE.match(line)]:
            problem = f"printed {noise[0]}"
        elif code == 2 and not any("error: " in line and named in line for line in lines):
            problem = f"no error names the file: {err}"
        elif is_noticed and not is_said and out != self._out:
            problem = "gives something else than the whole file, without a word"
        return Try(f"{name}, {kind}, seed {seed}: {problem}" if problem else "", outcome, lines[-1] if lines else "")

    def _run(self, changed: Mapping[str, bytes] | None = None) -> tuple[int, str, str]:
        """Run the command; return its exit code, what it printed and wrote as CSV, and its stderr."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name, _inside(Path(name)):
            write_files(Path(), {**self._reading.files, **(changed or {})})
            brightness_network(Path("net"))
            code, out, err = _call(shlex.split(self._reading.run))
            written = "".join(path.read_text() for path in sorted(Path().glob("out*.csv")))
            return code, out + written, err


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _call(words: list[str]) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code, 1 after a traceback, and what all libraries printed."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(_captured(number)) for number in (1, 2))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        code, before, sys.argv = 0, sys.argv, words
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        except BaseException:  # noqa: BLE001 -- what Python itself would do
            traceback.print_exc()
            code = 1
        finally:
            sys.argv = before
        return code, *(_all_of(stream) for stream in (out, err))  # type: ignore[return-value]


@contextmanager
def _captured(number: int) -> Iterator[TextIO]:
    """Send what is written to a file descriptor to a file, in C libraries, too; yield the file."""
    with tempfile.TemporaryFile("w+", errors="backslashreplace") as stream:
        kept = os.dup(number)
        os.dup2(stream.fileno(), number)
        try:
            yield stream
        finally:
            os.dup2(kept, number)
            os.close(kept)


def _all_of(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read()
