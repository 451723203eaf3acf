"""A stdout on a full disk is one line and exit code 2; a closed one ends quietly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien._io.atomic import output_file, output_folders
from mien._io.errors import reports_input_errors
from mien._io.stdout import STDOUT, named_stdout

FULL = "error: standard output: No space left on device\n"
_START = "import sys; from mien._io.errors import InputError, reports_input_errors as main\n"


def run(code: str, unbuffered: str, stdout: str = "/dev/full") -> tuple[int, str]:
    """Run the body of a main function. Returns its exit code and stderr."""
    command = [sys.executable, "-c", f"{_START}@main\ndef run():\n    {code}\nrun()"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path(stdout).open("w") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "code",
    ["print('x')", "print('x', flush=True)", "print('x' * 100_000)", "print('x'); sys.exit(3)"],
)
def test_a_full_disk_is_one_line(code: str, unbuffered: str) -> None:
    assert run(code, unbuffered) == (2, FULL)


def test_an_error_is_not_hidden_by_a_full_disk() -> None:
    assert run("print('x'); raise InputError('a.csv: wrong')", "") == (2, "error: a.csv: wrong\n")


def test_a_command_says_it() -> None:
    with Path("/dev/full").open("w") as file:
        command = [sys.executable, "-m", "mien", "--version"]
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, FULL)


def test_a_reader_that_has_left_is_no_error() -> None:
    command = [sys.executable, "-c", f"{_START}@main\ndef run():\n    print('x')\nrun()"]
    reader, writer = os.pipe()
    os.close(reader)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_output_is_blamed_for_stdout(tmp_path: Path) -> None:
    error = OSError(28, "No space left on device", STDOUT)
    for output in (output_file(tmp_path / "a.csv"), output_folders(tmp_path / "a")):
        with pytest.raises(OSError, match=STDOUT), output:
            raise error


def test_a_full_temporary_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @reports_input_errors
    def main() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == "error: a temporary file: No space left on device\n"


def test_stdout_is_the_former_one_afterwards() -> None:
    stream = sys.stdout
    with named_stdout():
        assert sys.stdout is not stream
        assert sys.stdout.encoding == stream.encoding
    assert sys.stdout is stream
