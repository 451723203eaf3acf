"""Bad input is one printable line and exit code 2."""

import errno
import signal
from pathlib import Path

import pytest

from mien._io.errors import InputError, first_line, noting, printable, reports_input_errors, within


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain: 'x', é, 日本", "plain: 'x', é, 日本"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown == str(InputError(text))


def test_long_words_and_long_messages_are_cut_in_the_middle() -> None:
    word = printable(f"start {'n' * 5000}end of it")
    assert len(word) < 300
    assert word.startswith("start nnn")
    assert word.endswith("nend of it")
    message = printable("word " * 5000 + "last")
    assert len(message) < 2000
    assert message.endswith("word last")


def test_the_first_line_of_an_error_or_its_kind() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"


def test_places_are_named_from_the_outside_in() -> None:
    with pytest.raises(InputError, match=r"^params.yaml: a: wrong$"), within(Path("params.yaml")), within("a"):
        raise InputError("wrong")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("a.csv: row 1: found x"), 2, "error: a.csv: row 1: found x"),
        (OSError(errno.EACCES, "Permission denied", "dir\n"), 2, "error: dir\\n: Permission denied"),
        (KeyboardInterrupt(), 128 + signal.SIGINT, "interrupted"),
    ],
)
def test_an_entry_point_reports_in_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @reports_input_errors
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code, capsys.readouterr().err) == (code, f"{line}\n")


def test_notes_are_printed_before_an_error_too(capsys: pytest.CaptureFixture[str]) -> None:
    @reports_input_errors
    def main() -> None:
        with noting("faces") as notes:
            notes.append("41 images show no face")
            raise InputError("too few")

    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == "note: faces: 41 images show no face\nerror: too few\n"


@pytest.mark.parametrize("error", [OSError("no file"), ZeroDivisionError()])
def test_mistakes_of_the_code_are_not_hidden(error: Exception) -> None:
    @reports_input_errors
    def main() -> None:
        raise error

    with pytest.raises(type(error)):
        main()
